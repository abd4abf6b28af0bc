"""What doctor says of a receiver: who has its port, at which rate it speaks, what its sentences lack."""

import os
import time
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import xor

import pytest

from asvtools.doctor import device_users, gnss, serial_line
from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Job
from asvtools.doctor.nmea_sample import sample
from asvunit.config import Config

SECOND_NS = 1_000_000_000
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
UBX = b"\xb5\x62\x01\x07\x02\x00\xaa\xbb\x6f\x40"  # checksum: sum, and sum of the sums
KEY = {"0x2a01": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}


def sentence(body):
    return f"${body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def epoch(at=NOON, status="A", quality=1, kinds=("RMC", "GGA", "GST"), hdop="0.9", error="1.2"):
    told = f"{at:%H%M%S}.{at.microsecond // 10000:02d}"
    place = "3541.3100,N,13941.5000,E" if quality else ",,,"
    bodies = {
        "RMC": f"GNRMC,{told},{status},{place},10.0,90.0,{at:%d%m%y},,,A",
        "GGA": f"GNGGA,{told},{place},{quality},09,{hdop},40.0,M,36.0,M,,",
        "GST": f"GNGST,{told},2.0,,,,{error},0.8,3.0",
        "GNS": f"GNGNS,{told},{place},AD,09,{hdop},40.0,36.0,,",
        "ZDA": f"GNZDA,{told},{at:%d,%m,%Y},00,00",
        "VTG": "GNVTG,90.0,T,,M,10.0,N,18.5,K,A",
        "GSV": "GPGSV,1,1,01,02,45,100,40",
    }
    return b"".join(sentence(bodies[kind]) for kind in kinds)


def chunks(*data, at=NOON, step_ms=100, late_s=0.2):
    """Bursts arriving `late_s` after their times."""
    first_ns = int((at.timestamp() + late_s) * SECOND_NS)
    return [(first_ns + n * step_ms * 1_000_000, each) for n, each in enumerate(data)]


def bursts(count=5, step_ms=100, **options):
    return [epoch(NOON + timedelta(milliseconds=n * step_ms), **options) for n in range(count)]


def by_name(findings):
    return {finding.name: finding for finding in findings}


# Samples


def test_a_good_receiver():
    heard = sample(chunks(*bursts()))
    assert heard.speaks
    assert dict(heard.sentences) == {"RMC": 5, "GGA": 5, "GST": 5}
    assert (heard.fixes, heard.voids, heard.satellites, heard.hdop, heard.error_m) == (5, 0, 9, 0.9, 1.2)
    assert (heard.rate_hz, heard.quality, heard.has_speed) == (10.0, "autonomous", True)
    assert heard.offset_s == pytest.approx(-0.2, abs=0.001)
    assert heard.utc == NOON + timedelta(milliseconds=400)


def test_sentences_split_over_pieces_count_with_their_last_byte():
    data = epoch()
    heard = sample([(int(NOON.timestamp()) * SECOND_NS + n, data[n : n + 7]) for n in range(0, len(data), 7)])
    assert dict(heard.sentences) == {"RMC": 1, "GGA": 1, "GST": 1}


def test_the_least_delayed_sentence_tells_the_offset():
    late, soon = chunks(epoch(), late_s=0.9) + chunks(epoch(NOON + timedelta(seconds=1)), late_s=1.1), None
    assert sample(late).offset_s == pytest.approx(-0.1, abs=0.001)
    assert soon is None


def test_noise_is_no_receiver():
    noise = bytes(range(256)) * 20
    heard = sample([(0, noise)])
    assert not heard.speaks
    assert (heard.ubx, heard.sentences.total(), heard.bytes) == (0, 0, 5120)


def test_bad_checksums_are_counted():
    assert sample([(0, epoch().replace(b"GNGGA", b"GNGGB"))]).bad_checksums == 1


def test_ubx_frames_by_their_checksum():
    assert sample([(0, UBX * 3)]).ubx == 3
    assert sample([(0, UBX[:-1] + b"\0" + UBX[:-3])]).ubx == 0


def test_rtcm_frames_follow_one_another():
    frame = b"\xd3\x00\x04abcdxyz"
    assert sample([(0, frame * 3)]).rtcm == 2


def test_a_void_sentence_tells_no_clock():
    heard = sample(chunks(epoch(status="V", quality=0)))
    assert (heard.fixes, heard.voids, heard.offset_s) == (0, 1, None)
    assert heard.utc == NOON


# What is made of them


def findings(*data, config=None, **options):
    return by_name(gnss.sample_findings(Job(config=config or Config()), sample(chunks(*data, **options))))


def test_all_good():
    told = findings(*bursts())
    assert {name: each.state for name, each in told.items()} == dict.fromkeys(
        ("gnss sentences", "gnss fix", "gnss rate", "gnss time"), OK
    )
    assert "10 fixes a second" in told["gnss rate"].detail
    assert told["gnss fix"].detail == "autonomous, 9 satellites, HDOP 0.9, GST error 1.2 m"
    assert "within 0.20 s" in told["gnss time"].detail


@pytest.mark.parametrize(
    ("kinds", "state", "needed", "text"),
    [
        (("RMC", "GGA"), ABSENT, False, "no GST: own error from HDOP"),
        (("RMC", "GST"), ABSENT, False, "no GGA or GNS: no height"),
        (("GGA", "GST"), PROBLEM, True, "no speed and no direction"),
        (("GGA", "GST", "VTG"), ABSENT, False, "no RMC or ZDA: no date"),
        (("GNS", "ZDA", "VTG", "GST"), OK, False, "GNS 5"),
        (("GSV",), PROBLEM, True, "no position"),
        (("RMC",), ABSENT, False, "own error by class"),
    ],
)
def test_missing_sentences_and_what_the_unit_lacks_by_them(kinds, state, needed, text):
    told = findings(*bursts(kinds=kinds))["gnss sentences"]
    assert (told.state, told.needed) == (state, needed)
    assert text in told.detail
    assert ("gnss setup" in told.mend) == (state != OK)


def test_gns_and_zda_are_read_as_gga_and_rmc():
    told = findings(*bursts(kinds=("GNS", "ZDA", "VTG")))
    assert told["gnss fix"].detail == "differential, 9 satellites, HDOP 0.9"
    assert told["gnss time"].detail == "2026-11-21 12:00:00 UTC"
    assert told["gnss rate"].found["rate_hz"] == 10.0


def test_no_fix_fails_the_unit():
    told = findings(*bursts(status="V", quality=0))["gnss fix"]
    assert told.fails
    assert "no fix" in told.detail
    assert "open sky" in told.mend


def test_a_fix_that_comes_and_goes_or_is_poor():
    told = findings(*bursts(3), epoch(NOON + timedelta(seconds=1), "V", 0))["gnss fix"]
    assert (told.state, told.needed) == (PROBLEM, False)
    assert "lost in 1 of 4" in told.detail
    poor = findings(*bursts(error="22.0"))["gnss fix"]
    assert (poor.state, poor.needed) == (PROBLEM, False)
    assert "22 m is more than class B promises (15 m)" in poor.detail
    of_c = Config.model_validate({"vehicle": {"position_class": "C"}})
    assert findings(*bursts(error="22.0"), config=of_c)["gnss fix"].state == OK


def test_what_the_unit_itself_would_not_use_is_no_fix():
    """RMC says yes, but the time stands still: the unit's own reading decides."""
    heard = sample(chunks(*[epoch()] * 12, step_ms=500))
    assert heard.sentences["RMC"] == 12
    assert heard.reasons["time_repeated"] > 0
    broken = epoch().replace(b"3541.3100", b"9941.3100")
    fields = broken.decode().splitlines()
    whole = b"".join(sentence(line[1:-3]) for line in fields)
    told = findings(whole)["gnss fix"]
    assert told.fails
    assert "out of range" in told.detail


def test_a_simulated_position_is_no_position():
    assert findings(*bursts(quality=8))["gnss fix"].fails


def test_one_a_second_works_with_a_hint():
    told = findings(*bursts(step_ms=1000), step_ms=1000)["gnss rate"]
    assert (told.state, told.found["rate_hz"]) == (OK, 1.0)
    assert "gnss setup" in told.mend


@pytest.mark.parametrize(
    ("off_s", "keys", "state", "needed", "text"),
    [
        (1.5, KEY, OK, False, "within 1.50 s"),
        (90, KEY, PROBLEM, False, "90.0 s ahead: dates in events"),
        (-86_400 * 3, {}, PROBLEM, False, "3.0 days behind: signed emergency frames count as stale"),
        (-86_400 * 3, KEY, PROBLEM, True, "stale"),
    ],
)
def test_the_system_clock_against_the_receiver(off_s, keys, state, needed, text):
    config = Config.model_validate({"emergency": {"keys": keys}})
    told = findings(*bursts(), config=config, late_s=off_s)["gnss time"]
    assert (told.state, told.needed) == (state, needed)
    assert text in told.detail
    assert ("date -u -s '2026-11-21 12:00:00'" in told.mend) == (state == PROBLEM)


def test_a_date_1024_weeks_back_is_the_firmware():
    old = datetime(2007, 4, 7, 12, tzinfo=UTC)
    told = findings(epoch(old), at=old)["gnss time"]
    assert told.state == PROBLEM
    assert "1024 weeks" in told.mend
    cold = datetime(1980, 1, 6, tzinfo=UTC)
    assert "open sky" in findings(epoch(cold), at=cold)["gnss time"].mend


# The port


@pytest.fixture
def tree(tmp_path):
    """A machine with one port, held by nobody."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/ttyAMA0").touch()
    (tmp_path / "dev/serial0").symlink_to("ttyAMA0")
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cmdline").write_text("console=tty1 root=PARTUUID=1\n")
    return tmp_path


def process(tree, number, name, line="", holds=None):
    folder = tree / f"proc/{number}"
    (folder / "fd").mkdir(parents=True)
    (folder / "comm").write_text(f"{name}\n")
    (folder / "cmdline").write_bytes(line.replace(" ", "\0").encode() + b"\0")
    if holds:
        (folder / "fd/5").symlink_to(holds)


@pytest.mark.parametrize("port", ["/dev/ttyAMA0", "/dev/serial0"])
@pytest.mark.parametrize(
    ("name", "line", "holds", "mend"),
    [
        ("gpsd", "/usr/sbin/gpsd -n /dev/serial0", None, 'gpsd = "localhost:2947"'),
        ("gpsd", "/usr/sbin/gpsd", "/dev/ttyAMA0", "disable --now gpsd.socket gpsd"),
        ("ModemManager", "/usr/sbin/ModemManager", "/dev/ttyAMA0", "disable --now ModemManager"),
        ("agetty", "/sbin/agetty --keep-baud 115200 ttyAMA0 vt220", None, "serial-getty@ttyAMA0"),
        ("cat", "cat /dev/serial0", "/dev/ttyAMA0", "`sudo kill 812`"),
    ],
)
def test_the_usual_thieves(tree, port, name, line, holds, mend):
    process(tree, 812, name, line, holds)
    process(tree, 813, "bash", "vi ttyAMA0", "/dev/tty1")
    found = serial_line.port_finding(Job(root=tree), "gnss port", port, needed=True)
    assert found.fails
    assert f"in use by {name} (process 812)" in found.detail
    assert mend in found.mend
    assert [user["name"] for user in found.found["users"]] == [name]


def test_who_has_both_ends_of_a_pty_is_the_device(tree):
    process(tree, 812, "rig", "rig", "/dev/pts/7")
    assert [user.number for user in device_users.users_of(Job(root=tree), "/dev/pts/7")] == [812]
    (tree / "proc/812/fd/6").symlink_to("/dev/ptmx")
    assert device_users.users_of(Job(root=tree), "/dev/pts/7") == []


@pytest.mark.parametrize(("board", "mend"), [(b"Raspberry Pi 4\0", "do_serial_cons 1"), (b"", "console=ttyAMA0 out")])
def test_the_kernels_console(tree, board, mend):
    (tree / "proc/device-tree").mkdir()
    (tree / "proc/device-tree/model").write_bytes(board)
    (tree / "proc/cmdline").write_text("console=serial0,115200 console=tty1\n")
    (user,) = device_users.users_of(Job(root=tree), "/dev/ttyAMA0")
    assert (user.name, mend in user.mend) == (device_users.KERNEL, True)


def test_a_free_port_and_a_closed_one(tree, monkeypatch):
    free = serial_line.port_finding(Job(root=tree), "gnss port", "/dev/serial0", needed=True)
    assert (free.state, free.found["device"]) == (OK, "/dev/ttyAMA0")
    (tree / "dev/ttyAMA0").chmod(0o660)
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    monkeypatch.setattr(serial_line, "_owner", lambda _status: {"owner": "root", "group": "dialout"})
    os_stat = os.stat(tree / "dev/ttyAMA0")
    shut = serial_line.port_finding(Job(root=tree), "gnss port", "/dev/ttyAMA0", needed=True)
    assert shut.fails
    assert "root:dialout" in shut.detail
    assert ("usermod -aG dialout $USER" in shut.mend) == bool(os_stat.st_gid)  # the group root is no mend


def test_a_port_that_is_not_there(tree):
    (tree / "proc/device-tree").mkdir()
    found = serial_line.port_finding(Job(root=tree), "gnss port", "/dev/ttyUSB0", needed=True)
    assert found.fails
    assert "set gnss.port to one that is there: /dev/ttyAMA0" in found.mend
    (tree / "proc/device-tree/model").write_bytes(b"Raspberry Pi 5\0")
    found = serial_line.port_finding(Job(root=tree), "gnss port", "/dev/ttyS0", needed=True)
    assert "do_serial_hw 0" in found.mend


def test_a_file_is_no_port(tmp_path):
    (tmp_path / "unit.log").touch()
    found = serial_line.port_finding(Job(), "gnss port", str(tmp_path / "unit.log"), needed=True)
    assert found.fails
    assert "no serial line" in found.detail


def test_ports_with_no_hardware_are_no_candidates(tree):
    for name, kind in (("ttyS0", "4"), ("ttyS1", "0"), ("ttyS2", None)):
        (tree / "dev" / name).touch()
        if kind is not None:
            (tree / f"sys/class/tty/{name}").mkdir(parents=True)
            (tree / f"sys/class/tty/{name}/type").write_text(f"{kind}\n")
    assert serial_line.candidates(Job(root=tree)) == ["/dev/ttyAMA0", "/dev/ttyS0"]


# Listening


class Line:
    """One end of a pipe, as pyserial's port is used: it holds what a receiver says, then its end."""

    def __init__(self, data):
        self._read, write = os.pipe()
        os.write(write, data)
        self._write = write

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        os.close(self._read)
        os.close(self._write)

    def fileno(self):
        return self._read


def opener(says, asked):
    """A port that says something at some baud rates, and nothing at the others."""

    def opened(_port, baud):
        asked.append(baud)
        if baud == 921600:
            raise ValueError("no such rate")
        return Line(says.get(baud, b""))

    return opened


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(serial_line, "SCAN_S", 0.01)


def check(tree, says, baud=9600, seconds=0.02, **config):
    asked = []
    given = Config.model_validate({"gnss": {"port": "/dev/ttyAMA0", "baud": baud}, **config})
    return by_name(gnss.check_gnss(Job(seconds, given, root=tree), opener(says, asked))), asked


def current(**options):
    now = datetime.now(UTC)
    return b"".join(epoch(now + timedelta(milliseconds=100 * n), **options) for n in range(4))


@pytest.mark.usefixtures("quick")
def test_the_right_baud_is_listened_to_once(tree):
    found, asked = check(tree, {9600: current()})
    assert asked == [9600]
    assert not [name for name, each in found.items() if each.state == PROBLEM]
    assert found.keys() == {"gnss port", "gnss baud", "gnss sentences", "gnss fix", "gnss rate", "gnss time"}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("noise", [b"", b"\xf8\x00\x86" * 50])
def test_the_other_baud_is_found_and_told(tree, noise):
    found, asked = check(tree, {9600: noise, 38400: current()})
    assert found.keys() == {"gnss port", "gnss baud"}
    assert found["gnss baud"].fails
    assert found["gnss baud"].mend == "set gnss.baud = 38400"
    assert (found["gnss baud"].found["speaks_at"], asked) == (38400, [9600, 38400])


def test_a_line_that_is_full(tree):
    data = current()
    seconds = len(data) * 10 / 9600 / 0.95
    found, _asked = check(tree, {9600: data}, seconds=seconds)
    assert (found["gnss baud"].state, found["gnss baud"].needed) == (PROBLEM, False)
    assert "95% full" in found["gnss baud"].detail
    found, _asked = check(tree, {9600: data}, seconds=seconds / 2)  # a pty: no line can bring so much
    assert found["gnss baud"].state == OK


@pytest.mark.usefixtures("quick")
def test_a_receiver_of_ubx_alone(tree):
    found, _asked = check(tree, {9600: UBX * 4})
    assert "UBX alone" in found["gnss baud"].detail
    assert "asvkit gnss setup" in found["gnss baud"].mend
    found, _asked = check(tree, {115200: UBX * 4})
    assert found["gnss baud"].mend.startswith("set gnss.baud = 115200, then")


@pytest.mark.usefixtures("quick")
def test_a_silent_port_is_tried_at_every_usual_rate(tree):
    found, asked = check(tree, {})
    assert sorted(asked) == sorted(serial_line.BAUDS)
    assert "nothing at 9600 baud" in found["gnss baud"].detail
    assert "powered" in found["gnss baud"].mend
    found, _asked = check(tree, {9600: b"\xd3\x00\x04abcdxyz" * 4})
    assert "RTCM corrections alone at 9600 baud" in found["gnss baud"].detail
    found, _asked = check(tree, {9600: bytes(100)})
    assert "100 bytes but no sentence" in found["gnss baud"].detail


def test_a_line_that_is_lost_while_listening(tree):
    class Lost(Line):
        def __init__(self):
            super().__init__(b"")
            os.close(self._write)
            self._write = os.open(os.devnull, os.O_RDONLY)

    job = Job(1, Config.model_validate({"gnss": {"port": "/dev/ttyAMA0"}}), root=tree)
    began = time.monotonic()
    found = by_name(gnss.check_gnss(job, lambda _port, _baud: Lost()))
    assert found["gnss baud"].fails
    assert "look at its plug" in found["gnss baud"].mend
    assert time.monotonic() - began < 60


def test_a_port_in_use_or_held_by_a_unit_is_not_opened(tree):
    asked = []
    config = Config.model_validate({"gnss": {"port": "/dev/ttyAMA0"}})
    held = list(gnss.check_gnss(Job(1, config, root=tree, holder="a running unit"), opener({}, asked)))
    process(tree, 812, "gpsd", "gpsd", "/dev/ttyAMA0")
    used = list(gnss.check_gnss(Job(1, config, root=tree), opener({}, asked)))
    assert ([each.state for each in held], [each.state for each in used], asked) == ([SKIPPED], [PROBLEM], [])


def test_without_a_receiver_or_with_a_simulated_one():
    (none,) = gnss.check_gnss(Job(1, Config()))
    assert (none.state, none.name) == (ABSENT, "gnss")
    (simulated,) = gnss.check_gnss(Job(1, Config.model_validate({"ego": {"simulate": "scenario"}})))
    assert simulated.state == SKIPPED


@pytest.mark.usefixtures("quick")
def test_without_a_configuration_the_ports_that_speak_are_found(tree):
    (tree / "dev/ttyUSB0").touch()
    process(tree, 900, "gpsd", "gpsd", "/dev/ttyUSB0")
    found = by_name(gnss.check_gnss(Job(0.1, root=tree), opener({38400: current()}, [])))
    assert {name: each.state for name, each in found.items()} == {
        "serial port ttyAMA0": OK, "serial port ttyUSB0": PROBLEM,
    }  # fmt: skip
    assert found["serial port ttyAMA0"].mend == '[gnss] port = "/dev/ttyAMA0", baud = 38400'
    assert not any(each.needed for each in found.values())


@pytest.mark.usefixtures("quick")
def test_a_port_without_a_receiver_is_still_a_port(tree):
    (found,) = gnss.check_gnss(Job(0.1, root=tree), opener({}, []))
    assert (found.state, found.found["speaks_at"]) == (OK, None)
    assert "no receiver heard" in found.detail
