"""The map of branching nodes: the nearest ahead beside a search in floats on the ellipsoid, priorities, refusals."""

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asvcore import geometry
from asvcore.params import NONE
from asvunit import intersection_file
from asvunit.config import Config
from asvunit.described import PARTS
from asvunit.errors import UsageError
from asvunit.intersection_file import Place
from asvunit.intersections import IntersectionMap, NodeAhead, load_intersections

CAS = 360_000
GINZA = (35.671989, 139.763965)


def feature(latitude: float, longitude: float, **properties: Any) -> dict[str, Any]:
    point = {"type": "Point", "coordinates": [longitude, latitude]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def write(path: Path, *features: Any, **beside: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features} | beside), encoding="utf-8")
    return path


# The model: floats on the ellipsoid, every node looked at


def _earth(latitude_cas: float, longitude_cas: float) -> tuple[float, float, float]:
    phi, lam = math.radians(latitude_cas / CAS), math.radians(longitude_cas / CAS)
    square = 0.00669437999014
    normal = 6378137 / math.sqrt(1 - square * math.sin(phi) ** 2)
    flat = normal * math.cos(phi)
    return flat * math.cos(lam), flat * math.sin(lam), normal * (1 - square) * math.sin(phi)


def north_east_m(at: tuple[int, int], to: tuple[int, int]) -> tuple[float, float]:
    x, y, z = (b - a for a, b in zip(_earth(*at), _earth(*to), strict=True))
    phi, lam = math.radians(at[0] / CAS), math.radians(at[1] / CAS)
    outward = x * math.cos(lam) + y * math.sin(lam)
    return z * math.cos(phi) - outward * math.sin(phi), y * math.cos(lam) - x * math.sin(lam)


def moved(at: tuple[int, int], north_m: float, east_m: float) -> tuple[int, int]:
    latitude = at[0] + round(north_m / 111_132 * CAS)
    longitude = at[1] + round(east_m / (111_320 * math.cos(math.radians(at[0] / CAS))) * CAS)
    return latitude, (longitude + 180 * CAS) % (360 * CAS) - 180 * CAS


def check(found: IntersectionMap, nodes: list[tuple[int, int]], at: tuple[int, int], heading_deg: float) -> bool:
    """Whether one is ahead, after seeing that the map agrees with the model; borderline ones may go either way."""
    spare = 0.002 if abs(at[0]) < 60 * CAS else 0.008  # the local plane of the core, coarser towards the poles
    node = found.ahead(*at, heading_deg)
    inside: list[float] = []
    told: float | None = None
    for to in nodes:
        north, east = north_east_m(at, to)
        distance, angle = math.hypot(north, east), math.radians(heading_deg)
        along = north * math.cos(angle) + east * math.sin(angle)
        outside_m = abs(east * math.cos(angle) - north * math.sin(angle)) - along
        slack_m = 0.4 + 0.01 * distance
        if outside_m < -slack_m and distance < 499:
            inside.append(distance)
        if node is not None and to == node[:2]:
            told = distance
            assert outside_m <= slack_m
    if node is None:
        assert all(distance > 500 * (1 - spare) for distance in inside)
        return False
    assert told is not None, "a node that is not in the map"
    assert 0 <= node.distance_m <= 499
    assert node.distance_m == pytest.approx(told, abs=0.8 + spare * told)
    assert told <= min(inside, default=501) * (1 + 2 * spare) + 0.5
    return True


PLACES = st.one_of(
    st.tuples(st.integers(-87 * CAS, 87 * CAS), st.integers(-180 * CAS, 180 * CAS)),
    st.tuples(st.integers(-80 * CAS, 80 * CAS), st.sampled_from([180 * CAS, -180 * CAS, 180 * CAS - 700, 900])),
    st.tuples(st.integers(-800, 800), st.sampled_from([0, -500, 139 * CAS, -180 * CAS + 3])),
)
WAYS = st.floats(-720, 720, allow_subnormal=False)


@pytest.mark.long
@settings(max_examples=250, deadline=None)
@given(PLACES, st.lists(st.tuples(WAYS, WAYS), min_size=1, max_size=12), st.floats(0, 360))
@example((0, 180 * CAS), [(0.0, 300.0)], 90)
@example((0, -180 * CAS), [(0.0, -300.0)], 270)
@example((-30 * CAS, 180 * CAS - 1), [(200.0, 100.0), (-200.0, 100.0)], 180)
@example((86 * CAS, -180 * CAS + 5), [(10.0, -450.0)], 270)
def test_the_nearest_ahead_is_that_of_the_model(
    tmp_path_factory: pytest.TempPathFactory, at: tuple[int, int], ways: list[tuple[float, float]], heading: float
) -> None:
    nodes = [moved(at, *way) for way in ways]
    path = tmp_path_factory.getbasetemp() / "model.geojson"
    found = IntersectionMap.load(write(path, *(feature(lat / CAS, lon / CAS) for lat, lon in nodes)))
    assert len(found) == len(set(nodes))
    check(found, nodes, at, heading)


@pytest.mark.long
@pytest.mark.parametrize("centre", [(35 * CAS, 139 * CAS), (-33 * CAS, 180 * CAS), (78 * CAS, -180 * CAS), (0, 0)])
def test_a_town_and_its_sparse_edge(tmp_path: Path, centre: tuple[int, int]) -> None:
    chance = random.Random(7)
    nodes = list({moved(centre, chance.gauss(0, 600), chance.gauss(0, 600)) for _ in range(500)})
    found = IntersectionMap.load(write(tmp_path / "town.json", *(feature(a / CAS, b / CAS) for a, b in nodes)))
    seen = [
        check(found, nodes, moved(centre, chance.gauss(0, 1000), chance.gauss(0, 1000)), chance.uniform(0, 360))
        for _ in range(150)
    ]
    assert 20 < sum(seen) < 150  # both answers have been tried


@settings(deadline=None)
@given(st.integers(0, 35999), st.integers(-17900, 18000), st.integers(3, 495))
def test_the_cone_is_45_degrees_to_either_side(heading_cdeg: int, aside_cdeg: int, way_m: int) -> None:
    at = (35 * CAS, 139 * CAS)
    angle = math.radians((heading_cdeg + aside_cdeg) / 100)
    to = moved(at, way_m * math.cos(angle), way_m * math.sin(angle))
    node = IntersectionMap([Place(*to, None)]).ahead_cdeg(*at, heading_cdeg)
    margin_cdeg = 50 + 100 * 100 // way_m
    if abs(abs(aside_cdeg) - 4500) > margin_cdeg:
        assert (node is not None) == (abs(aside_cdeg) < 4500)


@pytest.mark.long
@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from([(35 * CAS, 139 * CAS), (-86 * CAS, 180 * CAS - 50), (123, -180 * CAS)]),
    st.integers(0, 35999),
    st.one_of(st.sampled_from([-4500, -4495, 4495, 4500]), st.integers(-4500, 4500)),
    st.one_of(st.sampled_from([4990, 4999, 5000]), st.integers(1, 5000)),
)
def test_the_index_leaves_out_nothing_of_the_cone(
    at: tuple[int, int], heading_cdeg: int, aside_cdeg: int, way_dm: int
) -> None:
    angle = math.radians((heading_cdeg + aside_cdeg) / 100)
    plane = geometry.Plane()
    plane.place(*at)
    north_cas = round(way_dm * math.cos(angle) * 4096 / plane.north_q12)
    east_cas = round(way_dm * math.sin(angle) * 4096 / plane.east_q12)
    north, east = (north_cas * plane.north_q12 + 2048) >> 12, (east_cas * plane.east_q12 + 2048) >> 12
    sine, cosine = geometry.sine_q12(heading_cdeg), geometry.cosine_q12(heading_cdeg)
    inside = abs(east * cosine - north * sine) <= north * cosine + east * sine and north**2 + east**2 < 5000**2
    longitude_cas = (at[1] + east_cas + 180 * CAS) % (360 * CAS) - 180 * CAS
    node = IntersectionMap([Place(at[0] + north_cas, longitude_cas, None)]).ahead_cdeg(*at, heading_cdeg)
    assert (node is not None) == inside


def test_the_limit_is_500_m() -> None:
    at = (35 * CAS, 139 * CAS)
    near, far = moved(at, 499.6, 0), moved(at, 501, 0)
    node = IntersectionMap([Place(*near, None)]).ahead(*at, 0)
    assert node is not None
    assert node.distance_m == 499  # 500 and more is another code in element 40
    assert IntersectionMap([Place(*far, None)]).ahead(*at, 0) is None


def test_a_node_just_behind_is_not_ahead() -> None:
    at = (35 * CAS, 139 * CAS)
    for way_m in (1, 5, 10):
        behind, ahead = moved(at, -way_m, 0), moved(at, 200, 0)
        node = IntersectionMap([Place(*behind, None), Place(*ahead, None)]).ahead(*at, 0)
        assert node is not None
        assert (node[:2], node.distance_m) == (ahead, 200)


# Priority


@pytest.mark.parametrize(
    ("priority", "heading", "expected"),
    [
        ([90, 270], 90, True),
        ([90, 270], 119.9, True),
        ([90, 270], 120.2, False),
        ([90, 270], 241, True),
        ([90, 270], 0, False),
        ([350], 10, True),
        ([10], 341, True),
        ([10.5], 339, False),
        ([360], 0, True),
        ([0], 359.99, True),
        ([], 90, False),
        (None, 90, None),
    ],
)
def test_priority_of_the_approach(tmp_path: Path, priority: object, heading: float, expected: bool | None) -> None:
    at = (round(GINZA[0] * CAS), round(GINZA[1] * CAS))
    way = math.radians(heading)
    lat, lon = moved(at, 100 * math.cos(way), 100 * math.sin(way))
    properties = {} if priority is None else {"priority_deg": priority}
    path = write(tmp_path / "map.geojson", feature(lat / CAS, lon / CAS, lanes=2, **properties))
    node = IntersectionMap.load(path).ahead(*at, heading)
    assert node is not None
    assert node.priority is expected


def test_a_priority_that_is_null_is_not_told(tmp_path: Path) -> None:
    found = IntersectionMap.load(write(tmp_path / "map.geojson", feature(*GINZA, priority_deg=None)))
    assert found.with_priority == 0


# The file


def test_coordinates_become_hundredths_of_a_second(tmp_path: Path) -> None:
    for (lat, lon), expected in {
        GINZA: (12_841_916, 50_315_027),
        (-33.8567844, 151.2152967): (-12_188_442, 54_437_507),
        (-0.5, -0.5): (-180_000, -180_000),
        (51.5, -179.9999999): (18_540_000, -64_800_000),
        (51.5, 180): (18_540_000, -64_800_000),
    }.items():
        found = IntersectionMap.load(write(tmp_path / "map.geojson", feature(lat, lon)))
        node = found.ahead(expected[0] - 300, expected[1], 0)
        assert node is not None
        assert node[:2] == expected


def test_other_geometry_and_repeats_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "map.geojson"
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}, "properties": {}}
    nowhere = {"type": "Feature", "geometry": None, "properties": None}
    called_feature = feature(*GINZA, type="Feature", priority_deg=[90])  # a property may be called so
    bare = feature(*GINZA, priority_deg=[90]) | {"id": 7}
    found = IntersectionMap.load(write(path, line, called_feature, nowhere, bare, crs=None))
    assert (len(found), found.with_priority) == (1, 1)
    assert found.counters == {"other_geometry": 2, "duplicate": 1}
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(IntersectionMap.load(path)) == 1


def _point(coordinates: object) -> dict[str, object]:
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": coordinates}, "properties": None}


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([feature(139.7, 35.6), feature(*GINZA)], ["feature 1", "latitude 139.7", "-90..90", "longitude comes first"]),
        ([feature(*GINZA), feature(35, 180.01, name="四丁目")], ["feature 2", "四丁目", "longitude 180.01"]),
        ([_point([])], ["feature 1", "[longitude, latitude]"]),
        ([_point(None)], ["feature 1", "null", "[longitude, latitude]"]),
        ([_point(["139", "35"])], ["feature 1", "[longitude, latitude]"]),
        ([_point([True, 35])], ["feature 1", "[longitude, latitude]"]),
        ([_point([1e400, 35])], ["Infinity"]),
        ([_point([10**400, 35])], ["feature 1", "longitude"]),
        ([feature(*GINZA, priority_deg=90)], ["feature 1", "priority_deg: 90", "list of headings", "[90, 270]"]),
        ([feature(*GINZA, priority_deg=[90, "west"])], ["feature 1", "priority_deg", "list of headings"]),
        ([feature(*GINZA, priority_deg=[True])], ["feature 1", "priority_deg"]),
        ([feature(*GINZA, priority_deg=[-90])], ["feature 1", "priority_deg: -90", "0..360"]),
        ([feature(*GINZA, priority_deg=[361])], ["feature 1", "priority_deg: 361", "0..360"]),
        (
            [feature(*GINZA), feature(*GINZA, priority_deg=[0])],
            ["feature 2", "earlier feature", "another priority_deg", "keep"],
        ),
        (["Ginza"], ["feature 1", "no Feature"]),
        ([feature(*GINZA), {"type": "Point", "coordinates": [1, 2]}], ["feature 2", "no Feature"]),
        ([{"type": "Feature", "properties": {}}], ["feature 1", "no Feature"]),
        ([{"type": "Feature", "geometry": "Point", "properties": {}}], ["feature 1", "geometry"]),
        ([{"type": "Feature", "geometry": {}, "properties": {}}], ["feature 1", "geometry"]),
        ([], ["no node in it", "Point feature", "intersections.map"]),
        ([{"type": "Feature", "geometry": None}], ["no node in it", "1 features of another geometry"]),
    ],
)
def test_features_refused(tmp_path: Path, features: list[Any], words: list[str]) -> None:
    _refused(write(tmp_path / "map.geojson", *features), words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", ["not JSON", "FeatureCollection"]),
        (b'{"type": "FeatureCollection", "features": [', ["not JSON", "line 1"]),
        (b"[" * 100_000, ["not JSON", "nested too deep"]),
        (b"\xff\xfe{", ["UTF-8", "GeoJSON"]),
        (b"[]", ["no FeatureCollection"]),
        (b'{"type": "Topology"}', ["no FeatureCollection"]),
        (json.dumps(feature(*GINZA)).encode(), ["no FeatureCollection", "Point features"]),
        (b'{"type": "FeatureCollection"}', ["features", "list"]),
        (b'{"type": "FeatureCollection", "features": {}}', ["features", "list"]),
        (json.dumps(_point([float("nan"), 35])).encode(), ["NaN"]),
        (
            b'{"type": "FeatureCollection", "crs": {"properties": {"name": "EPSG:4301"}}, "features": []}',
            ["crs", "EPSG:4301", "WGS 84"],
        ),
        (b'{"type": "FeatureCollection", "crs": "x", "features": []}', ["crs", "WGS 84"]),
    ],
)
def test_files_refused(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "map.geojson"
    path.write_bytes(content)
    _refused(path, words)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    _refused(tmp_path / "none.geojson", ["cannot be read", "No such file"])
    _refused(tmp_path, ["cannot be read"])


def test_maps_too_large_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "map.geojson", feature(1, 1), feature(1, 2))
    monkeypatch.setattr(intersection_file, "NODES_MOST", 2)
    assert len(IntersectionMap.load(path)) == 2
    monkeypatch.setattr(intersection_file, "NODES_MOST", 1)
    _refused(path, ["2 nodes", "1 at most", "cut the map"])
    monkeypatch.setattr(intersection_file, "FILE_BYTES_MOST", 100)
    _refused(path, ["MB", "cut the map"])


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::6668"])
def test_the_usual_reference_systems_are_taken(tmp_path: Path, name: str) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    assert len(IntersectionMap.load(write(tmp_path / "map.geojson", feature(*GINZA), crs=crs))) == 1


def _refused(path: Path, words: list[str]) -> None:
    with pytest.raises(UsageError) as refusal:
        IntersectionMap.load(path)
    text = str(refusal.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    assert len(text) < len(str(path)) + 220
    for word in words:
        assert word in text


# The watcher and the configuration


def test_the_watcher_searches_only_after_a_move(monkeypatch: pytest.MonkeyPatch) -> None:
    at = (35 * CAS, 139 * CAS)
    found = IntersectionMap([Place(*moved(at, 300, 0), (9000,))])
    searches: list[tuple[int, int, int]] = []
    plain = found.ahead_cdeg

    def counted(*place: int) -> object:
        searches.append(place)
        return plain(*place)

    monkeypatch.setattr(found, "ahead_cdeg", counted)
    watcher = NodeAhead(found)
    first = watcher.look(*at, 0)
    assert first is not None
    assert (first.distance_m, first.priority) == (300, False)
    for place in ((at[0] + 1, at[1] - 1, 0), (*at, 35950), (*at, 100)):
        assert watcher.look(*place) == first
    assert len(searches) == 1
    assert watcher.look(*at, NONE) is None  # heading not known
    assert watcher.look(NONE, NONE, 0) is None
    assert len(searches) == 1
    assert watcher.look(*at, 18000) is None
    nearer = watcher.look(*moved(at, 100, 0), 0)
    assert nearer is not None
    assert nearer.distance_m == 200
    assert len(searches) == 3


def test_a_slow_drive_is_never_told_an_old_distance() -> None:
    at = (35 * CAS, 139 * CAS)
    found = IntersectionMap([Place(at[0] + 600, at[1], None)])
    watcher = NodeAhead(found)
    for step in range(500):
        node, exact = watcher.look(at[0] + step, at[1], 0), found.ahead(at[0] + step, at[1], 0)
        assert node is not None
        assert exact is not None
        assert abs(node.distance_m - exact.distance_m) <= 1


def test_the_map_of_the_configuration(tmp_path: Path) -> None:
    config = Config.model_validate({"intersections": {"map": "maps/town.geojson"}})
    (tmp_path / "maps").mkdir()
    with pytest.raises(UsageError, match=re.escape(str(tmp_path / "maps" / "town.geojson"))):
        load_intersections(config, tmp_path)
    line = {"type": "Feature", "geometry": {"type": "LineString", "coordinates": []}, "properties": {}}
    write(tmp_path / "maps" / "town.geojson", feature(*GINZA, priority_deg=[0]), line, feature(36, 140))
    found = load_intersections(config, tmp_path)
    assert found is not None
    assert len(found) == 2
    told = PARTS["intersections"](config, tmp_path)
    assert told == "maps/town.geojson: 2 nodes, 1 with priority; 1 features that are no points are ignored"
    assert load_intersections(Config(), tmp_path) is None
    assert "none" in PARTS["intersections"](Config(), tmp_path)


def test_the_example_of_the_page_is_a_map(tmp_path: Path) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "intersections.md").read_text(encoding="utf-8")
    example_of_page = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert example_of_page is not None
    path = tmp_path / "map.geojson"
    path.write_text(example_of_page[1], encoding="utf-8")
    found = IntersectionMap.load(path)
    assert (len(found), found.with_priority, found.counters) == (3, 2, {})
