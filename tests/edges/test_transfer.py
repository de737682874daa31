"""Studies that cross a thin line to a second Wasl, which runs beside this one: nothing lost, nothing sent twice."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from tests import make
from tests.cast import Cast, cast
from tests.edges.crossing import STAGE, TOKENS, Centre, at_work, kept, link, run, same, slices, soon, state
from tests.edges.line import line
from tests.edges.scenes import PATIENCE, Command, descendants, environment, migrated_folder, small
from tests.edges.test_up import READY, running
from tests.hear import hear
from wasl.archive import services as archive
from wasl.archive.dicom import incoming
from wasl.archive.models import Instance, Link, Rejection, Series, Transfer
from wasl.edges.cli.home import CHECKOUT
from wasl.edges.dicom import sending
from wasl.edges.dicom.pieces import Piece, pack
from wasl.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db(transaction=True)
SEND = """
import httpx, sys
from wasl.edges.dicom import sending
sending.LARGEST = 16 << 10
sending.Sender(sys.argv[1], httpx.Client(headers=dict(authorization="Bearer " + sys.argv[2]))).run(lambda: False)
"""
THERE = """
import json
from wasl.archive import queries, services
from wasl.kernel.access import SYSTEM
study = queries.study_by_uid("{study}", viewer=SYSTEM)
print(json.dumps(services.reject_images(study.id, reason="113038", instances=["{uid}"], by=SYSTEM).uid))
"""
LIFTED = """
import json
from wasl.archive import queries, services
from wasl.kernel.access import SYSTEM
(row,) = [row for row in queries.rejections(viewer=SYSTEM) if row.uid == "{note}"]
print(json.dumps(services.restore_images(row.id, by=SYSTEM).uid))
"""
WANTED = """
import datetime, json, uuid
from django.utils import timezone
from wasl.archive import services
from wasl.kernel.access import SYSTEM
exam = dict(uid="{study}", body_part="HEAD", description="", modalities=["CT"], date="20260101")
soon = timezone.now() + datetime.timedelta(hours=1)
print(json.dumps([services.want_priors(uuid.uuid4(), exams=[exam], like=dict(region="head", modality="CT"),
                                       deadline=soon, by=SYSTEM) for _ in range(2)]))
"""
THIN = 4e5  # bytes a second, so that what is cut is cut in the middle


@pytest.fixture(scope="module")
def centre() -> Iterator[Centre]:
    with migrated_folder() as home:
        env = small(home, WASL_QUIET_SECONDS="3600")
        with Command("up", env=env) as up:
            assert soon(lambda: READY in up.said), up.said
            run(env, STAGE.format(tokens=TOKENS))
            yield Centre(env, up)


@pytest.fixture
def stage(store: Path, monkeypatch: pytest.MonkeyPatch) -> Cast:
    monkeypatch.setattr(sending, "LARGEST", 16 << 10)  # pieces as on a line as thin as these studies are small
    monkeypatch.setattr(sending, "IDLE", 0.1)
    monkeypatch.setattr(sending, "LONGEST", 1.0)
    monkeypatch.setattr(sending, "HELLO", 0.5)
    return cast()


def test_a_study_crosses_whole_and_its_first_readable_slices_first(centre: Centre, stage: Cast) -> None:
    uid = str(generate_uid())
    images = slices(17, 64, uid) + slices(9, 64, uid, SeriesInstanceUID=f"{uid[:56]}.2", SeriesNumber=2)
    study = kept(stage, images)
    with line(centre.port) as thin, at_work(to := link(thin.url)):
        archive.queue_transfer(study.id, link=to.id, rank=1, by=SYSTEM)
        assert soon(lambda: state(study) == "sent")
    assert same(centre, study, images)
    order = [
        row for row in centre.ask(
            "select s.number, i.number from archive_instance i join archive_series s on s.id = i.series_id"
            " join archive_study t on t.id = s.study_id where t.uid = %s order by i.created_at, i.id", uid
        )
    ]  # fmt: skip
    assert order[:2] == [(1, 9), (2, 5)]
    assert order[2:4] == [(1, 1), (1, 17)]
    row = Transfer.objects.get()
    assert (row.images, row.images_sent, row.size, row.sent) == (26, 26, study.size, study.size)
    assert row.size < row.carried < 1.05 * row.size
    assert centre.ask("select rank, named, held from archive_manifest m join archive_study s on s.id = m.study_id"
                      " where s.uid = %s", uid) == [(1, 26, 26)]  # fmt: skip
    to.refresh_from_db()
    assert to.seen_at
    assert not to.error


def test_cut_at_half_hardly_anything_goes_twice(centre: Centre, stage: Cast) -> None:
    images = slices(16)
    study = kept(stage, images)
    with line(centre.port, rate=THIN) as thin, at_work(to := link(thin.url)):
        thin.cut_at = study.size // 2
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: thin.is_cut)
        assert soon(lambda: Link.objects.get().silent_since is not None)
        thin.mend()
        assert soon(lambda: state(study) == "sent")
        assert thin.carried < 1.02 * study.size + 15_000  # heads, two manifests
    assert same(centre, study, images)


def test_its_receiver_killed_nothing_that_it_had_goes_twice(centre: Centre, stage: Cast) -> None:
    images = slices(16)
    study = kept(stage, images)
    with line(centre.port, rate=THIN) as thin, at_work(to := link(thin.url)):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: thin.carried > study.size // 2)
        serve = running(centre.up, "wasl", "serve")
        for pid in (serve, *descendants(serve)):  # its workers too, at once: they would end in good order
            os.kill(pid, signal.SIGKILL)
        there, before = centre.bytes_of(study.uid), thin.carried
        assert there > study.size // 4
        assert soon(lambda: state(study) == "sent")
        # heads, manifests, calls in vain, and what was under way when it died: far from all that it had
        assert thin.carried - before < 1.02 * (study.size - there) + 80_000
    assert same(centre, study, images)


def test_its_sender_killed_hardly_anything_goes_twice(centre: Centre, stage: Cast, store: Path) -> None:
    from tests.edges.conftest import _database

    images = slices(16)
    study = kept(stage, images)
    env = environment(Path(os.environ["WASL_DATA"]), WASL_DATABASE_URL=_database(), WASL_STORAGE=str(store))
    with line(centre.port, rate=THIN) as thin:
        to = link(thin.url)
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        for turn in range(2):
            sender = subprocess.Popen(
                [sys.executable, "-c", f"import django; django.setup()\n{SEND}", str(to.id), TOKENS["site"]],
                cwd=CHECKOUT, env={**env, "DJANGO_SETTINGS_MODULE": "wasl.settings"},
            )  # fmt: skip
            try:
                done = (lambda: state(study) == "sent") if turn else (lambda: thin.carried > study.size // 2)
                assert soon(done)
            finally:
                sender.kill()
                sender.wait()
        assert thin.carried < 1.02 * study.size + 15_000
    assert same(centre, study, images)


def test_what_arrives_spoilt_is_asked_for_again(centre: Centre, stage: Cast) -> None:
    images = slices(8)
    study = kept(stage, images)
    with line(centre.port) as thin, at_work(to := link(thin.url)):
        thin.spoil_at = [study.size // 3, study.size // 2]
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: state(study) == "sent")
        assert not thin.spoil_at
    assert same(centre, study, images)


def test_the_urgent_passes_what_is_on_its_way(centre: Centre, stage: Cast) -> None:
    routine, stroke = slices(12), slices(4, 128)
    long, short = kept(stage, routine), kept(stage, stroke)
    with line(centre.port, rate=1e6) as thin, at_work(to := link(thin.url)):
        for study in (long, short):
            archive.queue_transfer(study.id, link=to.id, rank=3, by=SYSTEM)
        assert soon(lambda: thin.carried > 200_000)
        archive.rank_transfer(short.id, rank=0, by=SYSTEM)
        assert soon(lambda: state(long) == state(short) == "sent")
    assert same(centre, long, routine)
    assert same(centre, short, stroke)
    times = {
        uid: moments for uid, *moments in centre.ask(
            "select t.uid, min(i.created_at), max(i.created_at) from archive_instance i"
            " join archive_series s on s.id = i.series_id join archive_study t on t.id = s.study_id group by 1"
        )
    }  # fmt: skip
    assert times[long.uid][0] < times[short.uid][1] < times[long.uid][1]


def test_a_centre_that_moved_is_sent_to_where_it_is_now(centre: Centre, stage: Cast) -> None:
    images = slices(2, 64)
    study = kept(stage, images)
    with line(centre.port) as thin, at_work(to := link("http://127.0.0.1:9"), url=thin.url):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: state(study) == "sent")
    assert same(centre, study, images)


def test_a_line_on_which_somebody_else_is_answered_is_tried_again_soon(
    stage: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SOON", 0.01)
    monkeypatch.setattr(sending, "LONGEST", 3600.0)
    tries: list[str] = []

    def cut(request: httpx.Request) -> httpx.Response:
        tries.append(request.url.path)
        raise httpx.ConnectError("cut")

    with at_work(link("http://centre.example"), transport=httpx.MockTransport(cut), heard=True):
        assert soon(lambda: len(tries) > 12)  # left to itself, that takes hours


def test_two_sites_send_one_study_and_it_is_kept_once(centre: Centre, stage: Cast) -> None:
    images = slices(6)
    study = kept(stage, images)
    with line(centre.port) as thin:
        one, two = link(thin.url), link(thin.url, name="other way")
        for to in (one, two):
            archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        with at_work(one), at_work(two, "second"):
            assert soon(lambda: not Transfer.objects.exclude(state="sent").exists())
    assert same(centre, study, images)
    assert centre.ask("select count(*) from archive_manifest m join archive_study s on s.id = m.study_id"
                      " where s.uid = %s and m.held = 6", study.uid) == [(2,)]  # fmt: skip


def test_a_study_under_way_is_sent_as_it_comes(centre: Centre, stage: Cast) -> None:
    images = slices(6, 64)
    study = kept(stage, images[:2], whole=False)
    with line(centre.port) as thin, at_work(to := link(thin.url)):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: len(centre.holds(study.uid)) == 2)
        assert not centre.complete(study.uid)
        kept(stage, images[2:])
        assert soon(lambda: state(study) == "sent")
    assert same(centre, study, images)


def test_other_content_under_a_known_uid_is_kept_aside_there(centre: Centre, stage: Cast) -> None:
    images = slices(3, 64)
    first = kept(stage, images[:1], whole=False)
    with line(centre.port) as thin, at_work(to := link(thin.url)):
        archive.queue_transfer(first.id, link=to.id, by=SYSTEM)
        assert soon(lambda: len(centre.holds(first.uid)) == 1)
        other = make.image(1, StudyInstanceUID=first.uid, SOPInstanceUID=images[0].SOPInstanceUID, PatientSex="M")
        make.send(stage, other, by=SYSTEM)
        (conflict,) = archive_conflicts()
        archive.settle_conflict(conflict, replace=True, by=stage.sami)
        kept(stage, images[1:])
        assert soon(lambda: state(first) == "sent")
    assert centre.complete(first.uid)
    assert centre.holds(first.uid).keys() == {str(image.SOPInstanceUID) for image in images}
    assert centre.ask("select count(*) from archive_conflict c join archive_instance i on i.id = c.instance_id"
                      " where i.uid = %s", str(images[0].SOPInstanceUID)) == [(1,)]  # fmt: skip


def archive_conflicts() -> list[Any]:
    from wasl.archive import queries

    return list(queries.conflicts(viewer=SYSTEM).values_list("id", flat=True))


def test_images_filed_anew_at_the_site_are_filed_so_there(centre: Centre, stage: Cast) -> None:
    uid = str(generate_uid())
    images = slices(2, 64, uid) + slices(2, 64, uid, SeriesInstanceUID=f"{uid[:56]}.2", SeriesNumber=2)
    study = kept(stage, images)
    other = make.image(1, StudyInstanceUID=uid, SOPInstanceUID=images[0].SOPInstanceUID, PatientID="ANOTHER")
    make.send(stage, other, by=SYSTEM)
    apart = archive.separate_images(archive_conflicts()[0], because="Same UIDs, another patient.", by=stage.sami)
    archive.complete_study(apart.id, how="quiet", by=SYSTEM)
    second = Series.objects.get(study=study, number=2)
    archive.move_images(study.id, series=[second.id], because="Another exam.", by=stage.sami)
    moved = Series.objects.get(id=second.id).study
    with line(centre.port) as thin, at_work(to := link(thin.url)):
        for one in (moved, apart, study):
            archive.queue_transfer(one.id, link=to.id, by=SYSTEM)
        assert soon(lambda: all(state(one) in ("sent", "failed") for one in (moved, apart, study)))
    assert {state(one) for one in (moved, apart, study)} == {"sent"}
    for one, count in ((study, 2), (moved, 2), (apart, 1)):
        assert centre.complete(one.uid)
        filed = "select i.uid, s.uid from archive_instance i join archive_series s on s.id = i.series_id"
        there = centre.ask(f"{filed} join archive_study t on t.id = s.study_id where t.uid = %s", one.uid)
        here = Instance.objects.filter(series__study=one).values_list("uid", "series__uid")
        assert (sorted(there), len(there)) == (sorted(here), count)


def test_what_is_taken_back_at_one_end_is_so_at_the_other(centre: Centre, stage: Cast) -> None:
    images = slices(3, 64)
    study, uids = kept(stage, images), [str(image.SOPInstanceUID) for image in images]

    def hidden(*names: str) -> bool:
        query = "select array_agg(uid order by uid) from archive_instance where uid = any(%s) and rejected"
        ours = sorted(Instance.objects.filter(uid__in=uids, rejected=True).values_list("uid", flat=True))
        return sorted(names) == ours == (centre.ask(query, uids)[0][0] or [])

    with line(centre.port) as thin, at_work(to := link(thin.url)):
        archive.queue_transfer(study.id, link=to.id, by=SYSTEM)
        assert soon(lambda: state(study) == "sent")
        thin.cut()
        first = archive.reject_images(study.id, reason="113001", instances=uids[:1], by=stage.sami)
        archive.restore_images(first.id, by=stage.sami)
        archive.reject_images(study.id, reason="113037", instances=uids[:2], by=stage.sami)
        thin.mend()
        assert soon(lambda: hidden(*uids[:2]))
        there = run(centre.env, THERE.format(study=study.uid, uid=uids[2]))
        assert soon(lambda: hidden(*uids))
        lifted = run(centre.env, LIFTED.format(note=there))
        assert soon(lambda: hidden(*uids[:2]))
    told = "select uid, reason, restored_at is not null from archive_rejection where instances && %s order by uid"
    ours = Rejection.objects.order_by("uid").values_list("uid", "reason", "restored_at")
    assert centre.ask(told, uids) == [(note, reason, at is not None) for note, reason, at in ours]
    assert (len(ours), lifted) == (3, there)


def test_an_earlier_exam_that_is_wanted_passes_what_is_routine(centre: Centre, stage: Cast) -> None:
    long, prior = kept(stage, slices(12)), kept(stage, slices(4, 128))
    with line(centre.port, rate=THIN) as thin, at_work(to := link(thin.url)):
        for study in (long, prior):
            archive.queue_transfer(study.id, link=to.id, rank=3, by=SYSTEM)
        named = "select m.held from archive_manifest m join archive_study s on s.id = m.study_id where s.uid = %s"
        assert soon(lambda: centre.ask(named, prior.uid) == [(0,)])  # named long before it is its turn
        thin.cut()
        assert run(centre.env, WANTED.format(study=prior.uid)) == [1, 0]
        thin.mend()
        assert soon(lambda: state(long) == state(prior) == "sent")
    row = Transfer.objects.get(study=prior)
    assert (row.prior, row.rank, row.deadline is not None) == (True, 2, True)
    last = dict(centre.ask("select t.uid, max(i.created_at) from archive_instance i join archive_series s"
                           " on s.id = i.series_id join archive_study t on t.id = s.study_id group by 1"))  # fmt: skip
    assert last[prior.uid] < last[long.uid]
    assert centre.complete(prior.uid)


def test_every_study_goes_over_a_line_that_carries_everything(stage: Cast) -> None:
    to = link("https://centre.example", everything=True, place=stage.regional)
    elsewhere = link("https://other.example", name="elsewhere", everything=True, place=stage.other)
    study = make.study(stage)
    hear()
    assert Transfer.objects.get().link == to
    assert Transfer.objects.get().study.id == study.id
    assert not Transfer.objects.filter(link=elsewhere).exists()


class Site:
    """A site that says and sends what it likes."""

    def __init__(self, centre: Centre) -> None:
        self.client = httpx.Client(
            base_url=f"http://127.0.0.1:{centre.port}/transfer", timeout=PATIENCE,
            headers={"authorization": f"Bearer {TOKENS['site']}"},
        )  # fmt: skip

    def announce(self, study: str, *images: dict[str, object], **values: object) -> httpx.Response:
        import zlib

        told = {"study": study, "rank": 2, "whole": True, "images": images, **values}
        return self.client.post(
            "/studies", content=zlib.compress(json.dumps(told).encode()),
            headers={"content-type": "application/vnd.wasl.manifest"},
        )  # fmt: skip

    def send(self, *pieces: bytes) -> httpx.Response:
        return self.client.post(
            "/pieces", content=b"".join(pieces), headers={"content-type": "application/vnd.wasl.pieces"}
        )


@pytest.fixture
def site(centre: Centre) -> Iterator[Site]:
    found = Site(centre)
    assert soon(lambda: found.client.get("/hello").status_code == 200)
    yield found
    found.client.close()


def named(data: Dataset, **values: object) -> tuple[dict[str, object], bytes, bytes]:
    """An image as a manifest names it, its hash, and its file."""
    file = make.part10(data)
    one = incoming(file)
    archive.discard(one.stored.path)
    told = {"uid": str(data.SOPInstanceUID), "series": str(data.SeriesInstanceUID), "size": len(file), "frames": 1,
            "sha256": one.dataset_sha256.hex(), "number": 1, "series_number": 1, **values}  # fmt: skip
    return told, bytes.fromhex(str(told["sha256"])), file


def test_a_manifest_that_lies_gains_nothing(centre: Centre, site: Site, store: Path) -> None:
    (data,) = slices(1, 64)
    study = str(data.StudyInstanceUID)
    told, digest, file = named(data, sha256="ab" * 32)
    assert site.announce(study, told).json()["missing"] == {"ab" * 32: 0}
    answer = site.send(pack(Piece(digest, 0, file), level=0)).json()
    assert answer["refused"] == {"ab" * 32: "ContentDiffers"}
    assert centre.holds(study) == {}
    told, digest, file = named(data, uid="1.2.3.4.5")
    site.announce(study, told)
    assert site.send(pack(Piece(digest, 0, file), level=0)).json()["refused"] == {digest.hex(): "OtherInstance"}
    assert centre.holds(study) == {}
    arriving = Path(centre.env["WASL_DATA"]) / "storage" / "arriving"
    assert not [*arriving.glob(f"{'ab' * 32}-*"), *arriving.glob(f"{digest.hex()}-*")]
    told, digest, file = named(data)
    site.announce(study, told)
    assert site.send(pack(Piece(digest, 0, file), level=6)).json() == {
        "at": {digest.hex(): len(file)}, "damaged": 0, "refused": {},
    }  # fmt: skip
    assert centre.complete(study)


def test_pieces_that_make_no_sense_are_not_taken(site: Site, store: Path) -> None:
    import struct
    import zlib

    from wasl.edges.dicom.pieces import CHECK, HEAD

    (data,) = slices(1, 64)
    told, digest, file = named(data)
    site.announce(str(data.StudyInstanceUID), told)

    def forged(
        how: int, packed: bytes, size: int, at: int = 0, mark: bytes = b"WSL1", length: int | None = None
    ) -> bytes:
        head = HEAD.pack(mark, how, len(packed) if length is None else length, size, at, digest)
        return head + hashlib.blake2b(packed, digest_size=CHECK, key=head).digest() + packed

    bomb = zlib.compress(b"\0" * (50 << 20), 9)
    for nonsense in (
        forged(0, b"", 0), forged(1, bomb, 1000), forged(1, bomb, 1 << 20), forged(1, b"no zlib", 10),
        forged(7, file[:10], 10), forged(0, file[:10], 11), forged(0, file[:10], 10, mark=b"GET "),
        forged(0, file[:10], 10, length=(1 << 32) - 1), forged(0, file[:10], 1 << 30),
        pack(Piece(digest, 0, file[:100]), level=0)[:-1] + b"x",
    ):  # fmt: skip
        answer = site.send(nonsense)
        assert (answer.status_code, answer.json()["damaged"]) == (200, 1)
    beyond = site.send(pack(Piece(digest, 0, file + b"more"), level=0), pack(Piece(digest, 50, file[:10]), level=0))
    assert beyond.json()["at"] == {digest.hex(): 0}
    assert site.send(pack(Piece(b"?" * 32, 0, file), level=0)).json()["at"] == {(b"?" * 32).hex(): -1}
    assert site.send(struct.pack("!4s", b"WSL1")).status_code == 400  # cut in a head
    good = (pack(Piece(digest, at, file[at : at + 1000]), level=6) for at in range(0, len(file), 1000))
    assert site.send(*good).json()["at"] == {digest.hex(): len(file)}


def test_manifests_that_make_no_sense_are_not_taken(centre: Centre, site: Site, store: Path) -> None:
    (data,) = slices(1, 64)
    study, (told, _, _) = str(data.StudyInstanceUID), named(data)
    for wrong in (
        {"uid": "../../../etc/passwd"}, {"uid": f"{study}/.."}, {"series": "a\0b"}, {"size": 1 << 50}, {"size": 0},
        {"sha256": "00"}, {"number": 1 << 40},
    ):  # fmt: skip
        assert site.announce(study, {**told, **wrong}).status_code == 422, wrong
    for odd in ({"uid": None, "size": True}, {"sha256": "x" * 64}, {"frames": "1"}, {"size": 1.5}):
        assert site.announce(study, {**told, **odd}).status_code == 400, odd
    assert site.announce("../x", told).status_code == 422
    assert site.announce(study, told, told).status_code == 422
    assert site.announce(study, told, rank=9).status_code == 422
    assert site.announce(study, told, images=None).status_code == 400
    kind = {"content-type": "application/vnd.wasl.manifest"}
    for body in (b"", b"not zlib", b"x" * (9 << 20)):
        assert site.client.post("/studies", content=body, headers=kind).status_code in (400, 413)
    assert site.client.post("/studies", content=b"").status_code == 415
    assert centre.ask("select count(*) from archive_study where uid = %s", study) == [(0,)]
