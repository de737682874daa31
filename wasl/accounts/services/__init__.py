"""What is done with people, their posts, machine clients and gateways, and how people are told things."""

from wasl.accounts.services.apps import add_app, end_permit, fetch_token, give_permit, note_proof, start_launch
from wasl.accounts.services.authority import DOOR, Code, door_certificate, read_code, vouched_for
from wasl.accounts.services.clients import add_client, revoke_client
from wasl.accounts.services.gateways import (
    HOURS,
    add_gateway,
    join_gateway,
    note_gateway,
    renew_certificate,
    renew_code,
    revoke_gateway,
)
from wasl.accounts.services.messages import (
    MESSAGES,
    declare,
    drop_sending,
    note_failure,
    note_seen,
    note_sent,
    read_message,
    read_messages,
    write_message,
)
from wasl.accounts.services.people import (
    add_person,
    change_preferences,
    close_person,
    end_post,
    give_post,
    reset_password,
)
from wasl.accounts.services.reaching import choose_channels, code_of, confirm_address, name_address

__all__ = [
    "Code",
    "DOOR",
    "HOURS",
    "MESSAGES",
    "add_app",
    "add_client",
    "add_gateway",
    "add_person",
    "change_preferences",
    "choose_channels",
    "close_person",
    "code_of",
    "confirm_address",
    "declare",
    "door_certificate",
    "drop_sending",
    "end_permit",
    "end_post",
    "fetch_token",
    "give_permit",
    "give_post",
    "join_gateway",
    "name_address",
    "note_failure",
    "note_proof",
    "note_seen",
    "note_gateway",
    "note_sent",
    "read_code",
    "read_message",
    "read_messages",
    "renew_certificate",
    "renew_code",
    "reset_password",
    "revoke_client",
    "revoke_gateway",
    "start_launch",
    "vouched_for",
    "write_message",
]
