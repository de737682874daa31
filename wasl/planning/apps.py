"""The name-plate of planning."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class PlanningConfig(ModuleConfig):
    """What is needed: how much is done, how fast and how well, and for whom."""

    name = "wasl.planning"
    label = "planning"
    title = _("Evaluation")
    icon = "report-analytics"
