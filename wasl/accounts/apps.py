"""The name-plate of accounts."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class AccountsConfig(ModuleConfig):
    """Who may act: people who sign in, their posts and roles at places, machine clients."""

    name = "wasl.accounts"
    label = "accounts"
    title = _("Accounts")
    icon = "users"
