"""The unit on a board: the Pico W's main.py, whole, on hardware of pretence, on CPython."""

from pathlib import Path

import pytest

from asvunit.ports import TRAILER_BYTES, TRAILER_MARK
from boardscenes import Reference, Run, Scene, told, tones

SYSTEM, RECEIVING, FAULT, INFORMATION, CAUTION, WARNING, LEFT, RIGHT = range(2, 10)
STANDING = "crossing_50"  # its ego stands for the first seconds


@pytest.fixture(scope="module")
def crossing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, Run]:
    scene = Scene(tmp_path_factory.mktemp("crossing"))
    scene.play("crossing_50")
    return scene, scene.run()


def scene_of(folder: Path, *lines: tuple[int, str], until_ms: int = 5000, **changes: object) -> Run:
    """A run of the first seconds of a crossing, with what else happens."""
    scene = Scene(folder, **changes)
    scene.play(STANDING, until_ms=until_ms)
    scene.add(*lines)
    return scene.run(until_ms + 1000)


def test_the_driver_sees_what_a_unit_on_linux_shows_at_the_same_ms(crossing: tuple[Scene, Run]) -> None:
    scene, run = crossing
    wanted = Reference(scene)
    assert [level for _t, level, _function, _side in wanted.hmi].count("caution") == 1
    shown = [
        (t, " ".join(word for word in (level, function or "", side or "") if word))
        for t, level, function, side in wanted.hmi
    ]
    heard = [(t, what.split(":")[0]) for t, what in told(run)]
    assert heard == [(t, "nothing" if what.startswith("none") else what) for t, what in shown]


def test_the_own_frames_are_those_of_a_unit_on_linux(crossing: tuple[Scene, Run]) -> None:
    scene, run = crossing
    wanted = Reference(scene).sent
    joined_ms = run.sent[0][0]
    assert joined_ms < 1000  # the Wi-Fi takes its time; then none is missing
    assert run.sent == [(t, frame) for t, frame in wanted if t >= joined_ms and t <= run.sent[-1][0]]
    assert len(run.sent) > 200
    assert {address for _t, rest in run.of("sent") for address in rest.split()[1:]} == {"192.168.1.255", "47100"}


def test_caution_has_its_lamp_its_side_and_its_tones(crossing: tuple[Scene, Run]) -> None:
    _scene, run = crossing
    begin_ms = next(t for t, what in told(run) if what.startswith("caution crossing left"))
    edges = [(t - begin_ms, level) for t, level in run.pin(CAUTION) if t >= begin_ms]
    flashes = [(at, 1 - at // 200 % 2) for at in range(0, 2000, 200)]
    assert edges[:11] == [*flashes, (2000, 1)]
    assert [(t - begin_ms, hz) for t, hz in tones(run) if t >= begin_ms] == [(at, 1000 * on) for at, on in flashes]
    duty = next(rest for _t, rest in run.of("pwm") if rest.startswith("1000"))
    assert int(duty.split()[1]) == 65535 * 30 // 100  # 80 % of the pressure
    assert run.level(LEFT, begin_ms) == 1
    assert run.level(RIGHT, begin_ms) == 0
    assert not [t for t, level in run.pin(WARNING) if level and t > 1100]
    assert "driver: caution crossing left: WAIT! Left side" in run.console


def test_it_starts_with_all_lamps_and_a_short_tone(crossing: tuple[Scene, Run]) -> None:
    _scene, run = crossing
    assert all(run.pin(pin)[0] == (1, 1) for pin in range(2, 10))
    assert list(tones(run))[:2] == [(1, 500), (151, 0)]
    assert run.level(CAUTION, 1002) == run.level(WARNING, 1002) == 0
    assert run.level(SYSTEM, 1002) == 1


def test_nothing_is_missed_and_the_watchdog_is_content(crossing: tuple[Scene, Run]) -> None:
    _scene, run = crossing
    assert run.counts("counts") == {"missed": 0, "late": 0, "time_back": 0, "lost": 0}
    assert run.faults == [0] * 6
    assert run.counts("watchdog")["bitten"] == 0


def test_a_missing_file_makes_a_safe_unit(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.add((100, "uart 00"), (25000, "pin 10 0"))
    (tmp_path / "unit.json").unlink()
    run = scene.run(30000)
    assert [t for t, line in run.of("say") if "safe unit" in line] == [1, 10001, 20001]
    assert any(line.startswith("unit.json: cannot be read") and "copy" in line for line in run.console)
    assert run.pin(FAULT) == [(1, 1)]
    assert not run.pin(SYSTEM)
    assert not run.sent
    assert not list(tones(run))
    assert run.counts("watchdog") == {"bitten": 0, "longest": 1}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"core": {"crossing_start": 9}}, "unit.json: core.crossing_start: 9 is outside 0..1; give one of these"),
        ({"vehicle": "bus.json"}, "unit.json: vehicle: no file bus.json; make it with asvkit vehicle compile"),
        ({"can": {"oscillator_hz": 1000000, "kbit": 1000}}, "unit.json: it cannot be started: ValueError"),
    ],
)  # fmt: skip
def test_a_wrong_setting_makes_a_safe_unit(tmp_path: Path, changes: dict[str, object], line: str) -> None:
    run = scene_of(tmp_path, until_ms=1500, **changes)
    assert any(one.startswith(line) for one in run.console), run.console
    assert run.level(FAULT, 2000) == 1
    assert run.level(SYSTEM, 2000) == 0
    assert not run.sent


def test_wifi_goes_and_comes_back(tmp_path: Path) -> None:
    air = [(2000 + 100 * n, "air 192.168.1.31 40001 " + "01" + bytes([n, 0, 4]).hex() + "00" * 96) for n in range(60)]
    run = scene_of(tmp_path, (3000, "wifi gone"), (5000, "wifi back"), *air, until_ms=8000)
    assert run.level(RECEIVING, 2900) == 1
    assert run.level(FAULT, 2900) == 0
    assert run.level(RECEIVING, 3150) == 0
    assert run.level(FAULT, 3150) == 1
    assert run.level(RECEIVING, 8900) == 1
    assert run.level(FAULT, 8900) == 0
    gap = [
        (before, after)
        for (before, _a), (after, _b) in zip(run.sent, run.sent[1:], strict=False)
        if after - before > 100
    ]
    assert len(gap) == 1
    assert 3000 <= gap[0][0] + 100 <= 3200
    assert any(line.startswith("radio: up, 192.168.1.20") for line in run.console)
    assert any(line.startswith("radio: the link is down") for line in run.console)
    assert run.counts("counts")["missed"] == 0


def test_without_network_the_rest_works(tmp_path: Path) -> None:
    run = scene_of(tmp_path, until_ms=3000, radio={"ssid": "elsewhere"})
    assert any(line.startswith("radio: no such network: mend radio.ssid") for line in run.console)
    assert "gnss ok: received" in run.console
    assert run.level(FAULT, 3500) == 1
    assert not run.sent


def test_garbage_and_silence_of_the_receiver(tmp_path: Path) -> None:
    garbage = [(t, "uart " + bytes((t * n) & 0xFF for n in range(1, 120)).hex()) for t in range(1000, 4000, 10)]
    scene = Scene(tmp_path)
    scene.play(STANDING, until_ms=2000)
    scene.add(*garbage)
    run = scene.run(7000)
    assert "gnss silent: nothing comes any more" in run.console
    assert run.level(FAULT, 6900) == 1
    assert run.faults == [0] * 6
    assert run.counts("counts")["missed"] == 0


def test_the_can_controller_vanishes_and_comes_back(tmp_path: Path) -> None:
    run = scene_of(tmp_path, (2500, "chip vanish"), (4000, "chip back"), until_ms=9000)
    assert "can: no controller answers: its wiring, its supply" in run.console
    assert run.level(FAULT, 2400) == 0
    assert run.level(FAULT, 3500) == 1
    assert run.level(FAULT, 9500) == 0
    assert run.console.count("can: the controller answers") == 2


def test_a_bus_that_is_never_idle(tmp_path: Path) -> None:
    run = scene_of(tmp_path, (1, "bus dominant"), until_ms=3000)
    assert any(line.startswith("can: the bus is never idle") for line in run.console)
    assert run.level(FAULT, 3500) == 1


@pytest.mark.parametrize(
    ("name", "part"), [("core", 0), ("gnss", 1), ("can", 2), ("radio", 3), ("leds", 4), ("switches", 5)]
)
def test_a_part_that_raises_is_counted_and_begun_anew(tmp_path: Path, name: str, part: int) -> None:
    lines = [(3000, f"raise {name}")] + [(4500, f"heal {name}")] * (name != "core")
    run = scene_of(tmp_path, *lines, (3100, "chip vanish"), (4400, "chip back"), until_ms=8000)
    if name == "core":  # whoever called it first has the blame, besides
        assert run.faults[part] == 1
        assert max(run.faults) == 1
    else:
        assert run.faults == [2 * (index == part) for index in range(6)]
    names = ("core", "gnss", "can", "radio", "lights", "switches")
    assert any(line.startswith(f"{names[part]}: ") and line.endswith("tried again") for line in run.console)
    assert run.counts("watchdog")["bitten"] == 0
    assert len([t for t, _frame in run.sent if t > 8000]) >= 9  # a new core's grid is another
    assert run.level(SYSTEM, 8500) == 1
    assert run.level(FAULT, 8500) == 0


def test_a_loop_that_hangs_is_ended_by_the_watchdog(tmp_path: Path) -> None:
    run = scene_of(tmp_path, (3000, "hang"))
    assert run.counts("watchdog")["bitten"] == 1


def test_a_core_that_no_longer_ticks_is_ended_by_the_watchdog(tmp_path: Path) -> None:
    run = scene_of(tmp_path, *[(t, "raise core") for t in range(3000, 13000, 10)], until_ms=13000)
    assert run.counts("watchdog")["bitten"] == 1


def test_a_stall_is_missed_cycles_and_no_burst(tmp_path: Path) -> None:
    run = scene_of(tmp_path, (2050, "jump 450"), until_ms=4000)
    assert run.counts("counts")["missed"] == 3
    assert run.counts("watchdog")["longest"] > 400
    assert len([t for t, _frame in run.sent if 2040 < t < 2140]) == 2  # the last of those that were due, and the next


def test_the_ticks_wrap(tmp_path: Path) -> None:
    plain = scene_of(tmp_path / "plain")
    wrapped = scene_of(tmp_path / "wrapped", (0, f"ticks {(1 << 30) - 3000}"))
    assert [one for one in wrapped.sent if one[0] > 500] == plain.sent[1:]  # it joined while the clock was set
    assert wrapped.pin(FAULT) == plain.pin(FAULT)


def test_a_car_that_runs_for_days_rebases_its_clocks(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play(STANDING, until_ms=3000)
    scene.add((2, "jump 402653000"))  # 1.5 times params.REBASE_MS, but for a second
    run = scene.run(4000)
    assert run.faults == [0] * 6
    assert run.counts("counts")["missed"] > 4_000_000
    assert len([t for t, _frame in run.sent if t > 1000]) == 30
    assert "gnss ok: received" in run.console


def test_a_signed_frame_is_an_ordinary_vehicles(tmp_path: Path) -> None:
    message = "01" + bytes([1, 0, 4]).hex() + "00" * 96
    signed = message + TRAILER_MARK.hex() + "00" * (TRAILER_BYTES - 2)
    odd = ["00" * size for size in (0, 1, 99, 101, 177, 179, 1400)]
    lines = [(2000, f"air 192.168.1.31 1 {signed}")]
    lines += [
        (2010 + 10 * n, f"air 192.168.1.31 1 {data or '-'}".replace(" -", " ")) for n, data in enumerate(odd) if data
    ]
    lines.append((2300, "air 192.168.1.20 47100 " + message))  # its own, sent back by the access point
    run = scene_of(tmp_path, *lines, until_ms=2500)
    assert run.of("drops")[-1][1] == "60:6"
    assert run.level(RECEIVING, 2050) == 1


def test_the_mute_switch_silences(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.play("crossing_50", until_ms=14000)
    begin_ms = next(t for t, what in told(scene.run()) if what.startswith("caution"))
    scene.add((begin_ms + 500, "pin 10 0"), (begin_ms + 700, "pin 10 1"))
    run = scene.run()
    assert any("caution crossing left muted" in line for line in run.console)
    assert max(t for t, hz in tones(run) if hz) < begin_ms + 521
    assert [t for t, level in run.pin(CAUTION) if t > begin_ms + 600]  # the light goes on


def test_an_access_point_sends_and_hears(tmp_path: Path) -> None:
    run = scene_of(tmp_path, until_ms=2500, radio={"role": "access_point"})
    assert any(line.startswith("radio: up") for line in run.console), run.console
    assert run.sent
