"""The pages of agreements: the shelves, the document, the form, and what is said of a no."""

import datetime
import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.browser import browser_of
from tests.cast import Cast, cast
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.radiology import services
from wasl.radiology.models import Agreement

pytestmark = pytest.mark.django_db
DAY = datetime.timedelta(days=1)
BECAUSE = "We have a reader of our own now."


@pytest.fixture
def stage() -> Cast:
    return cast()


def shown(browser: Client, name: str, *args: object, **values: str) -> str:
    """A page that is there, as text."""
    answer = browser.get(reverse(f"radiology:{name}", args=args), values)
    assert answer.status_code == 200
    return answer.content.decode()


def form(stage: Cast, **values: object) -> dict[str, object]:
    """What Karim fills in."""
    today = timezone.localdate()
    return {
        "provider": str(stage.university), "beneficiary": str(stage.other), "modalities": ["CT"],
        "urgencies": ["P1", "P3"], "minutes_P1": "45", "minutes_P3": "", "hours": "weekly", "from_0_1": "08:00",
        "to_0_1": "14:00", "from_4_1": "18:00", "to_4_1": "08:00", "from_4_2": "09:00", "to_4_2": "12:00",
        "since": str(today), "until": str(today + 9 * DAY), "scale": "TN-2024-715", "text": "Art. 7.", **values,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("language", "title", "state"),
    [("fr", "Convention-cadre", "en vigueur"), ("ar", "اتفاقية إطارية", "سارية"),
     ("en", "Framework agreement", "in force")],
)  # fmt: skip
def test_an_agreement_reads_like_a_document(stage: Cast, language: str, title: str, state: str) -> None:
    exam = make.procedure(modality="MR", names=("رنين الركبة", "IRM du genou", "Knee MRI"))
    made = make.agreement(stage, procedures=(exam.id,), hours=((480, 840),), text="<b>Art. 7</b>")
    text = shown(browser_of(stage.karim, language), "agreement", made.id)
    names = {"fr": "IRM du genou", "ar": "رنين الركبة", "en": "Knee MRI"}
    for said in (title, state, names[language], "08:00–14:00", "TN-2024-715", "&lt;b&gt;Art. 7&lt;/b&gt;"):
        assert said in text
    assert text.count('class="signer"') == 2
    assert '<rect x="480" width="360" height="20"/>' in text
    assert reverse("radiology:sign_agreement", args=[made.id]) not in text
    assert reverse("radiology:end_agreement", args=[made.id]) in text


def test_the_shelves(stage: Cast) -> None:
    soon = make.agreement(stage, modalities=("MR",), until=timezone.localdate() + 5 * DAY)
    draft = make.draft_agreement(stage)
    browser = browser_of(stage.karim, "fr")
    text = shown(browser, "agreements")
    assert reverse("radiology:agreement", args=[soon.id]) in text
    assert "finit bientôt" in text
    assert reverse("radiology:agreement", args=[draft.id]) not in text
    for shelf in ("to_sign", "drafts"):
        assert reverse("radiology:agreement", args=[draft.id]) in shown(browser, "agreements", show=shelf)
    assert "Aucune convention ici." in shown(browser, "agreements", show="ended")
    assert reverse("radiology:agreement", args=[soon.id]) in shown(browser, "agreements", show="nonsense")


def test_whoever_binds_a_hospital_is_told_of_an_end(stage: Cast) -> None:
    soon = make.agreement(stage, until=timezone.localdate() + 5 * DAY)
    services.tell_of_end(soon.id, by=SYSTEM)
    browser = browser_of(stage.karim, "fr")
    (address,) = re.findall(r'action="(/radiology/agreements/warnings/[^"]+)"', shown(browser, "agreements"))
    assert browser.post(address).status_code == 302
    assert "/warnings/" not in shown(browser, "agreements")


def test_what_waits_is_on_the_page_of_agreements_and_names_no_patient(stage: Cast) -> None:
    salma = make.patient(stage, place=stage.other, by=stage.zied)
    order = make.order(stage, patient=salma.id, place=stage.other, by=stage.zied)
    make.reading(stage, order=order)
    text = shown(browser_of(stage.hatem, "fr"), "agreements")
    assert "Examens que personne ne peut lire maintenant" in text
    assert "Ben Salah" not in text
    assert str(order.id) not in text
    assert "Examens que personne" not in shown(browser_of(stage.karim, "fr"), "agreements")
    accounts.give_post(stage.zied.id or order.id, role="chief", place=stage.other, by=SYSTEM)
    browser = browser_of(stage.zied, "fr")
    assert "Aucune convention en vigueur ne le couvre." in shown(browser, "order", order.id)
    make.agreement(stage)
    assert "Aucune convention en vigueur" not in shown(browser, "order", order.id)


def test_a_draft_is_written_changed_and_signed(stage: Cast) -> None:
    karim, hatem = browser_of(stage.karim, "fr"), browser_of(stage.hatem, "fr")
    shown(karim, "draft_agreement")
    make.procedure()
    answer = karim.post(reverse("radiology:draft_agreement"), form(stage))
    draft = Agreement.objects.get(beneficiary=stage.other)
    assert answer.headers["Location"] == reverse("radiology:agreement", args=[draft.id])
    assert [(span.lower, span.upper) for span in draft.hours] == [(480, 840), (6300, 6480), (6840, 7680)]
    assert dict(draft.exams.values_list("urgency", "minutes")) == {"P1": 45, "P3": None}
    again = shown(karim, "change_agreement", draft.id)
    for value in ("18:00", "08:00", "14:00", "45", "TN-2024-715"):
        assert f'value="{value}"' in again
    sign = {"side": "beneficiary", "version": "1"}
    assert hatem.post(reverse("radiology:sign_agreement", args=[draft.id]), sign).status_code == 302
    changed = form(stage, version="1", hours="always", provider=str(stage.regional))  # the two hospitals stay
    assert karim.post(reverse("radiology:change_agreement", args=[draft.id]), changed).status_code == 302
    draft.refresh_from_db()
    assert (draft.version, draft.hours, draft.provider_id, draft.beneficiary_signer_id) == (
        2, [], stage.university, None
    )  # fmt: skip
    late = hatem.post(reverse("radiology:sign_agreement", args=[draft.id]), sign)
    assert late.status_code == 409
    assert "Relisez-le" in late.content.decode()
    for browser, side in ((hatem, "beneficiary"), (karim, "provider")):
        browser.post(reverse("radiology:sign_agreement", args=[draft.id]), {"side": side, "version": "2"})
    draft.refresh_from_db()
    assert draft.state == "signed"
    assert karim.get(reverse("radiology:change_agreement", args=[draft.id])).status_code == 409


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"modalities": []}, "Choisissez au moins une modalité ou un examen."),
        ({"urgencies": []}, "Choisissez au moins un degré d’urgence."),
        ({"to_0_1": ""}, "Donnez les heures d’un jour au moins, de et à."),
        ({"until": "2020-01-01"}, "Le dernier jour n’est ni avant le premier, ni avant aujourd’hui."),
        ({"beneficiary": "provider"}, "Un hôpital n’a besoin d’aucune convention pour lire ses propres examens."),
        ({"provider": "other", "beneficiary": "regional"}, "Vous n’avez aucun rôle qui engage cet hôpital."),
    ],
)
def test_what_is_wrong_is_said_beside_it(stage: Cast, values: dict[str, object], said: str) -> None:
    make.procedure()
    places = {"provider": stage.university, "other": stage.other, "regional": stage.regional}
    filled = form(stage, **{name: str(places.get(str(value))) if str(value) in places else value
                            for name, value in values.items()})  # fmt: skip
    answer = browser_of(stage.karim, "fr").post(reverse("radiology:draft_agreement"), filled)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Agreement.objects.filter(beneficiary=stage.other).exists()


def test_notice_is_given(stage: Cast) -> None:
    made, karim = make.agreement(stage), browser_of(stage.karim, "fr")
    where = reverse("radiology:end_agreement", args=[made.id])
    for wrong in ({}, {"last_day": "2026-02-31", "because": BECAUSE}, {"last_day": "x", "because": BECAUSE}):
        assert karim.post(where, wrong).status_code == 422
    last = timezone.localdate() + 3 * DAY
    assert karim.post(where, {"last_day": str(last), "because": BECAUSE}).status_code == 302
    text = shown(karim, "agreement", made.id)
    assert BECAUSE in text
    assert last.strftime("%d/%m/%Y") in text
    assert where not in text


@pytest.mark.parametrize("name", ["amel", "leila", "zied", "fatma"])
def test_these_pages_are_not_for_those_who_bind_nobody(stage: Cast, name: str) -> None:
    made = make.agreement(stage)
    browser = browser_of(getattr(stage, name), "fr")
    for page in ("agreements", "draft_agreement"):
        assert browser.get(reverse(f"radiology:{page}")).status_code == 403
    for page in ("agreement", "change_agreement"):
        assert browser.get(reverse(f"radiology:{page}", args=[made.id])).status_code == 404
    for page in ("sign_agreement", "end_agreement"):
        assert browser.post(reverse(f"radiology:{page}", args=[made.id])).status_code in (403, 404)
