"""What `wasl doctor` asks about the messages that leave Wasl: by which channels, and whether any was given up."""

from collections.abc import Iterator

from wasl.edges.cli.findings import Finding

TOPIC = "messages"


def message_findings() -> Iterator[Finding]:
    """Look at the ways out; Django and its database are ready."""
    from django.db import connections

    try:
        yield channels_finding()
    finally:
        connections.close_all()


def channels_finding() -> Finding:
    """What is set up can be used, and sends what it is given."""
    from django.conf import settings

    from wasl.accounts import queries
    from wasl.kernel.access import SYSTEM

    ready = [channel.value for channel in queries.channels(viewer=SYSTEM)]
    if not ready:
        return Finding(TOPIC, "people are told things on the page alone: no mail server and no SMS gateway is named.")
    if wrong := _setup():
        return Finding(TOPIC, wrong, "Correct it; docs/how-to/reach-people.md says how.")
    if lost := queries.given_up_lately(viewer=SYSTEM):
        mend = "See `last_error` of accounts_sending; people see on their page what did not go out."
        return Finding(TOPIC, f"{lost} of the last day were given up after {settings.MESSAGE_HOURS:g} hours.", mend)
    return Finding(TOPIC, f"go out by {' and '.join(ready)}; none of the last day was given up.")


def _setup() -> str:
    """What is wrong with the settings; empty when nothing is."""
    import json

    from django.conf import settings

    from wasl.edges.messages import sms

    if settings.SMTP_HOST and settings.SMTP_SECURITY not in ("starttls", "tls", "none"):
        return "WASL_SMTP_SECURITY is none of starttls, tls, none."
    if settings.SMS_GATEWAY:
        try:
            sms.gateway()
            json.loads(settings.SMS_BODY)
        except ImportError:
            return "WASL_SMS_GATEWAY names no class that can be loaded."
        except ValueError:
            return "WASL_SMS_BODY is no JSON."
    return ""
