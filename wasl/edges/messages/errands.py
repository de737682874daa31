"""Jobs that send what people are told: owed by a verb, done by the workers, again while nobody takes it.

A process that dies after a letter went and before that was written down sends it once more, under the same name.
"""

from uuid import UUID

from procrastinate.contrib.django import app as jobs

from wasl.accounts import queries, services
from wasl.edges.messages import mail, sms, words
from wasl.edges.messages.ways import Letter, NotSent
from wasl.kernel.access import SYSTEM
from wasl.kernel.events import PATIENCE


@jobs.task(name="messages.send_message", queue="messages", retry=PATIENCE)
def send_message(*, key: str) -> None:
    """Send a message out, unless it was read meanwhile. Raises NotSent, after which it is tried again."""
    row = queries.sending(UUID(key), viewer=SYSTEM)
    if row.state not in ("waiting", "failed"):
        return
    to = queries.address_of(row, viewer=SYSTEM)
    if not to or row.message.read_at is not None:
        services.drop_sending(row.id, by=SYSTEM)
        return
    try:
        _send(row.channel, words.message(row, to=to))
    except NotSent as failure:
        if services.note_failure(row.id, error=str(failure), final=failure.final, by=SYSTEM):
            raise
        return
    services.note_sent(row.id, by=SYSTEM)


@jobs.task(name="messages.send_code", queue="messages", retry=PATIENCE)
def send_code(*, key: str) -> None:
    """Send the code that proves an address, while it holds. Raises NotSent, after which it is tried again."""
    way = queries.reach(UUID(key), viewer=SYSTEM)
    if way is None or not queries.waits_for_code(way, viewer=SYSTEM):
        return
    try:
        _send(way.channel, words.code(way, services.code_of(way)))
    except NotSent as failure:
        if not failure.final:
            raise


def _send(channel: str, letter: Letter) -> None:
    """Send by a channel. Whatever goes wrong is told by its kind alone: what a library says may name the address."""
    if channel not in queries.channels(viewer=SYSTEM):
        raise NotSent("not set up")
    try:
        if channel == "email":
            mail.send(letter)
        else:
            sms.gateway().send(letter)
    except NotSent:
        raise
    except Exception as error:
        raise NotSent(type(error).__name__) from None
