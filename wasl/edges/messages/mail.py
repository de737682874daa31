"""E-mail by SMTP (RFC 5321), in plain text; a letter that is sent again bears the same Message-ID."""

import smtplib
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.smtp import EmailBackend

from wasl.edges.messages.ways import PATIENCE, Letter, NotSent


def send(letter: Letter) -> None:
    """Give a letter to the mail server that is named. Raises NotSent."""
    host = urlsplit(settings.ADDRESS).hostname or "localhost"
    message = EmailMessage(
        subject=letter.subject, body=letter.text, from_email=settings.MAIL_FROM or f"wasl@{host}", to=[letter.to],
        headers={
            "Message-ID": f"<{letter.key}@{host}>",  # a mailbox that has it already shows it once
            "Auto-Submitted": "auto-generated",  # RFC 3834: no answer of an absence comes back
        },
    )  # fmt: skip
    server = EmailBackend(
        host=settings.SMTP_HOST, port=settings.SMTP_PORT, username=settings.SMTP_USER, password=settings.SMTP_PASSWORD,
        use_tls=settings.SMTP_SECURITY == "starttls", use_ssl=settings.SMTP_SECURITY == "tls", timeout=int(PATIENCE),
    )  # fmt: skip
    try:
        server.send_messages([message])
    except smtplib.SMTPRecipientsRefused as error:
        ((code, _said),) = error.recipients.values()
        raise NotSent(f"SMTP {code}", final=code >= 500) from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"SMTP {error.smtp_code}") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(type(error).__name__) from None
