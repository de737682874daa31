"""A hospital's gateway and its centre as people run them: from the code to the report, over a line that is cut.

The line is cut in the middle of a study. The centre says how much of it is there, and the hospital works on: its
scanner asks the worklist, stores and ends, somebody with an account of the gateway opens the images. Then the line is
back, and the rest follows.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.uid import generate_uid

from tests import make
from tests.accounts.test_signin import code
from tests.edges.line import Line, line
from tests.edges.scenes import Command, descendants, eventually
from tests.edges.sites import MACHINE, Site, centre, gateway
from tests.edges.test_up import running
from tests.edges.test_viewer import Window, chromium
from tests.journeys.machine import Machine, pictures
from tests.journeys.people import PATIENCE

IMAGES = 12
THIN = 1e5  # bytes a second: half of a study takes several requests
STAGE = """
import json
from tests import make
from tests.cast import cast
from tests.edges.dicomweb import cookies
stage = cast()
order = make.order(stage, patient=make.patient(stage).id)
print(json.dumps({"accession": order.accession, "sami": cookies(stage.sami), "amel": cookies(stage.amel)}))
"""
SIGN = """
from types import SimpleNamespace
from tests import make
from wasl.accounts import queries as accounts
from wasl.accounts.models import Person
from wasl.radiology import queries
leila = accounts.actor_of(Person.objects.get(username="leila").id, address="192.0.2.1")
(case,) = queries.readings(viewer=leila)
make.signed_report(SimpleNamespace(leila=leila), case=case.id)
"""
# whatever is known of people and of what was said about them
MEDICAL = (
    "select (select count(*) from patients_patient) + (select count(*) from radiology_order)"
    " + (select count(*) from radiology_report)"
)


def test_from_the_code_to_the_report_over_a_line_that_is_cut(tmp_path: Path) -> None:
    with (
        centre() as there, gateway(machines=f'{MACHINE}address = "127.0.0.1"\n') as here, the_line(there) as thin,
        Command("up", env=there.env) as up, chromium() as browser,
    ):  # fmt: skip
        assert eventually(there.answers), up.said
        told = json.loads(there.python(STAGE))
        the_gateway_joins(there, here)
        with Command("edge", env=here.env) as edge:
            scanner = Machine(here.dicom, tmp_path, "GATEWAY")
            item = the_order_is_on_the_worklist(here, edge, scanner, told["accession"])
            studies = Window(browser, there.address, told["sami"])
            images = the_line_is_cut_in_the_middle(there, thin, scanner, item, studies.page)
            others = the_scanner_works_on(scanner, item, images)
            salma = somebody_signs_in(here, item.StudyInstanceUID)
            the_viewer_reads_the_images(here, salma, images)
            others_read_nothing(here, item.StudyInstanceUID, told["sami"])
            viewer = Window(browser, here.address, salma)
            viewer.open_uid(item.StudyInstanceUID)
            assert viewer.shows(), viewer.wrong
            assert thin.is_cut
            thin.rate = 0.0
            thin.mend()
            all_of_it_arrives(there, here, studies.page, [*images, *others])
            the_doctor_reads_the_report(there, told["amel"])
            the_gateway_holds_images_and_nothing_else(here, scanner, item, [*images, *others])
            assert the_step_is_told(there, item.StudyInstanceUID), edge.said
            assert (studies.wrong, viewer.wrong) == ([], [])
            assert viewer.hosts - {""} == {f"127.0.0.1:{here.http}"}
        assert "Traceback" not in edge.said, edge.said
    assert "Traceback" not in up.said, up.said


@contextlib.contextmanager
def the_line(there: Site) -> Iterator[Line]:
    """The way to the centre's links door, which gateways are told when they join."""
    with line(int(there.env["WASL_LINKS_PORT"]), rate=THIN) as opened:
        there.env["WASL_LINKS_ADDRESS"] = f"https://127.0.0.1:{opened.port}"
        yield opened


def the_gateway_joins(there: Site, here: Site) -> None:
    """The centre prints a code, with which the gateway enrols; its certificate is good for the first word."""
    ended, said = there.run("gateway", "add", "Salle 2", "--place", "oued-zen")
    assert ended == 0, said
    ended, said = here.run("edge", "join", there.address, re.findall(r"^code\s+(\S+)$", said, re.MULTILINE)[0])
    assert ended == 0, said
    assert "This machine speaks for Hôpital régional Oued Zen." in said


def the_order_is_on_the_worklist(here: Site, edge: Command, scanner: Machine, accession: str) -> Dataset:
    """What was ordered at the centre, the scanner finds at the gateway."""
    assert eventually(here.answers), edge.said
    assert not descendants(running(edge, "wasl", "dicom"))  # one process of each kind: the machine is small
    assert eventually(lambda: here.ask("select accession from archive_expected") == [(accession,)]), edge.said
    item = scanner.item(accession)
    assert item.PatientName == "Ben Salah^Salma=بن صالح^سلمى"
    return item


def the_line_is_cut_in_the_middle(
    there: Site, thin: Line, scanner: Machine, item: Dataset, page: Page
) -> list[FileDataset]:
    """The centre's list of studies, opened before, says by itself how many of the images are there."""
    page.goto(f"{there.address}/archive/")
    images = pictures(item, IMAGES)
    scanner.begins(item)
    thin.cut()  # so that the site names all of them before it sends the first
    scanner.stores(images)
    thin.cut_at = thin.carried + sum(len(image.PixelData) for image in images) // 2
    thin.mend()
    assert eventually(lambda: thin.is_cut)
    studies, study = page.locator("#studies"), str(item.StudyInstanceUID)
    # what was on its way when the line was cut is counted a moment later
    assert eventually(lambda: f"{held(there, study)} reçues sur {IMAGES}" in studies.inner_text())
    assert 0 < held(there, study) < IMAGES
    assert there.ask("select complete_at from archive_study where uid = %s", study) == [(None,)]
    return images


def held(there: Site, study: str) -> int:
    """How many of the images that the site named are at the centre."""
    query = "select held from archive_manifest m join archive_study s on s.id = m.study_id where s.uid = %s"
    rows = there.ask(query, study)
    return int(rows[0][0]) if rows else 0


def the_scanner_works_on(scanner: Machine, item: Dataset, images: Sequence[FileDataset]) -> list[FileDataset]:
    """Without the line: the worklist is the last one told, the exam ends, and an emergency's image is taken."""
    assert scanner.item(item.AccessionNumber).StudyInstanceUID == item.StudyInstanceUID
    scanner.ends(item, images)
    typed = Dataset()
    typed.PatientName, typed.PatientID, typed.AccessionNumber = "INCONNU^1", "T-17", ""
    typed.StudyInstanceUID = generate_uid()
    emergency = pictures(typed, 1)
    scanner.stores(emergency)
    return emergency


def somebody_signs_in(here: Site, study: str, *, name: str = "salma", ahead: int = 0) -> dict[str, str]:
    """Without the line, an account of the gateway opens it, once its second factor is set up; not before.

    The gateway's clock is `ahead` of ours by so many seconds.
    """
    ended, said = here.run("edge", "person", name, "--given", "Salma", "--family", "Ben Ali")
    assert ended == 0, said
    password = re.findall(r"^password\s+(\S+)$", said, re.MULTILINE)[0]
    with httpx.Client(base_url=here.address, timeout=60) as salma:
        submit(salma, salma.get("/account/login/"), login=name, password=password)
        assert salma.get("/archive/").status_code == 403
        assert salma.get(f"/dicom-web/studies/{study}/metadata").status_code == 401
        app = salma.get("/account/2fa/totp/activate/")
        submit(salma, app, code=code(re.findall(r'value="([A-Z2-7]{32})"', app.text)[0], ahead))
        assert study in salma.get("/archive/").text
        return dict(salma.cookies)


def submit(browser: httpx.Client, page: httpx.Response, **entered: str) -> None:
    """Fill in the form of a page; it is taken."""
    token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)[0]
    answer = browser.post(page.url, data={"csrfmiddlewaretoken": token, **entered})
    assert answer.status_code == 302, re.findall(r'class="errorlist".*', answer.text)


def the_viewer_reads_the_images(here: Site, cookies: dict[str, str], images: Sequence[FileDataset]) -> None:
    """Every frame is given as the scanner made it, asked for as the viewer does."""
    study = str(images[0].StudyInstanceUID)
    kind = "multipart/related; type=application/octet-stream; transfer-syntax=*"
    with httpx.Client(base_url=here.address, cookies=cookies, timeout=60) as salma:
        (found,) = salma.get("/dicom-web/studies", params={"StudyInstanceUID": study}).json()
        assert found["00201208"]["Value"] == [IMAGES]
        series = f"/dicom-web/studies/{study}/series/{images[0].SeriesInstanceUID}"
        uids = {one["00080018"]["Value"][0] for one in salma.get(f"{series}/metadata").json()}
        assert uids == {str(image.SOPInstanceUID) for image in images}
        for image in images:
            frame = salma.get(f"{series}/instances/{image.SOPInstanceUID}/frames/1", headers={"accept": kind})
            assert frame.status_code == 200
            assert next(generate_frames(image.PixelData)) in frame.content


def others_read_nothing(here: Site, study: str, elsewhere: dict[str, str]) -> None:
    """Neither a stranger nor somebody who is signed in at the centre."""
    for cookies in ({}, elsewhere):
        with httpx.Client(base_url=here.address, cookies=cookies, timeout=60) as browser:
            assert browser.get("/dicom-web/studies").status_code == 401
            assert browser.get(f"/dicom-web/studies/{study}/metadata").status_code == 401
            for page in ("/archive/", f"/viewer/viewer?StudyInstanceUIDs={study}"):
                assert browser.get(page).headers["location"].startswith("/account/login/")


def all_of_it_arrives(there: Site, here: Site, page: Page, images: Sequence[FileDataset]) -> None:
    """The same files lie at both ends, and the page says by itself that the study is whole."""
    expect(page.locator("#studies")).to_contain_text(
        "toutes les images nommées par leur site sont là", timeout=PATIENCE
    )
    assert eventually(lambda: len(files(there)) == len(images))
    assert files(there) == files(here)
    assert files(here).keys() == {str(image.SOPInstanceUID) for image in images}


def files(site: Site) -> dict[str, str]:
    """The images of a site by UID, each with the hash of its file as it lies on the disk."""
    rows = site.ask("select uid, path from archive_instance")
    return {uid: hashlib.sha256((site.home / "storage" / path).read_bytes()).hexdigest() for uid, path in rows}


def the_doctor_reads_the_report(there: Site, amel: dict[str, str]) -> None:
    """Leila signs at the centre, and Amel, who asked for the exam, has the report before her."""
    assert eventually(lambda: there.ask("select state from radiology_reading") == [("waiting",)])
    there.python(SIGN)
    with httpx.Client(base_url=there.address, cookies=amel, timeout=60) as browser:
        assert eventually(lambda: make.WRITTEN["conclusion"] in browser.get("/radiology/results/").text)
        (report,) = set(re.findall(r'href="(/radiology/reports/[0-9a-f-]+/)"', browser.get("/radiology/results/").text))
        assert make.WRITTEN["findings"] in browser.get(report).text


def the_gateway_holds_images_and_nothing_else(
    here: Site, scanner: Machine, item: Dataset, images: Sequence[FileDataset]
) -> None:
    """The exam that was made leaves the worklist; no patient, order or report comes to a machine that may be stolen."""
    assert eventually(lambda: scanner.worklist(f"AccessionNumber={item.AccessionNumber}") == [])
    assert here.ask("select state from archive_transfer t join archive_study s on s.id = t.study_id where s.uid = %s",
                    str(item.StudyInstanceUID)) == [("sent",)]  # fmt: skip
    assert len(files(here)) == len(images)
    assert here.ask(MEDICAL) == [(0,)]


def the_step_is_told(there: Site, study: str) -> bool:
    """Whether the centre heard that the scanner finished, which it said while the line was cut."""
    query = "select state from archive_performedstep where study_uid = %s"
    return eventually(lambda: there.ask(query, str(study)) == [("completed",)])
