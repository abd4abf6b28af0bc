"""`asvkit replay` and the configuration: what users get wrong, and how inputs are laid on each other."""

import json
import subprocess
import sys
from pathlib import Path

import can
import pytest

from asvrig.gnss_feed import sentence as nmea_line
from asvtools.cli import run
from asvunit.config import load_config
from asvunit.errors import UsageError


def sentence(body: str) -> str:
    return nmea_line(body).decode()


def rmc(clock: str, day: str = "150126", status: str = "A", kmh: float = 36) -> str:
    return sentence(f"GPRMC,{clock},{status},3500.0000,N,13900.0000,E,{kmh / 1.852:.3f},090.0,{day},,,A")


@pytest.fixture
def nmea(tmp_path: Path) -> Path:
    path = tmp_path / "drive.nmea"
    path.write_text("".join(rmc(f"03000{n}.00") for n in range(4)))
    return path


@pytest.fixture
def can_log(tmp_path: Path):
    def make(start: float, seconds: float = 2.0) -> Path:
        path = tmp_path / f"drive_{start}.log"
        with can.Logger(str(path)) as log:
            for n in range(int(seconds * 50)):
                log.on_message_received(
                    can.Message(timestamp=start + n / 50, arbitration_id=0x7FF, data=bytes(8), is_extended_id=False)
                )
        return path

    return make


def failed(capfd, *arguments: str) -> str:
    """The one line on stderr of a command that must fail with 2."""
    assert run([str(argument) for argument in arguments]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("asvkit: ")
    return lines[0]


def test_nothing_to_replay(capfd):
    assert "at least one of" in failed(capfd, "replay")


def test_missing_directory_and_binary_files(capfd, tmp_path, nmea):
    binary = tmp_path / "binary.toml"
    binary.write_bytes(bytes(range(256)) * 4)
    assert "none.nmea" in failed(capfd, "replay", "--gnss", tmp_path / "none.nmea")
    assert str(tmp_path) in failed(capfd, "replay", "--gnss", tmp_path)
    assert "binary.toml" in failed(capfd, "replay", "--gnss", nmea, "--config", binary)
    assert "binary.toml" in failed(capfd, "replay", "--can", nmea, "--vehicle", binary)
    assert "binary.toml" in failed(capfd, "replay", "--gnss", binary)
    assert "binary.toml" in failed(capfd, "replay", "--radio", binary)


def test_can_needs_a_map(capfd, can_log):
    assert "--vehicle" in failed(capfd, "replay", "--can", can_log(0))


def bench_log(tmp_path: Path, start: float, name: str = "bench.log") -> Path:
    """A log of the bench car: 50 km/h, right winker."""
    import cantools

    from asvunit.resources import data_folder

    database = cantools.database.load_file(data_folder("dbc") / "bench.dbc")
    path = tmp_path / name
    with can.Logger(str(path)) as log:
        for n in range(100):
            for message in database.messages:
                data = dict.fromkeys((signal.name for signal in message.signals), 0)
                for signal in message.signals:
                    if "SPEED" in signal.name:
                        data[signal.name] = 50
                    if "ALIVE" in signal.name or "COUNTER" in signal.name:
                        data[signal.name] = n % 16
                frame = message.encode(data, strict=False)
                log.on_message_received(
                    can.Message(
                        timestamp=start + n / 50,
                        arbitration_id=message.frame_id,
                        data=frame,
                        is_extended_id=message.is_extended_frame,
                    )
                )
    return path


def test_no_common_time_names_both_ranges(capfd, tmp_path, nmea):
    log = bench_log(tmp_path, 1_700_000_000)
    line = failed(capfd, "replay", "--gnss", nmea, "--can", log, "--vehicle", "bench")
    for part in (str(nmea), str(log), "2026-01-15 03:00:00.000", "2023-11-14 22:13:20.000", "--align start"):
        assert part in line


def test_align_start_lays_relative_logs_on_the_first_time(capfd, tmp_path, nmea):
    log, events = bench_log(tmp_path, 5.0), tmp_path / "events.jsonl"
    assert "--align start" in failed(capfd, "replay", "--gnss", nmea, "--can", log, "--vehicle", "bench")
    arguments = ["replay", "--gnss", nmea, "--can", log, "--vehicle", "bench", "--align", "start", "--events", events]
    assert run([str(argument) for argument in arguments]) == 0
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert told[0]["t"] == 1768446000.0
    assert {e["state"] for e in told if e["event"] == "status" and e["input"] == "can"} == {"ok", "stale"}


def test_relative_log_alone_starts_at_its_own_time(tmp_path):
    events = tmp_path / "events.jsonl"
    log = bench_log(tmp_path, 5.0)
    assert run(["replay", "--can", str(log), "--vehicle", "bench", "--events", str(events)]) == 0
    assert json.loads(events.read_text().splitlines()[0])["t"] == 5.0


def test_a_wrong_date_that_would_take_years_is_refused(capfd, tmp_path):
    path = tmp_path / "jump.nmea"
    path.write_text(rmc("030000.00", "150116") + rmc("030001.00", "150126"))
    assert "3653 days" in failed(capfd, "replay", "--gnss", path)


@pytest.mark.parametrize("day", ["9999-12-31", "1969-12-31", "0001-01-01"])
def test_dates_before_gps_or_beyond_captures_are_refused(capfd, nmea, day):
    assert "1980" in failed(capfd, "replay", "--gnss", nmea, "--date", day)


def test_date_is_for_logs_that_tell_none(capfd, tmp_path):
    path = tmp_path / "gga.nmea"
    path.write_text(
        "".join(sentence(f"GPGGA,23595{n}.00,3500.0,N,13900.0,E,1,08,0.9,20.0,M,36.0,M,,") for n in range(8, 10))
        + sentence("GPGGA,000000.00,3500.0,N,13900.0,E,1,08,0.9,20.0,M,36.0,M,,")
    )
    assert "--date" in failed(capfd, "replay", "--gnss", path)
    assert "YYYY-MM-DD" in failed(capfd, "replay", "--gnss", path, "--date", "2026-13-01")
    assert run(["replay", "--gnss", str(path), "--date", "2026-01-15"]) == 0
    assert "2026-01-15 23:59:58.000 to 2026-01-16 00:00:00.000: 21 frames" in capfd.readouterr().out


def test_own_frames_in_a_capture_are_known(tmp_path, nmea, capfd):
    out, events = tmp_path / "own.pcap", tmp_path / "events.jsonl"
    assert run(["replay", "--gnss", str(nmea), "--sent", str(out)]) == 0
    assert run(["replay", "--gnss", str(nmea), "--radio", str(out), "--events", str(events)]) == 0
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert [e for e in told if e["event"] == "neighbour"] == []
    assert len([e for e in told if e["event"] == "drop" and e["reason"] == "own_frame"]) == 31


def test_void_sentences_without_a_time_end_the_fix(tmp_path, nmea):
    events = tmp_path / "events.jsonl"
    void = sentence("GPRMC,,V,,,,,,,,,,N")
    nmea.write_text(void + nmea.read_text() + void * 5 + rmc("030006.00"))
    assert run(["replay", "--gnss", str(nmea), "--events", str(events)]) == 0
    told = [json.loads(line) for line in events.read_text().splitlines()]
    status = [(e["t"] - 1768446000, e["state"], e["reason"]) for e in told if e.get("input") == "gnss"]
    assert status == [(0.0, "ok", "received"), (3.0, "stale", "void"), (6.0, "ok", "received")]


def test_same_seed_same_bytes_other_seed_other_id(tmp_path, nmea):
    outputs = []
    for number, seed in enumerate(("3", "3", "4")):
        out = tmp_path / f"{number}.pcap"
        assert run(["replay", "--gnss", str(nmea), "--seed", seed, "--sent", str(out)]) == 0
        outputs.append(out.read_bytes())
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize("seed", ["-1", str(1 << 29)])
def test_seed_range(capfd, nmea, seed):
    assert "--seed" in failed(capfd, "replay", "--gnss", nmea, "--seed", seed)


@pytest.mark.parametrize("option", ["--events", "--sent", "--journal"])
def test_outputs_never_overwrite_inputs_or_each_other(capfd, tmp_path, nmea, option):
    before = nmea.read_bytes()
    assert "give a file of its own" in failed(capfd, "replay", "--gnss", nmea, option, nmea)
    hard = tmp_path / "same.nmea"
    hard.hardlink_to(nmea)
    assert "give a file of its own" in failed(capfd, "replay", "--gnss", nmea, option, hard)
    assert nmea.read_bytes() == before
    out = tmp_path / "out"
    other = "--sent" if option == "--events" else "--events"
    assert "give a file of its own" in failed(capfd, "replay", "--gnss", nmea, option, out, other, out)
    assert not out.exists()


def test_outputs_never_overwrite_the_map_or_its_database(capfd, tmp_path):
    from asvunit.resources import data_folder

    folder = data_folder("dbc")
    database, vehicle = tmp_path / "bench.dbc", tmp_path / "maps" / "mine.toml"
    vehicle.parent.mkdir()
    database.write_bytes((folder / "bench.dbc").read_bytes())
    vehicle.write_bytes((folder / "maps/bench.toml").read_bytes())
    config = tmp_path / "unit.toml"
    config.write_text(f"[vehicle]\nmap = '{vehicle}'\n")
    log = bench_log(tmp_path, 5.0)
    for target in (database, vehicle):
        before = target.read_bytes()
        for given in (["--vehicle", vehicle], ["--config", config]):
            assert "give a file of its own" in failed(capfd, "replay", "--can", log, *given, "--sent", target)
        assert target.read_bytes() == before


def test_full_disk_is_one_line(capfd, nmea):
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    assert run(["replay", "--gnss", str(nmea), "--events", "/dev/full"]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "/dev/full" in line


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[vehicle]\nkidn = 'car'", ("vehicle.kidn", "did you mean kind")),
        ("vehicel = 1", ("vehicel", "did you mean vehicle")),
        ("[vehicle]\nkind = 'boat'", ("vehicle.kind", "'car'")),
        ("[presentation]\nparallel = 9", ("presentation.parallel",)),
        ("[ego]\nsampling_delay_ms = 'soon'", ("ego.sampling_delay_ms",)),
        ("config = 2", ("config",)),
        ("config = true", ("config",)),
        ("config = 1.0", ("config",)),
        ("[radio]\nport = true", ("radio.port",)),
        ("[crossing]\nenabled = 'yes'", ("crossing.enabled",)),
        ("[vehicle]\nlength_m = nan", ("vehicle.length_m", "finite")),
        ("seed = ", ("not TOML",)),
    ],
)
def test_configuration_mistakes_name_file_and_key(tmp_path, text, parts):
    path = tmp_path / "unit.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_config(path)
    for part in (str(path), *parts):
        assert part in str(refused.value)


def test_documented_configuration_is_the_default(tmp_path):
    page = (Path(__file__).parents[2] / "docs/configuration.md").read_text()
    path = tmp_path / "unit.toml"
    path.write_text(page.split("```toml")[1].split("```")[0])
    assert load_config(path) == load_config(None)


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "closed"),
    [
        ("decode -", "0<&-"),
        ("decode -", "1>&-"),
        *(pytest.param("decode -", closed, marks=pytest.mark.long) for closed in ("2>&-", "0<&- 1>&- 2>&-")),
        pytest.param("encode", "0<&-", marks=pytest.mark.long),
        pytest.param("decode 00", "1>&-", marks=pytest.mark.long),
        ("replay", "2>&-"),
        pytest.param("doctor --json", "1>&-", marks=pytest.mark.long),
        ("doctor --json", "0<&- 1>&- 2>&-"),
    ],
)
def test_closed_streams_show_no_traceback(closed, command):
    shell = f"{sys.executable} -m asvtools.cli {command} {closed}"
    done = subprocess.run(["sh", "-c", shell], input="", capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr


def test_only_events_go_to_stdout(capfd, nmea):
    assert "--events only" in failed(capfd, "replay", "--gnss", nmea, "--sent", "-")
    assert run(["replay", "--gnss", str(nmea), "--events", "-"]) == 0
    assert json.loads(capfd.readouterr().out.splitlines()[0])["event"] == "start"


def test_readme_example_runs():
    page = (Path(__file__).parents[2] / "README.md").read_text()
    code = page.split("## In Python")[1].split("```python")[1].split("```")[0]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "40\n"
