"""Arithmetic of the MCP2515: bit timing against known settings and python-can, filters against every frame."""

import itertools
import random

import can
import pytest
from asvboard import mcp2515_registers as registers
from asvboard.mcp2515_filters import EXTENDED, NOTHING, passes, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from asvcore.can_table import ADDRESSED_MASK, BROADCAST_MASK, group_mask
from asvunit.canbus.filters import WHOLE, WHOLE_STANDARD, Frames
from asvunit.canbus.filters import Filter as Wanted
from boardtools import mcp2515_chip

OSCILLATORS = (8_000_000, 12_000_000, 16_000_000, 20_000_000)
RATES = (33_333, 50_000, 83_333, 95_238, 100_000, 125_000, 250_000, 500_000, 800_000, 1_000_000)


def parts(timing: tuple[int, int, int]) -> tuple[int, int, int, int, int]:
    """Prescaler, propagation, phase 1, phase 2, jump as the data sheet codes them."""
    cnf1, cnf2, cnf3 = timing
    assert cnf2 & 0xC0 == 0x80  # phase 2 has a length of its own; sampled once
    assert cnf3 & 0xF8 == 0
    return (cnf1 & 0x3F) + 1, (cnf2 & 7) + 1, (cnf2 >> 3 & 7) + 1, (cnf3 & 7) + 1, (cnf1 >> 6) + 1


# What Linux tells of an MCP2515 (`ip -details link show can0`): its sample point is 87.5 % where it can be
@pytest.mark.parametrize(
    ("oscillator_hz", "bit_rate", "known"),
    [
        (16_000_000, 500_000, (1, 6, 7, 2)),
        (16_000_000, 250_000, (2, 6, 7, 2)),
        (16_000_000, 125_000, (4, 6, 7, 2)),
        (8_000_000, 250_000, (1, 6, 7, 2)),
        (8_000_000, 125_000, (2, 6, 7, 2)),
        (8_000_000, 500_000, (1, 2, 3, 2)),
        (16_000_000, 1_000_000, (1, 2, 3, 2)),
    ],
)
def test_linux_settings(oscillator_hz: int, bit_rate: int, known: tuple[int, ...]) -> None:
    assert parts(registers.bit_timing(oscillator_hz, bit_rate, 875))[:4] == known


@pytest.mark.parametrize(
    ("oscillator_hz", "bit_rate", "wanted"),
    [
        (16_000_000, 500_000, (0x40, 0xAD, 0x02)),  # 16 quanta of 125 ns: 1 + 6 + 6 + 3
        (8_000_000, 500_000, (0x00, 0x91, 0x01)),  # 8 of 250 ns: 1 + 2 + 3 + 2
        (20_000_000, 500_000, (0x80, 0xBE, 0x03)),  # 20 of 100 ns: 1 + 7 + 8 + 4
        (12_000_000, 500_000, (0x00, 0xA3, 0x01)),  # 12 of 167 ns: 1 + 4 + 5 + 2
        (8_000_000, 125_000, (0x41, 0xAD, 0x02)),  # 16 of 500 ns
    ],
)
def test_settings_of_cars(oscillator_hz: int, bit_rate: int, wanted: tuple[int, int, int]) -> None:
    assert registers.bit_timing(oscillator_hz, bit_rate) == wanted


@pytest.mark.parametrize("oscillator_hz", OSCILLATORS)
@pytest.mark.parametrize("bit_rate", RATES)
def test_every_rate_is_right_or_refused(oscillator_hz: int, bit_rate: int) -> None:
    reachable = any(
        abs(oscillator_hz / (2 * brp * quanta) / bit_rate - 1) <= 0.005
        for brp, quanta in itertools.product(range(1, 65), range(8, 26))
    )
    if not reachable:
        with pytest.raises(ValueError, match=f"^CAN: {bit_rate} bit/s cannot be had from an oscillator of"):
            registers.bit_timing(oscillator_hz, bit_rate)
        return
    brp, propagation, phase_1, phase_2, jump = parts(registers.bit_timing(oscillator_hz, bit_rate))
    timing = can.BitTiming(
        f_clock=oscillator_hz // 2, brp=brp, tseg1=propagation + phase_1, tseg2=phase_2, sjw=jump, strict=True
    )
    assert abs(timing.bitrate / bit_rate - 1) <= 0.005
    assert 75 <= timing.sample_point <= 87.5
    assert propagation + phase_1 >= phase_2 > jump


def test_refused_rates_exist() -> None:
    for oscillator_hz, bit_rate in ((8_000_000, 1_000_000), (8_000_000, 800_000), (16_000_000, 2_000)):
        with pytest.raises(ValueError, match="crystal"):
            registers.bit_timing(oscillator_hz, bit_rate)


@given(st.integers(0, WHOLE), st.booleans())
def test_identifiers_there_and_back(identifier: int, extended: bool) -> None:
    if not extended:
        identifier &= WHOLE_STANDARD
    buffer = bytearray(6)
    registers.put_identifier(buffer, 1, identifier if extended else identifier << 18, extended)
    assert registers.identifier_of(buffer, 1) == identifier
    assert bool(buffer[2] & registers.IDE) == extended
    assert buffer[0] == buffer[5] == buffer[2] & 0x14 == 0
    if not extended:
        assert (buffer[1], buffer[2], buffer[3], buffer[4]) == (identifier >> 3, (identifier & 7) << 5, 0, 0)


# Filters


def std(*identifiers: int) -> list[tuple[int, int, bool]]:
    return [(one, WHOLE_STANDARD, False) for one in identifiers]


def ext(*identifiers: int, mask: int = WHOLE) -> list[tuple[int, int, bool]]:
    return [(one, mask, True) for one in identifiers]


standards = st.builds(lambda one: (one, WHOLE_STANDARD, False), st.integers(0, WHOLE_STANDARD))
extendeds = st.builds(lambda one: (one, WHOLE, True), st.integers(0, WHOLE))
groups = st.builds(lambda one: (one & group_mask(one), group_mask(one), True), st.integers(0, WHOLE))


@settings(max_examples=150, deadline=None)
@given(st.lists(standards | extendeds | groups, max_size=20), st.integers(0, 1 << 40))
def test_every_wanted_frame_passes(wanted: list[tuple[int, int, bool]], seed: int) -> None:
    planned = plan(wanted)
    assert [len(filters) <= room for (_mask, filters), room in zip(planned, (2, 4), strict=True)] == [True, True]
    rng = random.Random(seed)
    for identifier, mask, extended in wanted:
        for _ in range(4):
            whole = identifier | rng.getrandbits(29) & (WHOLE if extended else WHOLE_STANDARD) & ~mask
            assert passes(planned, whole, extended)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, WHOLE_STANDARD), min_size=1, max_size=6))
def test_six_standard_identifiers_are_exact(wanted: set[int]) -> None:
    planned = plan(std(*wanted))
    assert {one for one in range(2048) if passes(planned, one, False)} == wanted
    assert not any(passes(planned, one << 18, True) for one in range(2048))


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, WHOLE), min_size=1, max_size=6), st.integers(0, 1 << 40))
def test_six_extended_identifiers_are_exact(wanted: set[int], seed: int) -> None:
    planned = plan(ext(*wanted))
    rng = random.Random(seed)
    near = {one ^ 1 << bit for one in wanted for bit in range(29)} | {rng.getrandbits(29) for _ in range(200)}
    assert {one for one in near | wanted if passes(planned, one, True)} == wanted
    assert not any(passes(planned, one, False) for one in range(2048))


@pytest.mark.parametrize(
    "wanted",
    [
        std(1, 2) + ext(3, 4, 5, 6),
        std(1, 2, 3, 4) + ext(5, 6),
        std(0x7FF) + ext(0),
        ext(0xFEF100, 0xF00300, 0xFE4000, mask=BROADCAST_MASK) + ext(0xEA0000, mask=ADDRESSED_MASK),
        ext(0xFEF100, mask=BROADCAST_MASK) + std(0x100, 0x101, 0x102),
        [],
    ],
    ids=["2+4", "4+2", "1+1", "groups", "group+3", "nothing"],
)
def test_mixed_ones_that_fit_are_exact(wanted: list[tuple[int, int, bool]]) -> None:
    planned = plan(wanted)
    frames = Frames(Wanted(*one) for one in wanted or [NOTHING])
    rng = random.Random(5)
    tried = {(one, False) for one in range(2048)}
    for identifier, _mask, extended in wanted:
        if extended:
            tried |= {(identifier ^ 1 << bit, True) for bit in range(29)} | {(identifier, True)}
    tried |= {(rng.getrandbits(29), True) for _ in range(2000)}
    assert {one for one in tried if passes(planned, *one)} == {one for one in tried if one in frames}


def test_a_broader_one_takes_those_within_it() -> None:
    planned = plan(ext(0xFEF100, mask=BROADCAST_MASK) + ext(*(0x18FEF100 | sender for sender in range(9))))
    assert planned[0] == planned[1] == (BROADCAST_MASK, [0xFEF100 | EXTENDED])


def passing(planned: tuple[tuple[int, list[int]], ...]) -> int:
    return sum(passes(planned, one, False) for one in range(2048))


def tightest(wanted: list[int]) -> int:
    """The fewest standard frames that any two masks and six filters let through, by trying all."""

    def least(members: list[int], room: int) -> int:
        fewest = 2048
        for mask in range(2048):
            values = {one & mask for one in members}
            if len(values) <= room:
                fewest = min(fewest, len(values) << 11 - mask.bit_count())
        return fewest if members else 0

    best = 2048
    for chosen in range(1 << len(wanted)):
        few = [one for at, one in enumerate(wanted) if chosen >> at & 1]
        best = min(best, least(few, 2) + least([one for one in wanted if one not in few], 4))
    return best


def test_more_than_six_are_nearly_as_tight_as_can_be() -> None:
    cars = ([0x0B4, 0x224, 0x3BC, 0x614, 0x1C4, 0x025, 0x1D2, 0x0AA], [0x100 + 16 * n for n in range(7)])
    for wanted in cars:
        assert passing(plan(std(*wanted))) <= 2 * tightest(wanted)


def test_many_let_few_others_pass() -> None:
    rng = random.Random(8)
    shares = []
    for _ in range(20):
        wanted = rng.sample(range(2048), 12)
        shares.append(passing(plan(std(*wanted))) / 2048)
    assert sum(shares) / len(shares) < 0.25
    assert max(shares) < 0.6


def test_the_registers_filter_as_planned() -> None:
    rng = random.Random(3)
    for _ in range(30):
        wanted = std(*rng.sample(range(2048), rng.randrange(1, 9)))
        wanted += ext(*(rng.getrandbits(29) for _ in range(rng.randrange(4))))
        wanted += ext(0xFEF100, mask=BROADCAST_MASK) if rng.random() < 0.3 else []
        planned = plan(wanted)
        chip = loaded(planned)
        frames = [(one, False) for one in range(0, 2048, 7)] + [one[::2] for one in wanted]
        frames += [(one[0] ^ 1 << rng.randrange(29), True) for one in wanted if one[2]]
        for identifier, extended in frames:
            data = rng.randbytes(rng.randrange(9))
            taken = chip.put(identifier, data, extended=extended)
            assert (taken in {"RXB0", "RXB1"}) == passes(planned, identifier, extended), (identifier, extended)
            chip.registers[0x2C] = 0


def loaded(planned: tuple[tuple[int, list[int]], ...]) -> mcp2515_chip.Mcp2515Chip:
    """A listening chip with these filters in its registers."""
    from asvboard.mcp2515_filters import put_plan

    first, second, masks = bytearray(12), bytearray(12), bytearray(8)
    put_plan(planned, first, second, masks, 0)
    chip = mcp2515_chip.Mcp2515Chip()
    chip.registers[0x00:0x0C], chip.registers[0x10:0x1C], chip.registers[0x20:0x28] = first, second, masks
    chip.registers[0x28:0x2B] = bytes(reversed(registers.bit_timing(16_000_000, 500_000)))
    chip.registers[0x0F] = 0x63
    return chip
