"""What was taken back is on no reading path; put back, every path says exactly what it said before."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from tests.edges.dicom import client, listening, receiving, write
from tests.edges.dicomweb import Service
from tests.edges.scenes import free_port
from tests.hear import hear
from wasl.archive import queries
from wasl.archive import services as archive
from wasl.archive.models import Giving, Instance, Rejection, Series, Source, Study
from wasl.edges.dicom import errands
from wasl.edges.dicom.calling import Unreachable
from wasl.kernel.access import SYSTEM
from wasl.kernel.errors import Refused
from wasl.kernel.models import Fact
from wasl.record.services.writing import render

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Cast:
    monkeypatch.setattr(settings, "STORAGE", tmp_path / "store")
    with connection.cursor() as cursor:  # what other tests left in the queue is not ours
        cursor.execute("delete from procrastinate_jobs where task_name like 'dicom.%'")
    stage = cast()
    make.source(stage)
    return stage


@pytest.fixture
def port(stage: Cast) -> Iterator[int]:
    with listening() as port:
        yield port


def two_series(stage: Cast) -> tuple[Study, Series]:
    """A patient's whole study of two series, and the one that is taken back; another image of it came twice."""
    uid, second = str(generate_uid()), str(generate_uid())
    images = [make.image(1, StudyInstanceUID=uid)]
    images += [make.image(n, StudyInstanceUID=uid, SeriesInstanceUID=second, SeriesNumber=2, Modality="MR",
                          SeriesDescription="BLURRED") for n in (2, 3)]  # fmt: skip
    make.send(stage, *images)
    images[1].ImageComments = "again"
    make.send(stage, images[1])
    study = Study.objects.get(uid=uid)
    archive.complete_study(study.id, how="quiet", by=SYSTEM)
    patient = make.patient(stage)
    archive.match_study(study.id, patient=patient.id, because="tests", by=stage.sami)
    study.refresh_from_db()
    return study, Series.objects.get(uid=second)


def over_the_web(sami: Service, study: Study, series: str, uid: str) -> dict[str, str]:
    whole, one = f"/studies/{study.uid}", f"/studies/{study.uid}/series/{series}/instances/{uid}"
    parts = ('multipart/related; type="application/dicom"',)
    asked: dict[str, tuple[str, ...]] = {
        "/studies": (), "/series": (), "/instances": (), f"/studies?StudyInstanceUID={study.uid}": (),
        "/studies?ModalitiesInStudy=MR": (), f"{whole}/series": (), f"{whole}/instances": (), f"{whole}/metadata": (),
        whole: parts, f"{whole}/thumbnail": (), f"{whole}/series/{series}/instances": (),
        f"{whole}/series/{series}/metadata": (), f"{whole}/series/{series}": parts,
        f"{whole}/series/{series}/thumbnail": (), one: parts, f"{one}/metadata": (), f"{one}/thumbnail": (),
        f"{one}/rendered": ("image/jpeg",), f"{one}/frames/1": (), f"{one}/bulkdata/7FE00010": (),
    }  # fmt: skip
    answers = {path: sami.get(path, *accept) for path, accept in asked.items()}
    return {path: f"{a.status_code} {_without_boundary(a)}" for path, a in answers.items()}


def _without_boundary(answer: Any) -> str:  # noqa: ANN401  an answer of httpx
    boundary = answer.headers.get("content-type", "").rpartition("boundary=")[2]
    return str(answer.content.decode("latin1").replace(boundary, "--") if boundary else answer.content.decode("latin1"))


def over_dimse(port: int, study: Study, series: str, folder: Path) -> dict[str, str]:
    keys = ("-k", f"StudyInstanceUID={study.uid}")
    counts = ("NumberOfStudyRelatedInstances", "NumberOfStudyRelatedSeries", "ModalitiesInStudy")
    said = {
        "STUDY": client("findscu", port, "-S", "-k", "QueryRetrieveLevel=STUDY", *keys,
                        *(w for name in counts for w in ("-k", name))),
        "MODALITY": client("findscu", port, "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "ModalitiesInStudy=MR",
                           "-k", "StudyInstanceUID"),
        "SERIES": client("findscu", port, "-S", "-k", "QueryRetrieveLevel=SERIES", *keys, "-k", "SeriesInstanceUID",
                         "-k", "SeriesDescription"),
        "IMAGE": client("findscu", port, "-S", "-k", "QueryRetrieveLevel=IMAGE", *keys, "-k",
                        f"SeriesInstanceUID={series}", "-k", "SOPInstanceUID"),
    }  # fmt: skip
    said["GET"] = got = client("getscu", port, "-S", "-od", folder, "-k", "QueryRetrieveLevel=STUDY", *keys)
    assert got.code == 0, got
    texts = {name: re.sub(r"(?m)^.*(Request|MsgID).*$", "", one.text) for name, one in said.items()}
    texts["GET"] = " ".join(sorted(str(dcmread(path).SOPInstanceUID) for path in folder.iterdir()))
    return texts


def inside(stage: Cast, study: Study, instance: Instance) -> dict[str, str]:
    try:
        path = str(queries.path_of(instance.id, viewer=stage.sami))
    except Refused as refusal:
        path = refusal.code
    found = queries.find("STUDY", {"SOPInstanceUID": instance.uid}, viewer=stage.sami, relational=True)
    return {
        "instances": str([row.uid for row in queries.instances_of(study.id, viewer=stage.sami)]),
        "series": str([(row.uid, row.instance_count) for row in queries.series_of(study.id, viewer=stage.sami)]),
        "path": path,
        "relational": str([one.study.uid for one in found]),
        "person": str(queries.person_counts(study, viewer=stage.sami)),
        "conflicts": str([one.instance.uid for one in queries.conflicts(viewer=stage.sami)]),
        "record": str(render("ImagingStudy", study.id)),
        "page": "".join(re.findall(r"<td.*?</td>", browser_of(stage.sami, "fr").get("/archive/").content.decode())),
        "choose": "".join(
            re.findall(
                r"<h2.*?</h2>", browser_of(stage.sami, "fr").get(f"/archive/studies/{study.id}/").content.decode()
            )
        ),
    }


def test_no_reading_path_shows_what_was_taken_back(stage: Cast, port: int, sami: Service, tmp_path: Path) -> None:
    study, series = two_series(stage)
    hidden = list(Instance.objects.filter(series=series).order_by("number"))

    def all_paths(name: str) -> dict[str, str]:
        (folder := tmp_path / name).mkdir()
        return {
            **over_the_web(sami, study, series.uid, hidden[0].uid),
            **over_dimse(port, study, series.uid, folder),
            **inside(stage, study, hidden[0]),
        }

    before = all_paths("before")
    silent = [path for path, said in before.items() if not said or said.startswith("4")]
    assert silent == [], "a path that shows nothing proves nothing"
    archive.reject_images(study.id, series=series.id, reason="113001", by=stage.sami)
    hear()
    assert queries.note(Rejection.objects.get().id, viewer=SYSTEM) is not None
    during = all_paths("during")
    secrets = (series.uid, *(one.uid for one in hidden), "BLURRED", str(Rejection.objects.get().uid))
    shown = {path: secret for path, said in during.items() for secret in secrets if secret in said}
    assert {path for path in shown if not path.startswith("/studies/")} == set()
    assert {path for path in shown if not during[path].startswith("404")} == set()
    assert [path for path, said in during.items() if said == before[path]] == []
    archive.restore_images(Rejection.objects.get().id, by=stage.sami)
    assert all_paths("after") == before


def test_a_study_taken_back_whole_is_nowhere(stage: Cast, sami: Service) -> None:
    study, _ = two_series(stage)
    uids = list(Instance.objects.filter(series__study=study).values_list("uid", flat=True))
    archive.reject_images(study.id, instances=uids, reason="113038", by=stage.sami)
    assert sami.get("/studies").json() == []
    assert {sami.get(f"/studies/{study.uid}{rest}").status_code for rest in ("", "/series", "/metadata")} == {404}
    assert not queries.studies(viewer=SYSTEM).exists()
    assert render("ImagingStudy", study.id) is None
    assert set(queries.held(uids, viewer=SYSTEM)) == set(uids), "it is kept, and a commitment says so"


def owed() -> list[dict[str, str]]:
    jobs = ProcrastinateJob.objects.filter(task_name="dicom.tell_rejected", status="todo").order_by("id")
    return [job.args for job in jobs]


# pynetdicom leaves the socket of a refused connection to the collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_who_was_given_images_is_told_once_it_is_back(stage: Cast, port: int, tmp_path: Path) -> None:
    study = make.study(stage, images=2)
    theirs = free_port()
    station = make.source(stage, ae_title="STATION", name="Station", port=theirs)
    make.source(stage, ae_title="OTHER", name="Never given", port=theirs)
    Source.objects.filter(id=station.id).update(port=theirs)
    with receiving(tmp_path / "moved", "STATION") as there:
        Source.objects.filter(id=station.id).update(port=there)
        move = ("-S", "-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study.uid}")
        for _ in range(2):
            said = client("movescu", port, "-aem", "STATION", *move)
            assert said.code == 0, said
    assert Giving.objects.filter(study=study).count() == 1
    archive.reject_images(study.id, series=Series.objects.get(study=study).id, reason="113037", by=stage.sami)
    hear()
    (job,) = owed()
    with pytest.raises(Unreachable):  # it is away: the job is tried again
        errands.tell_rejected(**job)
    with receiving(tmp_path / "told", "STATION") as there:
        Source.objects.filter(id=station.id).update(port=there)
        errands.tell_rejected(**job)
    (file,) = (tmp_path / "told").iterdir()
    note = dcmread(file)
    assert (note.SOPInstanceUID, note.ConceptNameCodeSequence[0].CodeValue) == (Rejection.objects.get().uid, "113037")
    assert Fact.objects.get(name="archive.RejectionTold").data["taken"] is True


def test_a_note_that_a_machine_sends_is_passed_on_to_others_alone(stage: Cast, port: int, tmp_path: Path) -> None:

    (folder := tmp_path / "sent").mkdir()
    study = make.study(stage, images=1)
    pacs = make.source(stage, ae_title="PACS", name="PACS", port=4242)
    for source in (pacs, Source.objects.get(ae_title="CT_OUEDZEN")):
        archive.note_giving(study.id, to=source.id, by=SYSTEM)
    Source.objects.filter(ae_title="CT_OUEDZEN").update(port=4243)
    (path,) = write(folder, make.rejection_note(study, Instance.objects.get().uid))
    said = client("storescu", port, "-R", path)
    assert said.code == 0, said
    assert not queries.studies(viewer=SYSTEM).exists()
    hear()
    assert [job["source"] for job in owed()] == [str(pacs.id)]
