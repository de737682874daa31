"""Who may write and sign reports, what is refused of them, and what exactly a signature covers."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _

from wasl.kernel.errors import Invalid, NotAllowed, Refused
from wasl.radiology.rules import followups, reading

CAN: dict[str, frozenset[str]] = {
    "add_template": frozenset({"chief", "administrator", "system"}),
    "add_phrase": frozenset({"resident", "radiologist", "chief", "administrator", "system"}),
    "save_draft": reading.READERS,
    "mark_key_image": reading.READERS,
    "unmark_key_image": reading.READERS,
    "sign_report": frozenset({"radiologist"}),
    "begin_addendum": frozenset({"radiologist"}),
    "make_document": frozenset({"system"}),
    "file_document": frozenset({"system"}),
}

SECTIONS: Final = ("title", "indication", "technique", "comparison", "findings", "conclusion")
LANGUAGES: Final = ("ar", "fr", "en")
LONGEST: Final = 20_000  # characters of a section
SHORTCUT_LONGEST: Final = 30


class UnknownSection(Invalid):
    """A report has no section called {section}."""


class NotALanguageOfReports(Invalid):
    """Reports are written in Arabic, French or English."""


class TooLong(Invalid):
    """A section of a report holds at most {most} characters."""


class DraftChanged(Refused):
    """This draft was changed elsewhere since you opened it. Your text is still here; nothing was overwritten."""


class AlreadySigned(Refused):
    """This report is already signed; it can no longer change."""


class NotSigned(Refused):
    """This report is not signed yet."""


class NotReady(Invalid):
    """The report cannot be signed yet."""


class AddendumBegun(Refused):
    """{reader} is already writing an addendum to this report."""


class NotYourDraft(NotAllowed):
    """Another reader is writing this addendum."""


class NotInThisStudy(Invalid):
    """This image does not belong to the study that you are reading."""


class TemplateExists(Refused):
    """There is already a template of this name for this exam in this language."""


class ShortcutTaken(Refused):
    """The shortcut {shortcut} already stands for another phrase."""


class NotAShortcut(Invalid):
    """A shortcut is one word of at most 30 letters, and its phrase is not empty."""


def check_language(language: str) -> None:
    """A report is written in one of the three languages."""
    if language not in LANGUAGES:
        raise NotALanguageOfReports


def written(sections: Mapping[str, str]) -> dict[str, str]:
    """The sections as they are kept: known names only, plain text, in the order of the report."""
    for name, text in sections.items():
        if name not in SECTIONS:
            raise UnknownSection(section=name)
        if len(text) > LONGEST:
            raise TooLong(most=LONGEST)
    plain = {name: sections.get(name, "").replace("\x00", "").replace("\r\n", "\n") for name in SECTIONS}
    return {name: text for name, text in plain.items() if text}


def check_writer(*, state: str, claimed_by: UUID | None, draft_author: UUID | None, person: UUID | None) -> None:
    """A first report is written by the reader who holds the case, an addendum (`draft_author`) by who began it."""
    if draft_author is not None:
        if draft_author != person:
            raise NotYourDraft
    elif state == "signed":
        raise AlreadySigned
    else:
        reading.check_mine(state, claimed_by, person)


def check_signable(
    sections: Mapping[str, str], *, critical: bool, critical_what: str, follow_up: Mapping[str, str] | None = None
) -> None:
    """A report is signed with a conclusion; a critical one says what is critical, a recommended exam all of itself."""
    wrong = followups.wrong(follow_up)
    if not sections.get("conclusion", "").strip():
        wrong["conclusion"] = _("Write a conclusion before you sign.")
    if critical and not critical_what.strip():
        wrong["critical_what"] = _("Say what the critical result is: the requesting doctor reads it first.")
    if wrong:
        raise NotReady(fields=wrong)


def check_phrase(shortcut: str, text: str) -> None:
    """A shortcut is one short word, and it stands for something."""
    if not shortcut or len(shortcut) > SHORTCUT_LONGEST or shortcut.split() != [shortcut] or not text.strip():
        raise NotAShortcut


def signed_content(
    *, report: UUID, accession: str, study_uid: str, patient: UUID, author: UUID, language: str,
    sections: Mapping[str, str], critical_what: str, critical: bool,
    key_images: list[tuple[str, int, str]], adds_to: str, signed_at: datetime.datetime, follows: str = "",
    critical_category: int = 1, follow_up: Mapping[str, str] | None = None,
    preliminary: bool = False, finalises: str = "", change: str = "", drafted_by: UUID | None = None,
    display: UUID | None = None, region: str = "", readers: Sequence[Mapping[str, str]] = (),
    views: Sequence[tuple[str, int, object]] = (),
) -> bytes:  # fmt: skip
    """Everything that a signature covers, always in the same bytes: JSON with sorted keys and no spaces, in UTF-8."""
    content = {
        "report": str(report), "accession": accession, "study": study_uid, "patient": str(patient),
        "author": str(author), "language": language, "sections": dict(sections), "critical": critical,
        "critical_what": critical_what, "key_images": sorted([uid, frame, note] for uid, frame, note in key_images),
        "adds_to": adds_to, "signed_at": signed_at.astimezone(datetime.UTC).isoformat(timespec="microseconds"),
    }  # fmt: skip
    if follows:  # of the report signed under another patient's name
        content["follows"] = follows
    if critical and critical_category != 1:  # what was signed before there were categories is of the first
        content["critical_category"] = critical_category
    if follow_up is not None:
        content["follow_up"] = dict(follow_up)
    if preliminary:
        content["preliminary"] = True
    if finalises:  # the digest of the preliminary report, and how this one differs
        content |= {"finalises": finalises, "change": change}
    if drafted_by:
        content["drafted_by"] = str(drafted_by)
    if display:  # the check of the display on which it was signed
        content["display_check"] = str(display)
    if region:  # of which this is a finding told before the report
        content["region"] = region
    if readers:  # who read which region
        content["readers"] = [dict(reader) for reader in readers]
    if views:  # how the key images are shown, where otherwise than they are
        content["views"] = sorted(([*view] for view in views), key=lambda view: view[:2])
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(content: bytes) -> str:
    """The digest of what was signed: SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
