"""A real authorization server (PyPI authlib with Flask) for the end-to-end tests, with OpenID Connect, PKCE, the device
flow and revocation. Its ID tokens have a list of audiences, and everything is in memory.
"""

import time
from urllib.parse import urlsplit

from authlib.integrations.flask_oauth2 import AuthorizationServer, ResourceProtector, current_token
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from authlib.oidc.core import AuthorizationCodeMixin, UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, jsonify, redirect, request
from joserfc.jwk import RSAKey

import authserver as common

codes, tokens, devices, decisions = {}, [], {}, {}
keys = []
state = {"ttl": 3600, "rotates": True, "offered": ""}


class User(str):
    def get_user_id(self):
        return str(self)


class Client(ClientMixin):
    def __init__(self, client_id, secret, methods):
        self.client_id, self.secret, self.methods = client_id, secret, methods

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return "http://127.0.0.1/callback"

    def get_allowed_scope(self, scope):
        return " ".join(s for s in (scope or "").split() if s in (state["offered"].split() or common.SCOPES))

    def check_redirect_uri(self, uri):
        at = urlsplit(uri)
        return (at.scheme, at.hostname, at.path) == ("http", "127.0.0.1", "/callback")

    def check_client_secret(self, secret):
        return secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in self.methods

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return True


class Code(AuthorizationCodeMixin):
    def __init__(self, asked):
        data = asked.payload.data
        self.client_id, self.user = asked.client.client_id, asked.user
        self.redirect_uri, self.scope, self.nonce = asked.payload.redirect_uri, asked.payload.scope, data.get("nonce")
        self.code_challenge, self.code_challenge_method = data.get("code_challenge"), data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return None

    def get_acr(self):
        return None

    def get_amr(self):
        return None


class Token(TokenMixin):
    def __init__(self, token, client_id, user):
        self.client_id, self.user, self.issued = client_id, user, time.time()
        self.access, self.refresh = token["access_token"], token.get("refresh_token")
        self.scope, self.expires_in = token.get("scope", ""), token["expires_in"]

    def check_client(self, client):
        return self.client_id == client.client_id

    def get_scope(self):
        return self.scope

    def get_expires_in(self):
        return self.expires_in

    def is_revoked(self):
        return self not in tokens

    def is_expired(self):
        return time.time() > self.issued + self.expires_in

    def get_user(self):
        return self.user

    def get_client(self):
        return clients[self.client_id]


clients = {
    common.PUBLIC: Client(common.PUBLIC, "", ["none"]),
    common.CONFIDENTIAL: Client(common.CONFIDENTIAL, common.SECRET, ["client_secret_basic", "client_secret_post"]),
}


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]

    def save_authorization_code(self, code, request):
        codes[code] = Code(request)

    def query_authorization_code(self, code, client):
        found = codes.get(code)
        return found if found and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code):
        codes.pop(next(k for k, v in codes.items() if v is authorization_code))

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    @property
    def INCLUDE_NEW_REFRESH_TOKEN(self):
        return state["rotates"]

    def authenticate_refresh_token(self, refresh_token):
        return next((t for t in tokens if t.refresh == refresh_token), None)

    def authenticate_user(self, refresh_token):
        return refresh_token.user

    def revoke_old_credential(self, refresh_token):
        if state["rotates"]:
            refresh_token.refresh = None


class DeviceGrant(DeviceCodeGrant):
    def query_device_credential(self, device_code):
        return devices.get(device_code)

    def query_user_grant(self, user_code):
        return decisions.get(user_code)

    def should_slow_down(self, credential):
        return False


class DeviceEndpoint(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self):
        return request.host_url + "device"

    def save_device_credential(self, client_id, scope, data):
        expires = time.time() + data["expires_in"]
        devices[data["device_code"]] = DeviceCredentialDict(client_id=client_id, scope=scope, expires_at=expires, **data)


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def query_token(self, token_string, token_type_hint):
        return next((t for t in tokens if token_string in (t.access, t.refresh)), None)

    def revoke_token(self, token, request):
        tokens[:] = [t for t in tokens if (t.user, t.client_id) != (token.user, token.client_id)]


class Bearer(BearerTokenValidator):
    def authenticate_token(self, token_string):
        return next((t for t in tokens if t.access == token_string), None)


def userinfo(user, scope):
    return UserInfo(sub=user, name=common.name(user), email=f"{user}@example.test").filter(scope)


class OpenID(OpenIDCode):
    def exists_nonce(self, nonce, request):
        return False

    def resolve_client_private_key(self, client):
        return keys[-1]

    def get_client_claims(self, client):
        return {"iss": request.host_url.rstrip("/"), "aud": [client.client_id]}

    def get_encode_header(self, client):
        return {"alg": "RS256", "kid": keys[-1].kid}

    def generate_user_info(self, user, scope):
        return userinfo(user, scope)


def new_key():
    keys.append(RSAKey.generate_key(2048, parameters={"kid": f"key-{len(keys)}", "use": "sig", "alg": "RS256"}))
    del keys[:-1]  # those before are gone at once


def make(origin):
    app = Flask(__name__)
    app.config.update(OAUTH2_REFRESH_TOKEN_GENERATOR=True, OAUTH2_SCOPES_SUPPORTED=common.SCOPES)

    def save_token(token, asked):
        tokens.append(Token(token, asked.client.client_id, asked.user))

    server = AuthorizationServer(app, query_client=clients.get, save_token=save_token)
    server._token_generators["default"].expires_generator = lambda client, grant_type: state["ttl"]
    server.register_grant(CodeGrant, [CodeChallenge(required=True), OpenID()])
    server.register_grant(RefreshGrant, [OpenID()])
    server.register_grant(DeviceGrant, [OpenID()])
    server.register_endpoint(DeviceEndpoint)
    server.register_endpoint(Revocation)
    protect = ResourceProtector()
    protect.register_token_validator(Bearer())
    new_key()

    metadata = {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/authorize",
        "token_endpoint": f"{origin}/token",
        "revocation_endpoint": f"{origin}/revoke",
        "device_authorization_endpoint": f"{origin}/device_authorization",
        "userinfo_endpoint": f"{origin}/userinfo",
        "jwks_uri": f"{origin}/jwks",
        "scopes_supported": common.SCOPES,
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": CodeGrant.TOKEN_ENDPOINT_AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
    }

    @app.get("/.well-known/openid-configuration")
    def configuration():
        return metadata

    @app.get("/jwks")
    def jwks():
        return {"keys": [k.as_dict(private=False) for k in keys]}

    @app.route("/authorize", methods=["GET", "POST"])
    def authorize():
        if request.method == "GET":
            server.get_consent_grant(end_user=User("nobody"))
            return common.login_form()
        user = User(request.form["username"]) if request.form["action"] == "accept" else None
        return server.create_authorization_response(grant=server.get_consent_grant(end_user=user), grant_user=user)

    @app.route("/device", methods=["GET", "POST"])
    def device():
        if request.method == "GET":
            return common.login_form()
        decisions[request.args["user_code"]] = User(request.form["username"]), request.form["action"] == "accept"
        return redirect("/done")

    @app.get("/done")
    def done():
        return common.page("Done.")

    app.post("/token", endpoint="token")(lambda: server.create_token_response())
    app.post("/revoke", endpoint="revoke")(lambda: server.create_endpoint_response("revocation"))
    app.post("/device_authorization", endpoint="dev")(lambda: server.create_endpoint_response("device_authorization"))

    @app.get("/userinfo")
    @protect()
    def who():
        return jsonify(userinfo(current_token.user, current_token.scope))

    controls = {
        "ttl": lambda seconds: state.update(ttl=float(seconds)),
        "rotation": lambda on: state.update(rotates=on == "true"),
        "offer": lambda scope="": state.update(offered=scope),
        "keys": new_key,
        "revoke": tokens.clear,
        "held": lambda: {"logins": sum(t.refresh is not None for t in tokens)},
    }
    return app, controls, {"issuer": origin}


if __name__ == "__main__":
    common.serve(make)
