"""The name-plate of contracts."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class ContractsConfig(ModuleConfig):
    """What is owed: acts counted once for the reader and the pair of hospitals."""

    name = "wasl.contracts"
    label = "contracts"
    title = _("Contracts")
    icon = "report-money"
