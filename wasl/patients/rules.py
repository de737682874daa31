"""Who may register, find and open patients, and what is refused."""

from wasl.kernel.errors import Invalid, NotAllowed

CLINICAL = frozenset({"requester", "radiographer", "radiologist", "chief", "registrar"})

CAN: dict[str, frozenset[str]] = {
    "open_for_care": CLINICAL | {"system"},
    "present_card": CLINICAL,
    "break_glass": frozenset({"requester", "radiographer", "radiologist", "chief"}),
}

CARD_HOURS = 12  # how long a presented card or number opens the record to the place where it was presented
GLASS_HOURS = 1  # how long emergency access lasts


class NoGround(NotAllowed):
    """Nothing opens this patient's record to you: neither a card presented here, nor care, nor an emergency."""


class NoReason(Invalid):
    """Emergency access needs a reason of at least ten letters; the patient and an auditor will read it."""


class NotYourPlace(NotAllowed):
    """You hold no post at this place."""


def check_reason(because: str) -> None:
    """Emergency access says why."""
    if len(because.strip()) < 10:
        raise NoReason
