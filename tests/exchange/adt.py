"""ADT messages as a hospital's system writes them, and systems that send them."""

from tests.cast import Cast
from wasl.exchange import services
from wasl.exchange.models import Member, Message
from wasl.kernel.access import SYSTEM

SALMA = {5: "Ben Salah^Salma^^^^^L~بن صالح^سلمى^^^^^L", 7: "19800312", 8: "F"}
ALI = {5: "Gharbi^Ali", 7: "19600102", 8: "M"}


def member(stage: Cast, name: str = "HIS Oued Zen", **values: object) -> Member:
    """The system of the regional hospital, which calls from this machine."""
    about: dict[str, object] = {
        "place": stage.regional, "application": "HIS", "facility": "OZ", "addresses": ["127.0.0.1", "192.0.2.0/24"],
        "by": SYSTEM,
    }  # fmt: skip
    return services.add_member(name=name, **(about | values))  # type: ignore[arg-type]


def adt(
    event: str = "A08", number: str = "A-1", control: str = "1", *more: str, pid: dict[int, str] = SALMA,
    facility: str = "OZ", version: str = "2.5", processing: str = "P", charset: str = "UNICODE UTF-8",
    encoding: str = "utf-8",
) -> bytes:  # fmt: skip
    """A message with a segment PID, and more segments behind it."""
    fields = {1: "1", 3: f"{number}^^^^MR", **pid}
    patient = "|".join(fields.get(at, "") for at in range(1, max(fields) + 1))
    header = f"MSH|^~\\&|HIS|{facility}|WASL||20261201090000||ADT^{event}|{control}|{processing}|{version}|{'|' * 5}"
    lines = (f"{header}{charset}", f"EVN|{event}|20261201090000", f"PID|{patient}", *more)
    return "".join(f"{line}\r" for line in lines).encode(encoding)


def states(member: Member) -> str:
    """The states of a member's messages in their order, by first letters."""
    return "".join(state[0] for state in Message.objects.filter(member=member).order_by("position").values_list(
        "state", flat=True))  # fmt: skip
