"""The name-plate of exchange."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class ExchangeConfig(ModuleConfig):
    """What is passed on: members of the network, and the messages that they send."""

    name = "wasl.exchange"
    label = "exchange"
    title = _("Exchange")
    icon = "arrows-exchange"
