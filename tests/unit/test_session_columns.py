"""Frames as columns say the same as each message alone, whatever its bits are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asvtools.export_columns import raw_columns, value_columns, whole
from asvunit.message import decode, encode, values

pytest.importorskip("numpy")

_CODES = st.binary(min_size=100, max_size=100)


def told(payloads: list[bytes]) -> list[dict[str, object]]:
    """By message, what the columns say."""
    columns = value_columns(raw_columns(payloads))
    return [
        {name: column.values[row] if column.known[row] else None for name, column in columns.items()}
        for row in range(len(payloads))
    ]


def flat(payload: bytes) -> dict[str, object]:
    """What the message says, the intersection in columns of its own."""
    value = values(decode(payload))
    crossing = value.pop("intersection") or {}
    names = ("latitude_deg", "longitude_deg", "distance_m", "source")
    return value | {f"intersection_{name}": crossing.get(name) for name in names}


@given(st.lists(st.tuples(_CODES, st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6))
def test_values_of_any_bits(drawn: list[tuple[bytes, int, int, int]]) -> None:
    """Random bits seldom make an angle: messages with a place are mixed in, with each availability."""
    payloads = []
    for noise, position, state, crossing in drawn:
        random = bytes([1]) + noise[1:]
        placed = {
            **decode(random),
            "position_availability": position,
            "sensor_availability": state,
            "intersection_information_availability": crossing,
        }
        for before in ("", "intersection_"):
            for axis, degree in (("latitudinal", 35), ("longitudinal", -139)):
                angle = {"degree": degree, "minute": 41, "second": noise[0] * 24}  # of some the second is none
                placed |= {f"{before}{axis}_{part}": code for part, code in angle.items()}
        payloads += [random, encode(placed)]
    assert whole(payloads) == list(range(len(payloads)))
    for found, payload in zip(told(payloads), payloads, strict=True):
        assert found == flat(payload)


def test_elements_44_and_45_are_hex_as_in_a_single_message() -> None:
    payload = bytes([1]) + bytes(range(155, 254))
    raw, alone = raw_columns([payload]), decode(payload)
    assert {name: column[0] for name, column in raw.items()} == alone


def test_what_is_no_message_is_left_out() -> None:
    good = bytes([1]) + bytes(99)
    assert whole([good, b"", good[:99], bytes([2]) + bytes(99), good + b"PV" + bytes(76), good + b"x"]) == [0, 4]
