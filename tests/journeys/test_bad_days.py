"""Bad days: two readers at once, a session that ends in mid-report, impatient fingers, poisoned files, kill -9.

Each ends in a clear sentence, with nothing changed and nothing lost.
"""

import contextlib
import os
import signal
import threading
import zipfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.edges.scenes import descendants, eventually
from tests.journeys.conftest import Instance, SignIn
from tests.journeys.machine import Machine, pictures
from tests.journeys.people import Person

EXAM = "Scanner cérébral sans injection"


def case_of(person: Person, name: str) -> str:
    """The address of a patient's case on the worklist, once it is there."""
    person.opens("/radiology/readings/", "Lectures")
    line = person.page.locator("#readings .case-line", has_text=name)
    person.awaits(line, "/radiology/readings/")
    return person.address + (line.locator("a.fw-bold").get_attribute("href") or "")


def reads(person: Person, name: str) -> None:
    """Claim a patient's case and open it."""
    person.opens(case_of(person, name), EXAM)
    person.follows(person.page.get_by_role("button", name="Interpréter"), EXAM)
    expect(person.page.locator("#editor")).to_be_visible()


def writes(person: Person, conclusion: str) -> None:
    """Write a whole report, and see that it is saved."""
    person.page.locator("#section-findings").fill("Pas de saignement intracrânien.")
    person.page.locator("#section-conclusion").fill(conclusion)
    expect(person.page.locator("#editor-state")).to_have_attribute("data-kind", "saved")


def test_two_readers_claim_at_once_and_one_is_told(at_desk: SignIn, instance: Instance, machine: Machine) -> None:
    machine.performs(machine.item(instance.orders["race"]))
    leila, rania = at_desk("leila"), at_desk("rania")
    address = case_of(leila, "Anis Chebbi")
    for reader in (leila, rania):  # both look at the case that is free
        reader.opens(address, EXAM)
    buttons = [reader.page.get_by_role("button", name="Interpréter") for reader in (leila, rania)]
    for button in buttons:
        button.evaluate("button => { button.form.requestSubmit() }")
    for reader in (leila, rania):
        expect(reader.page.locator("#editor, #notices .alert-danger").first).to_be_visible()
    winner, other = (leila, rania) if leila.page.locator("#editor").count() else (rania, leila)
    winner.sees(EXAM)
    expect(winner.page.locator("#editor")).to_be_visible()
    other.sees("Lectures")
    other.reads("interprète déjà ce dossier", within=".alert")
    expect(other.page.locator(".case-line", has_text="Anis Chebbi")).to_contain_text("interprète")
    winner.presses("Rendre", within="header")
    winner.sees("Lectures")
    winner.heard.forgives_late_pictures()


def test_a_session_that_ends_in_mid_report_loses_nothing(at_desk: SignIn, instance: Instance, machine: Machine) -> None:
    machine.performs(machine.item(instance.orders["expired"]))
    leila = at_desk("leila")
    reads(leila, "Rim Khelil")
    writes(leila, "Examen sans anomalie.")
    page, address = leila.page, leila.page.url
    leila.context.clear_cookies()
    page.locator("#section-conclusion").fill("Examen sans anomalie décelable, à revoir si aggravation.")
    expect(page.locator("#notices .alert")).to_contain_text("déconnecté")
    expect(page.locator("#section-conclusion")).to_have_value(
        "Examen sans anomalie décelable, à revoir si aggravation."
    )
    page.goto(address)
    leila.signs_in()
    leila.opens(address, EXAM)
    expect(page.locator("#section-conclusion")).to_have_value(
        "Examen sans anomalie décelable, à revoir si aggravation."
    )
    # it is saved, perhaps by the page to which the sign-in led: nothing waits in the browser alone
    waiting = "Object.keys(localStorage).filter(key => key.startsWith('wasl-draft-')).length"
    assert eventually(lambda: page.evaluate(waiting) == 0)
    opens_anew_while_it_is_saved(page, address)
    signs_with_impatient_fingers(leila)
    leila.heard.forgives_the_house()  # the viewer was still loading images when its session was gone


def opens_anew_while_it_is_saved(page: Page, address: str) -> None:
    """The page was on its way with an older text when the one that was left saved a newer: the newer is shown."""
    older = page.request.get(address)
    page.locator("#section-conclusion").fill("Examen sans anomalie.")
    expect(page.locator("#editor-state")).to_have_attribute("data-kind", "saved")
    page.route(address, lambda route: route.fulfill(response=older))
    page.goto(address)
    page.unroute(address)
    assert "à revoir si aggravation" in older.text()
    expect(page.locator("#section-conclusion")).to_have_value("Examen sans anomalie.")


def signs_with_impatient_fingers(leila: Person) -> None:
    """Two clicks, and the same request once more: one signed report."""
    page = leila.page
    page.locator("#sign").click()
    with page.expect_request("**/sign/") as asked:
        page.locator("#confirm-yes").dblclick(no_wait_after=True)
    page.wait_for_url("**/radiology/reports/**")
    leila.sees(EXAM)
    expect(page.locator("article.report")).to_have_count(1)
    token = page.locator("body").get_attribute("hx-headers") or ""
    again = page.request.post(
        asked.value.url, data=asked.value.post_data or "",
        headers={"content-type": "application/json", "x-csrftoken": token.split('"')[3], "referer": page.url},
    )  # fmt: skip
    assert again.status == 409, again.text()
    assert "déjà signé" in again.json()["sentence"]
    page.reload()
    expect(page.locator("article.report")).to_have_count(1)


def test_a_bomb_and_a_text_are_refused_and_nothing_changes(at_desk: SignIn, tmp_path: Path) -> None:
    sami = at_desk("sami")
    before = studies(sami)
    bomb, text = tmp_path / "radios.zip", tmp_path / "courrier.dcm"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("image.dcm", "w") as member:
        for _ in range(80):
            member.write(bytes(1 << 20))
    text.write_text("Cher confrère, voici les images de notre patient.")
    page = sami.opens("/archive/upload/", "Envoyer des images")
    page.locator("#files").set_input_files([bomb, text])
    expect(page.locator("#progress")).to_have_js_property("value", 2)
    expect(page.locator("#lines .bad")).to_have_count(2)
    for name in ("radios.zip", "courrier.dcm"):
        sentence = page.locator("#lines .bad", has_text=name).locator(".sent-state").inner_text()
        assert len(sentence) > 30, sentence
    assert studies(sami) == before


def studies(sami: Person) -> list[str]:
    """Whose studies the list has, and where they are from; reports are filed in them meanwhile."""
    sami.opens("/archive/", "Études")
    rows = sami.page.locator("#studies tbody tr")
    said = "row => (row.cells[0].textContent + row.cells[2].textContent).replace(/\\s+/g, ' ')"
    return sorted(rows.evaluate_all(f"rows => rows.map({said})"))


def test_killed_processes_lose_nothing(at_desk: SignIn, instance: Instance, machine: Machine) -> None:
    """Every process is killed while images are stored and a report is written; `wasl up` starts each again."""
    item = machine.item(instance.orders["killed"])
    images = pictures(item, 12)
    sender = threading.Thread(target=stores_stubbornly, args=(machine, images))
    machine.begins(item)
    sender.start()
    for name in ("dicom", "work"):
        kill(instance, name)
    sender.join(300)
    machine.ends(item, images)
    leila = at_desk("leila")
    reads(leila, "Walid Dridi")
    writes(leila, "Pas de lésion traumatique.")
    kill(instance, "serve")
    leila.awaits_the_house()
    leila.opens(leila.page.url, EXAM)
    expect(leila.page.locator("#section-conclusion")).to_have_value("Pas de lésion traumatique.")
    stored = leila.page.request.get(
        f"{leila.address}/dicom-web/instances?StudyInstanceUID={item.StudyInstanceUID}&includefield=SOPInstanceUID"
    )
    assert {one["00080018"]["Value"][0] for one in stored.json()} == {str(image.SOPInstanceUID) for image in images}
    leila.heard.forgives_the_house()


def stores_stubbornly(machine: Machine, images: list) -> None:  # type: ignore[type-arg]
    """Store as a modality does: what was not acknowledged is sent again until it is."""
    for image in images:
        while True:
            with contextlib.suppress(AssertionError):
                machine.stores([image])
                break


def kill(instance: Instance, name: str) -> None:
    """Kill `wasl NAME` with all that is below it, and wait until `wasl up` has started it again."""
    old = running(instance, name)
    for pid in {old, *descendants(old)}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: running(instance, name) not in (0, old))


def running(instance: Instance, name: str) -> int:
    """The process directly below `wasl up` that runs `wasl NAME`, or 0."""
    up = instance.up.process.pid
    for pid in descendants(up):
        with contextlib.suppress(OSError):
            parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == up and Path(f"/proc/{pid}/comm").read_text() == f"wasl {name}\n":
                return pid
    return 0
