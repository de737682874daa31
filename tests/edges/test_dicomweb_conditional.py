"""What a client has already: it is told so, and never of metadata that are others now, nor to who may not see them."""

from pathlib import Path

import pytest

from tests import make
from tests.cast import Cast, cast
from tests.edges.dicomweb import Service, forget, service
from tests.edges.test_dicomweb_wado import at
from tests.hear import hear
from wasl.archive import services as archive
from wasl.archive.models import Conflict, Instance, Study
from wasl.edges.conditional import has
from wasl.kernel.access import SYSTEM
from wasl.patients import services as patients
from wasl.patients.models import Access, Patient

pytestmark = pytest.mark.django_db(transaction=True)

CODINGS = ("gzip", "identity")


@pytest.fixture
def stage(store: Path) -> Cast:
    return cast()


def metadata_of(study: Study) -> tuple[str, str, str]:
    """The addresses of the metadata of a study, its first series, and its first instance."""
    one = at(study)
    return f"/studies/{study.uid}/metadata", f"{one.partition('/instances')[0]}/metadata", f"{one}/metadata"


def tags(asked: Service, addresses: tuple[str, ...]) -> dict[tuple[str, str], tuple[str, bytes]]:
    """The tag and the content of each address, packed and not, as a process that remembers nothing gives them."""
    forget()
    found = {}
    for address in addresses:
        for coding in CODINGS:
            answer = asked.get(address, accept_encoding=coding)
            assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
            found[address, coding] = answer.headers["etag"], answer.content
    return found


@pytest.mark.parametrize("complete", [True, False])
def test_who_has_the_metadata_is_told_so(stage: Cast, sami: Service, complete: bool) -> None:
    study = make.study(stage, images=3)
    if complete:
        archive.complete_study(study.id, how="quiet", by=SYSTEM)
        hear()
    found = tags(sami, metadata_of(study))
    assert all(len({found[address, coding][0] for coding in CODINGS}) == 2 for address in metadata_of(study))
    for (address, coding), (tag, _) in found.items():
        for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
            answer = sami.get(address, accept_encoding=coding, if_none_match=known)
            assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag), (address, known)
            assert (answer.headers["vary"], answer.headers["cache-control"]) == ("accept, accept-encoding", "no-store")
        assert sami.get(address, accept_encoding=coding, if_none_match='"other"').status_code == 200
    assert sami.get(f"/studies/{study.uid}/series/1.2.3/metadata", if_none_match="*").status_code == 404


@pytest.mark.parametrize("complete", [True, False])
def test_whatever_changes_what_is_told_changes_the_tag(stage: Cast, sami: Service, complete: bool) -> None:
    nobody = {"PatientID": ""}
    study, salma = make.study(stage, images=3, **nobody), make.patient(stage)
    addresses = metadata_of(study)
    uids = list(Instance.objects.order_by("number").values_list("uid", flat=True))

    def another() -> None:
        make.send(stage, make.image(4, StudyInstanceUID=study.uid, **nobody))

    def corrected() -> None:
        make.send(stage, make.image(1, StudyInstanceUID=study.uid, SOPInstanceUID=uids[0], KVP="120", **nobody))
        archive.settle_conflict(Conflict.objects.get().id, replace=True, by=stage.sami)

    def matched() -> None:
        archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)

    def renamed() -> None:
        Patient.objects.update(family_name="Ben Salem")

    def taken_back() -> None:
        archive.reject_images(study.id, instances=uids[1:2], reason="113001", by=stage.sami)

    def moved() -> None:
        last = Instance.objects.get(series__study=study, number=4)
        archive.move_images(study.id, instances=[last.id], because="another exam", by=stage.sami)

    def unmatched() -> None:
        archive.unmatch_study(study.id, by=stage.sami)

    before = tags(sami, addresses)
    for act in (another, corrected, matched, renamed, taken_back, moved, unmatched):
        act()
        if complete:
            archive.complete_study(study.id, how="quiet", by=SYSTEM)
            hear()
        after = tags(sami, addresses)
        changed = [key for key in before if before[key][1] != after[key][1]]
        assert {address for address, _ in changed} >= set(addresses[:2]), act.__name__
        for key in changed:
            assert before[key][0] != after[key][0], (act.__name__, key)
            known = sami.get(key[0], accept_encoding=key[1], if_none_match=before[key][0])
            assert (known.status_code, known.content) == (200, after[key][1])
        before = after


def test_images_that_were_put_back_are_told_again(stage: Cast, sami: Service) -> None:
    study = make.study(stage, images=3)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    series, first = metadata_of(study)[1], Instance.objects.order_by("number")[0]
    whole = sami.get(series).headers["etag"]
    rejection = archive.reject_images(study.id, instances=[first.uid], reason="113001", by=stage.sami)
    less = sami.get(series, if_none_match=whole)
    assert (less.status_code, len(less.json())) == (200, 2)
    archive.restore_images(rejection.id, by=stage.sami)
    again = sami.get(series, if_none_match=less.headers["etag"])
    assert (again.status_code, len(again.json())) == (200, 3)


def test_a_tag_opens_nothing_and_every_look_is_logged(stage: Cast) -> None:
    study, salma = make.study(stage, images=1), make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="test", by=stage.sami)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    hear()
    patients.open_for_care(salma.id, place=stage.university, source=study.id, because="test", by=SYSTEM)
    with service(stage.leila) as leila:
        found = tags(leila, metadata_of(study))
    Access.objects.all().delete()
    with service() as stranger:
        for (address, coding), (tag, _) in found.items():
            answer = stranger.get(address, accept_encoding=coding, if_none_match=tag)
            assert (answer.status_code, "etag" in answer.headers) == (401, False)
    with service(stage.zied) as zied:
        for (address, coding), (tag, _) in found.items():
            for known in (tag, "*"):
                answer = zied.get(address, accept_encoding=coding, if_none_match=known)
                assert (answer.status_code, "etag" in answer.headers) == (404, False)
    assert not Access.objects.exists()
    with service(stage.leila) as leila:
        for (address, coding), (tag, _) in found.items():
            assert leila.get(address, accept_encoding=coding, if_none_match=tag).status_code == 304
    (line,) = Access.objects.all()
    assert (line.patient_id, line.subject, line.actor_name) == (salma.id, study.id, "Leila Haddad")


@pytest.mark.parametrize(
    ("asked", "known"),
    [("", False), ('"a"', True), ('W/"a"', True), ('"b" , "a"', True), ("*", True), ("a", False), ('"A"', False),
     ('"a-gzip"', False), ('"b",,', False), ("\xff", False)],
)  # fmt: skip
def test_which_tags_name_what_is_there(asked: str, known: bool) -> None:
    assert has(asked, '"a"') is known
