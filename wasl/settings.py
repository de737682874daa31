"""Django's settings, all from the environment; docs/reference/settings.md lists every variable."""

import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from wasl.edges.cli.home import data_home, database_url, secret
from wasl.floors import MODULES

HERE = Path(__file__).parent
DATA = data_home()

# where and for whom
COUNTRY = os.environ.get("WASL_COUNTRY", "TN")
DEMO = os.environ.get("WASL_DEMO", "") == "1"
STORAGE = Path(os.environ.get("WASL_STORAGE", DATA / "storage"))
SECRET_KEY = secret(DATA, "django")
HTTPS = os.environ.get("WASL_HTTPS", "") == "1"
ALLOWED_HOSTS = os.environ.get("WASL_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("WASL_ORIGINS", "").split(",") if origin]
PROXIES = int(os.environ.get("WASL_PROXIES", "0"))
QUIET_SECONDS = int(os.environ.get("WASL_QUIET_SECONDS", "120"))
# the address that people and printed reports use
ADDRESS = next(iter(CSRF_TRUSTED_ORIGINS), f"http://127.0.0.1:{os.environ.get('WASL_HTTP_PORT', '8000')}")
# the certificate that signs documents: the ministry's, or one of our own, made at the first signature
SIGNING_P12 = Path(os.environ.get("WASL_SIGNING_P12", DATA / "signing.p12"))
SIGNING_OURS = "WASL_SIGNING_P12" not in os.environ
SIGNING_PASSWORD = os.environ.get("WASL_SIGNING_PASSWORD") or secret(DATA, "signing")
DICOM_AE_TITLE = os.environ.get("WASL_AE_TITLE", "WASL")
DEBUG = False

INSTALLED_APPS = [
    "wasl.kernel.apps.KernelConfig",
    *(f"wasl.{module}.apps.{module.capitalize()}Config" for module in MODULES),
    "wasl.edges.web.apps.WebConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "django_htmx",
    "oauth2_provider",
    "procrastinate.contrib.django",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # of pages; it blurs their length, which could betray secrets
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "wasl.edges.web.middleware.PolicyMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "wasl.edges.web.middleware.ActorMiddleware",
    "wasl.edges.web.middleware.RefusalMiddleware",
]

ROOT_URLCONF = "wasl.urls"
ASGI_APPLICATION = "wasl.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "edges/web/templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "wasl.edges.web.shell.shell",
            ],
        },
    }
]


def _database(url: str) -> dict[str, object]:
    from psycopg.conninfo import conninfo_to_dict

    parts = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname", "wasl"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": parts.pop("port", ""),
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 20}, **parts},
    }


DATABASES = {"default": _database(database_url(DATA))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"},
}

# people
AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = ACCOUNT_LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "wasl.edges.web.signin.Accounts"
SOCIALACCOUNT_ADAPTER = "wasl.edges.web.signin.Ministry"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = False  # machines of a ward are shared: a session ends with the browser
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
# lockout: attempts by address and by account; the counts lie in the cache table, so all processes share them
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/10m/key", "reauthenticate": "10/m/user"}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Wasl"
MFA_FORMS = {
    "add_webauthn": "wasl.edges.web.passkeys.AddPasskey",
    "edit_webauthn": "wasl.edges.web.passkeys.EditPasskey",
}
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS  # browsers themselves allow it for localhost alone
USERSESSIONS_TRACK_ACTIVITY = True
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = False
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
X_FRAME_OPTIONS = "SAMEORIGIN"

# a ministry's own sign-in (OpenID Connect), when WASL_OIDC_ISSUER names one
OIDC_ISSUER = os.environ.get("WASL_OIDC_ISSUER", "")
OIDC_CLAIM = os.environ.get("WASL_OIDC_CLAIM", "preferred_username")
OIDC_SECOND_FACTOR = os.environ.get("WASL_OIDC_SECOND_FACTOR", "") == "1"
OIDC_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(OIDC_ISSUER))] if OIDC_ISSUER else []
SOCIALACCOUNT_ONLY = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {
        "APPS": [
            {
                "provider_id": "oidc",
                "name": os.environ.get("WASL_OIDC_NAME", "OpenID Connect"),
                "client_id": os.environ.get("WASL_OIDC_CLIENT", ""),
                "secret": os.environ.get("WASL_OIDC_SECRET", ""),
                "settings": {"server_url": OIDC_ISSUER},
            }
        ]
        if OIDC_ISSUER
        else []
    }
}

# words
LANGUAGES = [("ar", "العربية"), ("fr", "Français"), ("en", "English")]
LANGUAGE_CODE = "fr"
LOCALE_PATHS = [HERE / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = {"TN": "Africa/Tunis", "DZ": "Africa/Algiers"}[COUNTRY]

# files
STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STATICFILES_DIRS = [HERE / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000

# jobs live in the same database and the same transactions
PROCRASTINATE_IMPORT_PATHS = ["wasl.kernel.events"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "listeners"

COUNTRY_TITLES = {"TN": _("Tunisia"), "DZ": _("Algeria")}

# machines: OAuth 2 client credentials with scopes
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "wasl.edges.web.signin.ClientScopes",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
}
