"""Every route of the fast doors, asked by everybody who has no business there: refused, and nothing leaks."""

import json
from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest
from django.conf import settings
from pytest_django.plugin import DjangoDbBlocker

from tests.edges import strangers
from tests.edges.strangers import ASKERS, FATMA, HATEM, MACHINE, MUTE, SHARED, WITHOUT_POSTS, ZIED, World, leaks
from wasl import asgi
from wasl.edges.dicom import shared, transfer, web
from wasl.kernel import fhir
from wasl.kernel.models import Fact
from wasl.patients.models import Access
from wasl.record.models import Entry
from wasl.record.queries import of_patients

pytestmark = pytest.mark.django_db
ELSEWHERE = (ZIED, HATEM, FATMA, MACHINE)  # they may ask, and nothing here is theirs
# type -> whether it is part of a patient's record
KINDS = {
    "Patient": True, "ServiceRequest": True, "ImagingStudy": True, "DiagnosticReport": True,
    "Organization": False, "Location": False, "Practitioner": False, "PractitionerRole": False,
    "Measure": False, "MeasureReport": False,  # of no person: figures that are published
}  # fmt: skip
INTERACTIONS = ("read", "vread", "history", "search", "posted")
# whose 401 says: sign in; whose 403 says: not with these posts, not with this token
FHIR_SAYS = {"nobody": 401, "no second factor": 403, "no posts": 403, MUTE: 403, SHARED: 401}
LISTS = {"/studies", "/series", "/instances"}
# what says something else than 404 to a machine that may ask, and sees nothing here
OTHERWISE = {("GET", "/workitems"): 204, ("GET", "/ws/subscribers/{aet}"): 426}


@pytest.fixture(scope="module")
def world(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with django_db_blocker.unblock(), strangers.world(tmp_path_factory.mktemp("store")) as played:
        yield played


@pytest.fixture
def _django_db_helper(world: World, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """In place of pytest-django's own: the world is made once, and nobody who asks here may change it."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(autouse=True)
def _nothing_happens(world: World) -> Iterator[None]:
    """Whatever was asked: nothing was told, and nothing of the patient was given."""
    before = Fact.objects.count(), Access.objects.count()
    yield
    assert (Fact.objects.count(), Access.objects.count()) == before


def ask(world: World, who: str, method: str, where: str, **more: object) -> httpx.Response:
    answer = world.door.ask(method, where, world.credentials[who], **more)
    assert answer.status_code < 500, where
    links = answer.json().get("link", []) if "searchset" in answer.text else []
    text = answer.text.replace(json.dumps(links, separators=(",", ":"), ensure_ascii=False), "")  # the question itself
    assert not leaks(text, world.secrets), where
    return answer


def said(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """All of an answer that could betray something."""
    return answer.status_code, answer.text, {k: v for k, v in answer.headers.items() if k not in ("date",)}


def test_somebody_decided_about_every_door() -> None:
    doors = {"/fhir", "/dicom-web", "/transfer", "/shared", "/viewer", "/live", "/join", "/metrics"}
    assert asgi.FAST.keys() == doors
    assert {kind: of_patients(kind) for kind in fhir.owned} == KINDS


def interaction(world: World, who: str, how: str, kind: str, key: object) -> httpx.Response:
    match how:
        case "read":
            return ask(world, who, "GET", f"/fhir/{kind}/{key}")
        case "vread":
            return ask(world, who, "GET", f"/fhir/{kind}/{key}/_history/1")
        case "history":
            return ask(world, who, "GET", f"/fhir/{kind}/{key}/_history")
        case "search":
            return ask(world, who, "GET", f"/fhir/{kind}?_id={key}&_total=accurate")
        case _:
            return ask(world, who, "POST", f"/fhir/{kind}/_search", data={"_id": str(key), "_total": "accurate"})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("who", ASKERS)
def test_fhir_gives_strangers_nothing(world: World, who: str, kind: str) -> None:
    rows = Entry.objects.filter(type=kind)
    entry = rows.filter(patient=world.patient.id).first() if KINDS[kind] else rows.first()
    assert entry, f"the case holds no {kind}"
    for how in INTERACTIONS:
        answer, other = (interaction(world, who, how, kind, key) for key in (entry.id, uuid4()))
        if who in FHIR_SAYS:
            assert (answer.status_code, other.status_code) == (FHIR_SAYS[who],) * 2, how
        elif KINDS[kind] and how in ("search", "posted"):
            assert answer.json()["total"] == other.json()["total"] == 0
            assert "entry" not in answer.json()
        elif KINDS[kind]:
            assert answer.status_code == 404
            assert said(answer) == said(other)
        else:
            assert answer.status_code == 200


@pytest.mark.parametrize("who", ELSEWHERE)
def test_fhir_searches_betray_nothing(world: World, who: str) -> None:
    number = world.patient.number
    for query in (
        f"Patient?identifier={number}", "Patient?family=Zghonda", "Patient?birthdate=1961-07-29",
        f"ServiceRequest?patient={world.patient.id}", f"DiagnosticReport?subject=Patient/{world.patient.id}",
        "ImagingStudy?_lastUpdated=gt2000-01-01",
    ):  # fmt: skip
        answer = ask(world, who, "GET", f"/fhir/{query}&_total=accurate")
        bundle = {**answer.json(), "link": []}  # what was asked stands there again
        assert bundle.get("total") == 0
        assert not [entry for entry in bundle.get("entry", ()) if entry["search"]["mode"] == "match"], json.dumps(
            bundle
        )


@pytest.mark.parametrize("who", ASKERS)
def test_fhir_takes_nothing(world: World, who: str) -> None:
    for kind in KINDS:
        for method, where in (
            ("POST", kind),
            ("PUT", f"{kind}/{uuid4()}"),
            ("DELETE", f"{kind}/{uuid4()}"),
        ):
            assert ask(world, who, method, f"/fhir/{where}", json={"resourceType": kind}).status_code == 405


@pytest.mark.parametrize("who", [one for one in ASKERS if one != MUTE])  # which may send, of its own place
def test_fhir_keeps_nothing_that_strangers_send(world: World, who: str) -> None:
    told = []
    for patient, key in ((world.patient.id, uuid4()), (uuid4(), uuid4())):
        sent = {"resourceType": "Observation", "status": "final", "subject": {"reference": f"Patient/{patient}"}}
        request = {"method": "POST", "url": "Observation"}
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": sent, "request": request}]}
        for method, where, body in (
            ("POST", "Observation", sent), ("PUT", f"Observation/{key}", {**sent, "id": str(key)}),
            ("PUT", f"Observation?patient={patient}", sent), ("DELETE", f"Observation?patient={patient}", None),
            ("DELETE", f"Observation/{key}", None), ("PATCH", f"Observation/{key}", []),
            ("POST", "", bundle), ("POST", "", {**bundle, "type": "batch"}),
        ):  # fmt: skip
            answer = ask(world, who, method, f"/fhir/{where}", json=body)
            assert answer.status_code in (401, 403) or "batch-response" in answer.text, where
            told.append((answer.status_code, answer.text))
    assert told[: len(told) // 2] == told[len(told) // 2 :], "of a patient who is there as of one who is not"


@pytest.mark.parametrize("who", ASKERS)
def test_fhir_tells_strangers_no_history(world: World, who: str) -> None:
    for where in ("_history?_count=500", *(f"{kind}/_history?_count=500" for kind in KINDS if KINDS[kind])):
        answer = ask(world, who, "GET", f"/fhir/{where}")
        if who in FHIR_SAYS:
            assert answer.status_code == FHIR_SAYS[who], where
        else:
            assert not {e["resource"]["resourceType"] for e in answer.json().get("entry", ())} & {
                kind for kind in KINDS if KINDS[kind]
            }, where
    answer, other = (ask(world, who, "GET", f"/fhir/Patient/{key}/$everything") for key in (world.patient.id, uuid4()))
    assert answer.status_code == other.status_code == FHIR_SAYS.get(who, 404)
    assert said(answer) == said(other)


def routes(world: World, *, real: bool) -> list[tuple[str, str, str]]:
    """Every route of DICOMweb: its method, its template, and its address in the case or in none."""
    instance = world.instance
    known = {"study": world.linked.uid, "series": instance.series.uid, "instance": instance.uid} if real else {}
    known |= {"workitem": world.workitem} if real else {}
    values = {"study": "1.2.3", "series": "1.2.3.4", "instance": "1.2.3.4.5", "workitem": "1.2.3.9", **known,
              "frames": "1", "aet": "STRANGER", "requester": "STRANGER"}  # fmt: skip
    values |= {"part": "0" * 64, "release": str(world.release if real else uuid4())}
    found = []
    for route in web._routes():
        if "{release}" in route.path:
            values["instance"] = str(instance.id if real else uuid4())
        path = route.path.replace("{path:path}", "7FE00010")
        if path == "/wado":
            path += "?requestType=WADO&studyUID={study}&seriesUID={series}&objectUID={instance}"
        for method in (route.methods or set()) - {"HEAD"}:
            found.append((method, route.path, f"/dicom-web{path.format(**values)}"))
    return found


@pytest.mark.parametrize("who", ASKERS)
def test_dicomweb_gives_strangers_nothing(world: World, who: str) -> None:
    pairs = list(zip(routes(world, real=True), routes(world, real=False), strict=True))
    assert len(pairs) > 20
    for (method, template, there), (_, _, not_there) in pairs:
        sends = method in ("POST", "PATCH", "DELETE")
        sent = {"content": b"x", "headers": {"content-type": "application/octet-stream"}} if sends else {}
        answer, other = (ask(world, who, method, where, **sent) for where in (there, not_there))
        assert said(answer)[::2] == said(other)[::2], there
        if who in WITHOUT_POSTS:
            assert answer.status_code == 401, there
        elif who == MUTE or (who != MACHINE and (method != "GET" or template.startswith("/ws/"))):
            assert answer.status_code == 403, there
        elif (method, template) in OTHERWISE:
            assert answer.status_code == OTHERWISE[method, template], there
        elif "/subscribers/" in template:
            assert answer.status_code == 404, there
        elif method != "GET":
            assert answer.status_code in (200, 412, 415), there  # it may send its own images
        elif template in LISTS:
            assert (answer.status_code, answer.json()) == (200, []), there
        else:
            assert answer.status_code == 404, there
        assert answer.headers["cache-control"] == "no-store", there


@pytest.mark.parametrize("who", ELSEWHERE)
def test_dicomweb_searches_betray_nothing(world: World, who: str) -> None:
    for query in ("", f"SOPInstanceUID={world.workitem}", "PatientName=Zghonda*", "includefield=all"):
        answer = ask(world, who, "GET", f"/dicom-web/workitems?{query}")
        assert (answer.status_code, answer.content) == (204, b""), query
    for query in (
        f"studies?StudyInstanceUID={world.nobodys.uid}", f"studies?AccessionNumber={world.linked.accession}",
        f"studies?PatientID={world.patient.number}", "studies?PatientName=Zghonda*", "studies?PatientName=(((",
        "series?limit=1", f"instances?SOPInstanceUID={world.instance.uid}",
    ):  # fmt: skip
        answer = ask(world, who, "GET", f"/dicom-web/{query}")
        assert (answer.status_code, answer.json()) == (200, []), query
        assert "warning" not in answer.headers


@pytest.mark.parametrize("who", ASKERS)
def test_lines_are_for_machines_that_may_send(world: World, who: str) -> None:
    for route in transfer.routes():
        (method,) = (route.methods or set()) - {"HEAD"}
        answer = ask(world, who, method, f"/transfer{route.path}", content=b"" if method == "POST" else None)
        if who in WITHOUT_POSTS:
            assert answer.status_code == 401, route.path
        elif who != MACHINE:
            assert answer.status_code == 403, route.path
        else:
            assert answer.status_code in (200, 415), route.path
        assert answer.headers["cache-control"] == "no-store"
        other = {"POST": "GET", "GET": "POST"}[method]
        assert ask(world, who, other, f"/transfer{route.path}").status_code == 405
    assert ask(world, who, "GET", "/transfer/").status_code == 404


@pytest.mark.parametrize("who", [who for who in ASKERS if who != SHARED])
def test_a_share_is_for_who_was_told_its_code(world: World, who: str) -> None:
    """Its link alone shows a question; who it is of, and that there is one, is known to nobody without either."""
    values = {"series": world.instance.series.uid, "instance": world.instance.uid, "frames": 1,
              "report": world.signed.id}  # fmt: skip
    for route in shared.routes():
        for method in (route.methods or set()) - {"HEAD"}:
            there, not_there = (route.path.format(token=one, **values) for one in (world.share.token, "x" * 43))
            unknown = ask(world, who, method, not_there)
            if there.endswith(world.share.token):  # a sign is missing
                assert unknown.status_code == 307
                continue
            assert unknown.status_code == 404, not_there
            if method == "POST":
                continue  # that would be a wrong code: tests/edges/test_shared.py
            answer = ask(world, who, method, there)
            if route.path == "/shared/{token}/":
                assert (answer.status_code, "<form" in answer.text) == (200, True)
            else:
                assert said(answer) == said(unknown), there


@pytest.mark.parametrize("who", [*WITHOUT_POSTS])
def test_live_pages_and_the_viewer_are_for_those_with_posts(world: World, who: str) -> None:
    assert ask(world, who, "GET", "/live/?topics=readings").status_code == 401
    answer = ask(world, who, "GET", f"/viewer/viewer?StudyInstanceUIDs={world.linked.uid}")
    assert (answer.status_code, answer.headers["location"]) == (302, "/account/login/?next=/viewer/")
    assert ask(world, who, "POST", "/viewer/").status_code == 405


@pytest.mark.parametrize("who", ASKERS)
def test_metrics_are_for_who_has_their_token(world: World, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask(world, who, "GET", "/metrics").status_code == 404
    monkeypatch.setattr(settings, "METRICS_TOKEN", "nobody guesses this one")
    for method, where in (("GET", "/metrics"), ("POST", "/metrics"), ("HEAD", "/metrics")):
        answer = ask(world, who, method, where)
        assert (answer.status_code, answer.content) == (401, b"")
    assert ask(world, who, "GET", "/metrics/all").status_code == 404


def test_metrics_tell_nothing_of_a_patient(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "METRICS_TOKEN", "nobody guesses this one")
    token = {"authorization": "Bearer nobody guesses this one"}
    answer = world.door.ask("GET", "/metrics", token)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "wasl_readings_waiting" in answer.text
    assert not leaks(answer.text, world.secrets)
    assert world.door.ask("POST", "/metrics", token).status_code == 405


@pytest.mark.parametrize("who", ASKERS)
def test_joining_is_for_who_has_a_code(world: World, who: str) -> None:
    shown = ask(world, who, "GET", "/join")
    assert shown.json().keys() == {"door", "authority"}
    assert "PRIVATE" not in shown.text
    for body in (b"", b"x" * 200, b"x" * 20_000):
        assert ask(world, who, "POST", "/join", content=body).status_code in (400, 413)
    assert ask(world, who, "POST", "/join/", content=b"x").status_code == 404
    assert ask(world, who, "DELETE", "/join").status_code == 405


@pytest.mark.parametrize("who", ASKERS)
def test_a_token_is_for_who_knows_the_secret(world: World, who: str) -> None:
    for grant in ("client_credentials", "password", "authorization_code"):
        form = {"grant_type": grant, "client_id": "x", "client_secret": "y", "username": "leila", "password": "z"}
        answer = ask(world, who, "POST", "/oauth/token/", data=form)
        assert answer.status_code in (400, 401)
        assert "access_token" not in answer.text
    assert ask(world, who, "GET", "/oauth/token/").status_code == 405
