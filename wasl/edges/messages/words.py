"""What is said in a letter: in the person's language, that something waits and where to sign in, and nothing else."""

from urllib.parse import urljoin

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext, override

from wasl.accounts import queries
from wasl.accounts.queries import Reach, Sending
from wasl.edges.messages.ways import Letter


def message(sending: Sending, *, to: str) -> Letter:
    """A message on its way out; an SMS names the door alone, an e-mail the page behind it."""
    told = sending.message
    with override(told.person.language):
        title = str(queries.MESSAGE_TITLES[told.kind])
        if sending.channel == "sms":
            text = gettext("Wasl: {what}. {address}").format(what=title, address=settings.ADDRESS)
        else:
            page = urljoin(settings.ADDRESS, reverse("accounts:open_message", args=[told.id]))
            text = gettext(
                "{what}.\n\nSign in to see it:\n{address}\n\n"
                "This e-mail says nothing more, so that it may be read by anybody. "
                "How you are told things is yours to choose, in Wasl, under your name."
            ).format(what=title, address=page)
        return Letter(key=str(sending.id), to=to, subject=f"Wasl: {title}", text=text)


def code(reach: Reach, secret: str) -> Letter:
    """The code that proves that somebody reads at an address."""
    with override(reach.person.language):
        text = gettext("Wasl: {code} is your code. Give it to nobody.").format(code=secret)
        stamp = f"{reach.code_at:%Y%m%d%H%M%S}"
        return Letter(key=f"{reach.id}.{stamp}", to=reach.address, subject=gettext("Your code for Wasl"), text=text)
