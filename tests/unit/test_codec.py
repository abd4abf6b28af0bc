"""The raw codec against golden vectors, an independent bit-string joiner and bitstruct."""

import json
import random
from pathlib import Path

import bitstruct
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asvcore import codec
from asvcore.elements import CODED, ELEMENTS, MESSAGE_BYTES
from asvtools.codec_source import source
from asvunit.message import Malformed, decode, encode

ROOT = Path(__file__).resolve().parents[2]
VECTORS = [json.loads(path.read_text()) for path in sorted((ROOT / "tests" / "vectors").glob("*.json"))]
NAMES = [row[2] for row in ELEMENTS]
HEX_DIGITS = {"asv_reservation": 86, "independent_domain": 40}
BITSTRUCT = bitstruct.compile("".join(f"{'s' if row[5] else 'u'}{row[3]}" for row in ELEMENTS))


def joined(codes):
    """Bits of 45 integers in table order, most significant first, as bytes: the layout in its plainest form."""
    bits = "".join(format(code % (1 << row[3]), f"0{row[3]}b") for code, row in zip(codes, ELEMENTS, strict=True))
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def split(data):
    """The way back of `joined`."""
    bits = "".join(f"{byte:08b}" for byte in data)
    codes, at = [], 0
    for _number, _unit, _name, width, _mandatory, signed, _coding in ELEMENTS:
        code = int(bits[at : at + width], 2)
        codes.append(code - (1 << width) if signed and bits[at] == "1" else code)
        at += width
    return codes


def as_raw(codes):
    """A raw dict of 45 integers."""
    raw = dict(zip(NAMES, codes, strict=True))
    return raw | {name: f"{raw[name]:0{digits}x}" for name, digits in HEX_DIGITS.items()}


def bounds(row):
    return (-(1 << row[3] - 1), (1 << row[3] - 1) - 1) if row[5] else (0, (1 << row[3]) - 1)


CODES = st.tuples(
    st.integers(0, 7).map(lambda upper: upper << 5 | 1), *(st.integers(*bounds(row)) for row in ELEMENTS[1:])
).map(list)


def message_bytes(chance):
    data = bytearray(chance.randbytes(MESSAGE_BYTES))
    data[0] = data[0] & 0xE0 | 1
    return bytes(data)


def test_layout_of_the_table():
    assert [row[0] for row in ELEMENTS] == list(range(1, 46))
    assert sum(row[3] for row in ELEMENTS) == 800
    assert sum(row[3] for row in ELEMENTS[:CODED]) == 299
    assert len(set(NAMES)) == 45
    assert [name for name in NAMES if getattr(codec, name.upper(), None) is not None] == NAMES[:CODED]


def test_generated_file_is_current():
    assert (ROOT / "firmware" / "asvcore" / "codec.py").read_text() == source()


def test_enough_vectors():
    assert {vector["name"] for vector in VECTORS} >= {
        "zero", "ones", "tokyo_car", "south_west", "unavailable", "intersection", "emergency",
    }  # fmt: skip


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_vector_both_ways(vector):
    data = bytes.fromhex(vector["hex"])
    assert joined([int(code, 16) if isinstance(code, str) else code for code in vector["raw"].values()]) == data
    assert decode(data) == vector["raw"]
    assert encode(vector["raw"]) == data


def test_first_bytes_written_by_hand():
    # 00000001 00000111 | 01001000 110100+00 10+000000 000100+00 011+11+000 100011+10 (minute 101000)
    data = encode(
        {"increment_counter": 7, "vehicle_id": 0x1234, "class_information": 2, "vehicle_classification": 4,
         "vehicle_length": 3, "position_availability": 3, "latitudinal_degree": 35, "latitudinal_minute": 40}
    )  # fmt: skip
    assert data[:8].hex() == "010748d08010788e"


@settings(deadline=None, max_examples=40)
@given(CODES)
def test_round_trip(codes):
    raw = as_raw(codes)
    data = encode(raw)
    assert len(data) == MESSAGE_BYTES
    assert decode(data) == raw


def test_thousand_random_messages_against_two_other_codecs():
    chance = random.Random(1)
    for _ in range(1000):
        data = message_bytes(chance)
        codes = split(data)
        assert tuple(codes) == BITSTRUCT.unpack(data)
        assert decode(data) == as_raw(codes)
        codes = [1, *(chance.randint(*bounds(row)) for row in ELEMENTS[1:])]
        expected = joined(codes)
        assert BITSTRUCT.pack(*codes) == expected
        assert encode(as_raw(codes)) == expected


@settings(deadline=None)
@given(st.binary(min_size=MESSAGE_BYTES, max_size=MESSAGE_BYTES))
def test_portable_codec_decodes_any_bytes(data):
    raw = [0] * CODED
    codec.decode_into(data, raw)
    assert raw == split(data)[:CODED]


@pytest.mark.parametrize("row", ELEMENTS[:CODED], ids=lambda row: row[2])
@pytest.mark.parametrize("side", [0, 1], ids=["below", "above"])
def test_one_over_the_range_is_refused(row, side):
    limit = bounds(row)[side]
    name = row[2]
    assert decode(encode({name: limit} if name != "administration_data" else {name: 1}))["speed"] >= 0
    wrong = limit + (1 if side else -1)
    with pytest.raises(ValueError, match=rf"^{name}: {wrong} is outside {bounds(row)[0]}\.\.{bounds(row)[1]}"):
        encode({name: wrong})
    codes = [0] * CODED
    codes[row[0] - 1] = wrong
    buffer = bytearray(MESSAGE_BYTES)
    with pytest.raises(ValueError, match=f"^element {row[0]}: {wrong} is outside"):
        codec.encode_into(codes, buffer)
    assert buffer == bytes(MESSAGE_BYTES), "a refused message must not be half written"


@pytest.mark.parametrize(("name", "digits", "bits"), [("asv_reservation", 86, 341), ("independent_domain", 40, 160)])
def test_opaque_elements(name, digits, bits):
    top = f"{(1 << bits) - 1:0{digits}x}"
    assert decode(encode({name: (1 << bits) - 1}))[name] == top
    assert decode(encode({name: top.upper()}))[name] == top
    assert decode(encode({name: "0x5"}))[name] == f"{5:0{digits}x}"
    for wrong in (1 << bits, -1, f"{1 << bits:x}", "", "0x", "-1", "1_0", "zz", " 1", 1.0, True, None):
        with pytest.raises(ValueError, match=f"^{name}: .*{bits} bits"):
            encode({name: wrong})


@settings(deadline=None, max_examples=40)
@given(CODES, st.binary(min_size=MESSAGE_BYTES, max_size=MESSAGE_BYTES))
def test_portable_codec_leaves_the_tail(codes, before):
    buffer = bytearray(before)
    codec.encode_into(codes[:CODED], buffer)
    assert buffer[38:] == before[38:]
    assert buffer[37] & 0x1F == before[37] & 0x1F
    assert split(buffer)[:CODED] == codes[:CODED]


def test_missing_is_zero_but_the_version():
    assert encode({}) == b"\x01" + bytes(99)


@pytest.mark.parametrize("wrong", [True, 1.0, "1", None, [1]])
def test_numbers_must_be_integers(wrong):
    with pytest.raises(ValueError, match=r"^speed: .* is not an integer 0\.\.255"):
        encode({"speed": wrong})


@pytest.mark.parametrize(("name", "hint"), [("sped", "did you mean speed"), ("", "no such"), (3, "no such")])
def test_unknown_element(name, hint):
    with pytest.raises(ValueError, match=hint):
        encode({name: 1})


@pytest.mark.parametrize("length", [0, 1, 99, 101, 178])
def test_wrong_length_is_malformed(length):
    with pytest.raises(Malformed, match=f"^{length} bytes, not 100"):
        decode(b"\x01" * length)


@pytest.mark.parametrize("version", [0, 2, 17, 31])
def test_other_version_is_malformed(version):
    with pytest.raises(Malformed, match=f"version {version}, not 1"):
        decode(bytes([0xE0 | version]) + bytes(99))
    assert encode({"administration_data": version})[0] == version, "any code that fits is taken"
