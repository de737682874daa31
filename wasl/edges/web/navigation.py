"""The pages that each role works with, in the order of the day; an entry shows once its page exists."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.edges.web.gateway import LOCAL
from wasl.kernel.access import Actor


@dataclass(frozen=True)
class Entry:
    """A page in the navigation and on the start page, and how many things wait there."""

    url: str
    title: str | Promise
    what: str | Promise
    icon: str
    roles: frozenset[str]
    waiting: str = ""  # `module.query`, whose rows wait for the person
    tile_only: bool = False

    @property
    def address(self) -> str | None:
        """The page's address, or None while no module has such a page."""
        return _address(self.url)

    def count(self, viewer: Actor) -> int | None:
        """How many rows wait for the viewer, or None where nothing is counted."""
        query = _query(self.waiting) if self.waiting else None
        return query(viewer=viewer).count() if query else None


CLINICAL = frozenset({"requester", "radiographer", "resident", "radiologist", "chief", "registrar"})
ENTRIES = (
    Entry("radiology:readings", _("Readings"), _("Exams that wait to be read, the most urgent first"), "microscope",
          frozenset({"resident", "radiologist", "chief"}), "radiology.readings"),
    Entry("radiology:vettings", _("Exams to vet"), _("Decided before they are made: accepted, changed or refused"),
          "clipboard-list", frozenset({"radiologist"}), "radiology.orders_to_vet", tile_only=True),
    Entry("radiology:owed", _("Critical results"), _("Signed here, and not answered yet"),
          "alert-triangle", frozenset({"radiologist", "chief"}), "radiology.owed"),
    Entry("radiology:escalations", _("About to be late"), _("Cases passed on before they are late, and dark centres"),
          "clock", frozenset({"radiologist", "chief", "planner"}), "radiology.escalated_readings"),
    Entry("radiology:results", _("Results"), _("Reports of the exams you asked for"), "report-medical",
          frozenset({"requester"}), "radiology.results"),
    Entry("radiology:recommendations", _("Recommended exams"), _("What reports recommend, and is not made yet"),
          "calendar", frozenset({"requester", "chief", "planner"}), "radiology.due_recommendations", tile_only=True),
    Entry("radiology:expertises", _("Expert opinions"), _("Asked of your hospital by others, and of others by yours"),
          "stethoscope", frozenset({"requester", "radiologist", "chief"}), "radiology.expertises_waiting",
          tile_only=True),
    Entry("radiology:conferences", _("Case conferences"), _("Cases looked at together, and what was decided"), "users",
          frozenset({"requester", "radiologist", "chief"}), tile_only=True),
    Entry("radiology:exams", _("Exams"), _("What is to be done on the machines today"), "scan",
          frozenset({"radiographer"}), "radiology.exams"),
    Entry("radiology:orders", _("Orders"), _("Exams asked for, and where each of them stands"), "clipboard-list",
          frozenset({"requester", "radiographer", "chief"})),
    Entry("patients:search", _("Patients"), _("Find a person by name, number or card"), "users", CLINICAL),
    Entry("patients:register", _("New patient"), _("Give a person a Wasl number"), "user-plus",
          frozenset({"registrar", "requester", "radiographer"}), tile_only=True),
    Entry("patients:reviews", _("One person or two?"), _("Files that look alike, for people to decide"), "users",
          frozenset({"registrar", "steward"}), tile_only=True),
    Entry("patients:civil", _("Civil register"), _("Births, deaths and changes of name, and whose each is"),
          "clipboard-list", frozenset({"steward"}), tile_only=True),
    Entry("patients:quality", _("Quality of identities"), _("What is missing, waits or collides, by hospital"),
          "chart-bar", frozenset({"steward", "chief"}), tile_only=True),
    Entry("patients:names", _("Given names"), _("How names are written, and which are one"), "list",
          frozenset({"steward"}), tile_only=True),
    Entry("radiology:reconciliation", _("Reconciliation"), _("Images that belong to no order yet"), "link",
          frozenset({"radiographer", "chief"}), "archive.nobodys"),
    Entry("archive:studies", _("Studies"), _("Images received, and from where"), "photo-scan",
          frozenset({"radiographer", "radiologist", "chief"})),
    Entry("archive:layouts", _("Viewer layouts"), _("How your exams lie on the screen, by kind of exam"), "photo",
          frozenset({"resident", "radiologist", "chief"}), tile_only=True),
    Entry("archive:upload", _("Send images"), _("From a folder, a disc or an archive"), "cloud-upload",
          frozenset({"radiographer", "radiologist", "chief"}), tile_only=True),
    Entry("archive:conflicts", _("Conflicts"), _("Images that came twice and are not the same"), "arrows-exchange",
          frozenset({"radiographer", "chief"}), "archive.conflicts", tile_only=True),
    Entry("archive:rejections", _("Images withdrawn"), _("Hidden from everybody, and kept"), "arrow-back-up",
          frozenset({"radiographer", "radiologist", "chief"}), tile_only=True),
    Entry("archive:releases", _("Copies without names"), _("For teaching and for others; looked at before they leave"),
          "shield-lock", frozenset({"steward", "radiologist", "chief"}), tile_only=True),
    Entry("radiology:service", _("Service"), _("Volumes, delays and the map of the country"), "chart-bar",
          frozenset({"planner", "chief"})),
    Entry("planning:country", _("Evaluation"), _("How much, how fast, how well, and for whom"), "report-analytics",
          frozenset({"planner", "chief"})),
    Entry("radiology:quality", _("Image quality"), _("What readers found not good enough, by machine"),
          "photo", frozenset({"radiographer", "chief", "planner"}), tile_only=True),
    Entry("radiology:vetting_rates", _("Vetting"), _("Which exams are vetted, and what becomes of them"),
          "clipboard-list", frozenset({"chief", "planner"}), tile_only=True),
    Entry("radiology:repeats", _("Repeated exams"), _("How often an earlier exam is used, and how often repeated"),
          "arrows-exchange", frozenset({"chief", "planner"}), tile_only=True),
    Entry("radiology:agreements", _("Agreements"), _("Which hospital reads for which, and how fast"), "signature",
          frozenset({"planner", "chief"}), "radiology.agreements_asking"),
    Entry("radiology:dispatch", _("Who reads what next"), _("The rule, its versions, and how much work exams are"),
          "list", frozenset({"planner"}), tile_only=True),
    Entry("radiology:set_expertise_target", _("Response times of opinions"),
          _("How soon hospitals answer one another"), "clock", frozenset({"planner"}), tile_only=True),
    Entry("radiology:profiles", _("How cases are taken"), _("The next one or picked, and what was passed over"),
          "chart-bar", frozenset({"radiologist", "chief"}), tile_only=True),
    Entry("radiology:reviews", _("Peer review"), _("To assess without knowing whose, and what was found in yours"),
          "eye", frozenset({"radiologist"}), "radiology.reviews_to_do", tile_only=True),
    Entry("radiology:double_readings", _("Double reading"), _("Exams to read again without knowing the first reading"),
          "eye", frozenset({"radiologist"}), "radiology.double_readings_waiting", tile_only=True),
    Entry("radiology:double_rules", _("What is read twice"), _("The rules of double reading, and what they bring"),
          "report-analytics", frozenset({"chief", "planner"}), tile_only=True),
    Entry("radiology:catalogue", _("How exams are split"), _("Which exams several readers share, by body regions"),
          "users", frozenset({"chief", "planner", "administrator"}), tile_only=True),
    Entry("radiology:matters", _("Reports to look at again"),
          _("What a reviewer or a second reader found may matter for the patient"),
          "alert-circle", frozenset({"chief"}), tile_only=True),
    Entry("radiology:review_figures", _("How reviewers agree"), _("In which exams and hours, and what was drawn"),
          "report-analytics", frozenset({"chief", "planner"}), tile_only=True),
    Entry("radiology:learning", _("Learning file"), _("Cases without names, from which readers learn"), "file-text",
          frozenset({"resident", "radiologist", "chief"}), tile_only=True),
    Entry("workforce:rosters", _("Rosters"), _("Who is on duty, day and night"), "calendar",
          frozenset({"radiologist", "chief", "planner"})),
    Entry("workforce:posts", _("Established posts"), _("The posts of each hospital, who fills them, what is vacant"),
          "users", frozenset({"chief", "planner"}), tile_only=True),
    Entry("workforce:my_shifts", _("My shifts"), _("When I am on duty, and what colleagues ask me"), "clock",
          frozenset({"radiologist", "chief"}), "workforce.swaps_waiting", tile_only=True),
    Entry("contracts:acts", _("Acts"), _("What was read for whom, counted once"), "report-money",
          frozenset({"radiologist", "chief", "planner"})),
    Entry("contracts:sessions", _("Sessions"), _("Hours of remote reading: declared, validated, counted"), "clock",
          frozenset({"radiologist", "chief", "planner"}), "contracts.sessions_waiting"),
    Entry("contracts:pay", _("Pay"), _("What acts for other hospitals are paid, and what is held"),
          "report-analytics", frozenset({"radiologist", "chief", "planner"}), "contracts.acts_to_decide"),
    Entry("contracts:statements", _("Statements"), _("What each month comes to, for readers and hospitals"),
          "file-text", frozenset({"radiologist", "chief", "planner"}), "contracts.statements_waiting", tile_only=True),
    Entry("contracts:doubts", _("Doubts"), _("Acts whose facts look wrong, to be looked at"), "alert-circle",
          frozenset({"chief", "planner"}), "contracts.doubts_to_clear", tile_only=True),
    Entry("contracts:scales", _("Scales"), _("What each kind of act is paid"), "list",
          frozenset({"radiologist", "chief", "planner"}), tile_only=True),
    Entry("places:holidays", _("Holidays"), _("Days off, and those of the moon that wait to be announced"), "sun",
          frozenset({"planner"}), tile_only=True),
    Entry("archive:sources", _("Machines"), _("Scanners that may send images"), "device-desktop",
          frozenset({"administrator"})),
    Entry("exchange:members", _("Members of the network"), _("Outside systems, and what they sent that waits"),
          "arrows-exchange", frozenset({"administrator", "steward"}), "exchange.parked_messages", tile_only=True),
    Entry("archive:links", _("Links"), _("What is sent to other hospitals, and what comes from them"), "link",
          frozenset({"administrator", "radiographer", "chief"}), tile_only=True),
    Entry("archive:traffic", _("Traffic"), _("What comes in, what waits, and which machines are silent"),
          "activity", frozenset({"administrator"})),
    Entry("accounts:gateways", _("Gateways"), _("Hospitals' own machines, and how they are linked to here"),
          "building-hospital", frozenset({"administrator"})),
    Entry("accounts:people", _("People"), _("Accounts, posts and roles"), "users", frozenset({"administrator"})),
)  # fmt: skip


def entries_for(actor: Actor) -> Iterator[Entry]:
    """The entries of an actor's roles whose pages exist."""
    here = (entry for entry in ENTRIES if not settings.GATEWAY or entry.url in LOCAL)
    return (entry for entry in here if entry.roles & actor.roles and entry.address)


@cache
def _address(url: str) -> str | None:
    try:
        return reverse(url)
    except NoReverseMatch:
        return None


@cache
def _query(name: str) -> Callable[..., Any] | None:
    module, query = name.split(".")
    room = f"wasl.{module}.queries"
    return cast(Callable[..., Any] | None, getattr(import_module(room), query, None)) if find_spec(room) else None
