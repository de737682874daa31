"""The reading again, in Arabic from right to left: the worklist, the case, the report, its paper, and the inbox."""

from playwright.sync_api import expect

from tests.journeys.conftest import Instance, SignIn
from tests.journeys.machine import Machine
from tests.journeys.people import PHONE, Person, shows_pixels
from tests.paper import words

NAME, QUESTION = "مريم العيادي", "سقوط من درج مع صداع، هل هناك نزيف؟"
EXAM = "مفراس للرأس دون مادة التباين"
FINDINGS = "لا يوجد نزيف داخل الجمجمة."
CONCLUSION = "لا يوجد أثر لرض على الدماغ."


def test_reading_in_arabic(at_desk: SignIn, instance: Instance, machine: Machine) -> None:
    machine.performs(machine.item(instance.orders["arabic"]))
    leila = at_desk("leila", language="ar")
    the_case_is_on_the_worklist(leila)
    the_case_is_told_in_arabic(leila)
    writes_and_signs(leila)
    the_paper_is_in_arabic(leila)
    the_inbox_is_in_arabic(at_desk("amel", language="ar", screen=PHONE))


def from_right_to_left(person: Person) -> None:
    """The whole page is Arabic and turned; names in Latin letters stand apart."""
    html = person.page.locator("html")
    expect(html).to_have_attribute("lang", "ar")
    expect(html).to_have_attribute("dir", "rtl")
    sheets = person.page.evaluate("[...document.styleSheets].map(sheet => sheet.href || '')")
    assert any("rtl" in sheet for sheet in sheets)


def the_case_is_on_the_worklist(leila: Person) -> None:
    """4. The list of readings names the patient in Arabic letters."""
    leila.opens("/radiology/readings/", "القراءات")
    from_right_to_left(leila)
    line = leila.page.locator("#readings .case-line", has_text=NAME)
    leila.awaits(line, "/radiology/readings/")
    expect(line).to_contain_text(QUESTION[:30])
    leila.follows(line.get_by_role("button", name="قراءة"), EXAM)


def the_case_is_told_in_arabic(leila: Person) -> None:
    """5. Images stand on the left of the report, which begins on the right; the viewer shows them."""
    from_right_to_left(leila)
    page = leila.page
    expect(page.locator(".question-text")).to_have_text(QUESTION)
    images, report = page.locator(".desk-images").bounding_box(), page.locator(".desk-report").bounding_box()
    assert images and report
    assert report["x"] + report["width"] <= images["x"] + 1
    assert shows_pixels(page)


def writes_and_signs(leila: Person) -> None:
    """6. An Arabic template, a phrase by its shortcut, and the reader's own words."""
    page = leila.page
    expect(page.locator("#language")).to_have_value("ar")
    expect(page.locator("#section-findings")).to_have_attribute("dir", "rtl")
    page.locator("#template").select_option(label="رأس سليم")
    page.locator("#section-findings").fill("")
    page.locator("#section-findings").press_sequentially(";نزيف ")
    expect(page.locator("#section-findings")).to_have_value(f"{FINDINGS} ")
    page.locator("#section-conclusion").fill(CONCLUSION)
    expect(page.locator("#editor-state")).to_have_attribute("data-kind", "saved")
    page.locator("#sign").click()
    expect(page.locator("#confirm-conclusion")).to_have_text(CONCLUSION)
    page.locator("#confirm-yes").click()
    page.wait_for_url("**/radiology/reports/**")
    leila.sees(EXAM)
    from_right_to_left(leila)
    expect(page.locator(".section-conclusion .report-text")).to_have_text(CONCLUSION)


def the_paper_is_in_arabic(leila: Person) -> None:
    """6. Letters are joined on paper, and still found as text."""
    address = leila.page.locator("a[href$='report.pdf']").get_attribute("href") or ""
    paper = leila.fetches(address, until=lambda body: body.startswith(b"%PDF"))
    read = words(paper)
    assert "لا يوجد" in read
    assert CONCLUSION.rstrip(".") in read
    assert NAME in read


def the_inbox_is_in_arabic(amel: Person) -> None:
    """7. The doctor reads the result on a phone, from right to left."""
    amel.opens("/radiology/results/", "النتائج")
    from_right_to_left(amel)
    result = amel.page.locator("#results .result", has_text=NAME)
    amel.awaits(result, "/radiology/results/")
    expect(result).to_contain_text(CONCLUSION)
    amel.follows(result.locator("a.stretched-link"), EXAM)
    from_right_to_left(amel)
    expect(amel.page.locator(".section-findings .report-text")).to_contain_text(FINDINGS)
