"""Parquet tables, written row group by row group: typed columns, UTC times, zstd; whole or not there at all."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from asvtools.export_columns import Values, raw_columns, value_columns, whole
from asvtools.export_events import QUANTILE_KEYS, fits, keys
from asvunit.message.raw import NAMES, RANGES
from asvunit.ports import RadioFrame

ROWS: Final = 20_000  # of a row group
_TIME: Final = pa.timestamp("ns", tz="UTC")
_TYPES: Final = {
    "s": pa.string(),
    "i": pa.int64(),
    "f": pa.float64(),
    "b": pa.bool_(),
    "l": pa.list_(pa.string()),
    "o": pa.string(),  # JSON
    "q": pa.struct([(key, pa.int64() if key == "count" else pa.float64()) for key in QUANTILE_KEYS]),
}
_WORDS: Final = (
    "position_class", "vehicle_kind", "shift", "winker", "hazard", "road", "intersection_source", "fix_time_jst",
)  # fmt: skip
_FLAGS: Final = ("brake", "auxiliary_brake", "accelerator_switch", "emergency")
_NUMBERS: Final = (  # those in parts of a unit are told as floats
    "latitude_deg", "longitude_deg", "forward_acceleration_mps2", "intersection_latitude_deg",
    "intersection_longitude_deg",
)  # fmt: skip
_WHOLE: Final = (
    "vehicle_id", "increment_counter", "vehicle_length_m", "horizontal_error_m", "height_m", "vertical_error_m",
    "position_delay_ms", "revision", "speed_kmh", "direction_deg", "accelerator_percent", "intersection_distance_m",
)  # fmt: skip
VALUE_TYPES: Final[dict[str, pa.DataType]] = {
    **dict.fromkeys(_WORDS, pa.string()),
    **dict.fromkeys(_FLAGS, pa.bool_()),
    **dict.fromkeys(_NUMBERS, pa.float64()),
    **dict.fromkeys(_WHOLE, pa.int32()),
}


class Table:
    """Rows in, a file out. Rows wait until there are enough for a group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        """OSError where it cannot be written."""
        self.path = path
        self.rows = 0
        self._part = path.with_name(f"{path.name}.part")
        self._schema = schema
        self._waiting: list[Any] = []
        self._writer = pq.ParquetWriter(self._part, schema, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_error: object) -> None:
        if kind is not None:
            self._writer.close()
            self._part.unlink(missing_ok=True)

    def add(self, row: Any) -> None:
        self._waiting.append(row)
        if len(self._waiting) >= ROWS:
            self._write()

    def close(self) -> None:
        """The rest is written, and the file takes its name."""
        self._write()
        self._writer.close()
        self._part.replace(self.path)

    def _write(self) -> None:
        if self._waiting:
            self._writer.write_table(pa.table(self._columns(self._waiting), schema=self._schema))
            self.rows += len(self._waiting)
            self._waiting = []

    def _columns(self, rows: Sequence[Any]) -> Mapping[str, Any]:
        """Of rows that are (time, record)."""
        raise NotImplementedError


class RecordTable(Table):
    """Records by the keys of a table of types (export_events); a value of another type counts as none."""

    def __init__(self, path: Path, text: str) -> None:
        self._keys = keys(text)
        super().__init__(path, pa.schema([("time", _TIME), *((key, _TYPES[kind]) for key, kind in self._keys)]))

    def _columns(self, rows: Sequence[Any]) -> Mapping[str, Any]:
        columns: dict[str, Any] = {"time": pa.array([time_ns for time_ns, _record in rows], _TIME)}
        for key, kind in self._keys:
            found = [_cell(record.get(key), kind) for _time_ns, record in rows]
            columns[key] = pa.array(found, _TYPES[kind])
        return columns


class FrameTable(Table):
    """Frames of the air: sender, bytes, what they say, and every element raw."""

    def __init__(self, path: Path) -> None:
        fields: list[tuple[str, pa.DataType]] = [
            ("time", _TIME), ("source", pa.string()), ("power_dbm", pa.int16()), ("length", pa.int32()),
            ("payload", pa.binary()), *VALUE_TYPES.items(),
        ]  # fmt: skip
        fields += [(f"raw_{name}", _raw_type(place)) for place, name in enumerate(NAMES)]
        super().__init__(path, pa.schema(fields))

    def _columns(self, rows: Sequence[Any]) -> Mapping[str, Any]:
        frames: list[RadioFrame] = [frame for _time_ns, frame in rows]
        payloads = [frame.payload for frame in frames]
        places = whole(payloads)
        at: list[int | None] = [None] * len(frames)
        for number, place in enumerate(places):
            at[place] = number
        index = pa.array(at, pa.int64())
        columns: dict[str, Any] = {
            "time": pa.array([time_ns for time_ns, _frame in rows], _TIME),
            "source": pa.array([frame.source for frame in frames], pa.string()),
            "power_dbm": pa.array([frame.power_dbm for frame in frames], pa.int16()),
            "length": pa.array([len(payload) for payload in payloads], pa.int32()),
            "payload": pa.array(payloads, pa.binary()),
        }
        raw = raw_columns([payloads[place] for place in places])
        for name, column in value_columns(raw).items():
            columns[name] = _known(column, VALUE_TYPES[name]).take(index)
        for place, name in enumerate(NAMES):
            columns[f"raw_{name}"] = pa.array(raw[name], _raw_type(place)).take(index)
        return columns


def _raw_type(place: int) -> pa.DataType:
    from asvcore.elements import CODED

    return pa.string() if place >= CODED else pa.int16() if RANGES[place][0] < 0 else pa.uint16()


def _known(column: Values, kind: pa.DataType) -> pa.Array:
    values = column.values
    if kind == pa.int32():
        values = values.astype("int32")
    return pa.array(values, kind, mask=~column.known)


def _cell(value: Any, kind: str) -> Any:
    if not fits(value, kind):
        return None
    if kind == "o":
        return None if value is None else json.dumps(value, ensure_ascii=False)
    if kind == "q" and value is not None:
        return {
            key: value.get(key) if fits(value.get(key), "i" if key == "count" else "f") else None
            for key in QUANTILE_KEYS
        }
    return value
