"""The four ways to say no, each speaking HTTP, FHIR and DIMSE.

The docstring of a refusal is its sentence: what a person reads, translated, with the values it is raised with.
"""

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext


class Refused(Exception):
    """This is not possible now."""

    http: ClassVar[int] = 409
    fhir_issue: str = "business-rule"  # FHIR R4, IssueType
    fhir_expression: tuple[str, ...] = ()  # where in what was sent, in FHIRPath
    fhir_diagnostics: ClassVar[str] = ""  # what a profile wants said word for word, in its own language
    dimse: ClassVar[int] = 0xC000  # PS3.7, C.5: cannot understand / processing failure
    besides: "tuple[Refused, ...]" = ()  # what else there is to say, each under its own code

    def __init__(self, **values: object) -> None:
        super().__init__(values)
        self.values = values

    @property
    def code(self) -> str:
        """The refusal's stable name, for machines."""
        return type(self).__name__

    @property
    def sentence(self) -> str:
        """What a person reads, in the language in force."""
        return gettext((type(self).__doc__ or "").strip()).format(**self.values)

    def __str__(self) -> str:
        return self.sentence


class NotAllowed(Refused):
    """You are not allowed to do this."""

    http = 403
    fhir_issue = "forbidden"
    dimse = 0x0124  # PS3.7, C.5.17: not authorized


class NotFound(Refused):
    """There is nothing here that you can see."""

    http = 404
    fhir_issue = "not-found"
    dimse = 0x0112  # PS3.7, C.5.13: no such object instance


class Invalid(Refused):
    """Something in what was sent is wrong."""

    http = 422
    fhir_issue = "invalid"
    dimse = 0x0115  # PS3.7, C.5.10: invalid argument value

    def __init__(self, fields: Mapping[str, str] | None = None, **values: object) -> None:
        super().__init__(**values)
        self.fields = dict(fields or {})

    @property
    def sentence(self) -> str:
        """The sentence, or the sentences of the fields that are wrong."""
        return " ".join(self.fields.values()) or super().sentence
