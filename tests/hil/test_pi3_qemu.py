"""The emulated Pi as a target, on a booted one: its devices, its unit at the pins, its faults, its power."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from asvrig.pi3.code import STATE
from asvrig.playing import play, scenario_of, unit_tables
from asvrig.targets.pi3_qemu import Pi3Target, missing, pi3_target
from asvrig.targets.target import ABILITIES, Event, NotOnTarget
from asvunit.errors import AsvkitError
from asvunit.message import decode

READY_S = 120.0
WAIT_S = 40.0

pytestmark = [pytest.mark.long, pytest.mark.skipif(bool(missing()), reason=missing() or "nothing is missing")]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pi3Target]:
    opened = pi3_target(tmp_path_factory.mktemp("pi3"))
    yield opened
    opened.close()


def is_state(of: str, state: str) -> Callable[[Event], bool]:
    return lambda event: (event["event"], event.get("input"), event.get("state")) == ("status", of, state)


def test_it_is_a_pi_with_its_devices(target: Pi3Target) -> None:
    assert target.abilities <= {*ABILITIES}
    told = target.describe()
    assert (told.target, told.versions["machine"]) == ("pi3-qemu", "aarch64")
    done = target.command(
        "python3", "-c", "import lgpio, can, asvunit; h = lgpio.gpiochip_open(0); print(lgpio.gpio_get_chip_info(h)[3])"
    )
    assert (done.code, done.out.strip()) == (0, "pinctrl-bcm2835"), done.err
    devices = "/dev/ttyAMA0 /dev/gpiochip0 /sys/class/net/can0 /sys/class/net/vcan0 /sys/class/net/usb0"
    assert target.command("ls", "-d", *devices.split()).code == 0
    assert target.command("asvkit", "--version", timeout_s=READY_S).out.startswith("asvkit ")
    there = target.command("date", "+%s")
    assert abs(int(there.out) - time.time()) < 5


def test_files_go_there_and_back(target: Pi3Target) -> None:
    data = bytes(range(256)) * 400
    target.write("deep/one", data)
    assert target.read(f"{STATE}/deep/one") == data
    with pytest.raises(AsvkitError, match="no/such"):
        target.read("no/such")


def test_a_crossing_reaches_the_lamps_and_the_air(target: Pi3Target) -> None:
    scenario = scenario_of("crossing")
    unit = target.start(unit_tables(scenario, target))
    try:
        unit.wait_ready(READY_S)
        target.pins.skip()
        target.air.clear()
        begun_ns = time.monotonic_ns()
        play(scenario, target).join()
        names = {one.name for one in target.pins.seen if one.value and one.t_ns > begun_ns}
        assert {"receiving", "information", "caution"} <= names
        assert [one for one in unit.events if one["event"] == "support" and one["function"] == "crossing"]
        heard = target.air.heard
        assert len(heard) > 50
        assert {decode(one.payload)["vehicle_id"] for one in heard} == {unit.events[0]["vehicle_id"]}
        assert len({one.source for one in heard}) == 1
    finally:
        assert unit.stop(15) == 0


def test_devices_go_and_come(target: Pi3Target) -> None:
    scenario = scenario_of("crossing")
    unit = target.start(unit_tables(scenario, target))
    try:
        unit.wait_ready(READY_S)
        with play(scenario, target):
            for name, device in (("can", target.can), ("gnss", target.receiver)):
                unit.wait_event(is_state(name, "ok"), WAIT_S)
                since = len(unit.events)
                device.unplug()
                unit.wait_event(is_state(name, "disconnected"), WAIT_S, since=since)
                since = len(unit.events)
                device.plug()
                unit.wait_event(is_state(name, "ok"), WAIT_S, since=since)
            since = len(unit.events)
            undo = target.fault("bus_off")
            told = unit.wait_event(is_state("can", "disconnected"), WAIT_S, since=since)
            assert told["reason"] == "bus_off"
            undo()
            unit.wait_event(is_state("can", "ok"), WAIT_S, since=since)
    finally:
        unit.stop(15)


def test_frames_pass_in_ocb_mode(target: Pi3Target) -> None:
    with target.ocb() as tables:
        scenario = scenario_of("crossing")
        unit = target.start({**unit_tables(scenario, target), **tables})
        try:
            unit.wait_ready(READY_S)
            assert "type OCB" in target.command("iw", "dev", "wlan0", "info").out
            target.air.clear()
            play(scenario, target).join()
            assert [one for one in unit.events if one["event"] == "neighbour"]
            assert len(target.air.heard) > 50
        finally:
            unit.stop(15)


@pytest.mark.parametrize("how", [{"step_s": 3600.0}])
def test_its_clock_is_stepped_and_set_back(target: Pi3Target, how: dict[str, Any]) -> None:
    def ahead_s() -> float:
        return int(target.command("date", "+%s").out) - time.time()

    undo = target.fault("clock", **how)
    assert ahead_s() == pytest.approx(3600, abs=5)
    undo()
    assert ahead_s() == pytest.approx(0, abs=5)


def test_its_card_is_filled(target: Pi3Target) -> None:
    undo = target.fault("disk_full")
    with pytest.raises(AsvkitError):
        target.write("more", bytes(100_000))
    undo()
    target.write("more", b"1")


def test_no_such_fault(target: Pi3Target) -> None:
    with pytest.raises(NotOnTarget, match="flood: the target pi3-qemu cannot do that"):
        target.fault("flood")


def test_power_cut_leaves_what_was_safe(target: Pi3Target, tmp_path: Path) -> None:
    target.write("kept/safe", b"as it was")
    assert target.command("sync").code == 0
    unit = target.start()
    unit.wait_ready(READY_S)
    lit = [one for one in target.pins.seen if one.name == "system"]
    assert lit[-1].value == 1
    undo = target.fault("power")
    assert unit.exit_code is None
    with pytest.raises(AsvkitError):
        unit.wait_event(lambda event: event["event"] == "never", 1)
    assert target.pins.wait_still("system", 0, time.monotonic_ns() + 10**10)
    assert (target.extract("kept", tmp_path) / "safe").read_bytes() == b"as it was"
    undo()
    assert target.read("kept/safe") == b"as it was"
    again = target.start()
    again.wait_ready(READY_S)
    assert again.stop(15) == 0
