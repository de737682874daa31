"""The administrator's pages: people, posts, gateways; everybody's: messages, how one is reached, one's apps."""

from wasl.accounts.views import apps, gateways, messages, people, reach

urlpatterns = [*people.urlpatterns, *gateways.urlpatterns, *messages.urlpatterns, *reach.urlpatterns, *apps.urlpatterns]
