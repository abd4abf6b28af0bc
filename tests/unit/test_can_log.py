"""CAN logs: every format, bad lines that cost themselves only, broken files that keep what came before."""

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import can
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asvunit.adapters.can_log import SUFFIXES, CanLog
from asvunit.errors import UsageError

START = 1768446000.0


def message(number: int, **options) -> can.Message:
    fields = {"arbitration_id": 0x100 + number, "is_extended_id": False, "data": bytes([number] * 8)}
    return can.Message(timestamp=START + number * 0.01, **(fields | options))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(suffix: str, *messages: can.Message) -> Path:
        path = tmp_path / f"drive{suffix}"
        with can.Logger(path) as logger:
            for each in messages:
                logger.on_message_received(each)
        return path

    return write


def ids(path: Path) -> tuple[list[int], dict[str, int]]:
    log = CanLog(path)
    return [each.arbitration_id for each in log], dict(log.counters)


def text(path: Path, *lines: str) -> Path:
    path.write_text("".join(line + "\n" for line in lines))
    return path


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".mf4"])
def test_formats(write, suffix: str) -> None:
    path = write(suffix, *(message(number) for number in range(5)))
    log = CanLog(path)
    for _ in range(2):  # a second pass is the same
        assert [(each.arbitration_id, bytes(each.data)) for each in log] == [
            (0x100 + n, bytes([n] * 8)) for n in range(5)
        ]
        assert not log.counters
    times = [each.timestamp for each in log]
    assert [round((time - times[0]) * 1e6) for time in times] == [0, 10000, 20000, 30000, 40000]


@pytest.mark.parametrize("suffix", [".log", ".blf", ".csv", ".asc", ".trc"])
def test_gzip(write, suffix: str) -> None:
    path = write(suffix, *(message(number) for number in range(5)))
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert ids(packed) == (list(range(0x100, 0x105)), {})
    if suffix != ".blf":  # all of this one is in a single piece
        packed.write_bytes(packed.read_bytes()[:-12])
        assert ids(packed)[1] == {"unreadable_rest": 1}
    packed.write_bytes(path.read_bytes())  # not gzip at all: the content tells
    assert ids(packed) == (list(range(0x100, 0x105)), {})


def test_error_and_remote_frames(write) -> None:
    for suffix in (".log", ".blf", ".csv"):
        path = write(
            suffix,
            message(0),
            message(1, is_error_frame=True),
            message(2, is_remote_frame=True, data=None, dlc=0),
            message(3),
        )
        assert ids(path) == ([0x100, 0x103], {"error_frame": 1, "remote_frame": 1})


def test_candump_lines(tmp_path: Path) -> None:
    path = text(
        tmp_path / "drive.log",
        "(1768446000.000001) can0 101#0011 R",
        "(1768446000.000002) can0 102#0011 T",
        "(1768446000.000003) can0 103#0011",
        "(1768446000.000004) can0 00000104#",
        "(1768446000.000005) can0 105##1001122",
        "",
        "(1768446000.000006) can0 20000004#0004000000000000",  # python-can reads it as data of id 4
        "(1768446000.000007) can0 20000080#0000000000000000",
        "(1768446000.000008) can0 106#R8",
        "(1768446000.000009) can0 107#001",  # odd
        "(1768446000.000010) can0 107#00112233445566778899",  # too long
        "(176844x000.000011) can0 107#00",
        "(1768446000.000012) can0 107",
        "garbage \x00 é",
        "(1768446000.000013) can0 8FF#00",  # no standard identifier
        "(1768446000.000014) can0 108#00",
    )
    log = CanLog(path)
    messages = list(log)
    assert [each.arbitration_id for each in messages] == [0x101, 0x102, 0x103, 0x104, 0x105, 0x108]
    assert [round(each.timestamp * 1e6) % 1000 for each in messages] == [1, 2, 3, 4, 5, 14]
    assert [each.is_extended_id for each in messages] == [False] * 3 + [True] + [False] * 2
    assert log.counters == {"error_frame": 2, "remote_frame": 1, "bad_line": 5, "bad_id": 1}


@pytest.mark.parametrize("suffix", [".csv", ".asc", ".trc"])
def test_a_bad_line_costs_itself_only(write, suffix: str) -> None:
    path = write(suffix, *(message(number) for number in range(5)))
    lines = path.read_text().splitlines()
    hit = next(index for index, line in enumerate(lines) if "0102" in line or "102 " in line or "0x102" in line)
    lines[hit] = lines[hit].replace("102", "1x2")
    assert ids(text(path, *lines)) == ([0x100, 0x101, 0x103, 0x104], {"bad_line": 1})


def test_bad_times(tmp_path: Path) -> None:
    head = "timestamp,arbitration_id,extended,remote,error,dlc,data"
    rows = [f"{time},0x100,0,0,0,1,AA==" for time in ("nan", "inf", "-1", "1e300", "1.5")]
    short = "1.5,0x100,0,0,0,3,AA=="
    path = text(tmp_path / "drive.csv", head, *rows, short)
    assert ids(path) == ([0x100], {"bad_line": 3, "bad_time": 1, "short_frame": 1})


def test_blf_cut_anywhere(write) -> None:
    path = write(".blf", *(message(number % 100) for number in range(3000)))
    whole = path.read_bytes()
    for size in (200, 400, len(whole) // 2, len(whole) - 7):
        path.write_bytes(whole[:size])
        log = CanLog(path)
        try:
            messages = list(log)
        except UsageError:
            assert size < 1000
        else:
            assert 0 < len(messages) < 3000 or size > 1000
            assert log.counters["truncated_file"] or log.counters["unreadable_rest"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("content", [b"\n", b"hello world\n", bytes(range(256)) * 4])
def test_no_can_log(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"drive{suffix}"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"drive\.\w+: "):
        list(CanLog(path))
    assert path.read_bytes() == content


def test_wrong_paths(tmp_path: Path) -> None:
    (tmp_path / "folder.log").mkdir()
    (tmp_path / "empty.log").touch()
    for name in ("drive.txt", "drive", "drive.gz"):
        (tmp_path / name).write_bytes(b"something")
    for name, reason in [
        ("missing.log", "cannot be read"),
        ("missing.db", "cannot be read"),
        ("folder.log", "cannot be read"),
        ("empty.log", "empty"),
        ("drive.txt", r"known are \.asc, \.blf"),
        ("drive", "suffix"),
        ("drive.gz", "suffix"),
    ]:
        with pytest.raises(UsageError, match=reason):
            CanLog(tmp_path / name)
    assert not (tmp_path / "missing.db").exists()  # sqlite would have made it


def test_an_abandoned_pass_leaves_no_open_file(write) -> None:
    for suffix in (".log", ".blf", ".db"):
        frames = iter(CanLog(write(suffix, *(message(number) for number in range(5)))))
        next(frames)
        del frames  # a ResourceWarning would fail this test


def test_nothing_is_logged_to_stderr(write) -> None:
    path = write(".trc", message(0), message(1))
    path.write_text(path.read_text() + "3\n")
    assert ids(path)[0] == [0x100, 0x101]
    # Without a handler of its own the logger writes to stderr, where there is no pytest to take it.
    assert logging.getLogger("can").handlers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.sampled_from([".log", ".csv", ".asc", ".trc", ".blf"]), st.integers(0, 2000), st.binary(max_size=40))
def test_damage_is_not_fatal(write, suffix: str, place: int, damage: bytes) -> None:
    path = write(suffix, *(message(number) for number in range(20)))
    content = path.read_bytes()
    place %= len(content)
    path.write_bytes(content[:place] + damage + content[place + len(damage) :])
    try:
        assert all(len(each.data) == each.dlc for each in CanLog(path))
    except UsageError:
        assert suffix in (".blf", ".trc", ".asc")  # whose head tells how to read the rest


@pytest.mark.shared
@pytest.mark.parametrize("name", ["toyota_new_mc_pt.log", "toyota_new_mc_pt.blf"])
def test_a_real_log(shared: Path, name: str) -> None:
    log = CanLog(shared / "data/can" / name)
    messages = list(log)
    assert len(messages) == 20849
    assert not log.counters
    assert messages[0].timestamp == START
