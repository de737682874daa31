"""A real app, made with the SMART project's own client library, in a real browser, opened from a patient's page."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests import make
from tests.cast import Cast
from tests.edges.foreign import session
from tests.edges.scenes import CHROMIUM, PATIENCE
from wasl.accounts import services as accounts
from wasl.kernel.access import SYSTEM
from wasl.patients.models import Access

pytestmark = pytest.mark.django_db(transaction=True)
LIBRARY = Path(__file__).parents[2] / ".cache/fhirclient-2.6.3/fhir-client.min.js"  # `.ci/needs` brings it
LAUNCH = """<script src="fhir-client.min.js"></script><script>
FHIR.oauth2.authorize({clientId: "CLIENT", scope: "launch patient/*.rs openid fhirUser", redirectUri: "back.html"})
</script>"""
BACK = """<pre id="read"></pre><script src="fhir-client.min.js"></script><script>
FHIR.oauth2.ready().then(async (client) => {
  const patient = await client.patient.read()
  const orders = await client.patient.request("ServiceRequest")
  const all = await client.request("Patient?_lastUpdated=ge2020")
  const other = await client.request("Patient/OTHER").catch((error) => error.status)
  read.textContent = [patient.id, orders.entry.length, all.entry.length, other, client.user.id || "nobody"].join(" ")
}).catch((error) => { read.textContent = String(error) })
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    """Files of a folder, without a word about each."""

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """The app's own server, on another origin than Wasl's: its folder and its address."""
    shutil.copy(LIBRARY, tmp_path)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield tmp_path, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_app_is_opened_let_in_and_reads_its_patient_alone(stage: Cast, server: str, site: tuple[Path, str]) -> None:
    folder, address = site
    order, other = make.order(stage), make.order(stage, patient=make.patient(stage, given_name="Rim").id)
    _, client, _ = accounts.add_app(
        name="Growth", titles=("منحنيات النمو", "Courbes", "Growth"), redirects=[f"{address}/back.html"],
        launch_uri=f"{address}/launch.html", scopes=["launch", "patient/*.rs", "openid", "fhirUser"], by=SYSTEM,
    )  # fmt: skip
    (folder / "launch.html").write_text(LAUNCH.replace("CLIENT", client))
    (folder / "back.html").write_text(BACK.replace("OTHER", str(other.patient_id)))
    cookie, _, value = session(stage.amel)["cookie"].partition("=")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM)
        context = browser.new_context()
        context.add_cookies([{"name": cookie, "value": value, "url": server}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{server}/patients/{order.patient_id}/")
        page.click("text=Courbes")
        page.click("button[name=allow]")
        page.wait_for_function("document.querySelector('#read')?.textContent")
        assert page.inner_text("#read").split()[:4] == [str(order.patient_id), "1", "1", "404"]
        browser.close()
    looks = Access.objects.filter(actor=f"person:{stage.amel.id}", actor_name__endswith=" · Growth")
    assert set(looks.values_list("patient", flat=True)) == {order.patient_id}
