"""The name-plate of patients."""

from django.utils.translation import gettext_lazy as _

from wasl.kernel.apps import ModuleConfig


class PatientsConfig(ModuleConfig):
    """Who is cared for: one number per person, names in two scripts, who may look and who did."""

    name = "wasl.patients"
    label = "patients"
    title = _("Patients")
    icon = "user"
