"""The pages of statements: who sees what, confirms and disputes there, in three languages, and no patient."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.browser import browser_of
from tests.cast import Cast
from tests.contracts.paid import session
from tests.contracts.stated import after_it, closed, hear, month, month_before, rim, signed
from tests.contracts.test_paying import ready
from wasl.contracts import queries, services
from wasl.contracts.models import Closing, ClosingRule, Dispute, Paper, Statement
from wasl.contracts.services import papers
from wasl.kernel.access import SYSTEM
from wasl.radiology import services as radiology
from wasl.radiology.models import Receipt

pytestmark = pytest.mark.django_db
LIST = "contracts:statements"


@pytest.fixture(autouse=True)
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing takes a second a page; test_statements looks at the paper."""
    monkeypatch.setattr(papers, "page", lambda *_, **__: b"%PDF")
    monkeypatch.setattr(radiology, "seal", lambda pdf, **_: pdf)


@pytest.fixture
def stage() -> Cast:
    return ready()


@pytest.mark.parametrize("language", ["ar", "fr", "en"])
def test_the_pages_name_no_patient(stage: Cast, language: str) -> None:
    assert "empty-title" in browser_of(stage.leila, language).get(reverse(LIST)).content.decode()
    month(stage)
    hers, pair = closed(stage)
    hear()
    for viewer, one in ((stage.leila, hers), (stage.karim, pair), (stage.hatem, pair), (rim(stage), pair)):
        browser = browser_of(viewer, language)
        for address in (reverse(LIST), reverse("contracts:statement", args=[one.id])):
            page = browser.get(address)
            text = page.content.decode()
            assert page.status_code == 200
            assert f'<html lang="{language}"' in text
            assert "Salma" not in text
            assert "سلمى" not in text
        pdf = browser.get(reverse("contracts:statement_pdf", args=[one.id]))
        assert (pdf.content, pdf["Content-Type"]) == (b"%PDF", "application/pdf")
        assert f"wasl-{one.closing.month:%Y-%m}-{'ar' if language == 'ar' else 'fr'}.pdf" in pdf["Content-Disposition"]
    assert Paper.objects.count() == 4


def test_who_may_not(stage: Cast) -> None:
    month(stage)
    hers, pair = closed(stage)
    names = ("contracts:statement", "contracts:statement_pdf", "contracts:statement_csv")
    addresses = [reverse(LIST), *(reverse(name, args=[one.id]) for name in names for one in (hers, pair))]
    for address in (*addresses, reverse("contracts:set_closing_rule")):
        assert Client().get(address).status_code == 302
        for other in (stage.amel, stage.sami, stage.zied, stage.fatma):
            assert browser_of(other).get(address).status_code in (403, 404)
    for name in names:
        assert browser_of(stage.leila).get(reverse(name, args=[pair.id])).status_code == 404
    assert browser_of(stage.karim).get(reverse("contracts:set_closing_rule")).status_code == 403


def test_a_month_is_closed_on_the_page(stage: Cast) -> None:
    month(stage, 1)
    close = reverse("contracts:close_month", args=[stage.university])
    assert close not in browser_of(stage.karim).get(reverse(LIST)).content.decode()  # it is not over
    with after_it():
        karim, leila = browser_of(stage.karim), browser_of(stage.leila)
        assert close in karim.get(reverse(LIST)).content.decode()
        assert close not in leila.get(reverse(LIST)).content.decode()
        said = {"month": f"{month_before():%Y-%m-%d}"}
        assert leila.post(close, said).status_code == 403
        assert karim.post(close, {"month": "soon"}).status_code == 409
        assert karim.post(close, said).status_code == 302
        assert karim.post(close, said).status_code == 409
    assert Closing.objects.get().provider_id == stage.university


def test_disputed_answered_and_confirmed_on_the_page(stage: Cast) -> None:
    reports = month(stage)
    Receipt.objects.filter(report=reports[0].id).delete()
    _, pair = closed(stage)
    head = rim(stage)
    address = reverse("contracts:statement", args=[pair.id])
    hers, karim, hatem = browser_of(head), browser_of(stage.karim), browser_of(stage.hatem)
    page = hers.get(address)
    assert (len(page.context["counts"].given), len(page.context["counts"].received)) == (2, 1)
    confirm = reverse("contracts:confirm_statement", args=[pair.id])
    assert confirm not in page.content.decode()
    refused = hers.post(confirm, {"side": "beneficiary"})
    assert refused.status_code == 409
    assert "counts 2 acts" in refused.content.decode()
    dispute = reverse("contracts:dispute_line", args=[pair.id])
    said = {"reading": f"{reports[0].reading_id}", "side": "beneficiary", "because": "Jamais reçu."}
    assert hers.post(dispute, {**said, "reading": "none"}).status_code == 409
    assert hers.post(dispute, {**said, "because": ""}).status_code == 422
    assert hers.post(dispute, {**said, "side": "provider"}).status_code == 403
    assert hers.post(dispute, said).status_code == 302
    made = Dispute.objects.get()
    keep, accept, settle = (
        reverse(f"contracts:{verb}", args=[made.id]) for verb in ("keep_line", "accept_dispute", "settle_dispute")
    )
    assert keep in karim.get(address).content.decode()
    assert keep not in hers.get(address).content.decode()
    assert karim.post(keep, {"because": ""}).status_code == 422
    assert karim.post(keep, {"because": "Remis en main propre."}).status_code == 302
    assert karim.post(accept).status_code == 409
    assert settle in hatem.get(address).content.decode()
    assert karim.post(settle, {"upheld": "1", "because": "Si."}).status_code == 403
    assert hatem.post(settle, {"upheld": "0", "because": "Décharge signée."}).status_code == 302
    assert hers.get(address).context["counts"].equal
    assert hers.post(confirm, {"side": "beneficiary"}).status_code == 302
    assert karim.post(confirm, {"side": "provider"}).status_code == 302
    pair.refresh_from_db()
    assert pair.provider_by_id
    assert pair.beneficiary_by_id
    assert dispute not in karim.get(address).content.decode()


def test_the_csv_says_all_that_a_line_rests_on(stage: Cast) -> None:
    reports = month(stage)
    Receipt.objects.filter(report=reports[0].id).delete()
    hers, pair = closed(stage)
    answer = browser_of(stage.karim, "fr").get(reverse("contracts:statement_csv", args=[pair.id]))
    head, *lines = b"".join(answer).decode("utf-8-sig").splitlines()
    assert {len(row.split(",")) for row in (head, *lines)} == {21}
    assert [line.split(",")[0] for line in lines] == ["1", "2"]
    assert sorted(line.rsplit(",", 4)[1:] for line in lines) == [
        ["15.000", "TND", "non", "compte rendu"], ["15.000", "TND", "oui", "compte rendu"],
    ]  # fmt: skip
    answer = browser_of(stage.leila, "fr").get(reverse("contracts:statement_csv", args=[hers.id]))
    assert len(b"".join(answer).decode().splitlines()) == 3


def test_the_planner_says_when_months_are_closed(stage: Cast) -> None:
    hatem, address = browser_of(stage.hatem, "fr"), reverse("contracts:set_closing_rule")
    assert "5 jours" in hatem.get(address).content.decode()
    said = {"since": f"{timezone.localdate()}", "days": "10", "source": "Circulaire"}
    assert hatem.post(address, {**said, "days": "0"}).status_code == 422
    assert hatem.post(address, {**said, "since": "2020-01-01"}).status_code == 422
    assert hatem.post(address, said).status_code == 302
    assert ClosingRule.objects.get().days == 10
    assert "Circulaire" in hatem.get(address).content.decode()


def test_the_page_asks_a_fixed_number_of_questions(stage: Cast) -> None:
    month(stage, 1)
    counts = []
    for days in (6, 40):
        with after_it(days):
            for due in queries.months_to_close(viewer=SYSTEM):
                services.close_month(due.provider, month=due.month, by=SYSTEM)
        one = Statement.objects.filter(beneficiary=stage.regional).latest("closing__month")
        browser = browser_of(stage.karim)
        with CaptureQueriesContext(connection) as seen:
            assert browser.get(reverse("contracts:statement", args=[one.id])).status_code == 200
        counts.append(len(seen))
        if days == 6:
            with after_it(8):
                session(stage)
                signed(stage, 3)
    assert counts[0] == counts[1]
