"""A browser without a screen, in which one of the cast is signed in."""

from django.test import Client

from wasl.accounts.models import Person
from wasl.kernel.access import Actor


def browser_of(actor: Actor, language: str = "en") -> Client:
    """A browser in which this person of the demonstration signed in, and reads this language."""
    person = Person.objects.get(id=str(actor.id))
    person.language = language
    person.save(update_fields=("language",))
    browser = Client()
    browser.force_login(person)
    return browser
