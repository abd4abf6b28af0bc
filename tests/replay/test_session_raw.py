"""`asvkit replay SESSION --from-raw`: what came in, decided anew, by the session's configuration or by another."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import pytest

from asvrig.generate import Recordings, generate
from asvrig.scenario import load_scenario
from asvtools.cli import run
from asvunit.resources import data_folder
from asvunit.session import form
from asvunit.session.lines import SentenceLines

BEGIN_NS = 1_775_005_200_000_000_000  # of the scenario
EPOCH_NS = 100_000_000


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    return generate(load_scenario("crossing"), tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def session(recordings: Recordings, tmp_path: Path) -> Path:
    """The scenario's recordings as a session holds them: CAN and receiver in two parts, the map with its database."""
    folder = tmp_path / "session"
    (folder / form.FILES).mkdir(parents=True)
    about = {"session": 1, "asvkit": version("asvkit"), "vehicle_id": 1, "seed": 7, "base_ns": 0, "offset_ns": BEGIN_NS}
    about |= {"files": {"vehicle.map": "files/bench.toml"}, "can": [{"channel": "can0", "bus": "main"}]}
    about["radio"] = {"kind": "udp", "port": 47100}
    (folder / form.SESSION).write_text(json.dumps(about))
    config = recordings.config.read_text().replace("[vehicle]", '[vehicle]\nmap = "nowhere/car.toml"')
    (folder / form.UNIT).write_text(config)
    maps = data_folder("dbc")
    shutil.copyfile(maps / "maps" / "bench.toml", folder / form.FILES / "bench.toml")
    shutil.copyfile(maps / "bench.dbc", folder / form.FILES / "bench.dbc")
    lines = recordings.can.read_bytes().splitlines(keepends=True)
    (folder / form.part_name(form.CAN, 1)).write_bytes(b"".join(lines[:1000]) + b"(1775005")
    (folder / form.part_name(form.CAN, 2)).write_bytes(b"".join(lines[1000:]))
    tagged = SentenceLines()
    time_ns, parts = BEGIN_NS, [b"", b""]
    for sentence in recordings.gnss.read_bytes().splitlines(keepends=True):
        parts[time_ns > BEGIN_NS + 80 * EPOCH_NS] += tagged.take(sentence, time_ns)
        time_ns += EPOCH_NS if b"GGA" in sentence else 0
    (folder / form.part_name(form.GNSS, 1)).write_bytes(parts[0])
    (folder / form.part_name(form.GNSS, 2)).write_bytes(parts[1])
    shutil.copyfile(recordings.radio, folder / form.part_name(form.RADIO, 1))
    return folder


def presented(path: Path) -> list[tuple]:
    """What was given to the driver: when, and what."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    found = [one for one in events if one["event"] == "support" and one["presented"]]
    return [(one["t"], one["function"], one["level"], one["reason"]) for one in found]


@pytest.mark.long
def test_it_decides_as_the_recordings_do(session: Path, recordings: Recordings, tmp_path: Path, capfd) -> None:
    raw, plain = tmp_path / "raw.jsonl", tmp_path / "plain.jsonl"
    assert run(["replay", *recordings.arguments(), "--events", str(plain)]) == 0
    capfd.readouterr()
    assert run(["replay", str(session), "--from-raw", "--events", str(raw), "--sent", str(tmp_path / "sent.pcap")]) == 0
    said = capfd.readouterr().out
    fixes = recordings.gnss.read_bytes().count(b"GGA")
    assert f"{fixes} fixes from {session / 'gnss-0001.nmea'} and 1 more" in said
    assert "no_time" not in said
    found, wanted = presented(raw), presented(plain)
    assert [one[1:] for one in found] == [one[1:] for one in wanted]
    assert len(wanted) >= 4
    assert [one[0] for one in found] == pytest.approx([one[0] for one in wanted], abs=0.15)
    assert (tmp_path / "sent.pcap").stat().st_size > 20_000


def test_another_configuration_decides_otherwise(session: Path, tmp_path: Path, capfd) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[presentation]\nmode = "caution_alone"\n[surrounding]\nenabled = false\n[radio]\nport = 5\n')
    out = tmp_path / "events.jsonl"
    assert run(["replay", str(session), "--from-raw", "--config", str(other), "--events", str(out)]) == 0
    told = presented(out)
    assert told
    assert {one[1] for one in told} == {"crossing"}
    assert told[0][2] == "caution"


def test_the_word_of_a_gpsd(session: Path, recordings: Recordings, tmp_path: Path, capfd) -> None:
    for path in session.glob("gnss-*"):
        path.unlink()
    report = {
        "class": "TPV",
        "device": "/dev/x",
        "mode": 3,
        "time": "2026-04-01T01:00:00.000Z",
        "lat": 36.06,
        "lon": 140,
    }
    lines = []
    for number in range(200):
        clock = f"2026-04-01T01:00:{number // 10:02d}.{number % 10}00Z"
        told = {**report, "time": clock, "speed": 3.0, "track": 0.0}
        lines.append(f'{{"t": {1775005200 + number / 10:.6f}, "report": {json.dumps(told)}}}\n')
    (session / form.part_name(form.GPSD, 1)).write_text("".join(lines) + '{"t": 177500')
    assert run(["replay", str(session), "--from-raw"]) == 0
    assert "200 fixes from" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: [path.unlink() for path in folder.glob("*-000*")], "no raw input in it"),
        (lambda folder: (folder / form.UNIT).write_text("seed = 'x'"), "unit.toml: seed"),
        (lambda folder: (folder / form.UNIT).unlink(), "unit.toml"),
        (lambda folder: (folder / form.FILES / "bench.toml").write_text("map = "), "bench.toml"),
        (lambda folder: (folder / form.FILES / "bench.dbc").unlink(), "database.file"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(session: Path, change, said: str, capfd) -> None:
    change(session)
    assert run(["replay", str(session), "--from-raw"]) == 2
    told = capfd.readouterr().err
    assert said in told
    assert len(told.splitlines()) == 1


def test_the_session_is_never_written_into(session: Path, capfd) -> None:
    assert run(["replay", str(session), "--from-raw", "--events", str(session / "events-0001.jsonl")]) == 2
    assert "stays as it was recorded" in capfd.readouterr().err
