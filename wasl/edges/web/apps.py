"""The web edge as an application of Django, so that its templates and tags are found."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The shell of the pages."""

    name = "wasl.edges.web"
    label = "web"
