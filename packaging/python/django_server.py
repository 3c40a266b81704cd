"""A real authorization server (PyPI django-oauth-toolkit) for the end-to-end tests, as its documentation sets it up:
OpenID Connect, PKCE, the device flow and revocation, below a path of its own. Everything is in memory.
"""

import django
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

import authserver as common

LOGIN = '<form method="post">{% csrf_token %}{{ form.as_p }}<button type="submit">Log in</button></form>'


def private_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def configure():
    settings.configure(
        SECRET_KEY="known to every reader, guards nothing",
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF=__name__,
        LOGIN_URL="/login/",
        USE_TZ=True,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:stagedoor?mode=memory&cache=shared"}},
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "oauth2_provider",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "django.contrib.messages.middleware.MessageMiddleware",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ],
                    "loaders": [
                        ("django.template.loaders.locmem.Loader", {"registration/login.html": LOGIN}),
                        "django.template.loaders.app_directories.Loader",
                    ],
                },
            }
        ],
        LOGGING={"version": 1, "root": {"handlers": []}},
        OAUTH2_PROVIDER=provider(3600, True),
    )
    django.setup()


def provider(seconds, rotates):
    return {
        "OIDC_ENABLED": True,
        "OIDC_RSA_PRIVATE_KEY": KEY["current"],
        "SCOPES": {s: s for s in common.SCOPES},
        "ACCESS_TOKEN_EXPIRE_SECONDS": seconds,
        "ROTATE_REFRESH_TOKEN": rotates,
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "ALWAYS_RELOAD_OAUTHLIB_CORE": True,
        "OAUTH_DEVICE_VERIFICATION_URI": f"{common.origin}/o/device/",
        "OAUTH_DEVICE_VERIFICATION_URI_COMPLETE": lambda code: f"{common.origin}/o/device/?user_code={code}",
        "OAUTH2_VALIDATOR_CLASS": f"{__name__}.validator",
    }


KEY = {"current": private_key()}
state = {"seconds": 3600, "rotates": True}


def make(origin):
    configure()
    from django.contrib.auth import get_user_model
    from django.contrib.auth.views import LoginView
    from django.core.management import call_command
    from django.core.wsgi import get_wsgi_application
    from django.urls import include, path
    from oauth2_provider.models import AccessToken, Application, RefreshToken
    from oauth2_provider.oauth2_validators import OAuth2Validator
    from oauth2_provider.settings import oauth2_settings

    class Validator(OAuth2Validator):
        oidc_claim_scope = None

        def get_additional_claims(self, request):
            user = request.user.get_username()
            return {"name": common.name(user), "email": f"{user}@example.test"}

    globals()["validator"] = Validator
    globals()["urlpatterns"] = [
        path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
        path("login/", LoginView.as_view()),
    ]
    call_command("migrate", verbosity=0)
    for user in ("alice", "bob"):
        get_user_model().objects.create_user(user, f"{user}@example.test", common.PASSWORD)
    for client, kind, secret in ((common.PUBLIC, "public", ""), (common.CONFIDENTIAL, "confidential", common.SECRET)):
        for grant in ("authorization-code", "urn:ietf:params:oauth:grant-type:device_code"):
            Application.objects.create(
                client_id=client if grant == "authorization-code" else f"{client}-device",
                client_secret=secret,
                client_type=kind,
                authorization_grant_type=grant,
                redirect_uris="http://127.0.0.1/callback",
                algorithm="RS256",
                name=client,
            )

    def change(**values):
        state.update(values)
        settings.OAUTH2_PROVIDER = provider(state["seconds"], state["rotates"])
        oauth2_settings.reload()

    def new_key():
        KEY["current"] = private_key()
        change()

    def revoke():
        RefreshToken.objects.all().delete()
        AccessToken.objects.all().delete()

    controls = {
        "ttl": lambda seconds: change(seconds=int(seconds)),
        "rotation": lambda on: change(rotates=on == "true"),
        "keys": new_key,
        "revoke": revoke,
        "held": lambda: {"logins": RefreshToken.objects.filter(revoked__isnull=True).count()},
    }
    at = f"{origin}/o"
    said = {
        "issuer": at,
        # Its OpenID metadata has neither; that of RFC 8414 would be at the top, where it is not served.
        "endpoints": {
            "revocation_endpoint": f"{at}/revoke_token/",
            "device_authorization_endpoint": f"{at}/device-authorization/",
        },
        "device_client": f"{common.PUBLIC}-device",
    }
    return get_wsgi_application(), controls, said


if __name__ == "__main__":
    import sys

    sys.modules["django_server"] = sys.modules["__main__"]
    __name__ = "django_server"
    common.serve(make)
