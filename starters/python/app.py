"""A web app in Python's standard library: there is nothing to install.

Change something, then press Restart in the dashboard.
"""

import json
import os
from datetime import datetime, timezone
from html import escape
from socketserver import ThreadingMixIn
from urllib.parse import parse_qs
from wsgiref.simple_server import WSGIServer, make_server

PAGE = """<!doctype html>
<html lang="en">
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>{title}</title>
  <style>
    body {{ max-width: 38rem; margin: 12vh auto; padding: 0 1.5rem; font: 1.125rem/1.6 system-ui, sans-serif; color-scheme: light dark; }}
    h1 {{ font-size: clamp(2rem, 7vw, 3rem); line-height: 1.1; }}
  </style>
  <h1>{title}</h1>
  {content}
</html>"""

FORM = """<p>Edit <code>app.py</code> and restart to change this page, or ask it <a href="/time">what time it is</a>.</p>
  <form><label>Your name: <input name="name" autofocus></label> <button>Greet me</button></form>"""


def app(environ, start_response):
    """Answers one request. This is WSGI, so Flask and Django fit in its place."""
    path = environ["PATH_INFO"]

    if path == "/":
        name = parse_qs(environ["QUERY_STRING"]).get("name", [""])[0]
        title = f"Hello, {escape(name)}!" if name else "Your Python app is running."
        return html(start_response, "200 OK", title, FORM)

    if path == "/time":
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps({"time": datetime.now(timezone.utc).isoformat()}).encode()]

    return html(start_response, "404 Not Found", "There is nothing here.", '<p><a href="/">Back to the start</a></p>')


def html(start_response, status, title, content):
    start_response(status, [("Content-Type", "text/html; charset=utf-8")])
    return [PAGE.format(title=title, content=content).encode()]


class Server(ThreadingMixIn, WSGIServer):
    """Answers several visitors at once."""

    daemon_threads = True


if __name__ == "__main__":
    # Backlot says where to listen. What you print appears under Logs.
    host, port = os.environ["HOST"], int(os.environ["PORT"])
    with make_server(host, port, app, Server) as server:
        print(f"Listening on {host}:{port}", flush=True)
        server.serve_forever()
