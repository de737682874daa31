"""What the FHIR edge itself refuses, before any module is asked; issue codes are those of FHIR R4, IssueType."""

from wasl.kernel.errors import Invalid, NotAllowed, NotFound, Refused


class SignInFirst(NotAllowed):
    """Sign in, or send a valid token."""

    http = 401
    fhir_issue = "login"


class OutOfScope(NotAllowed):
    """The token does not allow reading {type}."""


class NotInScope(NotAllowed):
    """The token does not allow sending {type}."""


class TokenExpected(NotAllowed):
    """Only another system says this, with a token of its own; people say it on Wasl's pages."""


class UnknownType(NotFound):
    """Wasl keeps no resources of the type {type}."""

    fhir_issue = "not-supported"


class UnknownAddress(NotFound):
    """There is no such address in this FHIR service; its metadata say what there is."""

    fhir_issue = "not-supported"


class NotSupported(Refused):
    """This service does not do that; its metadata say what it does."""

    http = 405
    fhir_issue = "not-supported"


class Withdrawn(NotFound):
    """This resource was withdrawn."""

    http = 410
    fhir_issue = "deleted"


class JsonOnly(Refused):
    """This service speaks JSON only."""

    http = 406
    fhir_issue = "not-supported"


class FormExpected(Refused):
    """A search is sent as application/x-www-form-urlencoded."""

    http = 415
    fhir_issue = "not-supported"


class ParametersExpected(Refused):
    """An operation is asked with Parameters, as application/fhir+json."""

    http = 415
    fhir_issue = "not-supported"


class ResourceExpected(Refused):
    """A resource of the type {type} is sent, as application/fhir+json."""

    http = 415
    fhir_issue = "not-supported"


class OneIdentifier(Invalid):
    """Name in the address the one identifier that is meant, and nothing else: ?identifier=system|value."""

    http = 400
    fhir_issue = "required"


class TooLong(Refused):
    """What was sent is too long."""

    http = 413
    fhir_issue = "too-long"


class SearchTooLong(Refused):
    """The search is too long."""

    http = 413
    fhir_issue = "too-long"


class WrongHost(Invalid):
    """This service is not known under that name."""

    http = 400


class WrongValue(Invalid):
    """The parameter {name} cannot be “{value}”."""

    http = 400
    fhir_issue = "value"


class UnknownParameter(Invalid):
    """The parameters {names} are not known here."""

    http = 400
    fhir_issue = "not-supported"


class UnknownDomain(NotFound):
    """Identifiers of the system “{system}” are not known here."""

    fhir_diagnostics = "targetSystem not found"  # IHE PDQm, 2:3.78.4.1.3


class ModifierNotSupported(Invalid):
    """The modifier of {name} is not supported."""

    http = 400
    fhir_issue = "not-supported"


class PatchExpected(Refused):
    """A change is sent as a JSON Patch, as application/json-patch+json."""

    http = 415
    fhir_issue = "not-supported"


class NotJson(Invalid):
    """What was sent is not JSON as FHIR writes it."""

    http = 400
    fhir_issue = "structure"


class PatchFails(Invalid):
    """The change does not fit the resource as it stands: {what}."""

    fhir_issue = "processing"


class IdentityPatched(Invalid):
    """A change touches neither the type of a resource nor its id."""

    fhir_issue = "business-rule"


class IdDiffers(Invalid):
    """The resource has the id that its address names."""

    http = 400
    fhir_issue = "invalid"


class ConditionExpected(Invalid):
    """Say by search parameters that are known here which resource is meant."""

    http = 412
    fhir_issue = "required"


class SeveralMeant(Refused):
    """More than one resource is meant by “{query}”."""

    http = 412
    fhir_issue = "multiple-matches"


class NoneMeant(Refused):
    """No resource is meant by “{query}”."""

    http = 412
    fhir_issue = "not-found"


class Done(Refused):
    """It is done."""

    http = 200
    fhir_issue = "informational"


class BundleExpected(Invalid):
    """Several requests at once are sent as a Bundle of the type batch or transaction."""

    http = 400
    fhir_issue = "structure"


class TooManyEntries(Refused):
    """A bundle has {most} entries at most."""

    http = 413
    fhir_issue = "too-long"


class RequestExpected(Invalid):
    """An entry says by `request` what it asks for: a method and an address within this service."""

    http = 400
    fhir_issue = "required"


class SameTwice(Invalid):
    """Two entries of a transaction mean the same resource."""

    http = 400
    fhir_issue = "duplicate"


class AtTheSameTime(Refused):
    """Others changed the same resources at the same moment, and nothing of this was done: send it again."""

    fhir_issue = "conflict"


class HistoryTooLong(Refused):
    """So much was said that it cannot be looked through now: ask since a later time, or for one type."""

    http = 422
    fhir_issue = "too-costly"
