"""Connections of browsers with bounds: how many, how long each step of one may take, how much may wait in it."""

import asyncio
import contextlib
import socket
import struct
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

STEP_S: Final = 5.0  # for the head of a request, and for its answer to be taken
BEYOND: Final = 96  # connections beside the websockets: browsers open six and more at once
HEAD_BYTES: Final = 8192
FRAME_BYTES: Final = 1024  # of what a browser may send on a websocket, which is nothing
SENT_BYTES: Final = 64 << 10  # that the kernel keeps of what a browser does not read
WAITING_BYTES: Final = 4096  # of what waits before the kernel: then one message waits, and is the newest


def cut_off(transport: asyncio.Transport) -> None:
    """Ends a connection now, and with it what the kernel keeps for one who does not read."""
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class BoundedHttp(H11Protocol):
    """Ends a connection that is one too many, or takes too long over a step: trickled heads, answers not taken."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._step: object = None
        self._step_end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self.config.backlog:
            cut_off(transport)
            return
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._stop_watching()
        self._step_end = None
        super().handle_websocket_upgrade(event)
        self._step = self.transport  # no step of HTTP any more

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """A new step has its own time; more of the same step has not."""
        if self._step is self.transport or self.transport.is_closing():
            return
        step = (self.cycle, self.cycle is not None and self.cycle.response_complete)
        if step != self._step:
            self._stop_watching()
            self._step = step
            self._step_end = self.loop.call_later(STEP_S, cut_off, self.transport)

    def _stop_watching(self) -> None:
        if self._step_end is not None:
            self._step_end.cancel()


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A websocket that the application can cut off, with little room for what its browser does not read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        told = cast(asyncio.Transport, transport)
        self.app_state = {**self.app_state, "cut_off": lambda: cut_off(told)}
        told.set_write_buffer_limits(high=WAITING_BYTES)
        told.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_BYTES)
        super().connection_made(transport)
        self.close_timeout = STEP_S
