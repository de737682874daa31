"""The main job, told once from end to end: Salma falls ill, and nine steps later her doctor acts on a signed report.

Nour registers, Amel orders, the scanner works, Sami uploads and reconciles, Leila reads, Amel acknowledges on her
phone, Zied from elsewhere is refused and breaks the glass, Hatem counts.
"""

import copy
import csv
import io
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect
from pydicom import Dataset
from pydicom.uid import generate_uid

from tests.journeys.conftest import SignIn
from tests.journeys.machine import Machine, pictures
from tests.journeys.people import LOOKS, PAUSE, PHONE, Person, shows_pixels
from tests.paper import words
from wasl.edges.cli.demo.pictures import part10

NAME, ARABIC_NAME, EXAM = "Salma Ben Salah", "سلمى بن صالح", "Scanner cérébral sans injection"
QUESTION = "Hémiparésie droite depuis deux heures ?"
FINDINGS = "Collection extra-axiale gauche de 14 mm."
CONCLUSION = "Hématome sous-dural aigu gauche avec effet de masse."
CRITICAL = "Hématome sous-dural avec engagement"


@dataclass
class Told:
    """What the story has told so far."""

    patient: str = ""  # the address of her page
    accession: str = ""
    reading: str = ""
    report: str = ""

    @property
    def key(self) -> str:
        """The key of the patient, as addresses have it."""
        return self.patient.rstrip("/").rpartition("/")[2]


def test_from_the_request_to_the_signed_report(at_desk: SignIn, machine: Machine, tmp_path: Path) -> None:
    told = Told()
    nour, amel, sami, leila = (at_desk(name) for name in ("nour", "amel", "sami", "leila"))
    counted = acts(leila)
    registers(nour, told)
    orders_only_with_the_safety_answers(amel, told)
    item = the_modality_finds_it(machine, told)
    the_radiographer_sees_it(sami, told)
    uploads_an_earlier_exam(sami, item, tmp_path)
    leila.opens("/radiology/readings/", "Lectures")
    images_arrive(machine, item)
    the_page_says_how_it_is_known_to_be_whole(sami)
    images_of_nobody_are_matched_and_taken_back(sami, machine)
    claims_what_appeared_by_itself(leila, told)
    sees_the_case_and_its_pixels(leila)
    writes_and_loses_the_browser(leila, told)
    signs(leila, told)
    the_pdf_says_the_same(leila)
    acknowledges_on_the_phone(at_desk("amel", screen=PHONE), told)
    the_record_shows_it(amel, told)
    others_are_refused_until_the_glass_breaks(at_desk("zied"), told)
    who_looked_is_written_down(amel, told)
    it_is_counted(at_desk("hatem"), told)
    the_act_is_counted_once(leila, counted)


def registers(nour: Person, told: Told) -> None:
    """1. The patient gets one number, and has her names in both scripts."""
    page = nour.opens("/patients/new/", "Nouveau patient")
    names = {"family_name": "Ben Salah", "given_name": "Salma", "family_name_ar": "بن صالح", "given_name_ar": "سلمى"}
    for name, value in {**names, "birth_date": "1980-03-12", "local": "HZ-1980"}.items():
        page.locator(f"#id_{name}").fill(value)
    page.locator("#id_sex").select_option("female")
    nour.presses("Enregistrer")
    nour.sees(NAME)
    nour.reads(ARABIC_NAME)
    told.patient = page.url


def orders_only_with_the_safety_answers(amel: Person, told: Told) -> None:
    """1. An order without its answers is not sent, and says beside the field what is missing."""
    page = amel.opens("/patients/", "Trouver un patient")
    page.locator("#q").press_sequentially("salah salma")
    amel.follows(page.locator("#found a.person-link", has_text=NAME), NAME)
    amel.follows(page.get_by_role("link", name="Demander un examen"), "Demander un examen")
    page.locator("#words").press_sequentially("scanner cerebral")
    page.locator("#procedures a", has_text=EXAM).click()
    page.locator("#exam fieldset", has_text="Grossesse").wait_for()
    page.locator("#id_question").fill(QUESTION)
    page.get_by_text("urgence vitale", exact=True).click()
    amel.presses("Envoyer la demande")
    refused = page.locator("#exam fieldset", has_text="Grossesse").locator(".errorlist")
    expect(refused).to_have_text("Il faut répondre à cette question.")
    amel.sees("Demander un examen")
    expect(page.locator("#id_question")).to_have_value(QUESTION)
    page.get_by_text("non enceinte", exact=True).click()
    amel.presses("Envoyer la demande")
    amel.sees(EXAM)
    amel.reads("La demande est envoyée")
    told.accession = page.locator("main dd bdi.number").inner_text()


def the_modality_finds_it(machine: Machine, told: Told) -> Dataset:
    """2. The item is on the worklist at once, its Arabic name intact."""
    item = machine.item(told.accession)
    assert item.PatientName == "Ben Salah^Salma=بن صالح^سلمى"
    assert item.RequestedProcedureDescription == EXAM
    assert [item.StudyInstanceUID] == [
        one.StudyInstanceUID for one in machine.worklist("SpecificCharacterSet=ISO_IR 192", "PatientName=*صالح*")
    ]
    return item


def the_radiographer_sees_it(sami: Person, told: Told) -> None:
    """2. So does the radiographer."""
    page = sami.opens("/radiology/exams/", "Examens à réaliser")
    line = page.locator("#exams .order-line", has_text=told.accession)
    expect(line).to_contain_text(EXAM)
    expect(line).to_contain_text(ARABIC_NAME)


def uploads_an_earlier_exam(sami: Person, item: Dataset, folder: Path) -> None:
    """3. An exam brought on a disc is dragged onto the page as a folder; what is no image is named and left out."""
    earlier = copy.deepcopy(item)
    earlier.StudyInstanceUID, earlier.AccessionNumber = generate_uid(), "DISC-7"
    image = pictures(earlier, 1, file="CT_small.dcm", title="Scanner d’il y a un an")[0]
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = "20251120"
    disc = folder / "DISQUE"
    (disc / "IMAGES").mkdir(parents=True)
    (disc / "IMAGES/0001").write_bytes(part10(image))
    (disc / "lisez-moi.txt").write_text("Images du patient")
    page = sami.opens("/archive/upload/", "Envoyer des images")
    sami.drops([disc], "#drop")
    expect(page.locator("#sent .sent-line")).to_have_count(2)
    expect(page.locator("#progress")).to_have_js_property("value", 2)
    expect(page.locator("#lines .bad")).to_have_count(1)
    expect(page.locator("#lines .bad")).to_contain_text("lisez-moi.txt")
    whose(sami, "DISC-7")
    page.locator("label.pick", has_text=ARABIC_NAME).locator("input[name=patient]").check()
    page.locator("#because").fill("Disque apporté par la patiente elle-même")
    sami.presses("Rattacher")
    sami.reads("Les images ont trouvé leur patient.")


def whose(sami: Person, words: str) -> None:
    """Find a study on the reconciliation page, and look whose it may be."""
    page = sami.opens("/radiology/reconciliation/", "Images sans patient")
    line = page.locator("#nobodys .order-line", has_text=words)
    expect(line).to_be_visible()
    sami.follows(line.locator("a.btn-primary"), "À qui sont ces images ?")


def images_arrive(machine: Machine, item: Dataset) -> None:
    """3. The scanner begins, stores real images, and says that it has finished."""
    images = machine.performs(item, 3)
    machine.stores(images[:1])  # a duplicate is taken for what it is


def the_page_says_how_it_is_known_to_be_whole(sami: Person) -> None:
    """4. The list of studies says by what it is known that nothing is missing."""
    sami.opens("/archive/", "Études")
    sami.awaits(sami.page.locator("#studies tr", has_text=NAME).filter(has_text="la modalité"), "/archive/")


def images_of_nobody_are_matched_and_taken_back(sami: Person, machine: Machine) -> None:
    """3. What belongs to no order is matched with a suggestion, and the move is taken back."""
    typed = Dataset()
    typed.PatientName, typed.PatientID, typed.AccessionNumber = "BEN SALA^SALMA", "T-17", ""
    typed.PatientBirthDate, typed.PatientSex, typed.StudyInstanceUID = "19800312", "F", generate_uid()
    machine.stores(pictures(typed, 1))
    whose(sami, "BEN SALA")
    pick = sami.page.locator("label.pick", has_text=NAME).first
    expect(pick.locator(".agrees").first).to_be_visible()
    pick.locator("input[type=radio]").check()
    sami.page.locator("#because").fill("Nom mal saisi à la console, seul scanner de l’heure")
    sami.presses("Rattacher")
    sami.reads("Les images ont trouvé leur patient.")
    sami.presses("Retirer")
    sami.reads("elles ne sont plus à personne")
    sami.opens("/radiology/reconciliation/", "Images sans patient")
    sami.reads("BEN SALA", within="#nobodys .order-line")


def claims_what_appeared_by_itself(leila: Person, told: Told) -> None:
    """4. The case came to the reader's open page without her asking, and is hers."""
    line = leila.page.locator("#readings .case-line", has_text=NAME)
    expect(line).to_be_visible()
    expect(line).to_contain_text("urgence vitale")
    leila.follows(line.get_by_role("button", name="Interpréter"), EXAM)
    told.reading = leila.page.url


def sees_the_case_and_its_pixels(leila: Person) -> None:
    """5. Question, answers, the earlier exam, and the images."""
    page = leila.page
    expect(page.locator(".question-text")).to_have_text(QUESTION)
    expect(page.locator(".desk-report dl").first).to_contain_text("non enceinte")
    expect(page.locator(".priors")).to_contain_text("Scanner d’il y a un an")
    assert shows_pixels(page)


def writes_and_loses_the_browser(leila: Person, told: Told) -> None:
    """6. A template, a phrase, some words; the browser dies; the words are there in another one."""
    page = leila.page
    page.locator("#template").select_option(label="Cérébral, aspect normal")
    expect(page.locator("#section-technique")).to_have_value(re.compile("hélicoïdale"))
    page.locator("#section-comparison").press_sequentially(";comparaison ")
    expect(page.locator("#section-comparison")).to_have_value(re.compile("Aspect stable"))
    page.locator("#section-findings").fill(FINDINGS)
    page.locator("#section-conclusion").fill("Hématome sous-dural")
    expect(page.locator("#editor-state")).to_have_attribute("data-kind", "saved")
    leila.dies()
    leila.sits_down()
    leila.opens(told.reading, EXAM)
    expect(leila.page.locator("#section-findings")).to_have_value(FINDINGS)
    expect(leila.page.locator("#section-conclusion")).to_have_value("Hématome sous-dural")
    expect(leila.page.locator("#section-comparison")).to_have_value(re.compile("Aspect stable"))


def signs(leila: Person, told: Told) -> None:
    """6. She finishes, marks a key image, calls it critical, and signs; what is signed no longer changes."""
    page = leila.page
    page.locator("#section-conclusion").fill(CONCLUSION)
    page.locator("#critical").check()
    page.locator("#critical_what").fill(CRITICAL)
    expect(page.locator("#editor-state")).to_have_attribute("data-kind", "saved")
    page.locator("#key-images > details > summary").click()
    page.locator(".more-pictures > summary").click()
    page.locator(".choice-picture button").first.click()
    expect(page.locator("#key-images figure.marked")).to_have_count(1)
    page.locator("#sign").click()
    expect(page.locator("#confirm-conclusion")).to_have_text(CONCLUSION)
    page.locator("#confirm-yes").click()
    page.wait_for_url("**/radiology/reports/**")
    leila.sees(EXAM)
    told.report = page.url
    expect(page.locator("textarea")).to_have_count(0)


def the_pdf_says_the_same(leila: Person) -> None:
    """6. The document is made by the worker; it is a PDF that says what was signed."""
    address = leila.page.locator("a[href$='report.pdf']").get_attribute("href") or ""
    body = leila.fetches(address, until=lambda body: body.startswith(b"%PDF"))
    assert CONCLUSION in " ".join(words(body).split())


def acknowledges_on_the_phone(amel: Person, told: Told) -> None:
    """7. The result is on top of the inbox of a phone; it is read with its key image, and acknowledged."""
    amel.opens("/radiology/results/", "Résultats")
    first = amel.page.locator("#results .result").first
    amel.awaits(first, "/radiology/results/")
    expect(first).to_contain_text(CRITICAL)
    amel.follows(first.locator("a.stretched-link"), EXAM)
    assert amel.page.url == told.report
    expect(amel.page.locator(".section-conclusion .report-text")).to_have_text(CONCLUSION)
    image = amel.page.locator(".pictures img").first
    image.scroll_into_view_if_needed()
    expect(image).to_have_js_property("complete", True)
    assert image.evaluate("image => image.naturalWidth") > 64
    expect(amel.page.locator("a[href*='/viewer/']").first).to_be_visible()
    amel.presses("J’ai lu et j’agis")
    amel.reads("Amel Gharbi", within=".card .ti-circle-check, main")
    expect(amel.page.get_by_role("button", name="J’ai lu et j’agis")).to_have_count(0)


def the_record_shows_it(amel: Person, told: Told) -> None:
    """7. The patient's timeline has the report, and FHIR says the same to the same session."""
    amel.opens(f"/record/{told.key}/timeline/", "Dossier")
    amel.reads(CONCLUSION, within=".story-line")
    (report,) = reports_in_fhir(amel, told)
    assert (report["status"], report["conclusion"]) == ("final", CONCLUSION)


def reports_in_fhir(person: Person, told: Told) -> list[dict[str, object]]:
    """The patient's reports that FHIR shows to the session of this browser."""
    found = person.page.request.get(f"{person.address}/fhir/DiagnosticReport?patient={told.key}")
    return [entry["resource"] for entry in found.json().get("entry", []) if entry["search"]["mode"] == "match"]


def others_are_refused_until_the_glass_breaks(zied: Person, told: Told) -> None:
    """7. A doctor elsewhere has no ground; an emergency opens the record for an hour, with a reason."""
    zied.opens(f"/record/{told.key}/", "Ce dossier vous est fermé")
    assert CONCLUSION not in zied.page.content()
    zied.opens(told.report, "Cette page ne peut pas être affichée")
    assert CONCLUSION not in zied.page.content()
    assert not reports_in_fhir(zied, told)
    zied.opens(told.patient, "Ce dossier vous est fermé")
    zied.follows(zied.page.get_by_role("link", name="Accès d’urgence"), "Accès d’urgence")
    zied.presses("Ouvrir pour une heure")
    expect(zied.page.locator(".errorlist").first).to_be_visible()
    zied.page.locator("#id_because").fill("Inconsciente aux urgences, aucun papier sur elle")
    zied.presses("Ouvrir pour une heure")
    zied.sees(NAME)
    zied.opens(f"/record/{told.key}/timeline/", "Dossier")
    zied.reads(CONCLUSION, within=".story-line")


def who_looked_is_written_down(amel: Person, told: Told) -> None:
    """7. The access log names everybody, and the glass that was broken."""
    page = amel.opens(f"/patients/{told.key}/accesses/", "Qui a consulté")
    for name in ("Nour Mabrouk", "Amel Gharbi", "Leila Haddad"):
        amel.reads(name, within="tbody tr")
    expect(page.locator("tr.table-warning", has_text="Zied Trabelsi").first).to_be_visible()


def it_is_counted(hatem: Person, told: Told) -> None:
    """8. The ministry's page counts the exam, leads to its case, and gives both files."""
    page = hatem.opens("/radiology/service/?by=modality", "Le service d’imagerie")
    rows = list(
        csv.DictReader(io.StringIO(hatem.fetches("/radiology/service/table.csv?by=modality").decode("utf-8-sig")))
    )
    (ct,) = (row for row in rows if "CT" in row.values())
    assert int(list(ct.values())[2]) >= 1  # signed
    with zipfile.ZipFile(io.BytesIO(hatem.fetches("/radiology/service/table.xlsx?by=modality"))) as book:
        assert "xl/worksheets/sheet1.xml" in book.namelist()
    hatem.follows(page.locator("tbody th a", has_text="CT").first, "Les cas derrière le chiffre")
    case = page.locator("tbody tr", has_text=EXAM).filter(has_text="urgence vitale")
    expect(case.first.locator("time")).to_have_count(7)  # ordered, performed, … acknowledged
    assert NAME not in page.content()


def acts(leila: Person) -> int:
    """How many readings of CT are counted between the two hospitals."""
    leila.opens("/contracts/acts/", "Actes")
    line = leila.page.locator("tbody tr", has_text="Oued Zen").filter(has_text="El Amal")
    return int(line.locator("td").last.inner_text()) if line.count() else 0


def the_act_is_counted_once(leila: Person, before: int) -> None:
    """9. One act more for the reader's hospital and the one that asked, by now and for good."""
    for _ in range(LOOKS):
        if acts(leila) != before:
            break
        leila.page.wait_for_timeout(PAUSE)
    assert acts(leila) == before + 1
