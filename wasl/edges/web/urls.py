"""The addresses that belong to no module."""

from allauth.account import views as account
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from oauth2_provider.views import JwksInfoView

from wasl.edges.web import start
from wasl.edges.web.oauth import authorize, tokens

# allauth's flows, but those by which people would make or reset their accounts themselves
way_in: list[URLPattern | URLResolver] = [
    path("login/", account.login, name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("2fa/", include("allauth.mfa.urls")),
    path("sessions/", include("allauth.usersessions.urls")),
]
if settings.OIDC_ISSUER:
    way_in += [
        path("ministry/", include("allauth.socialaccount.urls")),
        path("", include("allauth.socialaccount.providers.openid_connect.urls")),
    ]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", start.home, name="home"),
    path("choose/place/", start.choose_place, name="choose_place"),
    path("choose/theme/", start.choose_theme, name="choose_theme"),
    path("choose/language/", start.set_language, name="set_language"),
    path("account/", include(way_in)),
    path("oauth/authorize/", authorize.authorize, name="oauth_authorize"),
    path("oauth/launch/", authorize.launch, name="oauth_launch"),
    path("oauth/token/", tokens.Token.as_view(), name="oauth_token"),
    path("oauth/revoke/", tokens.Revoke.as_view(), name="oauth_revoke"),
    path("oauth/introspect/", tokens.introspect, name="oauth_introspect"),
    path("oauth/keys/", JwksInfoView.as_view(), name="oauth_keys"),
]
