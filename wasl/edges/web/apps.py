"""The web edge as an application of Django, so that its templates and tags are found."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The shell of the pages."""

    name = "wasl.edges.web"
    label = "web"

    def ready(self) -> None:
        """Hear that a second factor was set up."""
        from allauth.mfa.signals import authenticator_added

        from wasl.edges.web.signin import count_as_second_factor

        authenticator_added.connect(count_as_second_factor)
