"""The portable decoder of CAN frames: bit fields and numbers as cantools has them, bulbs, wheels, checksums."""

from fractions import Fraction
from typing import Any

import pytest
from cantools.database.can import Message, Signal
from cantools.database.conversion import BaseConversion
from hypothesis import assume, given
from hypothesis import strategies as st

from asvcore import can_checks, can_switch
from asvcore.can_bits import Field, Number, Words
from asvcore.can_switch import NEITHER, Pair
from asvcore.can_table import CanTable
from asvcore.can_wheels import Wheels
from asvunit.ports import IMPLAUSIBLE, OK, UNKNOWN
from asvunit.vehicle.bound import last_byte
from asvunit.vehicle.rows import Scale, field_row, raw_range


def signal(start: int, length: int, order: str, signed: bool = False) -> Signal:
    conversion = BaseConversion.factory(1, 0, None, False)
    return Signal("S", start, length, order, signed, conversion=conversion)


@given(
    st.integers(0, 511), st.integers(1, 32), st.sampled_from(["little_endian", "big_endian"]), st.booleans(),
    st.integers(1, 64), st.data(),
)  # fmt: skip
def test_any_bit_field_is_read_as_cantools_reads_it(
    start: int, length: int, order: str, signed: bool, size: int, data: st.DataObject
) -> None:
    one = signal(start % (size * 8), length, order, signed)
    assume(last_byte(one) < size)
    message = Message(1, "M", size, [one], strict=True)
    payload = data.draw(st.binary(min_size=size, max_size=size))
    wanted = message.decode(payload, decode_choices=False, scaling=False)["S"]
    assert Field(field_row(one)).read(payload) == wanted
    unsigned = Field(field_row(one, unsigned=True)).read(payload)
    assert unsigned == wanted % (1 << length)


FRACTION = st.fractions(-2000, 2000, max_denominator=10_000)


@given(
    FRACTION.filter(bool), FRACTION, st.integers(-300, 0), st.integers(1, 300), st.booleans(), st.booleans(),
    st.integers(1, 16), st.data(),
)  # fmt: skip
def test_numbers_are_exact_and_rounded_half_up(
    factor: Fraction, offset: Fraction, least: int, most: int, magnitude: bool, signed: bool, length: int, data: Any
) -> None:
    one = signal(0, length, "little_endian", signed)
    low, high = raw_range(one)
    raw = data.draw(st.integers(low, high))
    least = 5 if magnitude and least % 2 else least  # a gap around 0
    assume(least < most)
    scale = Scale(factor, offset, Fraction(least), Fraction(most), -200, 200, magnitude)
    number = Number(scale.row(one, [low]))
    exact = raw * factor + offset
    exact = abs(exact) if magnitude else exact
    value = number.convert(raw)
    if raw == low:
        assert (value, number.status) == (0, UNKNOWN)
        return
    assert value == min(max((exact + Fraction(1, 2)) // 1, -200), 200)
    assert number.status == (OK if least <= exact <= most else IMPLAUSIBLE)


def test_long_scales_become_small_fractions_of_the_same_values() -> None:
    one = signal(0, 8, "little_endian")
    scale = Scale(Fraction("0.3921568627"), Fraction(0), Fraction(0), Fraction(100), 0, 100)
    row = scale.row(one, [])
    assert (row[0], row[2]) == (20, 51)
    number = Number(row)
    assert [number.convert(raw) for raw in range(256)] == [
        (raw * Fraction("0.3921568627") + Fraction(1, 2)) // 1 for raw in range(256)
    ]
    assert number.status == OK
    coarse = Scale(Fraction("100000.00001"), Fraction(0), Fraction(0), Fraction(10**10), 0, 10**10)
    number = Number(coarse.row(signal(0, 16, "little_endian"), []))  # no smaller one gives the same
    assert number.convert(50_000) == 5_000_000_001  # 5000000000.5


def test_words() -> None:
    words = Words([-1, [1, 6], [2, 5], [3, -1]])
    assert [(words.convert(raw), words.status) for raw in range(5)] == [
        (0, UNKNOWN), (6, OK), (5, OK), (0, UNKNOWN), (0, UNKNOWN),
    ]  # fmt: skip
    words = Words([4, [1, 5]])
    assert [(words.convert(raw), words.status) for raw in (0, 1, 7)] == [(4, OK), (5, OK), (4, OK)]


@pytest.mark.parametrize(
    ("speeds", "number", "mean"),
    [
        ([5000, 5010, 5020, 5030], 4, 5015),
        ([5030, 5000, 5020, 5010], 4, 5015),
        ([5000, 5001], 2, 5001),  # half-way values up
        ([-5001, -5000], 2, -5000),
        ([0, 0, 0, 900], 4, 0),  # one spins
        ([6000, 6000, 6000, 0], 4, 6000),  # one is locked
        ([6000, 6000, 0, 0], 4, None),  # which of them are right cannot be told
        ([1000, 1600], 2, 1300),
        ([1000, 3000], 2, None),
        ([5000, 5010], 4, 5005),  # half are heard
        ([5000], 4, None),
        ([], 2, None),
        ([10_000, 11_400, 10_000, 10_000], 4, 10_350),  # in a bend
        ([10_000, 11_600, 10_000, 10_000], 4, 10_000),
    ],
)
def test_the_mean_of_wheels_that_agree(speeds: list[int], number: int, mean: int | None) -> None:
    wheels = Wheels(number)
    for _ in range(2):
        wheels.count = 0
        for speed in speeds:
            wheels.add(speed)
        assert (wheels.value if wheels.mean() else None) == mean


LEFT, RIGHT, OFF, BOTH, UNTOLD = (
    can_switch.LEFT, can_switch.RIGHT, can_switch.NEITHER, can_switch.BOTH, can_switch.UNTOLD,
)  # fmt: skip


def flashing(
    left: tuple[int, int],
    right: tuple[int, int],
    until_ms: int,
    *,
    wait_ms: int = 0,
    skew_ms: int = 0,
    step_ms: int = 50,
    period_ms: int = 700,
) -> list[int]:
    """What is told at each step while both sides flash from .. to, dark and heard for a second before."""  # fmt: skip
    pair = can_switch.Pair(800, 100, wait_ms)
    told = []
    for t in range(0, until_ms, step_ms):
        for bulb, (begin, end), late in ((pair.left, left, 0), (pair.right, right, skew_ms)):
            since = t - begin - late
            bulb.put(int(since >= 0 and t < end + late and since % period_ms < period_ms // 2), t, 500)
        told.append(pair.told(t))
    return told


NEVER = (10**6, 10**6)


def test_a_winker_is_on_from_its_first_flash_to_the_last_and_a_gap() -> None:
    told = flashing((2000, 5000), NEVER, 8000)
    assert told[:16] == [UNTOLD] * 16  # it may be between two flashes
    assert told[16:40] == [OFF] * 24
    # Last alight at 4800 + 350 at most; off no later than a gap after that
    first_off = told.index(OFF, 40)
    assert set(told[40:first_off]) == {LEFT}
    assert 5000 + 700 <= first_off * 50 <= 5000 + 900
    assert set(told[first_off:]) == {OFF}
    assert set(flashing(NEVER, (2000, 9000), 9000)[40:]) == {RIGHT}


@pytest.mark.parametrize("period_ms", [500, 700, 1000])
@pytest.mark.parametrize("skew_ms", [0, 50, 100])
def test_both_sides_flashing_together_are_a_hazard(period_ms: int, skew_ms: int) -> None:
    told = flashing((2000, 9000), (2000, 9000), 9000, skew_ms=skew_ms, period_ms=period_ms, wait_ms=100)
    begun = told.index(BOTH)
    assert 2000 <= begun * 50 <= 2000 + skew_ms
    assert set(told[begun:]) == {BOTH}
    assert not {LEFT, RIGHT} & set(told)


def test_sides_that_do_not_flash_together_are_never_a_hazard() -> None:
    told = flashing((2000, 9000), (2350, 9000), 9000)
    assert BOTH not in told
    assert set(told[50:]) == {UNTOLD}  # nor is the lever told
    told = flashing((2000, 4000), (4800, 9000), 9000)  # from left to right
    assert [told[60], told[-1]] == [LEFT, RIGHT]
    assert BOTH not in told


def test_a_bulb_in_another_message_is_waited_for() -> None:
    told = flashing((2000, 9000), NEVER, 9000, wait_ms=100)
    assert told[40:42] == [UNTOLD] * 2
    assert set(told[42:]) == {LEFT}


def test_bulbs_that_tell_nothing() -> None:
    steady = flashing((2000, 90_000), NEVER, 6000, period_ms=100_000)
    assert set(steady[40:81]) == {LEFT}
    assert set(steady[81:]) == {UNTOLD}  # no flashing: a parking light, or a fault
    pair = can_switch.Pair(800, 100, 0)
    pair.left.put(0, 0, 500)
    assert pair.told(0) == UNTOLD  # the right one was never heard
    pair.right.put(0, 0, 500)
    pair.left.put(0, 800, 900)
    pair.right.put(0, 800, 900)
    assert pair.told(800) == OFF
    pair.right.put(0, 2000, 900)  # silent for longer than its timeout: it begins anew
    assert pair.told(2000) == UNTOLD
    pair.right.put(-1, 2900, 900)
    pair.right.put(0, 2950, 900)
    pair.left.put(0, 2950, 9000)
    assert pair.told(2950) == UNTOLD


def test_bulbs_move_with_the_clock() -> None:
    pair = can_switch.Pair(800, 100, 0)
    for t in (0, 800):
        pair.left.put(0, t, 900)
        pair.right.put(0, t, 900)
    pair.left.put(1, 900, 900)
    pair.right.put(0, 900, 900)
    pair.rebase(500)
    assert pair.told(400) == LEFT


def test_crc_tables_are_the_known_ones() -> None:
    """The check values of the catalogue of CRC algorithms, over "123456789"."""
    nine = b"123456789"
    # form, initial, final, polynomial, check value
    known = [
        (can_checks.CRC8, 0xFF, 0xFF, 0x1D, 0x4B),  # SAE J1850
        (can_checks.CRC8, 0xFF, 0xFF, 0x2F, 0xDF),  # AUTOSAR
        (can_checks.CRC8, 0x00, 0x00, 0xD5, 0xBC),  # DVB-S2
        (can_checks.CRC16, 0x0000, 0x0000, 0x1021, 0x31C3),  # XMODEM
        (can_checks.CRC16, 0xFFFF, 0x0000, 0x1021, 0x29B1),  # IBM 3740
    ]
    for form, initial, final, poly, check in known:
        at = len(nine)
        size = 2 if form == can_checks.CRC16 else 1
        one = signal(at * 8 + 7, size * 8, "big_endian")
        row = [form, 0, at, at + size, initial, final, poly]
        checksum = can_checks.Checksum(row, [Field(field_row(one))])
        data = nine + bytes(size)
        assert checksum.over(data) == check
        assert checksum.good(nine + check.to_bytes(size, "big"))
        assert not checksum.good(nine + (check ^ 1).to_bytes(size, "big"))


def test_rows_of_another_version_are_refused() -> None:
    for version in (1, 3):
        with pytest.raises(ValueError, match="version"):
            CanTable({"compiled_map": version})


def _said(left, until_ms, step_ms=20):
    """What a pair of bulbs says at each change while the left one follows `left(t)` and the right one is dark."""
    pair, said = Pair(800, 100, 0), []
    for t in range(0, until_ms, step_ms):
        pair.left.put(left(t), t, 200)
        pair.right.put(0, t, 200)
        if not said or said[-1][1] != pair.told(t):
            said.append((t, pair.told(t)))
    return said


def test_a_bulb_that_was_steadily_alight_is_no_winker_when_it_goes_dark():
    said = _said(lambda t: int(2000 <= t < 7000), 10_000)
    assert said == [(0, UNTOLD), (800, NEITHER), (2000, LEFT), (4020, UNTOLD), (7800, NEITHER)]


def test_a_bulb_alight_from_the_first_frame_on_says_nothing_until_it_flashes():
    assert _said(lambda t: 1, 5000) == [(0, UNTOLD)]
    flashing = _said(lambda t: int(t % 700 < 350), 3000)
    assert flashing[0] == (0, UNTOLD)
    assert flashing[1] == (700, LEFT)
