"""What tshark reads with the dissector, beside what the project's own decoder says of the same bytes."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from asvtools.wireshark.install import FILE_NAME
from asvtools.wireshark.source import BOUNDS, UDP_PORT, dissector, element_rows
from asvunit.config import RadioTable
from asvunit.message import decode, encode, undefined, values
from asvunit.message.raw import NAMES, RANGES, WIDTHS
from asvunit.message.values import INTERSECTION_KEYS, VALUE_KEYS
from asvunit.trailer import sign
from wiresharktools import RADIOTAP, RAW_IP, Tshark, dot11, ocb, udp4, udp6, write_pcap

pytestmark = pytest.mark.fuller

_VECTORS = [json.loads(path.read_text()) for path in sorted((Path(__file__).parents[1] / "vectors").glob("*.json"))]
_TOKYO = next(bytes.fromhex(vector["hex"]) for vector in _VECTORS if vector["name"] == "tokyo_car")
_EMERGENCY = next(bytes.fromhex(vector["hex"]) for vector in _VECTORS if vector["name"] == "emergency")
_VALUES = [f"intersection.{part}" for part in INTERSECTION_KEYS]
_VALUES += [key for key in VALUE_KEYS if key != "intersection"]
_FIELDS = [f"asv.{name}" for name in NAMES] + [f"asv.value.{name}" for name in _VALUES]
_FIELDS += ["asv.undefined", "asv.malformed", "asv.version", "asv.management", "_ws.col.Info"]
_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
_MANY = 20_000 if "ASVKIT_ALL" in os.environ else 400
_TIME_MS = 1_800_000_000_123


@pytest.fixture(scope="module")
def tshark(tmp_path_factory: pytest.TempPathFactory) -> Tshark:
    home = tmp_path_factory.mktemp("home")
    plugins = home / ".local" / "lib" / "wireshark" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / FILE_NAME).write_text(dissector(), encoding="utf-8")
    return Tshark(home)


_EDGES = (
    0, 1, 23, 24, 59, 60, 90, -90, 91, -91, 180, -180, 181, 100, 101, 120, 124, 359, 360, 383, 384, 499, 500, 501,
    5999, 6000,
)  # fmt: skip


def _edges(name: str) -> list[int]:
    """Codes of an element at the ends of ranges, of its own and of others."""
    low, high = RANGES[NAMES.index(name)]
    return sorted({code for code in (low, high, *BOUNDS.get(name, ()), *_EDGES) if low <= code <= high})


def _edge_messages() -> list[bytes]:
    """Messages of which one element has a code at the end of a range, and all is readable else."""
    raw = next(vector["raw"] for vector in _VECTORS if vector["name"] == "intersection")
    return [encode(raw | {name: code}) for name in NAMES[1:] for code in _edges(name)]


def _messages(count: int, seed: int) -> list[bytes]:
    """Random bytes, random codes, and codes at the ends of ranges, units available more often than not."""
    pick = random.Random(seed)
    out = []
    for number in range(count):
        if number % 3 == 0:
            out.append(bytes([pick.randrange(8) << 5 | 1]) + pick.randbytes(99))
            continue
        raw: dict[str, Any] = {}
        for name, (low, high) in zip(NAMES, RANGES, strict=True):
            raw[name] = pick.choice(_edges(name)) if number % 3 == 1 else pick.randint(low, high)
            if number % 3 == 2 and name.endswith(("_degree", "_minute", "_second")):
                raw[name] = pick.randint(max(low, -89), min(high, 5999 if name.endswith("nal_second") else 59))
            if name.endswith("availability") and pick.random() < 0.8:
                raw[name] = 3
        raw["administration_data"] = pick.choice((1, 1, 33, 225))
        out.append(encode(raw))
    return out


def _expected(message: bytes) -> dict[str, str | float]:
    """The fields of a message, by the project's decoder: what is unknown has no field."""
    raw = decode(message)
    out: dict[str, Any] = {f"asv.{name}": code for name, code in raw.items()}
    known = values(raw)
    crossing = known.pop("intersection") or {}
    for name, value in [*known.items(), *((f"intersection.{key}", value) for key, value in crossing.items())]:
        if value is not None:
            out[f"asv.value.{name}"] = int(value) if isinstance(value, bool) else value
    if wrong := undefined(raw):
        out["asv.undefined"] = ",".join(wrong)
    return out | {"asv.version": message[0] & 31, "asv.management": message[0] >> 5}


def _same(got: dict[str, str], message: bytes) -> None:
    info = got.pop("_ws.col.Info", "")
    assert "Malformed" not in info
    expected = _expected(message)
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        if isinstance(value, float):
            assert float(got[name]) == pytest.approx(value, rel=1e-13, abs=1e-12), name
        elif isinstance(value, int) and name.startswith("asv.value."):
            assert float(got[name]) == value, name
        else:
            assert got[name] == str(value), name


@pytest.mark.long
def test_every_element_and_value_of_thousands_of_messages(tshark: Tshark, tmp_path: Path) -> None:
    messages = [bytes.fromhex(vector["hex"]) for vector in _VECTORS] + _edge_messages() + _messages(_MANY, seed=1)
    rows = tshark.fields(write_pcap(tmp_path / "x.pcap", [ocb(message) for message in messages]), _FIELDS)
    assert len(rows) == len(messages)
    seen: set[str] = set()
    for row, message in zip(rows, messages, strict=True):
        seen |= row.keys()
        _same(row, message)
    assert set(_FIELDS) - seen == {"asv.malformed"}


@pytest.mark.parametrize("vector", _VECTORS, ids=lambda vector: vector["name"])
def test_the_vectors_say_what_was_written_down_for_them(vector: dict[str, Any], golden: dict[str, Any]) -> None:
    row = golden[vector["name"]]
    assert {name: row[f"asv.{name}"] for name in NAMES} == {name: str(vector["raw"][name]) for name in NAMES}
    for name, value in vector["value"].items():
        if isinstance(value, str | bool):
            assert row[f"asv.value.{name}"] == (str(int(value)) if isinstance(value, bool) else value)
        elif isinstance(value, int | float):
            assert float(row[f"asv.value.{name}"]) == pytest.approx(value, abs=1e-9)
        elif value is None:
            assert f"asv.value.{name}" not in row


@pytest.fixture(scope="module")
def golden(tshark: Tshark, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    frames = [ocb(bytes.fromhex(vector["hex"])) for vector in _VECTORS]
    rows = tshark.fields(write_pcap(tmp_path_factory.mktemp("golden") / "x.pcap", frames), _FIELDS)
    return {vector["name"]: row for vector, row in zip(_VECTORS, rows, strict=True)}


@pytest.mark.long
@pytest.mark.parametrize(
    ("link", "frames"),
    [
        (RAW_IP, [udp4(_TOKYO), udp6(_EMERGENCY)]),
        (1, [ocb(_TOKYO), ocb(_EMERGENCY)]),
        (RADIOTAP, [dot11(_TOKYO), dot11(_EMERGENCY)]),
    ],
    ids=["udp4 and udp6", "ocb", "monitor"],
)
def test_every_form_on_the_air(tshark: Tshark, tmp_path: Path, link: int, frames: list[bytes]) -> None:
    rows = tshark.fields(write_pcap(tmp_path / "x.pcap", frames, link=link), _FIELDS)
    for row, message in zip(rows, (_TOKYO, _EMERGENCY), strict=True):
        _same(row, message)


@pytest.mark.long
def test_wrong_lengths_versions_and_marks_are_malformed(tshark: Tshark, tmp_path: Path) -> None:
    signed = sign(_TOKYO, 7, _KEY, _TIME_MS)
    payloads = [signed[:length] + bytes(max(0, length - 178)) for length in range(1, 260)]
    payloads += [bytes([version]) + _TOKYO[1:] for version in range(256)]
    payloads += [_TOKYO + mark + signed[102:] for mark in (b"PW", b"VP", b"\0\0", b"\xff\xff")]
    reasons = ["" if len(payload) in (100, 178) else "length" for payload in payloads[:259]]
    reasons += ["" if version & 31 == 1 else "version" for version in range(256)] + ["trailer"] * 4
    for link, form in ((1, ocb), (RAW_IP, udp4)):
        capture = write_pcap(tmp_path / "x.pcap", [form(payload) for payload in payloads], link=link)
        rows = tshark.fields(capture, ["asv.malformed", "asv.length", "asv.data", "asv.speed", "_ws.col.Info"])
        assert [row.get("asv.malformed", "") for row in rows] == reasons
        for row, payload, reason in zip(rows, payloads, reasons, strict=True):
            assert ("asv.speed" in row) is not bool(reason)
            assert row["_ws.col.Info"].startswith("Malformed: ") is bool(reason)
            if reason:
                assert (row["asv.length"], row["asv.data"]) == (str(len(payload)), payload.hex())


@pytest.mark.long
def test_a_frame_check_sequence_is_suspected_and_can_be_told(tshark: Tshark, tmp_path: Path) -> None:
    capture = write_pcap(tmp_path / "x.pcap", [ocb(_TOKYO) + b"FCS!"])
    assert b"104 bytes, neither 100 nor 178; with a frame check sequence?" in tshark.run("-r", str(capture))
    assert tshark.fields(capture, ["asv.speed"], "-oeth.fcs:Always") == [{"asv.speed": "50"}]


def test_an_empty_datagram_harms_nothing(tshark: Tshark, tmp_path: Path) -> None:
    capture = write_pcap(tmp_path / "x.pcap", [udp4(b""), udp4(_TOKYO)], link=RAW_IP)
    assert [row.get("asv.speed") for row in tshark.fields(capture, ["asv.speed"])] == [None, "50"]


@pytest.mark.long
def test_frames_cut_by_the_capture_show_what_is_there(tshark: Tshark, tmp_path: Path) -> None:
    signed = sign(_EMERGENCY, 7, _KEY, _TIME_MS)
    kept = list(range(1, 178))
    capture = write_pcap(tmp_path / "x.pcap", [ocb(signed)] * len(kept), cut=[14 + length for length in kept])
    raw = decode(_EMERGENCY)
    ends, bit = {}, 0
    for name, bits in zip(NAMES, WIDTHS, strict=True):
        bit += bits
        ends[name] = -(-bit // 8)
    tshark.run("-r", str(capture), "-V")  # no error in Lua
    whole = _expected(_EMERGENCY)
    for row, length in zip(tshark.fields(capture, [*_FIELDS, "asv.trailer.key_id"]), kept, strict=True):
        found = {name for name in NAMES if f"asv.{name}" in row}
        assert found == {name for name, end in ends.items() if end <= length}
        assert all(row[f"asv.{name}"] == str(raw[name]) for name in found)
        assert {name for name in row if name.startswith("asv.value.")} <= whole.keys()
        assert f"[cut at {length} of 178 bytes]" in row["_ws.col.Info"]
        assert "unsigned" not in row["_ws.col.Info"]
        assert ("asv.value.speed_kmh" in row) == (length >= ends["speed"])
        assert "asv.trailer.key_id" not in row
        assert "asv.malformed" not in row


def test_the_trailer(tshark: Tshark, tmp_path: Path) -> None:
    cases = [(0, 0), (7, _TIME_MS), (0xFFFFFFFF, 253402300799999), (8, 253402300800000), (9, (1 << 64) - 1)]
    frames = [sign(_EMERGENCY, key, _KEY, time_ms) for key, time_ms in cases]
    names = ["key_id", "time_ms", "time", "age_ms", "signature", "mark"]
    names = [f"asv.trailer.{name}" for name in names]
    capture = write_pcap(tmp_path / "x.pcap", [ocb(frame) for frame in frames], times_us=[_TIME_MS * 1000 + 4567] * 5)
    rows = tshark.fields(capture, [*names, "asv.trailer.time_off"])
    for row, (key, time_ms), frame in zip(rows, cases, frames, strict=True):
        assert (row[names[0]], row[names[1]], row[names[5]]) == (str(key), str(time_ms), "PV")
        assert row[names[4]].replace(":", "") == frame[114:].hex()
        assert (names[2] in row) == (names[3] in row) == (time_ms < 253402300800000)
    assert "2027" in rows[1][names[2]]
    assert "08:00:00.123" in rows[1][names[2]]
    assert float(rows[1][names[3]]) == pytest.approx(4.567, abs=0.002)
    assert ["asv.trailer.time_off" in row for row in rows] == [True, False, True, True, True]


@pytest.mark.long
def test_what_is_missing_of_each_sender(tshark: Tshark, tmp_path: Path) -> None:
    def frame(counter: int, source: int = 1, vehicle_id: int = 5) -> bytes:
        return ocb(encode({"increment_counter": counter, "vehicle_id": vehicle_id}), bytes((2, 0, 0, 0, 0, source)))

    steps = [  # ms, frame, missing
        (0, frame(254), None), (50, frame(9, source=2), None), (100, frame(255), 0),
        (150, frame(9, vehicle_id=6), None), (200, frame(0), 0), (250, frame(11, source=2), 1), (500, frame(3), 2),
        (600, frame(3), None), (700, frame(2), None), (800, frame(4), 1), (30_800, frame(5), None),
    ]  # fmt: skip
    times_us = [1_800_000_000_000_000 + ms * 1000 for ms, *_ in steps]
    capture = write_pcap(tmp_path / "x.pcap", [frame for _, frame, _ in steps], times_us=times_us)
    names = ["asv.sender.missing", "asv.sender.interval_ms", "asv.sender.previous", "asv.sender.counter"]
    for options in ((), ("-2",)):
        rows = tshark.fields(capture, names, *options)
        assert [row.get(names[0]) for row in rows] == [None if n is None else str(n) for *_, n in steps]
        assert [float(row.get(names[1], -1)) for row in rows] == [-1, -1, 100, -1, 100, 200, 300, 100, 100, 100, 30_000]
        assert [row.get(names[2], "") for row in rows] == ["", "", "1", "", "3", "2", "5", "7", "8", "9", "10"]
        assert [number for number, row in enumerate(rows, 1) if names[3] in row] == [8, 9]


def test_the_line_in_the_list(golden: dict[str, Any]) -> None:
    said = {name: row["_ws.col.Info"] for name, row in golden.items()}
    assert said["tokyo_car"] == "car 4660  #7  35.681167,139.767100  ±3 m  50 km/h  90°  +0.50 m/s²  winker right"
    assert said["emergency"].startswith("EMERGENCY (unsigned)  special 16000  #0")
    assert said["unavailable"].startswith("truck 2  #1  no position  no speed")
    assert said["south_west"].endswith("no direction  -8.00 m/s²  brake  winker left  hazard on  shift reverse")


def test_what_is_shown_of_one_message(tshark: Tshark, tmp_path: Path) -> None:
    capture = write_pcap(tmp_path / "x.pcap", [ocb(_TOKYO), ocb(encode({"winker": 3, "sensor_availability": 3}))])
    shown = tshark.run("-r", str(capture), "-V").decode()
    for line in (
        "[Speed: 50 km/h]", ".... ...0 0110 010. = Speed: 50 (50 km/h)", "= Winker: right (5)", "[Latitude: 35.68",
        "= Forward acceleration: 34 (0.50 m/s²)", "= Latitudinal second: 5220 (52.20\")", "= Height: 8236 (44 m)",
        "= Position delay: 1 (100 ms or less)", "State (elements 19-27), all readable", "[Fix time: 12:34:56 JST]",
        "Nearest intersection (elements 32-40), unknown", "= Intersection latitudinal degree: 0 (0°) [not read]",
        "= Winker: undefined (3)", "winker: code 3 is undefined", "...0 0001 = Version: 1",
    ):  # fmt: skip
        assert line in shown, line


@pytest.mark.long
def test_filters_by_code_word_and_value(tshark: Tshark, tmp_path: Path) -> None:
    frames = [ocb(bytes.fromhex(vector["hex"])) for vector in _VECTORS] + [ocb(b"short")]
    capture = write_pcap(tmp_path / "x.pcap", frames)
    names = [vector["name"] for vector in _VECTORS] + ["short"]
    for expression, found in {
        'asv.winker == "right" && asv.speed == 50 && asv.value.vehicle_kind == "car"': ["tokyo_car"],
        "asv.value.latitude_deg < 0 && asv.value.forward_acceleration_mps2 <= -7.5": ["south_west"],
        'asv.undefined == "class_information" || asv.emergency_unsigned': ["emergency", "ones", "zero"],
        'asv.malformed && _ws.expert.severity == "Error"': ["short"],
    }.items():
        # As a list: no details are wanted there, and only what the filter names is built
        lines = tshark.run("-r", str(capture), "-Y", expression).decode().splitlines()
        assert [names[int(line.split()[0]) - 1] for line in lines] == found, expression


@pytest.mark.long
def test_another_port(tshark: Tshark, tmp_path: Path) -> None:
    capture = write_pcap(tmp_path / "x.pcap", [udp4(_TOKYO), udp4(_TOKYO, port=5001)], link=RAW_IP)
    for option, found in {
        "-oasv.udp_ports:47000-47099,5001": ["2"],
        "-oasv.udp_ports:": [],
        "-dudp.port==5001,asv": ["1", "2"],
    }.items():
        rows = tshark.fields(capture, ["frame.number"], "-Y", "asv", option)
        assert [row["frame.number"] for row in rows] == found, option


def test_it_listens_where_units_send() -> None:
    assert RadioTable().port == UDP_PORT


def test_the_ends_of_ranges_are_codes_that_read_as_values() -> None:
    rows = {row["name"]: row for row in element_rows()}
    for name, bounds in BOUNDS.items():
        assert all(code in (rows[name]["first"], rows[name]["last"]) for code in bounds)
