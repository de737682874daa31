"""The addresses that belong to no module."""

from django.urls import URLPattern, URLResolver, include, path
from oauth2_provider.views import TokenView

from wasl.edges.web import start

urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.home, name="home"),
    path("choose/place/", start.choose_place, name="choose_place"),
    path("choose/theme/", start.choose_theme, name="choose_theme"),
    path("choose/language/", start.set_language, name="set_language"),
    path("account/", include("allauth.urls")),
    path("oauth/token/", TokenView.as_view(), name="oauth_token"),
]
