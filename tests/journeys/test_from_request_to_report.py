"""One patient, from the request in a regional hospital to the signed report and the clock on the ministry's page.

In French from end to end, then the reading again in Arabic, from right to left. Everything is real: a browser for each
person, DCMTK for the scanner, the instance's own processes.
"""

import io
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page
from pydicom import Dataset

from tests.journeys.conftest import Instance, People
from tests.journeys.stage import SCANNER
from wasl.edges.cli.demo.pictures import part10, picture

PATIENCE = 120_000  # milliseconds; a study is known to be complete when nothing has come for a while
ARABIC_NAME = "بن رمضان"
GREYS = 40  # a blank canvas has one


@dataclass(frozen=True)
class Words:
    """What people write in one language."""

    language: str
    direction: str
    exam: str
    found: str
    question: str
    findings: str
    conclusion: str
    critical: str


FRENCH = Words(
    "fr", "ltr", "scanner cérébral sans", "Scanner cérébral sans injection",
    "Traumatisme crânien, Glasgow 13, saignement ?", "Collection extra-axiale de 14 mm.",
    "Hématome extra-axial avec effet de masse.", "Hématome extra-axial",
)  # fmt: skip
ARABIC = Words(
    "ar", "rtl", "مفراس للرأس دون", "مفراس للرأس دون مادة التباين", "إصابة في الرأس، هل هناك نزيف؟",
    "تجمع خارج المحور بسماكة 14 مم.", "ورم دموي خارج المحور مع تأثير كتلي.", "",
)  # fmt: skip


def test_from_request_to_report(instance: Instance, people: People, tmp_path: Path) -> None:
    reader = people.page("leila")
    reader.goto("/radiology/readings/")  # open before anything happens: the case must appear by itself
    order = request(people.page("amel"), instance, FRENCH)
    the_worklist_shows(order, instance)
    scan(order, instance, tmp_path)
    read(people, instance, FRENCH)
    the_requester_reads(people, FRENCH)
    others_see_nothing(people.page("zied"), instance)
    everything_is_told(people.page("hatem"), instance, reports=1)

    for person in ("amel", "leila"):
        speak(people.page(person), ARABIC)
    order = request(people.page("amel"), instance, ARABIC)
    scan(order, instance, tmp_path)
    read(people, instance, ARABIC)
    everything_is_told(people.page("hatem"), instance, reports=2)
    assert people.wrong == []


def speak(page: Page, words: Words) -> None:
    """Choose a language, and see the page turn."""
    page.goto("/")
    page.locator(f"form[action*=language] button[value={words.language}]").dispatch_event("click")
    page.wait_for_selector(f"html[lang={words.language}][dir={words.direction}]")


def request(page: Page, instance: Instance, words: Words) -> Dataset:
    """Find the patient, choose the exam, and meet the refusal of a request without a question; then send it."""
    page.goto("/patients/")
    page.fill("#q", "romdhane salma")
    page.locator("#found .person-link").first.click()
    page.locator("a[href*='/radiology/orders/new/']").click()
    page.fill("#words", words.exam)
    page.locator("#procedures a", has_text=words.found).click()
    page.wait_for_selector("#exam input[name=procedure]", state="attached")
    send = page.locator("form#order .card-footer button")
    send.click()
    page.wait_for_selector("form#order .errorlist, form#order .invalid-feedback, form#order .alert-danger")
    page.fill("textarea[name=question]", words.question)
    page.locator("input[name=urgency][value=P1]").check(force=True)
    send.click()
    page.wait_for_url(re.compile(r"/radiology/orders/[0-9a-f-]{36}/"))
    return worklist_item(instance)


def worklist_item(instance: Instance) -> Dataset:
    """What the scanner needs to know of the newest order."""
    ((accession, study_uid, number, family, given),) = instance.ask(
        "select o.accession, o.study_uid, p.number, p.family_name, p.given_name from radiology_order o "
        "join patients_patient p on p.id = o.patient_id order by o.created_at desc limit 1"
    )
    item = Dataset()
    item.AccessionNumber, item.StudyInstanceUID, item.PatientID = accession, study_uid, number
    item.PatientName, item.PatientSex, item.PatientBirthDate = f"{family}^{given}", "F", "19610402"
    return item


def the_worklist_shows(order: Dataset, instance: Instance) -> None:
    """A foreign client finds the order on the modality worklist, its Arabic name intact."""
    keys = ("PatientName", f"AccessionNumber={order.AccessionNumber}", "ScheduledProcedureStepSequence[0].Modality=CT")
    found = dcmtk(instance, "findscu", "-W", *(word for key in keys for word in ("-k", key)))
    assert str(order.AccessionNumber) in found
    assert ARABIC_NAME in found


def dcmtk(instance: Instance, program: str, *words: str) -> str:
    """What a program of DCMTK says as the hospital's scanner; it must succeed."""
    address = ("127.0.0.1", instance.dicom_port)
    options = [word for word in words if not word.endswith(".dcm")]
    files = [word for word in words if word.endswith(".dcm")]
    command = [program, "-v", "-aet", SCANNER, "-aec", "WASL", *options, *address, *files]
    ran = subprocess.run(command, capture_output=True, timeout=60)
    said = (ran.stdout + ran.stderr).decode("utf-8", "replace")
    assert ran.returncode == 0, said
    return said


def scan(order: Dataset, instance: Instance, folder: Path) -> None:
    """The scanner stores a real image under the order's numbers."""
    ((moment,),) = instance.ask("select now()")
    image = picture("693_UNCI.dcm", order, title="Scanner cérébral", moment=moment)  # type: ignore[arg-type]
    file = folder / f"{order.AccessionNumber}.dcm"
    file.write_bytes(part10(image))
    dcmtk(instance, "storescu", str(file))


def read(people: People, instance: Instance, words: Words) -> None:
    """The case appears by itself; claim it, see pixels, lose the browser, find the draft again, sign."""
    page = people.page("leila")
    if words is ARABIC:
        page.goto("/radiology/readings/")
    page.locator(".case-act form button").first.click(timeout=PATIENCE)
    page.wait_for_url(re.compile(r"/radiology/readings/[0-9a-f-]{36}/"))
    assert words.question in page.locator(".question-text").inner_text()
    assert shows_pixels(page)
    page.select_option("#language", words.language)
    page.fill("#section-findings", words.findings)
    page.fill("#section-conclusion", words.conclusion)
    if words.critical:
        page.check("#critical")
        page.fill("#critical_what", words.critical)
    saved_at_once(page, instance, words)
    address = page.url
    people.crash("leila")

    page = people.page("leila")
    page.goto(address)
    assert page.input_value("#section-conclusion") == words.conclusion
    page.click("#sign")
    page.click("#confirm-yes")
    page.wait_for_url(lambda url: url != address, timeout=PATIENCE)
    assert page.locator(f"html[dir={words.direction}]").count() == 1


def saved_at_once(page: Page, instance: Instance, words: Words) -> None:
    """What was written is in the database without anybody asking for it."""
    for _ in range(100):
        drafts = [
            sections for (sections,) in instance.ask("select sections from radiology_report where state = 'draft'")
        ]
        if any(draft.get("conclusion") == words.conclusion for draft in drafts):  # type: ignore[attr-defined]
            return
        page.wait_for_timeout(200)
    raise AssertionError("the draft was not saved")


def shows_pixels(page: Page) -> bool:
    """Whether the viewer beside the report shows more than an empty canvas."""
    frame = page.locator(".desk-images iframe")
    frame.wait_for()
    page.frame_locator(".desk-images iframe").locator("canvas").first.wait_for(timeout=PATIENCE)
    for _ in range(160):
        shown = Image.open(io.BytesIO(frame.screenshot())).convert("L")
        width, height = shown.size
        middle = shown.crop((width * 3 // 10, height * 3 // 10, width * 7 // 10, height * 7 // 10))
        if sum(1 for count in middle.histogram() if count) > GREYS:
            return True
        page.wait_for_timeout(500)
    return False


def the_requester_reads(people: People, words: Words) -> None:
    """On a phone: the critical result waits, is read and acknowledged, and the page fits the screen."""
    page = people.page("amel", phone=True)
    page.goto("/radiology/results/")
    page.locator("#results a.stretched-link").first.click(timeout=PATIENCE)
    assert words.conclusion in page.locator(".section-conclusion").first.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth + 1")
    page.locator("form[action*=acknowledge] button").first.click()
    page.wait_for_selector(".report")
    page.goto("/radiology/results/")
    assert page.locator("form[action*=acknowledge]").count() == 0
    printed = page.context.request.get(_pdf_of(page))
    assert printed.ok
    assert printed.body().startswith(b"%PDF-")


def _pdf_of(page: Page) -> str:
    """The address of the newest result's document, once the worker has made it."""
    for _ in range(60):
        page.goto("/radiology/results/")
        page.locator("#results a.stretched-link").first.click()
        address = page.locator("a[href*=pdf]").first.get_attribute("href") or ""
        if page.context.request.get(address).ok:
            return address
        page.wait_for_timeout(1000)
    raise AssertionError("the document was not made")


def others_see_nothing(page: Page, instance: Instance) -> None:
    """A doctor elsewhere opens neither the record nor the report."""
    ((patient, report),) = instance.ask(
        "select r.patient_id, p.id from radiology_report p join radiology_reading r on r.id = p.reading_id limit 1"
    )
    for address in (f"/record/{patient}/", f"/radiology/reports/{report}/", f"/radiology/orders/new/{patient}/"):
        answer = page.goto(address)
        assert answer is not None
        assert FRENCH.conclusion not in page.content()
        assert "Ben Romdhane" not in page.content() or "glass" in page.content()


def everything_is_told(page: Page, instance: Instance, *, reports: int) -> None:
    """The ministry counts it, the act is counted once, the record has its resource, and each look was logged."""
    page.goto("/radiology/service/")
    assert page.locator("html").get_attribute("lang") == "fr"
    for _ in range(60):
        acts = instance.ask("select count(*) from contracts_act")
        if acts == [(reports,)]:
            break
        page.wait_for_timeout(500)
    assert acts == [(reports,)]
    answer = page.context.request.get("/radiology/service/table.csv?by=modality").text().splitlines()
    assert answer[1].split(",")[:3] == ["CT", str(reports), str(reports)]
    written = instance.ask("select count(*) from record_entry where type = 'DiagnosticReport'")
    assert written == [(reports,)]
    looks = instance.ask("select count(*) from patients_access where actor_name = 'Leila Haddad'")
    assert looks[0][0]
