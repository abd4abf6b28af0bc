"""Numbers, angles, times and roots of the board's reader: what asvunit's text functions say, in small integers."""

from decimal import Decimal
from math import isqrt

import pytest
from asvboard.nmea_text import Angle, Number, compare_squares, root_of_squares_dm, time_of_day_ms
from hypothesis import example, given
from hypothesis import strategies as st

from asvcore import codes
from asvcore.params import NONE
from asvunit.gnss import nmea_text

FACTORS = (1, 50, 100, 1000, 1852, 6000, 100_000)
REASONS = {"no_position": codes.REASON_NO_POSITION, "out_of_range": codes.REASON_OUT_OF_RANGE}

digits = st.text("0123456789", max_size=13)
decimals = st.builds(
    lambda sign, whole, point, fraction: sign + whole + point + (fraction if point else ""),
    st.sampled_from(("", "", "-", "+")), st.one_of(digits, st.integers(0, 19_999).map(str)),
    st.sampled_from(("", ".", ".")),
    st.one_of(digits, st.sampled_from(("5", "50", "4999", "5000", "500000000001", "00005", "99995", "999999999999"))),
)  # fmt: skip
texts = st.one_of(decimals, st.text(st.characters(max_codepoint=127), max_size=8))


def read(text: str) -> Number | None:
    number, line = Number(), b"x" + text.encode() + b"9"
    return number if number.read(line, 1, len(line) - 1) else None


@given(texts, st.sampled_from(FACTORS))
@example("-0.5", 1)
@example("-0.50000001", 1)
@example("-0.0", 1852)
@example(".", 1)
def test_numbers_round_as_asvunit_rounds_them(text: str, factor: int) -> None:
    number, wanted = read(text), nmea_text.scaled(text, factor)
    assert (number is None) == (wanted is None)
    if number is None:
        return
    if abs(int(Decimal(text))) >= 20_000:
        assert abs(number.scaled(1)) >= 20_000  # beyond all that is plausible, whatever it is
        return
    assert number.scaled(factor) == wanted
    assert number.floored(factor) == nmea_text.floored(text, factor)
    assert number.floored(1852) // 10 == nmea_text.floored(text, 1852, 10)


angles = st.one_of(
    st.builds(
        "{}{:02d}{}".format,
        st.sampled_from(("35", "139", "0", "89", "90", "179", "180", "181", "999", "")),
        st.integers(0, 99),
        decimals.filter(lambda text: text.startswith(".")) | st.just(""),
    ),
    texts,
)


@given(angles, st.sampled_from(((90, False), (180, True))))
@example("8959.9999999", (90, False))
@example("9000.00000000001", (90, True))
def test_angles_are_asvunits(text: str, kind: tuple[int, bool]) -> None:
    limit_deg, negative = kind
    wanted = nmea_text.angle_cas(text, "S" if negative else "N", "N", "S", limit_deg)
    angle = Angle()
    status = angle.read(b"," + text.encode() + b"1", 1, len(text) + 1, negative, limit_deg)
    assert (REASONS[wanted] if isinstance(wanted, str) else codes.FIX_OK) == status
    if status == codes.FIX_OK:
        assert angle.cas == wanted


times = st.one_of(
    st.builds("{:02d}{:02d}{:02d}{}".format, st.integers(0, 25), st.integers(0, 61), st.integers(0, 62), decimals),
    st.sampled_from(("235959.9995", "235960.1", "120000.", "120000.0005", "120000.00049999", "1200001", "12000")),
    texts,
)


@given(times)
def test_times_are_asvunits(text: str) -> None:
    wanted = nmea_text.time_of_day_ms(text)
    line = b"," + text.encode() + b"1"
    assert time_of_day_ms(line, 1, len(line) - 1, Number()) == (NONE if wanted is None else wanted)


@given(st.integers(0, 10_000_000), st.integers(0, 10_000_000))
@example(0, 0)
@example(10_000_000, 10_000_000)
@example(300, 400)
@example(301, 400)
def test_roots_are_exact(one_mm: int, other_mm: int) -> None:
    square = one_mm**2 + other_mm**2
    root_dm = root_of_squares_dm(one_mm, other_mm)
    assert root_dm == max(1, isqrt(max(square - 1, 0)) // 100 + 1)
    for root in (root_dm * 100, isqrt(square), isqrt(square) + 1):
        compared = compare_squares(one_mm, other_mm, root)
        assert (compared > 0) - (compared < 0) == (square > root * root) - (square < root * root)


@pytest.mark.parametrize("text", ["1.25", "-1.25", "0.000000000001", "19999.999999999999"])
def test_small_integers_suffice(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No product on the way reaches 2^30: the largest are those of four digits and the whole with a factor."""
    assert 9999 * 100_000 + 100_000 < 1 << 30
    assert (20_000 * 10 - 1) * 1852 + 1852 < 1 << 30
    assert (20_000 * 10 - 1) * 1000 + 1000 < 1 << 30
    number = read(text)
    assert number is not None
    assert abs(number.scaled(1000)) <= 20_000_000
