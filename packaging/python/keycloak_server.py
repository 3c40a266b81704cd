"""Keycloak for the end-to-end tests: starts the server that packaging/deps.sh set up on a free port, and answers the
controls of authserver.Server on another by what Keycloak's administrators have. It needs the standard library alone.
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from wsgiref.simple_server import WSGIRequestHandler, make_server

import authserver as common

HOME = pathlib.Path(__file__).resolve().parent.parent / "java" / ".keycloak"
REALM = "stagedoor"
CLIENTS = (common.PUBLIC, common.CONFIDENTIAL)


def call(method, url, body=None, token=None):
    request = urllib.request.Request(url, method=method)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    if isinstance(body, bytes):
        request.data = body
    elif body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        text = answer.read()
    return json.loads(text) if text else None


class Admin:
    def __init__(self, origin):
        self.origin = origin

    def __call__(self, method, path, body=None):
        form = {"grant_type": "password", "client_id": "admin-cli", "username": "admin", "password": common.PASSWORD}
        at = f"{self.origin}/realms/{REALM}/protocol/openid-connect/token"
        token = call("POST", at, urlencode(form).encode())["access_token"]
        return call(method, f"{self.origin}/admin/realms/{REALM}{path}", body, token)

    def held(self):
        stats = {s["clientId"]: int(s["offline"]) for s in self("GET", "/client-session-stats")}
        events = self("GET", "/events?type=REFRESH_TOKEN&type=REFRESH_TOKEN_ERROR&max=1000")
        return {"logins": sum(stats.get(c, 0) for c in CLIENTS), "refreshes": len(events)}

    def revoke(self):
        for user in self("GET", "/users"):
            for consent in self("GET", f"/users/{user['id']}/consents"):
                self("DELETE", f"/users/{user['id']}/consents/{consent['clientId']}")
        self("POST", "/logout-all")

    def keys(self):
        provider = {
            "name": f"key-{time.time_ns()}",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(int(time.time()))], "algorithm": ["RS256"]},
        }
        self("POST", "/components", provider)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stagedoor-keycloak-"))
    shutil.copy(HOME / "data" / "h2" / "keycloakdb.mv.db", folder)
    port = free_port()
    env = os.environ | {"JAVA_OPTS_APPEND": "-XX:TieredStopAtLevel=1"}  # it is there for half a minute
    server = subprocess.Popen(
        [
            # A group of its own, which ends when this process does, however that happens.
            "/bin/sh", "-c", '{ "$@" </dev/null >&2; kill -9 0; } & cat >/dev/null; rm -rf "$0"; kill -9 0', str(folder),
            str(HOME / "bin" / "kc.sh"), "start", "--optimized", "--http-enabled=true", "--http-host=127.0.0.1",
            f"--http-port={port}", "--hostname-strict=false",
            f"--db-url=jdbc:h2:file:{folder}/keycloakdb;NON_KEYWORDS=VALUE",
        ],
        env=env, stdin=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    common.end_with_stdin()
    origin = f"http://127.0.0.1:{port}"
    issuer = f"{origin}/realms/{REALM}"
    while server.poll() is None:
        try:
            call("GET", f"{issuer}/.well-known/openid-configuration")
            break
        except (HTTPError, URLError, OSError):
            time.sleep(0.2)
    else:
        sys.exit("Keycloak ended before it listened")

    admin = Admin(origin)
    controls = {
        "ttl": lambda seconds: admin("PUT", "", {"accessTokenLifespan": int(float(seconds))}),
        "rotation": lambda on: admin("PUT", "", {"revokeRefreshToken": on == "true"}),
        "keys": admin.keys,
        "revoke": admin.revoke,
        "held": admin.held,
    }

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_):
            pass

    control = make_server("127.0.0.1", 0, common.watched(None, controls), handler_class=Quiet)
    common.ready(issuer=issuer, control=f"http://127.0.0.1:{control.server_port}")
    control.serve_forever()


if __name__ == "__main__":
    main()
