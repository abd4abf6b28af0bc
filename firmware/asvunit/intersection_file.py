"""The file of branching nodes: GeoJSON of points. What is wrong becomes one UsageError with file, feature and reason.

`docs/intersections.md` describes the form for users.
"""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

from asvcore.geometry import HALF_TURN_CAS
from asvunit.errors import UsageError

NODES_MOST: Final = 200_000
FILE_BYTES_MOST: Final = 256 << 20
_CAS: Final = 360_000  # in a degree
_FORM: Final = "want a FeatureCollection of Point features"
# Names of what agrees with WGS 84 to a metre or so; older Japanese maps (Tokyo Datum) are 400 m off
_SYSTEMS: Final = ("CRS84", "4326", "6668", "4612")


class Place(NamedTuple):
    """A node of the file; longitudes from -180 degrees up to, not with, 180."""

    latitude_cas: int
    longitude_cas: int
    priority_cdeg: tuple[int, ...] | None  # approaches with priority; None: the map does not tell


class _Fault(NamedTuple):
    """What is wrong with a feature."""

    text: str


class _Other:
    """A feature of another geometry."""


_OTHER: Final = _Other()


def read_places(path: Path) -> tuple[Iterable[Place], Counter[str]]:
    """The nodes of a GeoJSON file, and what was ignored by reason."""
    places: dict[tuple[int, int], Place] = {}
    counters: Counter[str] = Counter()
    for number, feature in enumerate(_features(path), 1):
        if isinstance(feature, _Other):
            counters["other_geometry"] += 1
            continue
        if not isinstance(feature, Place):
            reason = feature.text if isinstance(feature, _Fault) else f"no Feature; {_FORM}"
            raise UsageError(f"{path}: feature {number}: {reason}")
        known = places.setdefault(feature[:2], feature)
        if known is not feature:
            counters["duplicate"] += 1
            if known.priority_cdeg != feature.priority_cdeg:
                raise UsageError(
                    f"{path}: feature {number}: an earlier feature has this place, with another priority_deg;"
                    " keep the right one"
                )
    if not places:
        raise UsageError(
            f"{path}: no node in it ({counters['other_geometry']} features of another geometry);"
            " give each branching node as a Point feature, or leave intersections.map out"
        )
    if len(places) > NODES_MOST:
        raise UsageError(
            f"{path}: {len(places)} nodes, {NODES_MOST} at most; cut the map to the region the vehicle drives in"
        )
    return places.values(), counters


def _features(path: Path) -> list[Any]:
    """The features, each already a Place, a _Fault or _OTHER: a big file never stands in memory as dicts."""
    try:
        size = path.stat().st_size
        if size > FILE_BYTES_MOST:
            raise UsageError(f"{path}: {size >> 20} MB; cut the map to the region the vehicle drives in")
        text = path.read_bytes().decode("utf-8-sig")
        found = json.loads(text, object_hook=_Reader().take, parse_constant=_refuse_constant)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}; name a GeoJSON file of branching nodes") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not a text file in UTF-8; GeoJSON is expected") from error
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise UsageError(f"{path}: not JSON: {reason}; {_FORM}") from error
    if not isinstance(found, dict) or found.get("type") != "FeatureCollection":
        raise UsageError(f"{path}: no FeatureCollection; {_FORM}")
    if not isinstance(found.get("features"), list):
        raise UsageError(f"{path}: features: no list; {_FORM}")
    _check_system(path, found.get("crs"))
    features: list[Any] = found["features"]
    return features


def _check_system(path: Path, crs: object) -> None:
    """GeoJSON of today is WGS 84 and says nothing; an older file may name another."""
    properties = crs.get("properties") if isinstance(crs, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if crs is not None and not str(name).endswith(_SYSTEMS):
        raise UsageError(f"{path}: crs: {_quoted(name)} is not WGS 84; save the map in WGS 84 (EPSG:4326)")


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


class _Reader:
    """Makes a node of each Feature while the file is parsed."""

    def __init__(self) -> None:
        self._same: dict[tuple[int, ...], tuple[int, ...]] = {}  # most priorities are alike: keep each once

    def take(self, item: dict[str, Any]) -> Any:
        if item.get("type") != "Feature" or "geometry" not in item:
            return item  # properties may have a "type" too
        geometry, properties = item.get("geometry"), item.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        if geometry is None or (isinstance(geometry, dict) and geometry.get("type") not in {"Point", None}):
            return _OTHER
        fault = "geometry: no object with a type"
        if isinstance(geometry, dict) and geometry.get("type") == "Point":
            place = _degrees(geometry.get("coordinates"))
            approaches = _approaches(properties.get("priority_deg"))
            if not isinstance(place, str) and not isinstance(approaches, str):
                if approaches is not None:
                    approaches = self._same.setdefault(approaches, approaches)
                longitude_cas = round(place[0] * _CAS)
                longitude_cas = -HALF_TURN_CAS if longitude_cas == HALF_TURN_CAS else longitude_cas
                return Place(round(place[1] * _CAS), longitude_cas, approaches)
            fault = place if isinstance(place, str) else str(approaches)
        name = properties.get("name")
        return _Fault(f"{_quoted(name)}: {fault}" if isinstance(name, str) and name else fault)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _degrees(coordinates: object) -> tuple[float, float] | str:
    """Longitude and latitude, or what is wrong."""
    if not (isinstance(coordinates, list) and len(coordinates) >= 2 and all(map(_is_number, coordinates))):
        return f"coordinates: {_quoted(coordinates)}: want [longitude, latitude] in degrees"
    longitude, latitude = coordinates[:2]
    for name, value, limit in (("longitude", longitude, 180), ("latitude", latitude, 90)):
        if not -limit <= value <= limit:
            return f"coordinates: {name} {_quoted(value)} is not in -{limit}..{limit}; the longitude comes first"
    return longitude, latitude


def _approaches(value: object) -> tuple[int, ...] | str | None:
    """The approaches with priority in 0.01 degrees, None where the map does not tell, or what is wrong."""
    if value is None:
        return None
    if not (isinstance(value, list) and all(map(_is_number, value))):
        return f"priority_deg: {_quoted(value)}: want a list of headings in degrees, e.g. [90, 270]"
    for heading in value:
        if not 0 <= heading <= 360:
            return f"priority_deg: {_quoted(heading)} is not in 0..360"
    return tuple(sorted({round(heading * 100) % 36000 for heading in value}))


def _quoted(value: object) -> str:
    """As the file has it, in one short line."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 40 else f"{text[:37]}..."
