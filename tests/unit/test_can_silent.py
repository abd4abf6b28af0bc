"""slcan adapters of both languages: they listen without a sound when told to, and only then."""

import pytest
from can.interfaces import slcan

from asvunit.canbus import silent as can_silent
from asvunit.canbus.interfaces import open_bus

FRAME = b"t1232AABB\r"


class Adapter:
    """The serial port of an adapter; `mode` is "" closed, "normal" or "silent"."""

    listens_with_l = True
    version = b"V1013\r"

    def __init__(self) -> None:
        self.mode, self.silent, self.gone = "", False, False
        self.commands: list[bytes] = []
        self.timeout: float | None = None
        self.waits = b""
        self.is_closed = False

    def answers(self, good: bool) -> bytes:
        return b"\r" if good else b"\a"

    def write(self, data: bytes) -> None:
        for command in data.split(b"\r")[:-1]:
            self.commands.append(command)
            self.waits += self.obeys(command) + (FRAME if self.mode else b"")

    def obeys(self, command: bytes) -> bytes:
        if command == b"V":
            return self.version
        if command == b"C":
            self.mode = ""
        elif command == b"O" and not self.mode:
            self.mode = "silent" if self.silent else "normal"
        elif command == b"L" and self.listens_with_l and not self.mode:
            self.mode = "silent"
        elif command in (b"M0", b"M1") and not self.listens_with_l and not self.mode:
            self.silent = command == b"M1"
        elif command[:1] not in (b"S", b""):
            return self.answers(False)
        return self.answers(True)

    @property
    def in_waiting(self) -> int:
        return len(self.waits)

    def read(self, size: int = 1) -> bytes:
        if self.gone:
            raise OSError(5, "Input/output error")
        found, self.waits = self.waits[:size], self.waits[size:]
        return found

    def flush(self) -> None:
        pass

    def close(self) -> None:
        self.is_closed = True


class Mute(Adapter):
    """As CANable's firmware: no `L`, and no answers but to `V`."""

    listens_with_l = False
    version = b"v0.3-1-g12ab https://github.com/normaldotcom/CANable-fw.git\r"

    def answers(self, good: bool) -> bytes:
        return b""


class Unknown(Mute):
    listens_with_l = True
    version = b""


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch):
    """Puts an adapter on the line; the clock goes on with each look at it."""
    ticks = iter(range(10**9))
    monkeypatch.setattr(can_silent, "monotonic", lambda: next(ticks) / 1000)

    def put(adapter: Adapter) -> Adapter:
        monkeypatch.setattr(slcan.serial, "serial_for_url", lambda *_, **__: adapter)
        return adapter

    return put


def opened(listen_only: bool):
    given = {"bitrate": 500_000, "sleep_after_open": 0, "timeout": 0.05, "listen_only": listen_only}
    return open_bus("slcan", "/dev/ttyACM0", **given)


@pytest.mark.parametrize("kind", [Adapter, Mute, Unknown])
@pytest.mark.parametrize(("listen_only", "mode"), [(True, "silent"), (False, "normal")])
def test_each_adapter_is_open_in_the_mode_asked_for(plug, kind, listen_only: bool, mode: str) -> None:
    adapter = plug(kind())
    bus = opened(listen_only)
    assert adapter.mode == mode
    bus.shutdown()
    assert adapter.mode == ""


def test_a_silent_mode_of_before_is_undone(plug) -> None:
    adapter = plug(Mute())
    adapter.silent = True
    bus = opened(False)
    assert adapter.mode == "normal"
    bus.shutdown()


def test_an_adapter_that_answers_is_told_nothing_more(plug) -> None:
    adapter = plug(Adapter())
    opened(True).shutdown()
    assert set(adapter.commands) == {b"C", b"S6", b"", b"L"}


def test_an_adapter_is_never_open_to_send_while_it_is_to_listen(plug, monkeypatch) -> None:
    adapter, modes = plug(Mute()), set()
    obeys = adapter.obeys

    def watched(command: bytes) -> bytes:
        answer = obeys(command)
        modes.add(adapter.mode)
        return answer

    monkeypatch.setattr(adapter, "obeys", watched)
    opened(True).shutdown()
    assert modes == {"", "silent"}


def test_the_time_of_reading_is_as_before(plug) -> None:
    adapter = plug(Mute())
    adapter.timeout = 0.05
    opened(True).shutdown()
    assert adapter.timeout == 0.05


def test_a_port_that_goes_meanwhile_is_closed(plug) -> None:
    adapter = plug(Adapter())
    adapter.gone = True
    with pytest.raises(OSError, match="Input/output"):
        opened(True)
    assert adapter.is_closed
