"""A session as one MCAP file for Foxglove and other readers: map, scene, log, every event, raw inputs and frames."""

import json
from collections import Counter
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asvtools import export_source as source
from asvtools.export_events import RECORDS, event_schema, schema
from asvtools.export_events import told as known
from asvtools.export_scene import EGO, location, scene_update, stamp, transform
from asvtools.export_schemas import FOXGLOVE, LOCATION, LOG, SCENE, TRANSFORM
from asvtools.export_words import log_line
from asvtools.session_folder import Folder
from asvtools.session_lines import CanFrame
from asvunit.ports import RadioFrame

if TYPE_CHECKING:
    from mcap.writer import Writer

_VEHICLES: Final = 200  # of a map, each with a topic of its own; further ones share one
_FRAME: Final = "source:s power_dbm:i length:i hex:s vehicle_id:i"
_VALUE: Final = (
    "vehicle_id:i increment_counter:i position_class:s vehicle_kind:s vehicle_length_m:f latitude_deg:f "
    "longitude_deg:f horizontal_error_m:f height_m:f vertical_error_m:f position_delay_ms:f revision:i speed_kmh:f "
    "direction_deg:f forward_acceleration_mps2:f shift:s brake:b auxiliary_brake:b winker:s hazard:s "
    "accelerator_percent:f accelerator_switch:b fix_time_jst:s road:s emergency:b"
)
_INTERSECTION: Final = "latitude_deg:f longitude_deg:f distance_m:f source:s"


class Told(NamedTuple):
    """One message of the file: where, of which schema, what."""

    topic: str
    schema: str
    body: Any


def write_mcap(folder: Folder, path: Path, counters: Counter[str], *, scenes: bool) -> Counter[str]:
    """Write all of it to a file; how many messages each topic got. OSError as the disk has it."""
    from mcap.writer import CompressionType, Writer

    with path.open("wb") as file:
        writer = Writer(file, chunk_size=1 << 20, compression=CompressionType.ZSTD)
        writer.start(profile="", library=f"asvkit {version('asvkit')}")
        _about(writer, folder)
        made = _Made(writer)
        messages = _Messages()
        for item in source.everything(folder, counters, scenes=scenes):
            for told in messages.of(item):
                made.write(item.time_ns, told)
        writer.finish()
    return made.counts


def _about(writer: "Writer", folder: Folder) -> None:
    told = {key: value if isinstance(value, str) else json.dumps(value) for key, value in folder.head.items()}
    writer.add_metadata("asvkit.session", {"name": folder.path.name, "state": folder.state, **told})
    began_ns = max(folder.started_ns or 0, 0)
    for path in source.raw_files(folder):
        kind = "application/json" if path.suffix == ".json" else "application/toml"
        writer.add_attachment(began_ns, began_ns, path.name, kind, path.read_bytes())


class _Made:
    """Schemas and channels, made as they are needed first."""

    def __init__(self, writer: "Writer") -> None:
        self.counts: Counter[str] = Counter()
        self._writer = writer
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    def write(self, time_ns: int, told: Told) -> None:
        if time_ns < 0:
            return
        channel = self._channels.get(told.topic)
        if channel is None:
            if told.schema not in self._schemas:
                content = json.dumps(_schema_of(told.schema)).encode()
                self._schemas[told.schema] = self._writer.register_schema(told.schema, "jsonschema", content)
            channel = self._writer.register_channel(told.topic, "json", self._schemas[told.schema])
            self._channels[told.topic] = channel
        body = json.dumps(known(told.body), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        self._writer.add_message(channel, time_ns, body, time_ns, self.counts[told.topic])
        self.counts[told.topic] += 1


def _schema_of(name: str) -> dict[str, Any]:
    if name in FOXGLOVE:
        return FOXGLOVE[name]
    if name == "asvkit.Frame":
        frame, value = schema(name, _FRAME), schema("asvkit.Value", _VALUE)
        value["properties"]["intersection"] = schema("asvkit.Intersection", _INTERSECTION)
        frame["properties"]["value"] = value
        return frame
    _package, _dot, kind = name.partition(".")
    first, _dot, event = kind.partition(".")
    if first == "event":
        return event_schema(event)
    return schema(name, RECORDS.get(kind, ""))


class _Messages:
    """Records of a session into messages."""

    def __init__(self) -> None:
        self._origin_deg: tuple[float, float] | None = None
        self._vehicles: set[str] = set()
        self._of: Final[dict[str, Callable[[source.Item], list[Told]]]] = {
            source.FIX: self._fix, source.SIGNAL: self._signal, source.SWITCH: self._switch,
            source.SCENE: self._scene, source.EVENT: self._event, source.SENTENCE: self._sentence,
            source.REPORT: self._report, source.FRAME: self._can, source.SENT: self._sent,
            source.HEARD: self._heard, source.WORD: self._word,
        }  # fmt: skip

    def of(self, item: source.Item) -> list[Told]:
        return self._of[item.kind](item)

    def _fix(self, item: source.Item) -> list[Told]:
        fix = item.body
        told = [Told("/gnss/fix", "asvkit.fix", fix)]
        if fix["valid"] and fix["latitude_deg"] is not None and fix["longitude_deg"] is not None:
            place = location(
                item.time_ns, EGO, fix["latitude_deg"], fix["longitude_deg"], fix["height_m"], fix["error_m"],
                fix["course_deg"],
            )  # fmt: skip
            told.append(Told("/ego/location", LOCATION, place))
        return told

    def _signal(self, item: source.Item) -> list[Told]:
        return [Told(f"/signals/{item.body['signal']}", "asvkit.signal", item.body)]

    def _switch(self, item: source.Item) -> list[Told]:
        return [Told("/switches", "asvkit.switch", item.body)]

    def _scene(self, item: source.Item) -> list[Told]:
        ego = item.body["ego"]
        told = [
            Told("/scene", SCENE, scene_update(item.time_ns, item.body)),
            Told("/ego/motion", "asvkit.ego", ego),
        ]
        if self._origin_deg is None and ego["available"]:
            self._origin_deg = ego["latitude_deg"], ego["longitude_deg"]
        frame = transform(item.time_ns, item.body, self._origin_deg) if self._origin_deg else None
        return [Told("/tf", TRANSFORM, frame), *told] if frame else told

    def _event(self, item: source.Item) -> list[Told]:
        event = item.body
        kind = "".join(letter for letter in event["event"][:40] if letter.isalnum() or letter == "_") or "unnamed"
        told = [Told(f"/events/{kind}", f"asvkit.event.{kind}", event)]
        line = log_line(event)
        if line is not None:
            level, text = line
            log = {
                "timestamp": stamp(item.time_ns),
                "level": level,
                "message": text,
                "name": kind,
                "file": "",
                "line": 0,
            }
            told.append(Told("/log", LOG, log))
        return told

    def _sentence(self, item: source.Item) -> list[Told]:
        return [Told("/gnss/nmea", "asvkit.sentence", {"text": item.body})]

    def _report(self, item: source.Item) -> list[Told]:
        return [Told("/gnss/gpsd", "asvkit.report", item.body)]

    def _word(self, item: source.Item) -> list[Told]:
        return [Told("/supports", "asvkit.word", item.body)]

    def _can(self, item: source.Item) -> list[Told]:
        frame: CanFrame = item.body
        return [Told(f"/can/{frame.channel}", "asvkit.can", can_row(frame))]

    def _sent(self, item: source.Item) -> list[Told]:
        return [Told("/radio/sent", "asvkit.Frame", _frame(item.body))]

    def _heard(self, item: source.Item) -> list[Told]:
        told = _frame(item.body)
        value = told["value"]
        out = [Told("/radio/heard", "asvkit.Frame", told)]
        if value and value["latitude_deg"] is not None and value["longitude_deg"] is not None:
            topic = f"/vehicles/{value['vehicle_id']}/location"
            if topic not in self._vehicles and len(self._vehicles) >= _VEHICLES:
                topic = "/vehicles/others/location"
            self._vehicles.add(topic)
            place = location(
                item.time_ns, f"vehicle_{value['vehicle_id']}", value["latitude_deg"], value["longitude_deg"],
                value["height_m"], value["horizontal_error_m"], value["direction_deg"],
            )  # fmt: skip
            out.append(Told(topic, LOCATION, place))
        return out


def can_row(frame: CanFrame) -> dict[str, Any]:
    """A CAN frame by the keys of RECORDS."""
    return {
        "channel": frame.channel,
        "id": frame.identifier,
        "id_hex": f"{frame.identifier:0{8 if frame.extended else 3}X}",
        "extended": frame.extended,
        "length": len(frame.data),
        "data": frame.data.hex(),
        "remote": frame.remote,
        "error": frame.error,
        "fd": frame.fd,
    }


def _frame(frame: RadioFrame) -> dict[str, Any]:
    """A frame of the air: what it says, or its bytes alone where it is no message."""
    from asvcore.elements import MESSAGE_BYTES
    from asvunit.message import Malformed, decode, values

    try:
        value = values(decode(frame.payload[:MESSAGE_BYTES]))
    except (Malformed, ValueError):
        value = None
    return {
        "source": frame.source,
        "power_dbm": frame.power_dbm,
        "length": len(frame.payload),
        "hex": frame.payload.hex(),
        "vehicle_id": value["vehicle_id"] if value else None,
        "value": value,
    }
