"""Django's settings, all from the environment; docs/reference/settings.md lists every variable."""

import datetime
import os
from pathlib import Path
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from wasl.edges.cli.home import data_home, database_url, secret, token_key
from wasl.floors import MODULES

HERE = Path(__file__).parent
DATA = data_home()

# where and for whom
COUNTRY = os.environ.get("WASL_COUNTRY", "TN")
DEMO = os.environ.get("WASL_DEMO", "") == "1"
STORAGE = Path(os.environ.get("WASL_STORAGE", DATA / "storage"))
# a second store of the images: a bucket (S3), when its address is named
S3_URL = os.environ.get("WASL_S3_URL", "")
S3_BUCKET = os.environ.get("WASL_S3_BUCKET", "wasl")
S3_PREFIX = os.environ.get("WASL_S3_PREFIX", "").strip("/")
S3_REGION = os.environ.get("WASL_S3_REGION", "us-east-1")
S3_KEY, S3_SECRET = os.environ.get("WASL_S3_KEY", ""), os.environ.get("WASL_S3_SECRET", "")
S3_BEFORE_ANSWER = os.environ.get("WASL_S3_BEFORE_ANSWER", "") == "1"
SECRET_KEY = secret(DATA, "django")
HTTPS = os.environ.get("WASL_HTTPS", "") == "1"
ALLOWED_HOSTS = os.environ.get("WASL_HOSTS", "localhost,127.0.0.1,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("WASL_ORIGINS", "").split(",") if origin]
PROXIES = int(os.environ.get("WASL_PROXIES", "0"))
# what leaves says whose images are as they were matched, the header's own words kept beside them (decision 21)
GIVE_MATCHED_IDENTITY = os.environ.get("WASL_GIVE_MATCHED_IDENTITY", "1") == "1"
QUIET_SECONDS = int(os.environ.get("WASL_QUIET_SECONDS", "120"))
SILENT_SECONDS = int(os.environ.get("WASL_SILENT_SECONDS", "60"))
# a line that says nothing for so many minutes is told to the administrators
LINE_SILENCE = datetime.timedelta(minutes=int(os.environ.get("WASL_LINE_MINUTES", "10")))
# an exam of which its modality says nothing more for so many hours seems to be forgotten
STEP_HOURS = float(os.environ.get("WASL_STEP_HOURS", "2"))
FIND_LIMIT = int(os.environ.get("WASL_FIND_LIMIT", "1000"))
KEEPING = os.environ.get("WASL_KEEPING", "sent")
# the address that people and printed reports use
ADDRESS = next(iter(CSRF_TRUSTED_ORIGINS), f"http://127.0.0.1:{os.environ.get('WASL_HTTP_PORT', '8000')}")
# the certificate that signs documents: the ministry's, or one of our own, made at the first signature
SIGNING_P12 = Path(os.environ.get("WASL_SIGNING_P12", DATA / "signing.p12"))
SIGNING_OURS = "WASL_SIGNING_P12" not in os.environ
SIGNING_PASSWORD = os.environ.get("WASL_SIGNING_PASSWORD") or secret(DATA, "signing")
# links between sites: the centre's authority over its gateways, and where they reach it
LINKS_AUTHORITY = Path(os.environ.get("WASL_LINKS_AUTHORITY", DATA / "links-authority.pem"))
LINKS_ADDRESS = os.environ.get("WASL_LINKS_ADDRESS", "")
LINKS_PORT = int(os.environ.get("WASL_LINKS_PORT", "8443"))
# a hospital's gateway: what it keeps when the centre has it, and how much of the disk is never written
GATEWAY = os.environ.get("WASL_GATEWAY", "") == "1"
RELEASE_DAYS = int(os.environ.get("WASL_RELEASE_DAYS", "30"))
# a study is shared with somebody outside for so many days at most
SHARE_DAYS = int(os.environ.get("WASL_SHARE_DAYS", "30"))
KEEP_DAYS = int(os.environ.get("WASL_KEEP_DAYS", "30"))
KEEP_GB = int(os.environ.get("WASL_KEEP_GB", "0"))
RESERVE_GB = float(os.environ.get("WASL_RESERVE_GB", "1"))
# a phantom that makes every site's way each hour: where it is sent, and from which address it calls
PHANTOM = os.environ.get("WASL_PHANTOM", "1" if DEMO else "") == "1"
PHANTOM_TO = os.environ.get(
    "WASL_PHANTOM_TO",
    f"{os.environ.get('WASL_DICOM_HOST', '127.0.0.1')}:{os.environ.get('WASL_DICOM_PORT', '11112')}",
)
PHANTOM_FROM = os.environ.get("WASL_PHANTOM_FROM", "127.0.0.1")
# how people are told things outside the pages: e-mail when a mail server is named, SMS when a gateway is
SMTP_HOST, SMTP_PORT = os.environ.get("WASL_SMTP_HOST", ""), int(os.environ.get("WASL_SMTP_PORT", "587"))
SMTP_USER, SMTP_PASSWORD = os.environ.get("WASL_SMTP_USER", ""), os.environ.get("WASL_SMTP_PASSWORD", "")
SMTP_SECURITY = os.environ.get("WASL_SMTP_SECURITY", "starttls")
MAIL_FROM = os.environ.get("WASL_MAIL_FROM", "")
SMS_GATEWAY = os.environ.get("WASL_SMS_GATEWAY", "")
SMS_URL, SMS_TOKEN = os.environ.get("WASL_SMS_URL", ""), os.environ.get("WASL_SMS_TOKEN", "")
SMS_BODY = os.environ.get("WASL_SMS_BODY", '{"to": "{to}", "text": "{text}", "id": "{id}"}')
MESSAGE_HOURS = float(os.environ.get("WASL_MESSAGE_HOURS", "24"))
METRICS_TOKEN = os.environ.get("WASL_METRICS_TOKEN", "")
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
    "wasl.edges.web.middleware.SeenMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "wasl.edges.web.middleware.ActorMiddleware",
    "wasl.edges.web.middleware.RefusalMiddleware",
    "wasl.edges.web.retired.RetiredMiddleware",
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


# seconds that a pool tries to connect by itself, ever more slowly; then the next who asks makes it try at once, so that
# a database that was away for long is not waited for any longer than it was away
RECONNECT = 5.0


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
        # a connection that died while nobody used it, with the database behind it, is given to nobody
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"pool": {"min_size": 1, "max_size": 12, "timeout": 20, "reconnect_timeout": RECONNECT}, **parts},
    }


DATABASES = {"default": _database(database_url(DATA))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"},
    "process": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 10_000}},
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
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": "20/m/ip,5/10m/key", "reauthenticate": "10/m/user",
                       "share_code": "20/m/ip"}  # fmt: skip
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
CURRENCY, CURRENCY_DECIMALS = {"TN": ("TND", 3), "DZ": ("DZD", 2)}[COUNTRY]  # ISO 4217
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
PROCRASTINATE_IMPORT_PATHS = ["wasl.kernel.events", "wasl.edges.dicom.errands", "wasl.edges.messages.errands"]
PROCRASTINATE_AUTODISCOVER_MODULE_NAME = "listeners"

COUNTRY_TITLES = {"TN": _("Tunisia"), "DZ": _("Algeria")}

# machines and apps: OAuth 2.1 (authorization code with PKCE, client credentials) and OpenID Connect, with scopes
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth2_provider.Application"
OAUTH2_PROVIDER = {
    "SCOPES_BACKEND_CLASS": "wasl.edges.web.signin.ClientScopes",
    "OAUTH2_VALIDATOR_CLASS": "wasl.edges.web.oauth.validator.Validator",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "ID_TOKEN_EXPIRE_SECONDS": 3600,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 30 * 86_400,  # after the access token beside it ran out
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": token_key(Path(os.environ.get("WASL_TOKENS_KEY", DATA / "tokens-key.pem"))),
    **{
        f"COMPLIANT_BCP_RFC9700_{name}": True
        for name in ("IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD", "ACCESS_TOKEN_TRANSPORT", "TOKEN_STORAGE")
    },
}
