"""What doctor says of clock, pins, rights, service, power and disk, on machines made of small files."""

import errno
import fcntl
import json
import os
import struct
from types import SimpleNamespace

import pytest

from asvtools.doctor import machine, pins_check, rights, running
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Job
from asvtools.doctor.system_clock import Kernel, check_clock, kernel_clock
from asvunit.config import Config
from asvunit.event_hub import EventHub
from asvunit.pins import load_pins

NOW_S = 1_795_000_000.0
KEY = {"0x2a01": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}
KEYED = Config.model_validate({"emergency": {"keys": KEY}})


def put(root, path, text=""):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


def process(root, number, name):
    put(root, f"proc/{number}/comm", f"{name}\n")


def pi(root):
    put(root, "proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4")


def job(root, config=None, says=None, **more):
    """Commands of the system answer with `says`, by their first two words."""
    return Job(0.05, config, root=root, run=lambda words: (says or {}).get(" ".join(words[:2])), **more)


def by_name(findings):
    return {finding.name: finding for finding in findings}


# Clock

TRACKING = "50505300,PPS,1,1795000000.0,0.000001,0.0,0.0,1.0,0.0,0.1,0.0,0.0,16.0,{}"


def clock(given, kernel=None, now_s=NOW_S):
    return by_name(check_clock(given, lambda: kernel, lambda: now_s))


def test_a_clock_that_chrony_keeps_by_the_pulse(tmp_path):
    process(tmp_path, 400, "chronyd")
    put(tmp_path, "dev/pps0")
    put(tmp_path, "sys/class/rtc/rtc0/name", "rpi-rtc")
    put(tmp_path, "sys/class/rtc/rtc0/since_epoch", f"{int(NOW_S)}\n")
    says = {"chronyc -n": TRACKING.format("Normal")}
    found = clock(job(tmp_path, Config(), says), Kernel(True, 0.0004))
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(
        ("clock", "clock source", "clock pulse", "clock battery"), OK
    )
    assert found["clock source"].detail == "kept by chrony, following PPS; synchronised, within 0.000 s"
    assert found["clock source"].found["synchronised"] is True
    assert found["clock pulse"].detail == "/dev/pps0"


def test_a_clock_that_nobody_keeps(tmp_path):
    pi(tmp_path)
    found = clock(job(tmp_path, Config()), Kernel(False, 16.0))
    assert (found["clock source"].state, found["clock source"].found["synchronised"]) == (ABSENT, False)
    assert "no program keeps it; not synchronised" in found["clock source"].detail
    assert "apt install chrony" in found["clock source"].mend
    assert "after power-off the time is lost" in found["clock battery"].mend
    assert found["clock pulse"].state == ABSENT


def test_chrony_knows_better_than_the_kernel(tmp_path):
    process(tmp_path, 400, "chronyd")
    says = {"chronyc -n": TRACKING.format("Not synchronised")}
    found = clock(job(tmp_path, None, says), Kernel(True, 0.1))["clock source"]
    assert (found.state, found.found["source"]) == (ABSENT, None)
    assert "chronyc sources" in found.mend


@pytest.mark.parametrize(("said", "state"), [("yes\n", OK), ("no\n", ABSENT), (None, ABSENT), ("?", ABSENT)])
def test_systemd_tells_where_the_kernel_does_not(tmp_path, said, state):
    process(tmp_path, 300, "systemd-timesyn")
    found = clock(job(tmp_path, None, {"timedatectl show": said}))["clock source"]
    assert found.state == state
    assert "systemd-timesyncd" in found.detail


@pytest.mark.parametrize(("config", "needed"), [(None, False), (Config(), False), (KEYED, True)])
def test_a_date_of_the_seventies(tmp_path, config, needed):
    found = clock(job(tmp_path, config), now_s=86_400.0)["clock"]
    assert (found.state, found.needed) == (PROBLEM, needed)
    assert found.found["utc"] == "1970-01-02T00:00:00Z"
    assert ("stale" in found.detail) == needed


def test_a_battery_that_forgot(tmp_path):
    put(tmp_path, "sys/class/rtc/rtc0/name", "rtc-ds1307")
    put(tmp_path, "sys/class/rtc/rtc0/since_epoch", f"{int(NOW_S) - 7200}\n")
    found = clock(job(tmp_path))["clock battery"]
    assert found.state == PROBLEM
    assert "2.0 h behind" in found.detail
    assert "hwclock --systohc" in found.mend


def test_the_kernels_own_answer():
    told = kernel_clock()
    assert told is None or (isinstance(told.synchronised, bool) and told.error_s >= 0)


# Pins


def line(used=(), by="spi0 CS0"):
    return lambda _path, offset: pins_check.Line("", by if offset in used else "", offset in used)


def gpio(given, used=(), **options):
    return by_name(pins_check.check_gpio(given, lambda _path: "pinctrl-bcm2711", line(used, **options)))


def hmi(**table):
    return Config.model_validate({"hmi": table})


@pytest.fixture
def board(tmp_path, monkeypatch):
    pi(tmp_path)
    put(tmp_path, "dev/gpiochip0")
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: object())
    return tmp_path


def test_a_pi_with_free_lines(board):
    found = gpio(job(board, Config()))
    assert {name: each.state for name, each in found.items()} == {"gpio": OK, "gpio lines": OK}
    assert "Raspberry Pi 4" in found["gpio"].detail
    assert "all 11 of the pin map are free" in found["gpio lines"].detail


def test_a_line_in_use(board):
    pin = load_pins(None).by_key()["leds.caution"]
    found = gpio(job(board, Config()), {pin})["gpio lines"]
    assert found.fails
    assert f"pin {pin} (leds.caution) has spi0 CS0" in found.detail
    assert found.found["in_use"] == {"leds.caution": {"pin": pin, "by": "spi0 CS0"}}
    held = gpio(job(board, Config(), holder="a running unit (process 7)"), {pin}, by="lg")["gpio lines"]
    assert held.state == OK


def test_a_chip_that_does_not_tell(board):
    def refuses(_path, _offset):
        raise OSError(errno.ENOTTY, "no such request")

    found = by_name(pins_check.check_gpio(job(board, Config()), lambda _path: "", refuses))
    assert (found["gpio lines"].state, "--self-test" in found["gpio lines"].mend) == (SKIPPED, True)


def test_the_headers_chip_by_its_label(board):
    put(board, "dev/gpiochip4")
    labels = {"gpiochip0": "brcmvirt-gpio", "gpiochip4": "pinctrl-rp1"}
    asked = []

    def told(path, _offset):
        asked.append(path)
        return pins_check.Line("", "", False)

    list(pins_check.check_gpio(job(board, Config()), lambda path: labels[path.rpartition("/")[2]], told))
    assert set(asked) == {str(board / "dev/gpiochip4")}


def test_a_pi_without_permission_or_without_lgpio(board, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    found = gpio(job(board, Config()))["gpio"]
    assert found.fails
    assert "asvkit[pi]" in found.mend
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    found = gpio(job(board, Config()))["gpio"]
    assert found.fails
    assert "usermod -aG gpio" in found.mend


def test_a_machine_without_pins(tmp_path):
    assert gpio(job(tmp_path))["gpio"].state == ABSENT
    assert gpio(job(tmp_path, Config()))["gpio"].state == ABSENT  # auto takes mock pins
    assert gpio(job(tmp_path, hmi(gpio="lgpio")))["gpio"].fails
    assert gpio(job(tmp_path, hmi(gpio="mock")))["gpio"].state == OK
    assert gpio(job(tmp_path, hmi(gpio="off")))["gpio"].state == SKIPPED


def test_the_kernels_words_for_a_line(monkeypatch, tmp_path):
    def ioctl(_chip, number, buffer):
        if number == 0x8044B401:
            buffer[:] = struct.pack("=32s32sI", b"gpiochip0", b"pinctrl-bcm2711", 58)
        else:
            assert (number, struct.unpack_from("=I", buffer, 64)[0], len(buffer)) == (0xC100B405, 6, 256)
            buffer[:80] = struct.pack("=32s32sIIQ", b"GPIO6", b"led0", 6, 0, 0b1001)

    monkeypatch.setattr(fcntl, "ioctl", ioctl)
    chip = str(put(tmp_path, "chip"))
    assert pins_check.chip_label(chip) == "pinctrl-bcm2711"
    assert pins_check.line_info(chip, 6) == pins_check.Line("GPIO6", "led0", True)


# Self-test


def recorded(path):
    return [json.loads(each) for each in path.read_text().splitlines()]


def self_test(tmp_path, pause, **more):
    told = []
    given = Job(0.1, hmi(gpio="mock", record="pins.jsonl"), tmp_path / "unit.toml", **more)
    return list(pins_check.self_test(given, told.append, pause)), told


def test_every_lamp_is_lit_alone_and_all_is_off_afterwards(tmp_path):
    pins = load_pins(None)
    steps = []
    (found,), told = self_test(tmp_path, lambda _s: steps.append(len(recorded(tmp_path / "pins.jsonl"))))
    names = [*pins.lamps, "buzzer"]
    assert found.state == OK
    assert [each["name"] for each in found.found["driven"]] == names
    assert [line.split(" ")[1] for line in told] == names
    assert len(steps) == len(names)
    lines = recorded(tmp_path / "pins.jsonl")
    assert [each["name"] for each in lines if each["value"]] == names
    assert [each["hz"] for each in lines if each["hz"]] == [2000]
    lit: set[str] = set()
    for each in lines:
        (lit.add if each["value"] else lit.discard)(each["name"])
        assert len(lit) <= 2  # the next is lit before or after the last goes out
    assert lit == set()


def test_all_is_off_after_an_interruption(tmp_path):
    def interrupted(_seconds):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        self_test(tmp_path, interrupted)
    lines = recorded(tmp_path / "pins.jsonl")
    assert [each["value"] for each in lines if each["name"] == "system"] == [0, 1, 0]
    assert {each["name"]: each["value"] for each in lines}["buzzer"] == 0


def test_the_self_test_keeps_off_a_running_units_pins(tmp_path):
    (found,), told = self_test(tmp_path, None, holder="a running unit")
    assert (found.state, told, (tmp_path / "pins.jsonl").exists()) == (SKIPPED, [], False)
    (off,) = pins_check.self_test(job(tmp_path, hmi(gpio="off")), print)
    assert off.state == SKIPPED


def test_a_self_test_without_pins_says_so(tmp_path):
    (found,) = pins_check.self_test(Job(0.1, hmi(gpio="lgpio"), tmp_path / "unit.toml"), print)
    assert found.fails
    assert "hmi.gpio" in found.detail


# Rights and service

SERVICE = "[Service]\nExecStart=/opt/asvkit/bin/asvkit run --config /etc/asvkit/unit.toml\nUser=asvkit\n"


@pytest.fixture
def users(monkeypatch):
    """Groups gpio and dialout; the user asvkit is in dialout."""
    groups = {
        "dialout": SimpleNamespace(gr_name="dialout", gr_gid=20, gr_mem=["asvkit"]),
        "gpio": SimpleNamespace(gr_name="gpio", gr_gid=986, gr_mem=["me"]),
    }
    monkeypatch.setattr(rights.grp, "getgrnam", lambda name: groups[name])
    monkeypatch.setattr(rights.grp, "getgrall", lambda: list(groups.values()))
    monkeypatch.setattr(rights.grp, "getgrgid", lambda number: {20: groups["dialout"], 986: groups["gpio"]}[number])
    known = {"asvkit": SimpleNamespace(pw_uid=999, pw_gid=999)}
    monkeypatch.setattr(rights.pwd, "getpwnam", lambda name: known[name])
    monkeypatch.setattr(rights.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(rights.os, "getgroups", lambda: [20])
    monkeypatch.setattr(rights, "_login", lambda: "me")


@pytest.mark.usefixtures("users")
def test_groups_of_this_user(tmp_path):
    found = by_name(rights.check_rights(job(tmp_path)))
    assert (found["group dialout"].state, found["group gpio"].state) == (OK, ABSENT)
    assert found["group gpio"].mend == "log out and in again"  # in it, but not in this session


@pytest.mark.usefixtures("users")
def test_the_services_user_lacks_a_group(tmp_path):
    pi(tmp_path)
    put(tmp_path, "etc/systemd/system/asvkit.service", SERVICE)
    found = by_name(rights.check_rights(job(tmp_path, Config.model_validate({"gnss": {"port": "/dev/ttyAMA0"}}))))
    assert found["service user"].fails
    assert found["service user"].found["lacks"] == ["gpio"]
    assert "`sudo usermod -aG gpio asvkit`" in found["service user"].mend
    put(tmp_path, "etc/systemd/system/asvkit.service", SERVICE + "SupplementaryGroups=gpio dialout\n")
    found = by_name(rights.check_rights(job(tmp_path, Config.model_validate({"gnss": {"port": "/dev/ttyAMA0"}}))))
    assert found["service user"].state == OK


@pytest.mark.usefixtures("users")
def test_the_services_user_is_missing_or_cannot_read(tmp_path):
    put(tmp_path, "etc/systemd/system/asvkit.service", SERVICE.replace("User=asvkit", "User=nobody_here"))
    found = by_name(rights.check_rights(job(tmp_path, Config())))["service user"]
    assert "useradd --system nobody_here" in found.mend
    put(tmp_path, "etc/systemd/system/asvkit.service", SERVICE)
    file = put(tmp_path, "unit.toml")
    file.chmod(0o600)
    found = by_name(rights.check_rights(job(tmp_path, Config(), file=file)))["service user"]
    assert found.fails
    assert "cannot read" in found.detail
    file.chmod(0o644)
    assert by_name(rights.check_rights(job(tmp_path, Config(), file=file)))["service user"].state == OK


def test_the_service(tmp_path):
    assert list(machine.check_service(job(tmp_path))) == []
    put(tmp_path, "etc/systemd/system/asvkit.service", SERVICE)
    says = {"systemctl is-enabled": "enabled\n", "systemctl is-active": "active\n"}
    found = by_name(machine.check_service(job(tmp_path, None, says)))["service"]
    assert found.state == PROBLEM
    assert "/opt/asvkit/bin/asvkit is not there" in found.detail
    put(tmp_path, "opt/asvkit/bin/asvkit")
    found = by_name(machine.check_service(job(tmp_path, None, says)))["service"]
    assert (found.state, found.found["enabled"], found.found["active"]) == (OK, True, True)
    found = by_name(machine.check_service(job(tmp_path)))["service"]
    assert "does not start with the machine" in found.detail
    assert found.mend == "`sudo systemctl enable --now asvkit`"


def test_a_running_unit_is_seen_and_not_disturbed(tmp_path):
    file = put(tmp_path, "unit.toml")
    given = Job(file=file)
    assert machine.running_unit(given) == ""
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert machine.running_unit(given).startswith("a running unit")
        told = by_name(machine.check_service(Job(1, Config(), file, holder="a running unit (process 7)")))["unit"]
        assert (told.state, "systemctl stop asvkit" in told.mend) == (SKIPPED, True)
    assert machine.running_unit(given) == ""
    assert machine.running_unit(Job()) == ""


def test_a_running_unit_says_itself_what_works(tmp_path):
    config = Config.model_validate({"events": {"socket": "events.sock"}})
    given = Job(0.1, config, tmp_path / "unit.toml", holder="a running unit (process 7)")
    assert by_name(running.running_findings(given))["running unit"].state == SKIPPED  # nothing listens there
    hub = EventHub(path=tmp_path / "events.sock")
    hub.publish({"event": "status", "input": "gnss", "state": "silent", "reason": "no_sentence", "detail": "baud?"})
    hub.publish({"event": "status", "input": "can", "state": "ok", "reason": "received"})
    hub.publish({"event": "status", "input": "radio", "state": "silent", "reason": "no_input"})
    hub.publish({"event": "hmi", "level": "none"})
    hub.start()
    try:
        found = by_name(machine.check_service(given))
    finally:
        hub.close()
    assert (found["running can"].state, found["running can"].detail) == (OK, "ok")
    assert (found["running radio"].state, found["running radio"].needed) == (ABSENT, False)
    assert found["running gnss"].fails
    assert (found["running gnss"].detail, found["running gnss"].mend) == ("silent: no sentence", "baud?")
    assert found["unit"].state == SKIPPED


def test_a_running_unit_that_offers_no_events(tmp_path):
    (found,) = running.running_findings(Job(0.1, Config(), tmp_path / "unit.toml", holder="a running unit"))
    assert (found.state, "[events] socket" in found.mend) == (SKIPPED, True)


def test_a_running_unit_by_the_kernels_list(tmp_path):
    file = put(tmp_path, "unit.toml")
    status = file.stat()
    where = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    put(
        tmp_path,
        "proc/locks",
        f"1: POSIX ADVISORY WRITE 5 {where} 0 EOF\n2: FLOCK  ADVISORY  WRITE 812 {where} 0 EOF\n",
    )
    assert machine.running_unit(Job(file=file, root=tmp_path)) == "a running unit (process 812)"


# Power and disk


@pytest.mark.parametrize(
    ("code", "state", "text"),
    [
        ("0", OK, "enough"),
        ("50005", PROBLEM, "under-voltage now, throttled now; since the start: under-voltage, throttled"),
        ("80000", PROBLEM, "since the start: too warm"),
    ],
)
def test_power_by_the_firmwares_bits(tmp_path, code, state, text):
    put(tmp_path, "sys/devices/platform/soc/soc:firmware/get_throttled", f"{code}\n")
    found = by_name(machine.check_power(job(tmp_path)))["power"]
    assert (found.state, found.detail) == (state, text)
    assert ("5.1 V" in found.mend) == ("voltage" in text)


def test_power_by_vcgencmd(tmp_path):
    pi(tmp_path)
    says = {"vcgencmd get_throttled": "throttled=0x10000\n"}
    assert by_name(machine.check_power(job(tmp_path, None, says)))["power"].found["since_start"] == ["under-voltage"]
    assert by_name(machine.check_power(job(tmp_path)))["power"].state == SKIPPED


def test_temperature(tmp_path):
    put(tmp_path, "sys/class/thermal/thermal_zone0/temp", "48312\n")
    assert by_name(machine.check_power(job(tmp_path)))["temperature"].detail == "48 C"
    put(tmp_path, "sys/class/thermal/thermal_zone1/temp", "82000\n")
    assert by_name(machine.check_power(job(tmp_path)))["temperature"].state == PROBLEM


def disk(folder, **tables):
    config = Config.model_validate(tables)
    return by_name(machine.check_disk(Job(1, config, folder / "unit.toml", root=folder)))


def test_folders_of_events_and_record_once_if_the_same(tmp_path):
    (tmp_path / "log").mkdir()
    found = disk(tmp_path, events={"file": "log/e.jsonl"}, hmi={"record": "log/p.jsonl"})
    assert {name: each.state for name, each in found.items()} == {"events folder": OK, "events disk": OK}
    assert list((tmp_path / "log").iterdir()) == []
    assert disk(tmp_path).keys() == {"disk"}


def test_a_folder_that_is_missing_full_read_only_or_slow(tmp_path, monkeypatch):
    found = disk(tmp_path, events={"file": "none/e.jsonl"})["events folder"]
    assert found.fails
    assert "make the folder" in found.mend
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _path: SimpleNamespace(free=50_000_000))
    found = disk(tmp_path, events={"file": "e.jsonl"})["events disk"]
    assert (found.state, found.needed) == (PROBLEM, False)
    monkeypatch.setattr(machine, "_write_seconds", lambda _folder: 2.0)
    found = disk(tmp_path, events={"file": "e.jsonl"})["events folder"]
    assert (found.state, found.needed, "worn card" in found.mend) == (PROBLEM, False, True)

    def read_only(_folder):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(machine, "_write_seconds", read_only)
    found = disk(tmp_path, events={"file": "e.jsonl"})["events folder"]
    assert found.fails
    assert "remount,rw" in found.mend


def test_a_root_in_memory(tmp_path):
    pi(tmp_path)
    put(tmp_path, "proc/mounts", "overlay / overlay rw,relatime 0 0\n")
    assert disk(tmp_path)["root"].state == PROBLEM
