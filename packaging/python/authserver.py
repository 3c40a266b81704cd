"""What the authorization servers of PyPI have in common for the end-to-end tests: a loopback port, the line that says
that it listens, the controls below /_test/ of authserver.Server, and an end when standard input closes.
"""

import html
import io
import json
import logging
import os
import sys
import threading
from urllib.parse import parse_qs, parse_qsl

PASSWORD = "any will do"
PUBLIC, CONFIDENTIAL = "stagedoor-e2e", "stagedoor-e2e-secret"
SECRET = "stagedoor-e2e-secret-value-for-tests-only"
SCOPES = ["openid", "profile", "email", "offline_access"]

refreshes = 0  # requests about a refresh token
shown = ""  # how the client was, in the last token request
origin = ""  # of the server


def name(account):
    return account[:1].upper() + account[1:]


def page(body):
    return f"<!doctype html><title>Sign in</title>{body}"


def login_form(hidden=""):
    return page(
        f'<form method="post">{hidden}<input name="username"><input name="password" type="password">'
        '<button name="action" value="accept">Allow</button><button name="action" value="deny">Deny</button></form>'
    )


def hidden(fields):
    return "".join(f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">' for k, v in fields)


def watched(app, controls):
    """The application with its controls, and with refreshes counted."""

    def wsgi(environ, start):
        global refreshes, shown
        path = environ["PATH_INFO"]
        if path.startswith("/_test/"):
            control = controls.get(path.removeprefix("/_test/"))
            start("200 OK" if control else "404 Not Found", [("Content-Type", "application/json")])
            said = control and control(**dict(parse_qsl(environ["QUERY_STRING"]))) or {}
            return [json.dumps({"refreshes": refreshes, "shown": shown, **said}).encode()]
        if environ["REQUEST_METHOD"] == "POST":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            form = parse_qs(body.decode())
            refreshes += form.get("grant_type") == ["refresh_token"]
            if "grant_type" in form:
                basic, post = "HTTP_AUTHORIZATION" in environ, "client_secret" in form
                shown = "client_secret_basic" if basic else "client_secret_post" if post else "none"
            environ["wsgi.input"] = io.BytesIO(body)
        return app(environ, start)

    return wsgi


def end_with_stdin(before=lambda: None):
    """Ends this process when the one that started it ends, however that happens."""

    def wait():
        sys.stdin.buffer.read()
        before()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def ready(**said):
    print(json.dumps(said), flush=True)


def serve(make):
    """Serves the application that make(origin) returns, with its controls and what the ready line says."""
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    end_with_stdin()
    server = make_server("127.0.0.1", 0, None, threaded=True)
    global origin
    origin = f"http://127.0.0.1:{server.server_port}"
    app, controls, said = make(origin)
    server.app = watched(app, controls)
    ready(control=origin, **said)
    server.serve_forever()
