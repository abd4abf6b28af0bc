"""Counters and checksums of a car's senders, of the usual families."""

import json
from pathlib import Path

import pytest

from asvunit.ports import (
    BRAKE,
    WINKER,
)
from asvunit.vehicle import VehicleMap
from carmaps import CHECKED, Make, told


@pytest.fixture
def make(tmp_path: Path) -> Make:
    return Make(tmp_path)


def test_a_bad_checksum_is_dropped(make: Make) -> None:
    vehicle = make(CHECKED + 'kind = "toyota"')
    good = bytes([4, 0, 0, 0, 0, 0, 0, 4 + 8 + 32])
    assert told(vehicle, 32, good) == {WINKER: 6}
    for at in range(8):
        bad = bytearray(good)
        bad[at] ^= 0x10
        assert told(vehicle, 32, bytes(bad)) == {}
    assert vehicle.counters == {"bad_checksum": 8}


def test_a_checksum_is_looked_at_before_the_counter(make: Make) -> None:
    vehicle = make(CHECKED + 'kind = "sum8"\n[[check]]\nmessage = "LAMPS"\nkind = "counter"')
    frames = [(1, 0), (1, 0), (2, 9), (2, 0), (4, 0)]  # count, error of the checksum
    seen = [told(vehicle, 32, bytes([4, count, 0, 0, 0, 0, 0, 4 + count + error])) for count, error in frames]
    assert seen == [{WINKER: 6}, {}, {}, {WINKER: 6}, {WINKER: 6}]
    assert vehicle.counters == {"counter_stuck": 1, "bad_checksum": 1, "counter_jump": 1}


VW_IDS = [0xB4, 0xEF, 0xF8, 0x49, 0x1E, 0xE5, 0xC2, 0xC0, 0x97, 0x19, 0x3C, 0xC9, 0xF1, 0x98, 0xD6, 0x61]


@pytest.mark.parametrize(
    ("kind", "identifier", "field", "data", "checksum", "keys"),
    [  # frames of random bytes, with what the families' own published code makes of them
        ("toyota", 0xB4, "63|8@0", "41e3f27f753b6704", 104, ""),
        ("toyota", 0x1A0, "39|8@0", "481fdb2cf1", 20, ""),
        ("toyota", 0x18DAB0F1, "63|8@0", "083db7cdac25af3a", 228, ""),
        ("honda", 0xB4, "59|4@0", "73d6baf6dbb2259c", 13, ""),
        ("honda", 0x7C0, "35|4@0", "f7c7931363", 6, ""),
        ("honda", 0x18DAB0F1, "59|4@0", "5459eeef0ef686a9", 5, ""),
        ("subaru", 0x7C0, "0|8@1", "8e0ea5612596b61a", 102, ""),
        ("tesla", 0x1A0, "0|8@1", "06cf0631411f3347", 129, ""),
        ("chrysler", 0x1A0, "63|8@0", "9da41ffcf050f582", 55, ""),
        ("nissan", 0x1B6, "63|8@0", "832fc21b149e50f4", 152, ""),
        ("hyundai", 0x38D, "63|8@0", "f82f8404085ddae4", 7, ""),
        ("hyundai", 0x340, "48|8@1", "24d81bd8e8388e92", 11, ""),
        ("hyundai_canfd", 0x1A0, "0|16@1", "1d0c6e41113b2438", 2780, ""),
        ("hyundai_canfd", 0x1A0, "0|16@1", "0001cababb70e0216955cbfc1b4e49b3", 55626, ""),
        ("fca_giorgio", 0xDE, "63|8@0", "e74e96f59466a4ca", 205, ""),
        ("fca_giorgio", 0x200, "63|8@0", "cf48633032d72230", 4, ""),
        ("psa", 0x452, "59|4@0", "d97764d74a836339", 13, ""),
        ("psa", 0x305, "63|4@0", "66008acd56605623", 5, ""),
        ("xor", 0xB4, "0|8@1", "0bff30730983007d", 75, ""),
        ("volkswagen", 0xFD, "0|8@1", "6fc659c0bd3ae2dc", 90, f"data_ids = {VW_IDS}"),
        ("volkswagen", 0x101, "0|8@1", "6362f53552b5d9f9", 108, "data_ids = [0xAA]"),
        ("crc8", 0x1A0, "63|8@0", "9da41ffcf050f582", 55, ""),
        (
            "crc8",
            0x101,
            "0|8@1",
            "6362f53552b5d9f9",
            108,
            "poly = 0x2F\ninit = 0xFF\nxor_out = 0xFF\ndata_ids = [0xAA]",
        ),
        ("sum8", 0x7C0, "0|8@1", "8e0ea5612596b61a", 0x9F, ""),
        ("sum8", 0x7C0, "0|8@1", "8e0ea5612596b61a", 0xA0 ^ 0xFE, "init = 1\nxor_out = 0xFE"),
    ],
)
def test_the_families_of_checksums(
    tmp_path: Path, kind: str, identifier: int, field: str, data: str, checksum: int, keys: str
) -> None:
    payload = bytes.fromhex(data)
    number = identifier | (identifier > 0x7FF) << 31
    (tmp_path / "car.dbc").write_text(
        f'VERSION ""\nBO_ {number} M: {len(payload)} X\n SG_ A : 17|1@1+ (1,0) [0|0] "" X\n'
        f' SG_ CHECKSUM : {field}+ (1,0) [0|0] "" X\n'
    )
    path = tmp_path / "car.toml"
    path.write_text(
        f'map = 1\nname = "car"\ndatabase.file = "car.dbc"\n[signal.brake]\nfrom = "M.A"\non = [1]\n'
        f'[[check]]\nmessage = "M"\nkind = "{kind}"\n{keys}\n'
    )
    vehicle = VehicleMap.load(path)
    message = vehicle.databases[0].database.get_message_by_name("M")
    bits = message.decode(payload, decode_choices=False)
    rest = message.encode({"A": 0, "CHECKSUM": (1 << message.get_signal_by_name("CHECKSUM").length) - 1})
    kept = bytes(old & ~mask & 0xFF for old, mask in zip(payload, rest, strict=True))
    placed = message.encode({"A": 0, "CHECKSUM": checksum})
    good = bytes(old | new for old, new in zip(kept, placed, strict=True))
    extended = int(identifier > 0x7FF)
    assert told(vehicle, identifier, good, extended=extended) == {BRAKE: 4 + int(bits["A"])}
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 0x04
        assert told(vehicle, identifier, bytes(bad), extended=extended) == {}
    assert vehicle.counters == {"bad_checksum": len(good)}
    compiled = tmp_path / "car.json"
    compiled.write_text(json.dumps(vehicle.compiled()))
    assert told(VehicleMap.load(compiled), identifier, good, extended=extended) == {BRAKE: 4 + int(bits["A"])}
