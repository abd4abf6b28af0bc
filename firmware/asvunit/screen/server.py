"""The screen's server: its pages, its two websockets, and nothing else; it can only be looked at."""

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterator

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from asvunit.screen.connections import BEYOND, FRAME_BYTES, HEAD_BYTES, BoundedHttp, BoundedWebSocket
from asvunit.screen.feed import Source
from asvunit.screen.files import page_files
from asvunit.screen.messages import VIEWS, Messages
from asvunit.screen.security import Guard, Names
from asvunit.screen.setting import Setting
from asvunit.screen.views import Teller, Views

PING_S = 10.0  # browsers that went without a word are found out


def application(views: Views, setting: Setting, counters: Counter[str]) -> Starlette:
    """The pages and websockets behind the guard. `counters`: requests refused, by reason."""
    files = page_files()

    async def file(request: Request) -> Response:
        found = files.get(request.url.path)
        if found is None:
            return PlainTextResponse("not found\n", 404)
        return Response(found[0], media_type=found[1])

    def socket_of(view: str) -> WebSocketRoute:
        async def serve(one: WebSocket) -> None:
            await views.serve(one, view)

        return WebSocketRoute(f"/ws/{view}", serve)

    async def no_socket(one: WebSocket) -> None:
        await one.send_denial_response(PlainTextResponse("not found\n", 404))

    names = Names(setting.address, setting.port, setting.hosts)
    return Starlette(
        routes=[
            *map(socket_of, VIEWS),
            WebSocketRoute("/{path:path}", no_socket),
            Route("/{path:path}", file, methods=["GET"]),
        ],
        middleware=[Middleware(Guard, names=names, counters=counters)],
    )


async def serve(
    listener: socket.socket,
    setting: Setting,
    source: Source,
    ready: Callable[[], None],
    teller: Teller | None = None,
) -> Counter[str]:
    """Serves until the source of the unit's lines ends, then tells so and ends; what was counted on the way.

    `source(messages, tell)` feeds the messages; `teller` is told in their place where it is given. Cancelled, it
    ends at once.
    """
    messages = Messages(setting.language)
    views = Views(teller or messages, setting.clients, messages.look)
    refused: Counter[str] = Counter()
    asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: refused.update(["failed"]))
    server = _Server(
        uvicorn.Config(
            application(views, setting, refused),
            http=BoundedHttp,
            ws=BoundedWebSocket,
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level=logging.CRITICAL + 1,  # what browsers can cause is counted, not logged
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            backlog=setting.clients + BEYOND,
            timeout_keep_alive=4,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=HEAD_BYTES,
            ws_max_size=FRAME_BYTES,
            ws_per_message_deflate=False,
            ws_ping_interval=PING_S,
            ws_ping_timeout=PING_S,
        )
    )
    serving = asyncio.create_task(server.serve([listener]))
    watching = asyncio.create_task(views.watch())
    feeding = asyncio.create_task(source(messages, views.tell))
    ready()
    try:
        await asyncio.wait([feeding, serving], return_when=asyncio.FIRST_COMPLETED)
        if feeding.done():
            feeding.result()
            await views.leave()
    finally:
        for task in (watching, feeding):
            task.cancel()
        server.should_exit = True
        await asyncio.gather(watching, feeding, return_exceptions=True)
        await serving
    return refused + views.counters + messages.counters


class _Server(uvicorn.Server):
    """Signals are the business of the process that serves."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
