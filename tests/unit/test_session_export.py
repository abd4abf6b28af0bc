"""`asvkit session export`: MCAP and Parquet files hold what the session holds, at its times, and open elsewhere."""

import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import exporttools
from asvtools.cli import run
from asvtools.export_schemas import FOXGLOVE
from asvunit.adapters.capture import Capture
from asvunit.message import decode, values
from asvunit.session.form import part_name
from sessiontools import Recorded

Messages = dict[str, list[tuple[int, str, dict[str, Any]]]]
pytest.importorskip("mcap")
pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exporttools.once(tmp_path_factory)


@pytest.fixture(scope="module")
def mcap(whole: Path) -> Path:
    path = whole.parent / "drive.mcap"
    assert run(["session", "export", str(whole), "--mcap", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def messages(mcap: Path) -> Messages:
    """By topic: time, name of the schema, and what is told."""
    return read(mcap)


@pytest.fixture(scope="module")
def tables(whole: Path) -> Path:
    folder = whole.parent / "tables"
    assert run(["session", "export", str(whole), "--parquet", str(folder)]) == 0
    return folder


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def call(*arguments: object, code: int = 2) -> str:
        capfd.readouterr()
        assert run(["session", "export", *map(str, arguments)]) == code
        (line,) = capfd.readouterr().err.splitlines()
        return line

    return call


def read(path: Path) -> Messages:
    """Every message, held against its schema on the way."""
    from mcap.reader import make_reader

    found: Messages = defaultdict(list)
    schemas: dict[int, Any] = {}
    with path.open("rb") as file:
        for schema, channel, message in make_reader(file).iter_messages():
            told = json.loads(message.data)
            assert channel.message_encoding == "json"
            assert schema is not None
            assert schema.encoding == "jsonschema"
            if schema.id not in schemas:
                schemas[schema.id] = json.loads(schema.data)
            assert misfit(told, schemas[schema.id]) == "", (channel.topic, told)
            found[channel.topic].append((message.log_time, schema.name, told))
    return found


TYPES = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "object": dict, "array": list}


def misfit(value: Any, schema: dict[str, Any]) -> str:
    """Why a value does not fit a schema, of what is used of JSON schema here; "" where it does."""
    if "oneOf" in schema:
        return "" if [one["const"] for one in schema["oneOf"]].count(value) == 1 else f"{value!r}: none of them"
    wanted = TYPES[schema["type"]]
    if not isinstance(value, wanted) or (isinstance(value, bool) and schema["type"] != "boolean"):
        return f"{value!r} is no {schema['type']}"
    if isinstance(value, dict):
        missing = [key for key in schema.get("required", ()) if key not in value]
        wrong = [misfit(one, schema["properties"][key]) for key, one in value.items() if key in schema["properties"]]
        return " ".join([*missing, *filter(None, wrong)])
    if isinstance(value, list):
        few = len(value) < schema.get("minItems", 0) or len(value) > schema.get("maxItems", len(value))
        return f"{len(value)} items" if few else " ".join(filter(None, (misfit(one, schema["items"]) for one in value)))
    bounds = schema.get("minimum", value) <= value <= schema.get("maximum", value) if schema["type"] == "integer" else 1
    return "" if bounds else f"{value!r} is out of bounds"


def seconds(time_ns: int) -> float:
    return time_ns / 1e9


# MCAP


def test_the_schemas_are_of_the_kind_that_readers_take(mcap: Path) -> None:
    """One type for each field, properties for each object, numbers alone as constants: Foxglove refuses all else."""
    from mcap.reader import make_reader

    def plain(schema: dict[str, Any], where: str) -> None:
        if "oneOf" in schema:
            assert all(isinstance(one["const"], int) for one in schema["oneOf"]), where
            return
        assert isinstance(schema["type"], str), where
        if schema["type"] == "object":
            for key, inner in schema["properties"].items():
                plain(inner, f"{where}.{key}")
        if schema["type"] == "array":
            plain(schema["items"], where)

    with mcap.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    names = {schema.name for schema in summary.schemas.values()}
    assert names >= set(FOXGLOVE)
    for schema in summary.schemas.values():
        plain(json.loads(schema.data), schema.name)


def test_every_event_is_there_at_its_time(whole: Path, messages: Messages) -> None:
    events = exporttools.events(whole)
    by_kind = Counter(event["event"] for event in events)
    assert {topic[8:]: len(told) for topic, told in messages.items() if topic.startswith("/events/")} == by_kind
    for kind in by_kind:
        of_kind = [event for event in events if event["event"] == kind]
        for event, (time_ns, _schema, told) in zip(of_kind, messages[f"/events/{kind}"], strict=True):
            assert seconds(time_ns) == pytest.approx(event["t"], abs=1e-6)
            assert told == {key: value for key, value in event.items() if value is not None}


def test_raw_inputs_are_there_at_their_times(whole: Path, messages: Messages) -> None:
    heard, sent = (list(Capture(whole / part_name("radio", 1), outbound=way)) for way in (False, True))
    for topic, frames in (("/radio/heard", heard), ("/radio/sent", sent)):
        assert [told["hex"] for _time, _schema, told in messages[topic]] == [frame.payload.hex() for frame in frames]
        assert [time for time, _schema, _told in messages[topic]] == [frame.time_ns for frame in frames]
    lines = (whole / part_name("can", 1)).read_text().splitlines()
    for line, (time_ns, _schema, told) in zip(lines, messages["/can/can0"], strict=True):
        assert (
            line == f"({time_ns // 10**9}.{time_ns % 10**9 // 1000:06d}) can0 {told['id_hex']}#{told['data'].upper()}"
        )
    texts = [line.split("\\", 2)[2] for line in (whole / part_name("gnss", 1)).read_text("ascii").splitlines()]
    assert [told["text"] for _time, _schema, told in messages["/gnss/nmea"]] == texts


def test_positions_lie_where_the_receiver_and_the_frames_say(whole: Path, messages: Messages) -> None:
    fixes = [told for _time, _schema, told in messages["/gnss/fix"]]
    places = messages["/ego/location"]
    assert len(places) == sum(fix["valid"] for fix in fixes) > 100
    for fix, (time_ns, schema, place) in zip(fixes, places, strict=True):
        assert schema == "foxglove.LocationFix"
        assert (place["latitude"], place["longitude"]) == (fix["latitude_deg"], fix["longitude_deg"])
        assert place["timestamp"] == {"sec": time_ns // 10**9, "nsec": time_ns % 10**9}
    frames = list(Capture(whole / part_name("radio", 1)))
    one = values(decode(frames[0].payload))
    _time, schema, place = messages[f"/vehicles/{one['vehicle_id']}/location"][0]
    assert schema == "foxglove.LocationFix"
    assert (place["latitude"], place["longitude"]) == (one["latitude_deg"], one["longitude_deg"])


def test_the_scene_shows_what_the_driver_was_told(whole: Path, messages: Messages) -> None:
    """At each change that was presented, the next picture has that vehicle in the colour of its level."""
    yellow, blue = {"r": 1.0, "g": 0.8, "b": 0.0, "a": 1.0}, {"r": 0.15, "g": 0.45, "b": 1.0, "a": 1.0}
    scenes = messages["/scene"]
    assert len(scenes) == len(messages["/radio/sent"]) > 100
    shown = [one for one in exporttools.events(whole) if one["event"] == "support" and one["presented"]]
    cautions = [event for event in shown if event["level"] == "caution"]
    assert len(cautions) == 2
    for event in cautions:
        after = next(told for time_ns, _schema, told in scenes if seconds(time_ns) >= event["t"] + 0.09)
        (box,) = [one for one in after["entities"] if one["id"] == f"{event['source']}/{event['vehicle_id']}"]
        assert box["cubes"][0]["color"] == yellow
        assert any(one["id"].startswith("conflict") and one["spheres"] for one in after["entities"])
    assert any(one["cubes"] and one["cubes"][0]["color"] == blue for _t, _s, told in scenes for one in told["entities"])
    origin = messages["/tf"][0][2]
    assert origin["translation"]["x"] == origin["translation"]["y"] == 0
    assert {told["child_frame_id"] for _time, _schema, told in messages["/tf"]} == {"ego"}
    speeds = {told["speed_kmh"] for _time, _schema, told in messages["/ego/motion"]}
    assert min(speeds) == 0 < max(speeds)


def test_the_file_says_whose_it_is(whole: Path, mcap: Path) -> None:
    from mcap.reader import make_reader

    with mcap.open("rb") as file:
        reader = make_reader(file)
        (about,) = reader.iter_metadata()
        attached = {one.name: one.data for one in reader.iter_attachments()}
    assert about.metadata["vehicle_id"] == str(json.loads((whole / "session.json").read_text())["vehicle_id"])
    assert attached == {name: (whole / name).read_bytes() for name in ("session.json", "unit.toml", "end.json")}


def test_scenes_go_on_from_the_checkpoint_after_a_loss(tmp_path: Path) -> None:
    """A core that had missed what was lost would not know the vehicle that came then."""
    bench = Recorded(tmp_path / "20260921T141320Z-v1")
    bench.standing()
    bench.approach(1500)
    bench.losing = True
    bench.approach(2000, 99, east_m=-60.0)
    bench.part()
    bench.stays()
    bench.run(300)
    bench.stays()
    bench.run(300)
    folder, path = bench.end(), tmp_path / "drive.mcap"
    assert run(["session", "export", str(folder), "--mcap", str(path)]) == 0
    scenes = read(path)["/scene"]
    times = [time_ns for time_ns, _schema, _told in scenes]
    gap = max(range(1, len(times)), key=lambda at: times[at] - times[at - 1])
    assert times[gap] - times[gap - 1] > 1_900_000_000
    before, after = ({one["id"] for one in scenes[at][2]["entities"]} for at in (gap - 1, gap))
    assert not any(name.endswith("/99") for name in before)
    assert any(name.endswith("/99") for name in after)
    assert all(told["event"] == "support" for _t, _s, told in read(path)["/events/support"])


# Parquet


def test_frames_are_columns_of_all_elements_raw_and_as_values(whole: Path, tables: Path) -> None:
    import pyarrow.parquet as pq

    for name, outbound in (("frames_heard", False), ("frames_sent", True)):
        frames = list(Capture(whole / part_name("radio", 1), outbound=outbound))
        rows = pq.read_table(tables / f"{name}.parquet").to_pylist()
        assert len(rows) == len(frames)
        for row, frame in list(zip(rows, frames, strict=True))[::17]:
            raw = decode(frame.payload)
            assert {key: row[f"raw_{key}"] for key in raw} == raw
            value = values(raw)
            crossing = value.pop("intersection") or {}
            assert {key: row[key] for key in value} == value
            assert row["intersection_distance_m"] == crossing.get("distance_m")
            assert (row["source"], row["payload"], row["length"]) == (frame.source, frame.payload, 100)


def test_times_are_utc_to_the_nanosecond(whole: Path, tables: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for path in tables.glob("*.parquet"):
        assert pq.read_schema(path).field("time").type == pa.timestamp("ns", tz="UTC"), path.name
    times = pq.read_table(tables / "frames_heard.parquet")["time"].cast(pa.int64()).to_pylist()
    assert times == [frame.time_ns for frame in Capture(whole / part_name("radio", 1))]


def test_events_are_tables_by_kind_and_one_of_all(whole: Path, tables: Path) -> None:
    import pyarrow.parquet as pq

    events = exporttools.events(whole)
    everything = pq.read_table(tables / "events.parquet").to_pylist()
    assert [json.loads(row["json"]) for row in everything] == events
    supports = pq.read_table(tables / "events_support.parquet").to_pylist()
    wanted = [event for event in events if event["event"] == "support"]
    keys = wanted[0].keys() - {"t", "event"}
    assert [{key: row[key] for key in keys} for row in supports] == [
        {key: event.get(key) for key in keys} for event in wanted
    ]
    (statistics,) = pq.read_table(tables / "events_statistics.parquet").to_pylist()
    assert statistics["cause_to_pin"]["p99_us"] == 30.0
    assert json.loads(statistics["counters"]) == {"gnss": {"bad_checksum": 1}}
    latency = pq.read_table(tables / "latency.parquet").to_pylist()
    assert {row["lit_us"] for row in latency} == {1500.0}
    lines = (whole / part_name("can", 1)).read_text().count("\n")
    assert pq.read_table(tables / "can.parquet").num_rows == lines
    assert pq.read_table(tables / "fixes.parquet")["latitude_deg"].null_count == 0
    assert set(pq.read_table(tables / "signals.parquet")["unit"].unique().to_pylist()) == {"km/h", "%", "m/s2", ""}


def test_tables_are_written_group_by_group(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr("asvtools.export_tables.ROWS", 100)
    assert run(["session", "export", str(whole), "--parquet", str(tmp_path / "out")]) == 0
    file = pq.ParquetFile(tmp_path / "out" / "frames_heard.parquet")
    assert (file.num_row_groups, file.metadata.num_rows) == (3, len(list(Capture(whole / part_name("radio", 1)))))
    assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    file.close()


# What the page says of it


def test_topics_and_tables_are_those_of_the_page(messages: Messages, tables: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sessions.md").read_text(encoding="utf-8")
    names = {"/vehicles/\\d+/": "/vehicles/ID/", "/events/.*": "/events/KIND", "/signals/.*": "/signals/NAME"}
    names |= {"/can/.*": "/can/CHANNEL"}
    for topic, told in messages.items():
        for pattern, name in names.items():
            topic = re.sub(pattern, name, topic)  # noqa: PLW2901
        (row,) = re.findall(rf"^\| .*`{topic}`.*", page, re.MULTILINE)
        assert f"`{told[0][1]}`" in re.sub(r"event\.KIND", told[0][1].removeprefix("asvkit."), row) or "..." in row
    parquet = page.partition("## Parquet")[2].partition("```")[0]
    for path in tables.iterdir():
        assert f"`{re.sub('events_.*', 'events_KIND', path.stem)}`" in parquet


# What is refused


@pytest.mark.parametrize(("option", "module"), [("--mcap", "mcap"), ("--parquet", "pyarrow")])
def test_a_library_that_is_not_there_is_one_line_with_the_mend(
    whole: Path, tmp_path: Path, refused: Any, monkeypatch: pytest.MonkeyPatch, option: str, module: str
) -> None:
    monkeypatch.setattr("asvtools.session_export.find_spec", lambda _name: None)
    line = refused(whole, option, tmp_path / "out", code=1)
    assert module in line
    assert "pip install 'asvkit[export]'" in line
    assert not list(tmp_path.iterdir())


def test_nothing_is_written_among_what_is_raw(whole: Path, tmp_path: Path, refused: Any) -> None:
    assert "--mcap FILE or --parquet DIR" in refused(whole)
    assert "in the session itself" in refused(whole, "--mcap", whole / "x.mcap")
    assert "in the session itself" in refused(whole, "--parquet", whole)
    assert "is a folder" in refused(whole, "--mcap", tmp_path)
    (tmp_path / "file").write_text("")
    assert "is a file" in refused(whole, "--parquet", tmp_path / "file")
    assert "cannot be written" in refused(whole, "--mcap", tmp_path / "none" / "x.mcap", code=1)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.long
def test_what_cannot_be_read_is_passed_over_and_told(
    whole: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(whole, tmp_path / whole.name))
    (copy / "end.json").unlink()
    for kind in ("journal", "events", "gnss", "can", "radio"):
        path = copy / part_name(kind, 1)
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3 + 5])
    with (copy / part_name("events", 1)).open("a") as file:
        file.write('\n{"event": 3}\n[]\n{"t": 1e99, "event": "odd/kind"}\n')
    capfd.readouterr()
    assert (
        run(["session", "export", str(copy), "--mcap", str(tmp_path / "a.mcap"), "--parquet", str(tmp_path / "b")]) == 0
    )
    out = capfd.readouterr().out
    assert "passed over: " in out
    assert "1 no_event" in out
    found = read(tmp_path / "a.mcap")
    assert found["/events/oddkind"][0][2]["event"] == "odd/kind"
    assert len(found["/scene"]) > 50
