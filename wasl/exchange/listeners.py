"""What follows from a message: it is done; and once people decided about one, what waited for it."""

from wasl.exchange import services
from wasl.exchange.events import MessageRetried, MessageSetAside, MessageTaken
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import Event, Told, after


@after(MessageTaken, MessageRetried, MessageSetAside)
def do_what_it_says(event: Event, told: Told) -> None:
    """Facts of one member are told one after the other, in their order."""
    if isinstance(event, MessageTaken | MessageRetried | MessageSetAside):
        services.handle_messages(event.message, by=SYSTEM)
