"""What radiology keeps on patients' files, said to those who decide which files are one person's."""

from django.utils.translation import gettext_lazy as _

from wasl.patients.services import keeps, moves
from wasl.radiology.queries import holding

keeps("radiology.order", _("Orders"), holding.orders_on, page="radiology:order")
keeps("radiology.report", _("Reports"), holding.reports_on, page="radiology:report")
keeps("radiology.recommendation", _("Recommended exams"), holding.follow_ups_on)
moves("radiology:reconcile", "radiology.move_study")
