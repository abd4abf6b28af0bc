"""Who may look: requests that name this screen by a name of its own, from pages of its own, and that only read.

A foreign page whose name is made to resolve to this machine (DNS rebinding) names itself in Host; a foreign page that
opens our websocket names itself in Origin. Both are refused with 403 and a word. Answers carry headers that let
a browser run nothing but our own files, and frame or keep nothing.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asvunit.screen.setting import in_url

_LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
_METHODS: Final = ("GET", "HEAD")
_HTTP_PORT: Final = 80
HEADERS: Final = [
    (b"content-security-policy", b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Names:
    """The names that this screen goes by."""

    def __init__(self, address: str, port: int, hosts: Iterable[str]) -> None:
        """`hosts`: further names; one without a port is good with the screen's port and with none."""
        self._port = port
        self._known: set[str] = set()
        for name in (*_LOOPBACK, in_url(address)):
            self._known |= self._with_port(name)
        for host in hosts:
            self._known |= {host.lower(), f"{host.lower()}:{port}"}

    def known(self, host: str, local: str) -> bool:
        """Whether a request's Host is ours. `local`: the own address that it came to, which is a name too."""
        host = host.lower()
        return host in self._known or host in self._with_port(in_url(local))

    def _with_port(self, name: str) -> set[str]:
        return {f"{name}:{self._port}", *([name] if self._port == _HTTP_PORT else [])}


class Guard:
    """Stands before the application. `counters`: the requests refused, by reason; what failed inside, by kind."""

    def __init__(self, app: ASGIApp, names: Names, counters: Counter[str]) -> None:
        self._app, self._names, self.counters = app, names, counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refused = self._refused(scope)
        if refused is not None:
            reason, status, text = refused
            self.counters[reason] += 1
            # The connection ends with it: what else a foreign sender has to say is not listened to
            headers = {"connection": "close", **({"allow": ", ".join(_METHODS)} if status == 405 else {})}
            await PlainTextResponse(f"{text}\n", status, headers)(scope, receive, _with_headers(send))
            return
        await self._app(scope, receive, _with_headers(send))

    def _refused(self, scope: Scope) -> tuple[str, int, str] | None:
        """Reason, status and word, or None."""
        told: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            told.setdefault(name, []).append(value)
        hosts, origins = told.get(b"host", []), told.get(b"origin", [])
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else ""
        local = (scope.get("server") or ("", 0))[0]
        if not self._names.known(host, local):
            return "host", 403, "not a name of this screen; if it should be, add it to screen.hosts"
        if origins and [one.decode("latin-1").lower() for one in origins] not in _own_origins(host):
            return "origin", 403, "pages of other sites may not look"
        if scope.get("method", "GET") not in _METHODS:
            return "method", 405, "this screen can only be looked at"
        if b"transfer-encoding" in told or any(value.strip(b"0 ") for value in told.get(b"content-length", [])):
            return "body", 413, "this screen takes nothing"
        return None


def _own_origins(host: str) -> list[list[str]]:
    return [[f"{scheme}://{host.lower()}"] for scheme in ("http", "https")]


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.http.response.start"):
            message = {**message, "headers": [*message.get("headers", []), *HEADERS]}
        await send(message)

    return sending
