"""The forms of passkeys, with the labels that allauth leaves in English."""

from allauth.mfa.webauthn.forms import AddWebAuthnForm, EditWebAuthnForm
from django.utils.translation import gettext_lazy as _


class AddPasskey(AddWebAuthnForm):  # type: ignore[misc]  # allauth is not typed
    """A new passkey, and what its holder calls it."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")


class EditPasskey(EditWebAuthnForm):  # type: ignore[misc]  # allauth is not typed
    """Another name for a passkey."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].label = _("Name")
