"""The bench's end of an agent: asks it over any byte stream, again where nothing comes back, and hears its streams."""

import secrets
import select
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, Final

from asvrig.agent.clocks import ClocksThere
from asvrig.agent.inflow import Inflow
from asvrig.agent.streams import Stream
from asvrig.agent.supervisor import Service
from asvrig.agent.unit import AgentUnit, Event
from asvrig.agent.wire import PIECE_BYTES, PROTOCOL, Lines, Message, frame, pack, unpack
from asvrig.targets.target import Done
from asvunit.errors import AsvkitError

_READ_BYTES: Final = 1 << 16
_LOOK_S: Final = 0.2
_AGAIN_S: Final = (0.3, 0.7, 1.5, 3.0)  # without an answer, a request is said again; then every 3 s
_ASK_S: Final = 15.0
_STRANGERS: Final = 64  # streams that nobody has asked for


class AgentClient:
    """An agent at the other end of a stream, which is taken over. Nothing is sent before `hello` or a request.

    `counters`: "garbage", "damaged", "too_long", "echo" (of its lines), "asked_again", "said_again", "lost" (items of
    streams).
    """

    def __init__(self, stream: Stream, name: str = "agent", piece_bytes: int = PIECE_BYTES) -> None:
        """`piece_bytes`: of files that go there; less where the line has no flow control."""
        self.name, self.piece_bytes = name, piece_bytes
        self.counters: Counter[str] = Counter()
        self.told: dict[str, Any] = {}  # by its answer to hello
        self._stream = stream
        self._session = secrets.token_hex(6)
        self._lines = Lines()
        self._lines.counters = self.counters
        self._flows: dict[str, Inflow] = {}
        self._units: list[AgentUnit] = []
        self._answers: dict[str, Message | None] = {}
        self._changed = threading.Condition()
        self._writing = threading.Lock()
        self._count = 0
        self._gone = ""
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"line of {name}", daemon=True)
        self._thread.start()

    def hello(self, timeout_s: float = 60) -> dict[str, Any]:
        """Waits until the agent is there, and begins anew with it; who it is. AsvkitError if it does not come."""
        with suppress(OSError):
            self._say(b"\n")  # whatever stands half said on the line ends here
        told = self._asked(self._session, {"op": "hello"}, timeout_s)
        if told.get("protocol") != PROTOCOL:
            raise AsvkitError(
                f"{self.name}: the agent there speaks version {told.get('protocol')}, this bench {PROTOCOL}; "
                "bring both to the same asvkit"
            )
        self.told = told
        return told

    def ask(self, op: str, timeout_s: float = _ASK_S, **keys: Any) -> dict[str, Any]:
        """One request and its answer; AsvkitError where it refuses or does not answer in time. 0 s: it is said once."""
        with self._changed:
            self._count += 1
            number = f"{self._session}.{self._count}"
        if not timeout_s:
            with suppress(OSError):
                self._say(frame({"id": number, "op": op, **keys}))
            return {}
        return self._asked(number, {"op": op, **keys}, timeout_s)

    def clock(self, tries: int = 8) -> ClocksThere:
        """Its clocks; the best of some tries."""
        found: list[ClocksThere] = []
        for _ in range(tries):
            before_ns = time.monotonic_ns()
            told = self.ask("clock")
            half_ns = (time.monotonic_ns() - before_ns) // 2
            found.append(ClocksThere(told["monotonic_ns"], told["unix_ns"], before_ns + half_ns, half_ns))
        return min(found, key=lambda one: one.bound_ns)

    def run(self, argv: Sequence[str], timeout_s: float = 30, env: Mapping[str, str] | None = None) -> Done:
        """A command to its end, in the agent's folder."""
        told = self.ask("run", timeout_s + _ASK_S, argv=list(argv), within_s=timeout_s, env=dict(env or {}))
        out, err = (self._output(told, name).decode("utf-8", "replace") for name in ("out", "err"))
        return Done(int(told["code"]), out, err)

    def start(
        self,
        argv: Sequence[str],
        env: Mapping[str, str] | None = None,
        supervised: bool | Service = False,
        *,
        name: str = "unit",
        socket: str | None = None,
        output: bool = False,
        on_event: Callable[[Event], None] | None = None,
    ) -> AgentUnit:
        """A program whose events are followed: by the socket it offers them at, or `output`, on its standard output.

        `supervised`: kept running, as hardware/asvkit.service says or as given. Its standard error is NAME.err there.
        """
        service = Service() if supervised is True else supervised or None
        told = self.ask(
            "start",
            argv=list(argv),
            env=dict(env or {}),
            name=name,
            socket=socket,
            output=output,
            service=asdict(service) if service else None,
        )
        program = str(told["program"])

        def ask(op: str, timeout_s: float, **keys: Any) -> dict[str, Any]:
            return self.ask(op, timeout_s, program=program, **keys)

        unit = AgentUnit(name, int(told["pid"]), ask, supervised=service is not None, on_event=on_event)
        with self._changed:
            self._units.append(unit)
            self._flow(program).to(unit.take)
            if self._gone:
                unit.gone()
        return unit

    def follow(self, path: str, take: Callable[[Event], None]) -> Callable[[], None]:
        """The JSON lines appended to a file there from now on, in the thread of the line; ends by what is returned."""
        number = str(self.ask("follow", path=path)["follower"])
        with self._changed:
            self._flow(number).to(lambda item: take(item[1]))
        left = [number]

        def end() -> None:
            while left:
                self.ask("unfollow", follower=left.pop())

        return end

    def read(self, path: str) -> bytes:
        """A file there, whole."""
        pieces: list[bytes] = []
        at = 0
        while True:
            told = self.ask("read", path=path, at=at)
            piece = unpack(told["data"])
            if told["end"]:
                return b"".join(pieces)
            pieces.append(piece)
            at += len(piece)

    def write(self, path: str, data: bytes) -> None:
        """A file there, made with its folders; it is whole or not there."""
        for at in range(0, max(1, len(data)), self.piece_bytes):
            piece = data[at : at + self.piece_bytes]
            self.ask("write", path=path, at=at, data=pack(piece), last=at + len(piece) >= len(data))

    def push(self, path: str, data: bytes) -> None:
        """Into a pipe there, that somebody reads; AsvkitError if there is none."""
        self.ask("push", path=path, data=pack(data))

    def fault(self, name: str, **how: Any) -> Callable[[], None]:
        """A fault of `asvrig.agent.faults`; what is returned undoes it, and may be called twice."""
        number = str(self.ask("fault", name=name, how=how)["fault"])
        left = [number]

        def undo() -> None:
            while left:
                self.ask("undo", fault=left.pop())

        return undo

    def close(self) -> None:
        """Says bye, so that all is put in order there, and closes the stream; may be called twice."""
        if self._ended:
            return
        if not self._gone and self.told:
            with suppress(AsvkitError):
                self.ask("bye", 5)
        self._ended = True
        self._thread.join()
        self._stream.close()
        self._lost("closed")

    def abandon(self) -> None:
        """There is no agent any more, as after a power cut: nothing is said, nothing waited for."""
        self._lost("abandoned")

    def _output(self, told: dict[str, Any], name: str) -> bytes:
        path = told.get(f"{name}_file")
        return self.read(str(path)) if path else unpack(told.get(name, ""))

    def _asked(self, number: str, keys: Message, timeout_s: float) -> dict[str, Any]:
        line = frame({"id": number, **keys})
        until_s = time.monotonic() + timeout_s
        with self._changed:
            self._answers[number] = None
        try:
            for tries in range(1_000_000):
                self.counters["said_again"] += tries > 0
                try:
                    self._say(line)
                except OSError as error:
                    self._lost(error.strerror or str(error))
                wait_s = min(_AGAIN_S[min(tries, len(_AGAIN_S) - 1)], until_s - time.monotonic())
                with self._changed:
                    self._changed.wait_for(lambda: self._answers[number] or self._gone, max(0.0, wait_s))
                    answer = self._answers[number]
                if answer is not None:
                    return self._answered(answer)
                if self._gone:
                    raise AsvkitError(f"{self.name}: the agent is gone: {self._gone}")
                if time.monotonic() >= until_s:
                    break
        finally:
            with self._changed:
                del self._answers[number]
        raise AsvkitError(f"{self.name}: the agent does not answer ({keys['op']}, {timeout_s:g} s)")

    def _answered(self, answer: Message) -> dict[str, Any]:
        told = answer.get("ok")
        if isinstance(told, dict):
            return told
        raise AsvkitError(f"{self.name}: {answer.get('error') or 'an answer without content'}")

    def _say(self, data: bytes) -> None:
        with self._writing:
            left = memoryview(data)
            while left:
                written = self._stream.write(bytes(left))
                left = left[written if isinstance(written, int) else len(left) :]
            flush = getattr(self._stream, "flush", None)
            if flush is not None:
                flush()

    def _flow(self, number: str) -> Inflow:
        """With the lock held."""
        strangers = [key for key, flow in self._flows.items() if not flow.wanted]
        for key in strangers[:-_STRANGERS]:
            del self._flows[key]
        return self._flows.setdefault(number, Inflow(self.counters))

    # The thread

    def _run(self) -> None:
        why = "its line was closed"
        read = getattr(self._stream, "read1", self._stream.read)
        try:
            while not self._ended:
                if not select.select([self._stream], [], [], _LOOK_S)[0]:
                    continue
                data = read(_READ_BYTES)
                if not data:
                    break
                for message in self._lines.feed(data):
                    self._heed(message)
        except (OSError, ValueError) as error:  # ValueError: the stream was closed under us
            why = getattr(error, "strerror", None) or str(error)
        self._lost(why)

    def _heed(self, message: Message) -> None:
        number, stream = message.get("id"), message.get("s")
        if isinstance(number, str):
            if "op" in message:  # a terminal that echoes, before the agent has it
                self.counters["echo"] += 1
                return
            with self._changed:
                if number in self._answers:
                    self._answers[number] = message
                    self._changed.notify_all()
        elif isinstance(stream, str):
            with self._changed:
                flow = self._flow(stream)
            reply = flow.heed(message)
            if reply is not None:
                with suppress(OSError):
                    self._say(frame(reply))
        else:
            self.counters["bad_message"] += 1

    def _lost(self, why: str) -> None:
        with self._changed:
            self._gone = self._gone or why
            units, self._units = self._units, []
            self._changed.notify_all()
        for unit in units:
            unit.gone()
