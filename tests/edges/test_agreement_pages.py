"""The pages of agreements in a real browser, in Arabic, on a phone: they fit, have titles, name what they offer."""

import datetime

from django.urls import reverse
from django.utils import timezone

from tests import make
from tests.cast import cast
from tests.edges.dicomweb import cookies
from tests.edges.test_archive_pages import PHONE, fits_and_names
from tests.edges.test_viewer import chromium
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.radiology import services


def test_every_page_fits_a_phone_and_its_form_is_filled_in(server: str) -> None:
    stage = cast()
    exam = make.procedure(modality="MR")
    made = make.agreement(
        stage, procedures=(exam.id,), hours=((480, 840), (6300, 7680)),
        until=timezone.localdate() + datetime.timedelta(days=9),
    )  # fmt: skip
    services.tell_of_end(made.id, by=SYSTEM)
    salma = make.patient(stage, place=stage.other, by=stage.zied)
    make.reading(stage, order=make.order(stage, patient=salma.id, place=stage.other, by=stage.zied, urgency="P0"))
    draft = make.draft_agreement(stage, modalities=("CT",))
    accounts.change_preferences(language="ar", by=stage.hatem)
    walked = [reverse("radiology:agreements"), reverse("radiology:draft_agreement")]
    walked += [reverse("radiology:agreement", args=[one.id]) for one in (made, draft)]
    walked += [reverse("radiology:change_agreement", args=[draft.id])]
    with chromium() as browser:
        context = browser.new_context(viewport={"width": PHONE, "height": 844})
        jar = cookies(stage.hatem)
        context.add_cookies([{"name": name, "value": value, "url": server} for name, value in jar.items()])
        page = context.new_page()
        for where in walked:
            page.goto(f"{server}{where}")
            fits_and_names(page, where)
        page.goto(f"{server}{walked[-1]}")
        assert not page.locator("[name=from_0_1]").is_visible()  # day and night: no hours are asked for
        page.check("[name=hours][value=weekly]", force=True)
        fits_and_names(page, "hours")
        page.fill("[name=from_0_1]", "18:00")
        page.fill("[name=to_0_1]", "08:00")
        page.click("form.agreement-form button.btn-primary")
        page.wait_for_url(f"{server}{walked[-2]}")
        assert page.locator(".week-words").first.inner_text().strip() == "18:00–24:00"
        page.click("form[action$='/sign/'] button >> nth=0")
        page.wait_for_selector("form[action$='/sign/']", state="detached")  # nobody signs for both
    draft.refresh_from_db()
    assert [(span.lower, span.upper) for span in draft.hours] == [(1080, 1920)]
    assert (draft.version, draft.provider_signer_id) == (2, stage.hatem.id)
