"""The administrator's pages: people and their posts, and gateways; everybody's: messages, and how one is reached."""

from wasl.accounts.views import gateways, messages, people, reach

urlpatterns = [*people.urlpatterns, *gateways.urlpatterns, *messages.urlpatterns, *reach.urlpatterns]
