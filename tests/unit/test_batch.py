"""The numpy batch decoder and encoder equal the scalar ones, frame by frame."""

import random

import numpy as np
import pytest

from asvcore.elements import CODED, ELEMENTS
from asvunit.message import decode, encode, values
from asvunit.message.batch import _BLOCK, decode_batch, encode_batch, values_batch

NAMES = [row[2] for row in ELEMENTS[:CODED]]
KEYS = ("latitude_deg", "longitude_deg", "speed_kmh", "direction_deg")


def frames(count, seed=1):
    data = np.frombuffer(random.Random(seed).randbytes(count * 100), np.uint8).reshape(count, 100).copy()
    data[:, 0] = data[:, 0] & 0xE0 | 1
    return data


@pytest.mark.parametrize("count", [0, 1, 500])
def test_decode_equals_the_scalar_codec(count):
    data = frames(count)
    columns = decode_batch(data)
    assert list(columns) == NAMES
    for row in range(count):
        raw = decode(data[row].tobytes())
        assert {name: int(columns[name][row]) for name in NAMES} == {name: raw[name] for name in NAMES}
    assert {name for name in NAMES if columns[name].dtype == np.int16} == {row[2] for row in ELEMENTS if row[5]}


def test_blocks_join():
    data = frames(_BLOCK + 1)
    whole = decode_batch(data)
    for start in (0, 511, 512, _BLOCK - 1, _BLOCK):
        raw = decode(data[start].tobytes())
        assert [int(whole[name][start]) for name in NAMES] == [raw[name] for name in NAMES]


def test_strided_frames():
    data = frames(64)
    every_other = decode_batch(data[::2])
    assert all(np.array_equal(every_other[name], decode_batch(data)[name][::2]) for name in NAMES)


def test_encode_equals_the_scalar_codec():
    data = frames(300, seed=2)
    again = encode_batch(decode_batch(data))
    for row in range(len(data)):
        raw = decode(data[row].tobytes())
        assert again[row].tobytes() == encode({name: raw[name] for name in NAMES})


def test_encode_fills_what_is_missing():
    assert encode_batch({"speed": np.array([1, 2])}).tobytes() == encode({"speed": 1}) + encode({"speed": 2})
    assert encode_batch({"speed": np.array([1, 2]), "vehicle_id": 9})[1].tobytes() == encode(
        {"speed": 2, "vehicle_id": 9}
    )
    assert encode_batch({}).tobytes() == encode({})


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({"speed": np.array([0, 256])}, r"speed: 256 is outside 0\.\.255"),
        ({"speed": np.array([0, -1], np.int8)}, "speed: -1 is outside"),
        ({"latitudinal_degree": 256}, r"latitudinal_degree: 256 is outside -256\.\.255"),
        ({"speed": np.array([1.0])}, "speed: float64 .* not a column of integers"),
        ({"speed": np.array([[1]])}, "not a column of integers"),
        ({"speed": np.array([True])}, "not a column of integers"),
        ({"sped": np.array([1])}, "sped: no such element .*did you mean speed"),
        ({"asv_reservation": np.array([1])}, "no such element"),
        ({"speed": np.array([1]), "direction": np.array([1, 2])}, "unequal length: 1, 2"),
    ],
)
def test_encode_refuses(columns, text):
    with pytest.raises(ValueError, match=text):
        encode_batch(columns)


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 99), np.uint8), np.zeros(100, np.uint8), np.zeros((2, 100), np.int8)], ids=["99", "1d", "i1"]
)
def test_decode_refuses_other_arrays(wrong):
    with pytest.raises(ValueError, match=r"not uint8 of shape \(n, 100\)"):
        decode_batch(wrong)


def test_values_equal_the_scalar_ones():
    columns = decode_batch(frames(3000, seed=3))
    # Random angles are hardly ever positions: make most of them so.
    columns["latitudinal_degree"][:2000] %= 91
    columns["longitudinal_degree"][:2000] %= 181
    for name in ("latitudinal_minute", "longitudinal_minute"):
        columns[name][:2000] %= 61
    for name in ("latitudinal_second", "longitudinal_second"):
        columns[name][:2000] %= 6001
    columns["latitudinal_degree"][:300] *= -1
    found = values_batch(columns)
    data = encode_batch(columns)
    known = 0
    for row in range(len(data)):
        read = values(decode(data[row].tobytes()))
        known += read["latitude_deg"] is not None
        for key in KEYS:
            expected = np.nan if read[key] is None else read[key]
            assert np.array_equal(found[key][row], expected, equal_nan=True), (row, key)
    assert known > 500
