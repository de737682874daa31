"""The pages that each role works with, in the order of the day; an entry shows once its page exists."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, cast

from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

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


CLINICAL = frozenset({"requester", "radiographer", "radiologist", "chief", "registrar"})

ENTRIES = (
    Entry("radiology:readings", _("Readings"), _("Exams that wait to be read, the most urgent first"), "microscope",
          frozenset({"radiologist", "chief"}), "radiology.readings"),
    Entry("radiology:results", _("Results"), _("Reports of the exams you asked for"), "report-medical",
          frozenset({"requester"}), "radiology.results"),
    Entry("radiology:exams", _("Exams"), _("What is to be done on the machines today"), "scan",
          frozenset({"radiographer"}), "radiology.exams"),
    Entry("radiology:orders", _("Orders"), _("Exams asked for, and where each of them stands"), "clipboard-list",
          frozenset({"requester", "radiographer", "chief"})),
    Entry("patients:search", _("Patients"), _("Find a person by name, number or card"), "users", CLINICAL),
    Entry("patients:register", _("New patient"), _("Give a person a Wasl number"), "user-plus",
          frozenset({"registrar", "requester", "radiographer"}), tile_only=True),
    Entry("radiology:reconciliation", _("Reconciliation"), _("Images that belong to no order yet"), "link",
          frozenset({"radiographer", "chief"}), "archive.nobodys"),
    Entry("archive:studies", _("Studies"), _("Images received, and from where"), "photo-scan",
          frozenset({"radiographer", "radiologist", "chief"})),
    Entry("archive:upload", _("Send images"), _("From a folder, a disc or an archive"), "cloud-upload",
          frozenset({"radiographer", "radiologist", "chief"}), tile_only=True),
    Entry("archive:conflicts", _("Conflicts"), _("Images that came twice and are not the same"), "arrows-exchange",
          frozenset({"radiographer", "chief"}), "archive.conflicts", tile_only=True),
    Entry("radiology:service", _("Service"), _("Volumes, delays and the map of the country"), "chart-bar",
          frozenset({"planner", "chief"})),
    Entry("contracts:acts", _("Acts"), _("What was read for whom, counted once"), "report-money",
          frozenset({"radiologist", "chief", "planner"})),
    Entry("archive:sources", _("Machines"), _("Scanners that may send images"), "device-desktop",
          frozenset({"administrator"})),
    Entry("accounts:people", _("People"), _("Accounts, posts and roles"), "users", frozenset({"administrator"})),
)  # fmt: skip


def entries_for(actor: Actor) -> Iterator[Entry]:
    """The entries of an actor's roles whose pages exist."""
    return (entry for entry in ENTRIES if entry.roles & actor.roles and entry.address)


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
