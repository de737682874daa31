"""The dictionary of given names, changed by people, and stored records read again by what changed.

Reading again touches what records are found and counted by, and nothing else: neither what was said nor whose it is.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import Max, QuerySet
from django.utils import timezone

from wasl.kernel.access import SYSTEM, Actor
from wasl.kernel.events import emit
from wasl.kernel.verbs import verb
from wasl.patients import queries
from wasl.patients.events import GivenNameAdded, NamesRead, NamesRelated, SpellingAdded, SpellingWithdrawn
from wasl.patients.models import KnownName, NameVersion, NameWord, RecordKey, RecordVersion, Spelling
from wasl.patients.rules import dictionary as rules
from wasl.patients.rules import given, merging
from wasl.patients.rules.matching import live
from wasl.patients.services.records import ENTER_KEYS

TURN = "select pg_advisory_xact_lock(hashtextextended('patients:names', 0))"
AT_ONCE = 2000  # records that are looked at in one transaction


@verb
def add_given_name(*, sex: str, arabic: str, spellings: Sequence[str], because: str, by: Actor) -> KnownName:
    """Add a name that the dictionary does not have, with its spellings; from now on it is told from all others."""
    why, kept = _begin(because, by), rules.check_arabic(arabic)
    key = given.Name(rules.check_sex(sex), kept, ()).key
    rules.check_new(key, given.known_names())
    version = _version(why, by)
    name = KnownName.objects.create(sex=sex, arabic=kept, since=version)
    for text in dict.fromkeys((kept, *spellings)):
        _spell(key, text, version)
    emit(GivenNameAdded(version=version.id, number=version.number, given_name=key), by=by)
    return name


@verb
def add_spelling(name: str, *, written: str, because: str, by: Actor) -> Spelling:
    """Say how a name is written too; a spelling that is of another name is refused."""
    why, key = _begin(because, by), queries.given_name(name, viewer=SYSTEM).name.key
    version = _version(why, by)
    row = _spell(key, written, version)
    emit(SpellingAdded(version=version.id, number=version.number, given_name=key, written=row.written), by=by)
    return row


@verb
def withdraw_spelling(key: UUID, *, because: str, by: Actor) -> Spelling:
    """Take back a spelling that somebody added; those of the shipped table stay."""
    why, row = _begin(because, by), queries.spelling(key, viewer=SYSTEM)
    merging.check_standing_difference(row.until_id is not None)
    row.until = version = _version(why, by)
    row.save(update_fields=("until",))
    emit(SpellingWithdrawn(version=version.id, number=version.number, given_name=row.name, written=row.written), by=by)
    return row


@verb
def relate_names(one: str, other: str, *, says: str, because: str, by: Actor) -> NameWord:
    """Say that two names are one, or two; what was said of them before holds no longer."""
    why = _begin(because, by)
    first, second = sorted(queries.given_name(key, viewer=SYSTEM).name.key for key in (one, other))
    rules.check_word(first, second, says, *queries.name_words(viewer=SYSTEM))
    version = _version(why, by)
    NameWord.objects.filter(one=first, other=second, until=None).update(until=version)
    word = NameWord.objects.create(one=first, other=second, says=NameWord.Says(says), since=version)
    emit(NamesRelated(version=version.id, number=version.number, one=first, other=second, says=says), by=by)
    return word


def _begin(because: str, by: Actor) -> str:
    """Whether somebody may change the dictionary, and why; whoever else does so at this moment waits for the end."""
    merging.check_person(by)
    rules.check_editor(by)
    why = merging.check_merge_reason(because)
    with connection.cursor() as cursor:
        cursor.execute(TURN)
    queries.read_newest(viewer=SYSTEM)
    return why


def _version(why: str, by: Actor) -> NameVersion:
    """The next version. It is made after all was asked of the dictionary: who asks then would read half of it."""
    last = NameVersion.objects.aggregate(last=Max("number"))["last"] or 0
    return NameVersion.objects.create(number=last + 1, by=str(by), because=why)


def _spell(key: str, text: str, version: NameVersion) -> Spelling:
    written = rules.check_written(text)
    standing = Spelling.objects.filter(form=given.form(written), until=None).first()
    if standing is not None and standing.since_id == version.id:
        return standing  # two spellings of one form, given together
    rules.check_free(key, written, given.holders(written))
    return Spelling.objects.create(name=key, written=written, form=given.form(written), since=version)


@verb
def read_names_again(*, by: Actor) -> int:
    """Read some stored records by the oldest version that is not read yet; gives how many versions are left.

    It goes on where it stopped, and does to a record what registering it anew would.
    """
    unread = queries.unread_versions(viewer=by)
    if not unread:
        return 0
    version = NameVersion.objects.select_for_update().get(id=unread[0].id)
    changed = frozenset(_changed(version))
    rows = RecordVersion.objects.filter(superseded_at=None).order_by("record_id")
    if version.read_to:
        rows = rows.filter(record_id__gt=version.read_to)
    seen = list(rows.values_list("record_id", "id", "said")[:AT_ONCE]) if changed else []
    old, new = queries.edits_at(version.number - 1, viewer=by), queries.read_newest(viewer=by)
    _read(rows, [key for _, key, said in seen if _names(said, changed)], old, new)
    version.read_to = seen[-1][0] if seen else version.read_to
    if len(seen) < AT_ONCE:
        version.read_at = timezone.now()
        emit(NamesRead(version=version.id, number=version.number), by=by)
    version.save(update_fields=("read_to", "read_at"))
    return len(unread) - bool(version.read_at)


def _changed(version: NameVersion) -> Iterable[str]:
    """The spellings, as they are looked up, that a version added or took away."""
    yield from Spelling.objects.filter(since=version).values_list("form", flat=True)
    yield from Spelling.objects.filter(until=version).values_list("form", flat=True)


def _names(said: dict[str, str], changed: frozenset[str]) -> bool:
    return any(form in changed for name in ("first_lat", "first_ar") for form in given.forms_in(said.get(name, "")))


def _read(rows: QuerySet[RecordVersion], keys: Sequence[UUID], old: given.Edits, new: given.Edits) -> None:
    """Write again by what some records are found and counted, where it is not what it was."""
    held = list(rows.select_for_update().filter(id__in=keys))
    texts = [live.row(one.said) for one in held]
    with given.reading(old):
        before = live.indexed(texts)
    with given.reading(new):
        after = live.indexed(texts)
    for one, was, now in zip(held, before, after, strict=True):
        gone = set(was.keys) - set(now.keys)
        RecordKey.objects.filter(key__in=gone, record=one.record_id).delete()
        with connection.cursor() as cursor:
            cursor.execute(ENTER_KEYS, [one.record_id, list(now.keys)])
        if one.given != now.values["given"]:
            RecordVersion.objects.filter(id=one.id).update(given=now.values["given"])
