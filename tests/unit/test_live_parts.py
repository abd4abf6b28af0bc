"""The small parts of the live unit: quantiles, the inbox, states of inputs, the service manager, the sender."""

import os
import re
import select
import socket
import threading
import time
import tomllib
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvcore.params import TRANSMISSION_INTERVAL_MS
from asvunit.assembly import assemble
from asvunit.clock import both_ns
from asvunit.config import Config, load_config
from asvunit.config_text import config_text
from asvunit.errors import UsageError
from asvunit.events import Event
from asvunit.inbox import Inbox
from asvunit.input_states import InputStates
from asvunit.ports import Link, RadioFrame, VehicleSignal
from asvunit.quantiles import Quantiles
from asvunit.sender import STALE_NS, Sender
from asvunit.service import ServiceManager


@given(st.lists(st.integers(0, 10**11), min_size=1, max_size=300))
def test_quantiles_are_within_a_bucket(durations_ns: list[int]) -> None:
    quantiles = Quantiles()
    for one in durations_ns:
        quantiles.add_ns(one)
    ordered = sorted(durations_ns)
    for share in (0.5, 0.95, 0.99, 1.0):
        exact_us = ordered[max(0, -(-int(share * 100 * len(ordered)) // 100) - 1)] / 1000
        told_us = quantiles.quantile_us(share)
        assert told_us is not None
        assert exact_us - 0.001 <= told_us <= max(exact_us * 1.0501, 1.05)
    assert quantiles.summary()["max_us"] == round(ordered[-1] / 1000, 1)


def test_quantiles_of_nothing() -> None:
    assert Quantiles().summary() == {"count": 0}
    assert Quantiles().quantile_us(0.5) is None


def _signal(value: int) -> VehicleSignal:
    return VehicleSignal(value, 0, value)


def test_inbox_drops_the_oldest_record_and_never_a_link() -> None:
    now_ns = iter(range(100, 200))
    inbox = Inbox(capacity=3, now_ns=lambda: next(now_ns))
    link = Link(0, "can", False, "unplugged")
    inbox.put(link)
    for value in range(5):
        inbox.put(_signal(value))
    assert select.select([inbox], [], [], 0)[0] == [inbox]
    links, records = inbox.take()
    assert links == [link]
    assert [(record.time_ns, put_ns) for record, put_ns in records] == [(2, 102), (3, 103), (4, 104)]
    assert inbox.lost == 2
    assert inbox.take() == ([], [])
    assert select.select([inbox], [], [], 0)[0] == []
    inbox.close()
    inbox.close()
    inbox.put(_signal(9))  # a thread that is still ending
    assert inbox.fileno() == -1


def test_inbox_wakes_without_a_record() -> None:
    inbox = Inbox()
    inbox.wake()
    assert select.select([inbox], [], [], 0)[0] == [inbox]
    assert inbox.take() == ([], [])
    inbox.close()


class _Heard(list[dict[str, object]]):
    def last(self) -> tuple[object, ...]:
        return tuple(self[-1].get(key) for key in ("input", "state", "reason"))


def _core(name: str, state: str, reason: str) -> dict[str, object]:
    return {"t": 1.0, "event": "status", "input": name, "state": state, "reason": reason, "cause": 7}


def test_a_lost_device_outweighs_the_core_and_gives_way_to_it() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.core(_core("gnss", "ok", "received"))
    states.link(Link(0, "gnss", False, "unplugged", "what to do"), 2.0)
    assert heard.last() == ("gnss", "disconnected", "unplugged")
    assert heard[-1]["detail"] == "what to do"
    assert states.disconnected == ["gnss"]
    states.core(_core("gnss", "silent", "timeout"))  # the core's own timeout is no news
    assert len(heard) == 2
    states.link(Link(0, "gnss", True, "connected"), 3.0)
    assert heard.last() == ("gnss", "silent", "timeout")
    states.core(_core("gnss", "ok", "received"))
    assert heard.last() == ("gnss", "ok", "received")
    assert states.disconnected == []


def test_a_device_back_before_the_core_noticed_is_ok_again() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.core(_core("can", "ok", "received"))
    states.link(Link(0, "can", False, "unplugged"), 2.0)
    states.link(Link(0, "can", True, "connected"), 2.1)
    assert heard.last() == ("can", "ok", "received")
    assert len(heard) == 3


def test_since_when_and_what_a_person_should_know() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.core({**_core("gnss", "silent", "no_input"), "t": 10.0})
    states.core({**_core("gnss", "silent", "timeout"), "t": 12.0})  # another reason for the same state
    assert [event["since"] for event in heard] == [10.0, 10.0]
    assert states.notes()[0].endswith(": nothing comes from the receiver any more")
    assert states.notes()[0].startswith("gnss silent since ")
    states.own_message({"position": False, "state": False, "reason": "timeout", "state_reason": "ego_speed_unknown"})
    assert states.notes()[-2:] == ("own position not sent: timeout", "own state not sent: ego speed unknown")
    states.core({**_core("gnss", "ok", "received"), "t": 15.0})
    states.own_message({"position": True, "state": True, "reason": "none", "state_reason": "none"})
    assert states.notes() == ()
    assert heard[-1]["since"] == 15.0


def test_a_signal_that_fails_is_told_while_the_bus_is_ok() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.core(_core("can", "ok", "received"))
    states.signal({"signal": "brake", "state": "stale"})
    states.signal({"signal": "winker", "state": "ok"})
    assert states.notes() == ("can: brake stale",)
    states.signal({"signal": "brake", "state": "ok"})
    assert states.notes() == ()


def test_what_is_not_used_is_told_where_the_unit_needs_it() -> None:
    states = InputStates(_Heard().append)
    for name in ("gnss", "can", "radio"):
        states.core(_core(name, "off", "not_configured"))
    assert states.notes() == (
        "gnss off: no receiver is configured: no own position, no support",
        "radio off: nothing is sent, and no vehicle heard",
    )


def test_several_buses_are_one_input_and_the_lost_one_is_named() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.core(_core("can", "ok", "received"))
    states.link(Link(0, "can.body", False, "unplugged", "can1: pulled"), 2.0)
    assert heard.last() == ("can", "disconnected", "unplugged")
    assert states.disconnected == ["can"]
    states.link(Link(0, "can", False, "bus_off", "can0: off"), 2.5)
    assert (heard[-1]["reason"], heard[-1]["detail"], heard[-1]["since"]) == ("unplugged", "can1: pulled; can0: off", 2)
    states.link(Link(0, "can.body", True, "connected"), 2.7)
    assert (heard[-1]["reason"], heard[-1]["detail"], heard[-1]["since"]) == ("bus_off", "can0: off", 2.5)
    states.link(Link(0, "can", True, "connected"), 3.0)
    assert heard.last() == ("can", "ok", "received")


def test_load_and_hint() -> None:
    heard = _Heard()
    states = InputStates(heard.append)
    states.load("radio", "", 1.0)
    assert heard == []
    states.core(_core("radio", "ok", "received"))
    states.load("radio", "input_lost", 1.0)
    states.load("radio", "input_lost", 2.0)
    assert heard.last() == ("radio", "overloaded", "input_lost")
    states.load("radio", "", 3.0)
    assert heard.last() == ("radio", "ok", "received")
    states.core(_core("gnss", "silent", "no_input"))
    states.hint("gnss", "is baud right?", 4.0)
    assert heard[-1]["detail"] == "is baud right?"
    states.core(_core("gnss", "ok", "received"))
    assert "detail" not in heard[-1]


def test_service_manager_is_told(tmp_path: object) -> None:
    path = f"{tmp_path}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        service = ServiceManager({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())})
        assert service.watchdog_ns == 1_000_000_000
        service.ready("vehicle 1")
        service.alive()
        service.stopping()
        assert manager.recv(100) == b"READY=1\nSTATUS=vehicle 1"
        assert manager.recv(100) == b"WATCHDOG=1"
        assert manager.recv(100) == b"STOPPING=1"
    service.alive()  # it has gone: no exception


def test_no_service_manager() -> None:
    service = ServiceManager({"WATCHDOG_USEC": "2000000"})
    assert service.watchdog_ns == 0
    service.ready("nobody hears")
    other = ServiceManager({"NOTIFY_SOCKET": "@abstract", "WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "1"})
    assert other.watchdog_ns == 0


class _Air:
    """A radio that may refuse."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.sent: list[bytes] = []
        self.error: OSError | None = None
        self.done = threading.Event()

    def send(self, payload: bytes) -> None:
        try:
            if self.error:
                raise self.error
            self.sent.append(payload)
        finally:
            self.done.set()

    def fileno(self) -> int:
        return -1

    def receive(self, limit: int) -> list[RadioFrame]:
        return []

    def close(self) -> None:
        pass

    def wait(self) -> None:
        assert self.done.wait(10)
        self.done.clear()


def test_sender_sends_late_ones_at_once_and_counts_what_is_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    stale_ns = 60 * 10**9  # a machine may stand still for longer than a real one waits
    monkeypatch.setattr("asvunit.sender.STALE_NS", stale_ns)
    air = _Air()
    sender = Sender(air)  # type: ignore[arg-type]
    sender.submit(time.monotonic_ns(), b"overtaken")
    sender.submit(time.monotonic_ns(), b"sent")
    sender.start()
    air.wait()
    assert air.sent == [b"sent"]
    assert sender.counters["missed"] == 1
    air.error = OSError(101, "Network is unreachable")
    sender.submit(time.monotonic_ns(), b"refused")
    air.wait()
    air.error = None
    sender.submit(time.monotonic_ns(), b"again")
    air.wait()
    sender.submit(time.monotonic_ns() - stale_ns - 1, b"of the past")
    while sender.counters["missed"] < 2:
        threading.Event().wait(0.005)
    sender.stop()
    sender.stop()
    assert air.sent == [b"sent", b"again"]
    assert sender.counters == {"missed": 2, "send_error": 1, "sent": 2}
    assert sender.fault == ""
    assert sender.late.count == 2


def test_what_is_sealed_is_what_goes_out_and_is_told() -> None:
    air, told = _Air(), list[tuple[int, bytes]]()
    sender = Sender(air, bytes.upper, lambda time_ns, payload: told.append((time_ns, payload)))  # type: ignore[arg-type]
    due_ns = time.monotonic_ns()
    sender.submit(due_ns, b"sealed")
    sender.start()
    air.wait()
    sender.stop()
    assert air.sent == [b"SEALED"]
    assert [payload for _time_ns, payload in told] == [b"SEALED"]
    assert told[0][0] >= due_ns


def test_a_late_frame_and_the_next_are_half_a_cycle_apart_at_least() -> None:
    assert STALE_NS <= TRANSMISSION_INTERVAL_MS * 1_000_000 // 2


def test_clocks_are_read_again_if_the_thread_was_put_aside_between() -> None:
    ticks = iter([0, 900_000, 1_000_000, 1_000_400])
    assert both_ns(lambda: next(ticks), lambda: 7) == (1_000_000, 7)
    ticks = iter(range(0, 10**9, 10**8))
    assert both_ns(lambda: next(ticks), lambda: 7) == (400_000_000, 7)  # never: the last reading


def test_a_way_to_the_air_that_is_there_and_lacks_something_says_so() -> None:
    told: list[Event] = []
    states = InputStates(told.append)
    states.link(Link(0, "radio", True, "connected", "without received power: mon0 is down"), 1.0)
    assert states.notes() == ("radio: without received power: mon0 is down",)
    assert told[-1]["detail"] == "without received power: mon0 is down"
    states.link(Link(0, "radio", True, "connected"), 2.0)
    assert states.notes() == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[emergency]\nin_action = "always"', "emergency.in_action: always, but without own_key"),
        ('[radio]\nmonitor = "mon0"', 'radio.monitor: a monitor interface goes with kind = "ocb"'),
        ('[radio]\nkind = "ocb"', "radio.interface: missing"),
    ],
)
def test_settings_that_would_have_no_effect_are_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(text)
    config = load_config(path)
    with pytest.raises(UsageError, match=re.escape(said)):
        assemble(config, tmp_path, None, ExitStack(), {}, [])  # type: ignore[arg-type]


def test_a_file_without_end_is_no_configuration() -> None:
    with pytest.raises(UsageError, match="/dev/zero: more than 4 MiB"):
        load_config(Path("/dev/zero"))


def test_the_commented_configuration_is_the_defaults_and_its_examples_are_taken() -> None:
    text = config_text()
    assert Config.model_validate(tomllib.loads(text)) == Config()
    every = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    told = tomllib.loads(every)
    for other in (("gpsd", "device"), ("port",)):  # they exclude each other
        gnss = {key: value for key, value in told["gnss"].items() if key not in other}
        config = Config.model_validate(told | {"gnss": gnss})
        assert (config.gnss.port, config.gnss.gpsd) == (gnss.get("port"), gnss.get("gpsd"))
    for name, info in Config.model_fields.items():
        assert name in told
        if isinstance(told[name], dict):
            assert set(told[name]) == set(info.annotation.model_fields)  # type: ignore[union-attr]


@pytest.mark.parametrize("line", [line for line in config_text().splitlines() if " = " in line])
def test_each_line_of_the_configuration_fits_a_screen(line: str) -> None:
    assert len(line) <= 160
