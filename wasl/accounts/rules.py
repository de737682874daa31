"""Who may give accounts and posts, and what is refused."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from wasl.kernel.errors import Invalid, Refused

# every role of the house; modules name them in their CAN
ROLES: dict[str, str | Promise] = {
    "requester": _("requesting doctor"),
    "radiographer": _("radiographer"),
    "radiologist": _("radiologist"),
    "chief": _("head of imaging department"),
    "registrar": _("admission clerk"),
    "planner": _("planner at the ministry"),
    "administrator": _("administrator"),
    "auditor": _("auditor"),
}

CAN: dict[str, frozenset[str]] = {
    "add_person": frozenset({"administrator", "system"}),
    "close_person": frozenset({"administrator", "system"}),
    "give_post": frozenset({"administrator", "system"}),
    "end_post": frozenset({"administrator", "system"}),
    "add_client": frozenset({"administrator", "system"}),
    "revoke_client": frozenset({"administrator", "system"}),
}


class UserNameTaken(Refused):
    """Another person already has the user name {username}."""


class UnknownRole(Invalid):
    """There is no role called {role}."""


class PostHeld(Refused):
    """This person already holds this role there in this period."""
