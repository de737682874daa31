"""What is done with members and their messages."""

from wasl.exchange.services.members import add_member, revoke_member
from wasl.exchange.services.messages import (
    Incoming,
    handle_messages,
    retry_message,
    set_aside_message,
    show_message,
    take_message,
)

__all__ = [
    "Incoming",
    "add_member",
    "handle_messages",
    "retry_message",
    "revoke_member",
    "set_aside_message",
    "show_message",
    "take_message",
]
