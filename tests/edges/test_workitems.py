"""UPS-RS as algorithms and stations see it: real HTTP, real WebSockets, tokens that the server gave (PS3.18, 11)."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests import make
from tests.cast import Cast, cast
from tests.edges.foreign import session, token
from tests.edges.scenes import PATIENCE, eventually
from tests.workitems import DONE, attribute, coded, state, task
from wasl.archive import services as archive
from wasl.archive.models import Subscriber
from wasl.archive.rules.workitems import FILTERED, WORKLIST
from wasl.patients.models import Access

JSON = "application/dicom+json"
OWN, OTHER = "2.25.11", "2.25.22"
SCOPES = ("dicomweb.read", "dicomweb.write")
CONFLICT = "299 wasl: The submitted request is inconsistent with the state of the UPS Instance."


class Machine:
    """A client of the served instance."""

    def __init__(self, server: str, credential: dict[str, str]) -> None:
        self.server, self.credential = server, credential
        self.http = httpx.Client(base_url=f"{server}/dicom-web", headers=credential, timeout=60)

    def ask(self, method: str, path: str, dataset: object = None, **headers: str) -> httpx.Response:
        """A request, with a data set as DICOM JSON if one is given."""
        body = None if dataset is None else json.dumps(dataset).encode()
        kind = {} if dataset is None else {"content-type": JSON}
        return self.http.request(method, path, content=body, headers={**kind, **headers})

    def status(self, method: str, path: str, dataset: object = None, **headers: str) -> tuple[int, str]:
        """The status of an answer, and its warning."""
        answer = self.ask(method, path, dataset, **headers)
        return answer.status_code, answer.headers.get("warning", "")

    def listen(self, title: str, query: str = "", **headers: str) -> AbstractContextManager[ClientConnection]:
        """A notification connection."""
        where = f"{self.server.replace('http', 'ws', 1)}/dicom-web/ws/subscribers/{title}{query}"
        return connect(where, additional_headers={**self.credential, **headers}, open_timeout=PATIENCE)

    def refused(self, title: str, query: str = "", **headers: str) -> int:
        """The status with which no connection is opened."""
        with pytest.raises(InvalidStatus) as refusal, self.listen(title, query, **headers):
            pass
        status: int = refusal.value.response.status_code
        return status


def report(line: ClientConnection) -> tuple[int, int, str, str]:
    """The next report: its Message ID, its kind, its workitem, and the state that it tells."""
    said = json.loads(line.recv(timeout=PATIENCE))
    assert said["00000002"] == attribute("UI", "1.2.840.10008.5.1.4.34.6.1")
    assert "00081195" not in said
    first: dict[str, Any] = {tag: element["Value"][0] for tag, element in said.items() if element.get("Value")}
    return first["00000110"], first["00001002"], first["00001000"], first.get("00741000", "")


@pytest.fixture
def stage(transactional_db: None) -> Cast:
    return cast()


@pytest.fixture
def machines(server: str, stage: Cast) -> Iterator[dict[str, Machine]]:
    """Algorithms of three hospitals, one that only reads, people, a stranger."""
    made = {
        "algorithm": Machine(server, token("algorithm", *SCOPES, place=stage.regional)),
        "elsewhere": Machine(server, token("elsewhere", *SCOPES, place=stage.other)),
        "reader": Machine(server, token("reader", "dicomweb.read", place=stage.regional)),
        "sami": Machine(server, session(stage.sami)),
        "amel": Machine(server, session(stage.amel)),
        "leila": Machine(server, session(stage.leila)),
        "gpu": Machine(server, token("gpu", *SCOPES, place=stage.university)),
        "mute": Machine(server, token("mute", "fhir.write", place=stage.regional)),
        "nobody": Machine(server, {}),
    }
    yield made
    for machine in made.values():
        machine.http.close()


def test_work_is_given_found_claimed_and_done(machines: dict[str, Machine], stage: Cast) -> None:
    algorithm, sami, elsewhere = machines["algorithm"], machines["sami"], machines["elsewhere"]
    _is_created(sami, algorithm)
    _is_found(algorithm, elsewhere)
    _is_claimed_and_done(algorithm, sami)
    _is_canceled(algorithm, sami)
    _is_for_who_may(machines)
    _of_a_patient_is_written_down(algorithm, stage)
    _connections_are_for_their_owners(machines)
    _is_heard_of(machines, stage)


def _is_created(sami: Machine, algorithm: Machine) -> None:
    created = sami.ask("POST", "/workitems?1.2.1", task())
    assert (created.status_code, created.content, created.headers.get("warning")) == (201, b"", None)
    assert created.headers["location"] == f"{sami.server}/dicom-web/workitems/1.2.1"
    assert sami.ask("POST", "/workitems?workitem=1.2.2", [task(T00741200=attribute("CS", "HIGH"))]).status_code == 201
    inside = {**task(T00404025=attribute("SQ", coded("GPU1"))), "00080018": attribute("UI", "1.2.3")}
    del inside["00380010"]
    assert algorithm.status("POST", "/workitems", inside) == (
        201, "299 wasl: The Workitem was created with modifications.",
    )  # fmt: skip
    assert sami.ask("POST", "/workitems?1.2.1", task()).status_code == 409
    for path, wrong in (
        ("/workitems", task()), ("/workitems?1.2.4", inside), ("/workitems?no-uid", task()), ("/workitems?1.2.4", []),
        ("/workitems?1.2.4", {}), ("/workitems?1.2.4", [task(), task()]), ("/workitems?1.2.4", "1.2.4"),
        ("/workitems?1.2.4", task(T00741204=attribute("LO", "a\0b"))),
        ("/workitems?1.2.4", task(T00741204=attribute("LO", "\ud800"))),
        ("/workitems?1.2.4", state("SCHEDULED", OWN)), (f"/workitems?{WORKLIST}", task()),
        ("/workitems?1.2.4", task(T00741000=attribute("CS", "IN PROGRESS"))),
    ):  # fmt: skip
        assert sami.ask("POST", path, wrong).status_code == 400, (path, wrong)
    for body in (b"{", b"[" * 100_000, b'{"00741004": {"vr": "DS", "Value": [NaN]}}', b"\xff"):
        answer = sami.http.post("/workitems?1.2.4", content=body, headers={"content-type": JSON})
        assert answer.status_code == 400, body[:20]
    for kind in ("application/dicom+xml", 'multipart/related; type="application/dicom+xml"; boundary=x', "text/plain"):
        assert sami.http.post("/workitems?1.2.4", content=b"x", headers={"content-type": kind}).status_code == 415
    large = b" " * ((1 << 20) + 1)
    with httpx.Client(
        headers={**sami.credential, "content-type": JSON}, timeout=PATIENCE
    ) as once:  # the server may hang up after this
        assert once.post(f"{sami.server}/dicom-web/workitems?1.2.4", content=large).status_code == 413
    assert sami.ask("POST", "/workitems?1.2.4", task(), origin="https://evil.example").status_code == 403


def _is_found(algorithm: Machine, elsewhere: Machine) -> None:
    def found(query: str) -> list[str]:
        answer = algorithm.ask("GET", f"/workitems{query}")
        if answer.status_code == 204:
            assert answer.content == b""
            return []
        assert answer.status_code == 200
        return [item["00080018"]["Value"][0] for item in answer.json()]

    assert found("") == ["1.2.1", "1.2.2", "1.2.3"]
    assert found("?ScheduledProcedureStepPriority=HIGH&ProcedureStepState=SCHEDULED") == ["1.2.2"]
    assert found("?ScheduledStationNameCodeSequence.CodeValue=GPU1") == found("?00404025.00080100=GPU*") == ["1.2.3"]
    assert found("?00741000=COMPLETED") == []
    assert found("?PatientName=&offset=2") == ["1.2.3"]
    (item,) = algorithm.ask("GET", "/workitems?SOPInstanceUID=1.2.3").json()
    assert {"00741200", "00404025", "00741000"} <= item.keys()
    assert "00400400" not in item
    assert "00400400" in algorithm.ask("GET", "/workitems?includefield=CommentsOnTheScheduledProcedureStep").json()[0]
    assert "00741216" in algorithm.ask("GET", "/workitems?includefield=all").json()[0]
    page = algorithm.ask("GET", "/workitems?limit=2&fuzzymatching=true")
    assert (page.status_code, len(page.json())) == (206, 2)
    assert "additional results" in page.headers["warning"]
    assert "Only literal matching" in page.headers["warning"]
    for wrong in ("?limit=many", "?Nonsense=1", "?00404005=soon", "?TransactionUID=2.25.11", "?a.b=1"):
        assert algorithm.ask("GET", f"/workitems{wrong}").status_code == 400, wrong
    assert elsewhere.ask("GET", "/workitems").status_code == 204
    one = algorithm.ask("GET", "/workitems/1.2.1")
    assert (one.headers["content-type"], one.headers["cache-control"]) == (JSON, "no-store")
    assert one.json()[0]["00741204"] == attribute("LO", "Bleeding?")
    assert one.json()[0]["00080016"] == attribute("UI", "1.2.840.10008.5.1.4.34.6.1")
    assert (
        elsewhere.ask("GET", "/workitems/1.2.1").status_code == algorithm.ask("GET", "/workitems/9").status_code == 404
    )
    for path in ("/workitems", "/workitems/1.2.1"):
        assert algorithm.ask("GET", path, accept='multipart/related; type="application/dicom+xml"').status_code == 406


def _is_claimed_and_done(algorithm: Machine, sami: Machine) -> None:
    at = "/workitems/1.2.1"
    claim = {"00741000": attribute("CS", "IN PROGRESS")}
    assert algorithm.status("PUT", f"{at}/state", claim) == (400, "299 wasl: The Transaction UID is missing.")
    assert algorithm.status("PUT", f"{at}/state", state("COMPLETED", OWN)) == (409, CONFLICT)
    assert algorithm.status("PUT", f"{at}/state", state("IN PROGRESS", OWN)) == (200, "")
    assert sami.status("PUT", f"{at}/state", state("IN PROGRESS", OTHER)) == (409, CONFLICT)
    assert sami.status("PUT", f"{at}/state", state("SCHEDULED", OWN)) == (400, CONFLICT)
    incorrect = (400, "299 wasl: The Transaction UID is incorrect.")
    assert sami.status("PUT", f"{at}/state", state("CANCELED", OTHER)) == incorrect
    assert OWN not in algorithm.ask("GET", at).text + algorithm.ask("GET", "/workitems?includefield=all").text
    unclaimed = "299 wasl: The target URI did not reference a claimed Workitem."
    done = {"00741216": attribute("SQ", DONE)}
    inconsistent = "299 wasl: The submitted request is inconsistent with the current state of the Workitem."
    assert algorithm.status("POST", f"/workitems/1.2.2?{OWN}", done) == (409, unclaimed)
    assert algorithm.status("POST", at, done) == (400, inconsistent)
    assert algorithm.status("POST", f"{at}?transaction-uid={OTHER}", done) == (400, inconsistent)
    assert algorithm.status("POST", f"{at}?transaction-uid={OWN}", {"00741000": attribute("CS", "COMPLETED")})[0] == 400
    assert algorithm.status("PUT", f"{at}/state", state("COMPLETED", OWN)) == (409, CONFLICT)
    assert algorithm.status("POST", f"{at}?{OWN}", done) == (200, "")
    assert algorithm.status("PUT", f"{at}/state", state("COMPLETED", OWN)) == (200, "")
    assert algorithm.status("PUT", f"{at}/state", state("COMPLETED", OWN)) == (
        200, "299 wasl: The UPS is already in the requested state of COMPLETED.",
    )  # fmt: skip
    assert algorithm.status("POST", f"{at}?{OWN}", done) == (400, inconsistent)
    assert algorithm.status("PUT", "/workitems/9/state", state("COMPLETED", OWN))[0] == 404
    assert algorithm.status("POST", "/workitems/9", done)[0] == 404


def _is_canceled(algorithm: Machine, sami: Machine) -> None:
    assert sami.status("POST", "/workitems/1.2.1/cancelrequest") == (409, "299 wasl: The UPS is already COMPLETED.")
    assert algorithm.status("PUT", "/workitems/1.2.2/state", state("IN PROGRESS", OWN)) == (200, "")
    away = "299 wasl: The performer cannot be contacted."
    assert sami.status("POST", "/workitems/1.2.2/cancelrequest/CT_OUEDZEN", {}) == (409, away)
    assert sami.status("POST", "/workitems/1.2.3/cancelrequest", {"00741238": attribute("LT", "Not needed.")}) == (
        202,
        "",
    )
    assert sami.status("POST", "/workitems/1.2.3/cancelrequest") == (
        202, "299 wasl: The UPS is already in the requested state of CANCELED.",
    )  # fmt: skip
    (canceled,) = algorithm.ask("GET", "/workitems/1.2.3").json()
    assert canceled["00741000"] == attribute("CS", "CANCELED")
    assert canceled["00741002"]["Value"][0]["00741238"] == attribute("LT", "Not needed.")
    assert sami.status("POST", "/workitems/9/cancelrequest")[0] == 404
    assert sami.status("POST", "/workitems/1.2.2/cancelrequest/A%5CB")[0] == 400


def _is_for_who_may(machines: dict[str, Machine]) -> None:
    for who, expected in (("nobody", 401), ("reader", 403), ("amel", 403)):
        for method, path in (
            ("POST", "/workitems?1.2.8"), ("POST", "/workitems/1.2.1"), ("PUT", "/workitems/1.2.1/state"),
            ("POST", "/workitems/1.2.1/cancelrequest"), ("POST", f"/workitems/{WORKLIST}/subscribers/X"),
            ("DELETE", f"/workitems/{WORKLIST}/subscribers/X"),
            ("POST", f"/workitems/{WORKLIST}/subscribers/X/suspend"),
        ):  # fmt: skip
            assert machines[who].ask(method, path, task()).status_code == expected, (who, path)
    assert machines["reader"].ask("GET", "/workitems").status_code == 200


def _of_a_patient_is_written_down(algorithm: Machine, stage: Cast) -> None:
    study, salma = make.study(stage), make.patient(stage)
    archive.match_study(study.id, patient=salma.id, because="tests", by=stage.sami)
    inputs = attribute("SQ", {"0020000D": attribute("UI", study.uid)})
    archive.create_workitem("1.2.7", attributes=task(T00404021=inputs), place=stage.regional, by=stage.sami)
    assert algorithm.ask("GET", "/workitems/1.2.7").status_code == 200
    looks = Access.objects.filter(what="archive.workitems", patient=salma.id)
    assert [look.actor_name for look in looks] == ["algorithm"]


def _is_heard_of(machines: dict[str, Machine], stage: Cast) -> None:
    """Who subscribed hears each report once and in order, those missed afterwards."""
    algorithm, leila, elsewhere = machines["gpu"], machines["leila"], machines["elsewhere"]
    title = "GPU 1"
    created = algorithm.ask("POST", f"/workitems/{WORKLIST}/subscribers/{title}?deletionlock=true")
    assert created.status_code == 201
    assert (
        created.headers["content-location"]
        == f"{algorithm.server.replace('http', 'ws')}/dicom-web/ws/subscribers/GPU%201"
    )
    assert elsewhere.ask("POST", f"/workitems/{WORKLIST}/subscribers/OTHER").status_code == 201
    assert elsewhere.refused("GPU%201") == algorithm.refused("OTHER") == 403
    with algorithm.listen("GPU%201") as line, elsewhere.listen("OTHER") as far:
        assert leila.ask("POST", "/workitems?1.7.1", task(T00404025=attribute("SQ", coded("GPU1")))).status_code == 201
        assert [report(line) for _ in range(2)] == [(1, 1, "1.7.1", "SCHEDULED"), (2, 5, "1.7.1", "")]
        assert algorithm.ask("PUT", "/workitems/1.7.1/state", state("IN PROGRESS", OWN)).status_code == 200
        assert report(line) == (3, 1, "1.7.1", "IN PROGRESS")
        progress = {"00741002": attribute("SQ", {"00741004": attribute("DS", 50)})}
        assert algorithm.ask("POST", f"/workitems/1.7.1?{OWN}", progress).status_code == 200
        assert leila.ask("POST", "/workitems/1.7.1/cancelrequest/CT_OUEDZEN", {}).status_code == 202
        assert [report(line)[1] for _ in range(2)] == [3, 2]
        with pytest.raises(TimeoutError):
            far.recv(timeout=1)  # another hospital hears nothing of it
        assert eventually(lambda: Subscriber.objects.get(ae_title=title).handed == 5)
    # what happens while nobody listens
    assert algorithm.ask("PUT", "/workitems/1.7.1/state", state("CANCELED", OWN)).status_code == 200
    for number in range(2, 130):
        archive.create_workitem(f"1.7.{number}", attributes=task(), place=stage.university, by=stage.leila)
    with algorithm.listen("GPU%201") as line:
        missed = [report(line) for _ in range(129)]
        assert missed[0] == (6, 1, "1.7.1", "CANCELED")
        assert [(number, uid) for number, _, uid, _ in missed[1:]] == [(5 + n, f"1.7.{n}") for n in range(2, 130)]
        with algorithm.listen("GPU%201", "?after=133") as newer:
            assert [report(newer)[0]] == [134]
            with pytest.raises(ConnectionClosed):
                leila.ask("POST", "/workitems?1.9.1", task())
                line.recv(timeout=PATIENCE)  # the older connection is ended, and hears nothing more
            assert report(newer)[0] == 135
    _subscriptions_end(algorithm, leila)


def _connections_are_for_their_owners(machines: dict[str, Machine]) -> None:
    assert machines["nobody"].refused("GPU") == 401
    assert machines["amel"].refused("GPU") == machines["mute"].refused("GPU") == 403
    assert machines["sami"].refused("GPU", origin="https://evil.example") == 403
    assert machines["algorithm"].refused("GPU", "?after=x") == 400
    assert machines["algorithm"].refused("GPU/more") == 404
    assert machines["algorithm"].refused("A%5CB") == 400
    with machines["reader"].listen("READER"):
        assert machines["algorithm"].refused("READER") == 403  # once taken it is theirs
    plain = machines["algorithm"].ask("GET", "/ws/subscribers/GPU")
    assert (plain.status_code, plain.headers["upgrade"]) == (426, "websocket")
    with pytest.raises(InvalidStatus), connect(machines["algorithm"].server.replace("http", "ws") + "/live/"):
        pass
    assert not Subscriber.objects.filter(ae_title="GPU").exists()


def _subscriptions_end(algorithm: Machine, leila: Machine) -> None:
    where = f"/workitems/{WORKLIST}/subscribers/GPU 1"
    assert algorithm.status("POST", f"{where}/suspend") == (200, "")
    assert algorithm.status("POST", f"{where}/suspend")[0] == 404
    assert algorithm.status("DELETE", where)[0] == 404
    assert algorithm.status("DELETE", "/workitems/1.7.2/subscribers/GPU 1") == (200, "")
    assert algorithm.status("DELETE", "/workitems/1.7.2/subscribers/GPU 1")[0] == 404
    assert algorithm.status("POST", "/workitems/1.7.2/subscribers/GPU 1/suspend")[0] == 404
    assert algorithm.status("POST", "/workitems/9/subscribers/GPU 1")[0] == 404
    assert leila.status("POST", "/workitems/1.7.2/subscribers/GPU 1")[0] == 403
    filtered = f"/workitems/{FILTERED}/subscribers/GPU 1"
    assert algorithm.status("POST", filtered)[0] == algorithm.status("POST", f"{filtered}?filter=Nonsense=1")[0] == 400
    assert algorithm.status("POST", f"{filtered}?deletionlock=maybe&filter=00741200=HIGH")[0] == 400
    assert algorithm.status("POST", f"{filtered}?filter=00741200=HIGH,ProcedureStepLabel=Bl*") == (201, "")
    for uid, priority in (("1.8.1", "LOW"), ("1.8.2", "HIGH")):
        assert leila.ask("POST", f"/workitems?{uid}", task(T00741200=attribute("CS", priority))).status_code == 201
    with algorithm.listen("GPU%201") as line:
        assert report(line)[2:] == ("1.8.2", "SCHEDULED")
    assert algorithm.status("DELETE", filtered) == (200, "")
