"""A night on call across three hospitals, half of it in Arabic: a centre goes dark, a stroke, an accident, the month.

Dalila, on her phone, declares Jebel dark, and its forty routine cases stand before Leila at El Amal. A stroke comes
from Oued Zen and passes them all. After an accident Rania reads the head while Leila reads the rest; the bleeding is
told before anything is signed. In the morning Dalila closes the month, and Hatem publishes the ministry's report.
"""

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Instance, SignIn
from tests.journeys.machine import Machine
from tests.journeys.night import READ, ROUTINE
from tests.journeys.people import PHONE, Person
from tests.journeys.test_bad_days import case_of, writes
from tests.paper import words
from wasl.edges.cli.home import CHECKOUT

STROKE, TRAUMA = "Scanner cérébral sans injection", "Scanner corps entier du polytraumatisé"
TRAUMA_AR = "لكامل الجسم لمصاب بجروح متعددة"
BLEED = "نزيف فوق الجافية"
OCCLUSION = "Occlusion de l’artère sylvienne droite."


@pytest.fixture
def orders(instance: Instance) -> dict[str, str]:
    """The night is prepared; the accession numbers of its two urgent exams."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.night"], cwd=CHECKOUT, capture_output=True, text=True, timeout=180,
        env={**instance.env, "STAGE_PASSWORD": instance.password, "PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_a_night_on_call(at_desk: SignIn, orders: dict[str, str], machine: Machine) -> None:
    dalila = at_desk("dalila", screen=PHONE, language="ar")
    leila, rania = at_desk("leila"), at_desk("rania", language="ar")
    the_centre_goes_dark(dalila)
    its_cases_stand_before_another(leila)
    machine.performs(machine.item(orders["CT-HEAD"]))
    the_stroke_passes_them_all(leila)
    machine.performs(machine.item(orders["CT-TRAUMA"]))
    the_accident_is_taken(leila)
    the_head_is_read_by_a_colleague(rania)
    amel = at_desk("amel", screen=PHONE, language="ar")
    both_are_told_on_the_phone(amel)
    one_report_is_signed(leila)
    the_centre_is_back(dalila)
    the_month_is_closed(dalila)
    the_ministry_publishes(at_desk("hatem", language="ar"))
    leila.heard.forgives_late_pictures()
    rania.heard.forgives_late_pictures()


def the_centre_goes_dark(dalila: Person) -> None:
    """Its lights are out: its head says so on her phone, with a reason."""
    page = dalila.opens("/radiology/escalations/", "على وشك التأخّر")
    assert page.locator("html").get_attribute("dir") == "rtl"
    centre = page.locator("li", has_text="المستشفى الجامعي الجبل")
    centre.locator("summary").click()
    centre.locator("input[name=because]").fill("انقطاع الكهرباء عن المستشفى كلّه")
    centre.locator("button.btn-danger").click()
    dalila.sees("على وشك التأخّر")
    expect(centre.locator(".badge.bg-red-lt")).to_contain_text("متوقّف")


def its_cases_stand_before_another(leila: Person) -> None:
    """All of them, by an agreement that was signed before."""
    leila.opens("/radiology/readings/", "Lectures")
    waiting = leila.page.locator("#readings .card-title + .badge").first
    for _ in range(90):
        if int(waiting.inner_text()) >= ROUTINE:
            break
        leila.page.wait_for_timeout(1000)
        leila.page.reload()
    assert int(waiting.inner_text()) >= ROUTINE
    expect(leila.page.locator("#readings .case-line", has_text="El Nakhil").first).to_be_visible()


def the_stroke_passes_them_all(leila: Person) -> None:
    """It came last, and is the next case; it is read, and told as critical."""
    page = leila.page
    leila.awaits(page.locator("#next", has_text=STROKE).filter(has_text="urgence vitale"), "/radiology/readings/")
    leila.follows(page.locator("[data-next]"), STROKE)
    expect(page.locator(".question-text")).to_contain_text("AVC")
    writes(leila, OCCLUSION)
    page.locator("#critical").check()
    page.locator("#critical_what").fill(OCCLUSION)
    expect(page.locator("#editor-state")).to_have_attribute("data-kind", "saved")
    signs(leila, STROKE)


def signs(leila: Person, exam: str) -> None:
    """Sign what is written, and see it."""
    leila.page.locator("#sign").click()
    leila.page.locator("#confirm-yes").click()
    leila.page.wait_for_url("**/radiology/reports/**")
    leila.sees(exam)


def the_accident_is_taken(leila: Person) -> None:
    """It fanned out into regions as it arrived; she leads it, and keeps all but the head."""
    leila.opens(case_of(leila, "Yassine Ferjani"), TRAUMA)
    leila.follows(leila.page.get_by_role("button", name="Interpréter").first, TRAUMA)
    regions = leila.page.locator("#regions")
    expect(regions.locator(".region-line")).to_have_count(5)
    regions.locator("a[href*=take-back]").click()
    leila.sees("Reprendre des régions")
    for box in leila.page.locator("label.form-check").all():
        box.locator("input").set_checked("Tête" not in box.inner_text())
    leila.page.locator("#because").fill("Je lis le reste moi-même.")
    leila.presses("Reprendre")
    leila.sees(TRAUMA)


def the_head_is_read_by_a_colleague(rania: Person) -> None:
    """From her own list; the bleeding is told at once, then the region is handed in."""
    page = rania.opens("/radiology/readings/", "القراءات")
    part = page.locator("#readings section", has_text=TRAUMA_AR).locator(".case-line:not([data-key])")
    rania.awaits(part, "/radiology/readings/")
    part.locator("button").click()
    rania.sees(TRAUMA_AR)
    page.locator("#what").fill(BLEED)
    rania.presses("الإبلاغ الآن")
    expect(page.locator(".region-finding").first).to_contain_text(BLEED)
    page.locator("#findings").fill("تجمّع دموي صدغي أيسر.")
    page.locator("#conclusion").fill(f"{BLEED}.")
    page.locator("form#region-text button.btn-primary").click()
    rania.sees("القراءات")
    expect(part).to_contain_text("سُلّمت")


def both_are_told_on_the_phone(amel: Person) -> None:
    """The stroke's report and the finding that no report has yet lie on top of her inbox."""
    amel.opens("/radiology/results/", "النتائج")
    for critical in (OCCLUSION, BLEED):
        result = amel.page.locator("#results .result", has_text=critical)
        amel.awaits(result.first, "/radiology/results/")
        amel.opens("/radiology/results/", "النتائج")


def one_report_is_signed(leila: Person) -> None:
    """What was handed in is put into the report, which names both."""
    leila.opens(case_of(leila, "Yassine Ferjani"), TRAUMA)
    page = leila.page
    leila.presses("Intégrer au compte rendu", within="#regions")
    leila.sees(TRAUMA)
    expect(page.locator("#section-findings")).to_contain_text("تجمّع دموي")
    writes_more(leila)
    signs(leila, TRAUMA)
    leila.reads("Rania Zouari")


def writes_more(leila: Person) -> None:
    """The rest of the body, below what is there."""
    field = leila.page.locator("#section-conclusion")
    field.fill(f"{field.input_value()}\nPas d’autre lésion traumatique.")
    expect(leila.page.locator("#editor-state")).to_have_attribute("data-kind", "saved")


def the_centre_is_back(dalila: Person) -> None:
    """What went stays where it went; what comes from now on is its own again."""
    dalila.opens("/radiology/escalations/", "على وشك التأخّر")
    centre = dalila.page.locator("li", has_text="المستشفى الجامعي الجبل")
    centre.locator("summary").click()
    centre.locator("input[name=because]").fill("عادت الكهرباء والخطّ معا")
    centre.locator("form button.btn-primary").click()
    dalila.sees("على وشك التأخّر")
    expect(centre.locator(".badge.bg-green-lt")).to_be_visible()


def the_month_is_closed(dalila: Person) -> None:
    """Her reader's statement and the two hospitals' have a line for each act; the paper is signed."""
    page = dalila.opens("/contracts/statements/", "الكشوف")
    dalila.presses("إقفال الشهر")
    dalila.sees("الكشوف")
    pair = page.locator("tbody tr", has_text="النخيل")
    expect(pair.locator("bdi").first).to_have_text(str(READ))
    dalila.follows(pair.locator("a"), "كشف")
    expect(page.locator("section[aria-labelledby=lines] tbody tr")).to_have_count(READ)
    paper = dalila.fetches(f"{page.url}statement.pdf", until=lambda body: body.startswith(b"%PDF"))
    assert "النخيل" in words(paper)


def the_ministry_publishes(hatem: Person) -> None:
    """The month's evaluation, printed in Arabic too."""
    page = hatem.opens("/planning/releases/", "التقييمات المنشورة")
    hatem.presses("نشر")
    hatem.sees("التقييمات المنشورة")
    made = page.locator("tbody a.btn", has_text="PDF")
    hatem.awaits(made, "/planning/releases/")
    paper = hatem.fetches(made.first.get_attribute("href") or "", until=lambda body: body.startswith(b"%PDF"))
    assert words(paper).strip()
