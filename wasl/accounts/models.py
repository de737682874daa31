"""People who sign in, the posts they hold at places for a period, machine clients, and how people are told things."""

import datetime
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from wasl.kernel.models import Row

NOWHERE = UUID(int=0)  # stands for "the whole country" where the database compares posts: no place is not a place


class Person(AbstractBaseUser, Row):
    """Somebody who signs in; what they may do comes from their posts alone."""

    username = models.CharField(_("user name"), max_length=60, unique=True)
    given_name = models.CharField(_("given name"), max_length=80)
    family_name = models.CharField(_("family name"), max_length=80)
    given_name_ar = models.CharField(_("given name in Arabic"), max_length=80, blank=True)
    family_name_ar = models.CharField(_("family name in Arabic"), max_length=80, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=20, blank=True)
    language = models.CharField(_("language"), max_length=2, default="fr")
    dark = models.BooleanField(_("dark theme"), default=False)
    is_active = models.BooleanField(default=True)
    demo = models.BooleanField(default=False)  # a person of the demonstration, refused outside it
    # between these hours, local, only what is urgent is sent; every day, past midnight where the end is not later
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = BaseUserManager["Person"]()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(language__in=("ar", "fr", "en")), name="accounts_a_language_is_ar_fr_or_en"
            ),
            models.CheckConstraint(
                condition=models.Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (
                    models.Q(quiet_from__isnull=False, quiet_until__isnull=False)
                    & ~models.Q(quiet_from=models.F("quiet_until"))
                ),
                name="accounts_quiet_hours_begin_and_end",
            ),
        )

    def __str__(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def name(self) -> str:
        """The name in the script of the language in force."""
        arabic = f"{self.given_name_ar} {self.family_name_ar}".strip()
        return arabic if arabic and (get_language() or "").startswith("ar") else str(self)


class Post(Row):
    """A role that a person holds at a place (or, without a place, for the whole country) in a period."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="posts")
    role = models.CharField(max_length=30)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    period = DateTimeRangeField()

    class Meta:
        constraints = (
            ExclusionConstraint(
                name="accounts_a_post_is_held_once_at_a_time",
                expressions=(
                    ("person", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (Coalesce("place", models.Value(NOWHERE)), RangeOperators.EQUAL),
                    ("period", RangeOperators.OVERLAPS),
                ),
            ),
        )


class Client(Row):
    """A machine that speaks to Wasl with an OAuth 2 token, or an app that does so for whoever uses it: its scopes.

    A machine stands for a place; an app stands for its person, and is called by its title on the pages.
    """

    name = models.CharField(max_length=120, unique=True)
    application = models.OneToOneField("oauth2_provider.Application", on_delete=models.PROTECT, related_name="+")
    scopes = ArrayField(models.CharField(max_length=60))
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    is_app = models.BooleanField(default=False)
    title_fr = models.CharField(max_length=120, blank=True)
    title_ar = models.CharField(max_length=120, blank=True)
    title_en = models.CharField(max_length=120, blank=True)
    launch_uri = models.CharField(max_length=500, blank=True)  # where it is opened from a patient's page
    # the public keys by which it proves who it is (RFC 7523): told when it was registered, or found at an address
    keys = models.JSONField(null=True)
    keys_uri = models.CharField(max_length=500, blank=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(is_app=True, place__isnull=True) | models.Q(is_app=False, launch_uri=""),
                name="accounts_an_app_stands_for_no_place_and_a_machine_is_not_opened",
            ),
            models.CheckConstraint(
                condition=models.Q(keys__isnull=True) | models.Q(keys_uri=""), name="accounts_keys_have_one_source"
            ),
        )

    @property
    def title(self) -> str:
        """What it is called in the language in force."""
        said = {"ar": self.title_ar, "fr": self.title_fr, "en": self.title_en}
        return said.get((get_language() or "")[:2], "") or self.title_fr or self.name


class Launch(Row):
    """An app opened from a patient's page: the opaque value that it brings back once, within minutes."""

    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the value
    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    patient = models.UUIDField()
    until = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Permit(Row):
    """What a person let an app do: with which scopes, for which patient if for one, and the token that holds now.

    A code that comes back twice ends it, and so does a refresh token (RFC 9700, 4.5 and 4.14).
    """

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    patient = models.UUIDField(null=True)
    scopes = ArrayField(models.CharField(max_length=60))
    code = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the authorization code
    token = models.CharField(max_length=64, unique=True, null=True)  # checksum of the access token, once it was fetched
    ended_at = models.DateTimeField(null=True)


class Proof(Row):
    """An assertion by which a client proved who it is, remembered until it runs out: it counts once (RFC 7523, 3)."""

    client = models.ForeignKey(Client, on_delete=models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)  # SHA-256 of its `jti`
    until = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("client", "digest"), name="accounts_an_assertion_counts_once"),)


class Gateway(Row):
    """A hospital's own Wasl that speaks for it: it joins once with a code, then shows a certificate."""

    name = models.CharField(max_length=120, unique=True)
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+")
    code = models.BinaryField(max_length=32, null=True)  # SHA-256 of the code that waits to be used
    code_until = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    valid_until: datetime.datetime | None  # of its last certificate, where a query asked for it

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("code",), name="accounts_a_code_is_one_gateways"),
            models.CheckConstraint(
                condition=models.Q(code__isnull=True, code_until__isnull=True)
                | models.Q(code__isnull=False, code_until__isnull=False, revoked_at__isnull=True),
                name="accounts_a_code_runs_out_and_opens_no_revoked_gateway",
            ),
        )


class Certificate(Row):
    """A certificate that a gateway was given: by a code when it joined, later in exchange for the one before."""

    gateway = models.ForeignKey(Gateway, on_delete=models.PROTECT, related_name="certificates")
    digest = models.BinaryField(max_length=32, unique=True)  # SHA-256 of the certificate in DER
    code = models.BinaryField(max_length=32, null=True)  # SHA-256 of the code that it was given for
    ends_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("code",), name="accounts_a_code_gives_one_certificate"),)


class Channel(models.TextChoices):
    """A way to people outside Wasl's own pages."""

    EMAIL = "email", pgettext_lazy("channel", "e-mail")
    SMS = "sms", pgettext_lazy("channel", "SMS")


class Reach(Row):
    """Where a person is reached outside the pages: an address, used once a code that was sent there came back.

    The code is nowhere kept: it is worked out from `code_at` with the instance's own secret.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="reaches")
    channel = models.CharField(max_length=5, choices=Channel.choices)
    address = models.CharField(max_length=254)
    active = models.BooleanField(default=True)
    confirmed_at = models.DateTimeField(null=True)
    code_at = models.DateTimeField(null=True)  # when the code that waits to come back was made
    code_tries = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "channel"), name="accounts_a_channel_has_one_address"),
            models.CheckConstraint(condition=~models.Q(address=""), name="accounts_an_address_is_not_empty"),
            models.CheckConstraint(
                condition=models.Q(confirmed_at__isnull=True) | models.Q(code_at__isnull=True),
                name="accounts_a_confirmed_address_waits_for_no_code",
            ),
        )


class Message(Row):
    """Something that a person is told: of which kind, and where in Wasl it is read. It says nothing of a patient."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=80)  # as a module declared it, with its sentence
    link = models.CharField(max_length=200)
    source = models.UUIDField()  # what it is about: told twice, it is one message
    urgent = models.BooleanField(default=False)
    read_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(fields=("person", "-created_at"), name="accounts_message_by_person"),
            models.Index(fields=("person",), condition=models.Q(read_at__isnull=True), name="accounts_message_unread"),
        )
        constraints = (
            models.UniqueConstraint(fields=("person", "kind", "source"), name="accounts_a_person_is_told_a_thing_once"),
            models.CheckConstraint(
                condition=models.Q(link__startswith="/") & ~models.Q(link__startswith="//"),
                name="accounts_a_message_leads_into_wasl",
            ),
        )


class Sending(Row):
    """A message on its way out by e-mail or SMS, and what became of it; its last error names no address."""

    class State(models.TextChoices):
        """`failed` is tried again; `unneeded`: it was read first, or the channel was closed meanwhile."""

        WAITING = "waiting"
        FAILED = "failed"
        SENT = "sent"
        GIVEN_UP = "given_up"
        UNNEEDED = "unneeded"

    message = models.ForeignKey(Message, on_delete=models.PROTECT, related_name="sendings")
    channel = models.CharField(max_length=5, choices=Channel.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    due_at = models.DateTimeField()  # after the person's quiet hours
    tries = models.PositiveIntegerField(default=0)
    last_error = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("channel", "state"), condition=~models.Q(state__in=("sent", "unneeded")),
                name="accounts_sending_not_done",
            ),
        )  # fmt: skip
        constraints = (
            models.UniqueConstraint(fields=("message", "channel"), name="accounts_a_message_is_sent_once_by_a_channel"),
            models.CheckConstraint(
                condition=models.Q(state="sent", sent_at__isnull=False)
                | (~models.Q(state="sent") & models.Q(sent_at__isnull=True)),
                name="accounts_what_was_sent_says_when",
            ),
        )
