"""People who sign in, the posts they hold at places for a period, and machine clients."""

from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import get_language
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

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    objects = BaseUserManager["Person"]()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=models.Q(language__in=("ar", "fr", "en")), name="accounts_a_language_is_ar_fr_or_en"
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
    """A machine that speaks to Wasl with an OAuth 2 token: its scopes and the place it stands for."""

    name = models.CharField(max_length=120, unique=True)
    application = models.OneToOneField("oauth2_provider.Application", on_delete=models.PROTECT, related_name="+")
    scopes = ArrayField(models.CharField(max_length=60))
    place = models.ForeignKey("places.Place", on_delete=models.PROTECT, related_name="+", null=True)
    revoked_at = models.DateTimeField(null=True)
