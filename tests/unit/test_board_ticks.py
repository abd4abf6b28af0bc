"""The board's clock: ticks that wrap, gaps, steps back, and the offset taken off."""

import pytest
from asvboard.ticks import BACKWARD_MS, LONGEST_STEP_MS, TICKS_MAX_MS, Clock
from hypothesis import given
from hypothesis import strategies as st

from asvcore.params import REBASE_MS

TICKS_PERIOD_MS = TICKS_MAX_MS + 1
any_ticks = st.integers(0, TICKS_PERIOD_MS - 1)


@given(any_ticks, st.lists(st.one_of(st.integers(0, 5000), st.integers(0, LONGEST_STEP_MS - 1)), max_size=30))
def test_time_is_the_sum_of_the_steps_wherever_the_ticks_begin(first: int, steps_ms: list[int]) -> None:
    clock, ticks, passed_ms, offset_ms = Clock(), first, 0, 0
    assert clock.now_ms(first) == 0
    for step_ms in steps_ms:
        ticks = (ticks + step_ms) % TICKS_PERIOD_MS
        passed_ms += step_ms
        assert clock.now_ms(ticks) + offset_ms == passed_ms
        while clock.rebase_due():
            offset_ms += clock.rebase()
            assert 0 <= clock.now_ms(ticks) == passed_ms - offset_ms
        assert passed_ms - offset_ms < REBASE_MS * 3 // 2


@given(any_ticks, st.lists(st.integers(-BACKWARD_MS, 3 * BACKWARD_MS), max_size=50))
def test_time_never_runs_back_and_older_ticks_stand_for_the_latest(first: int, steps_ms: list[int]) -> None:
    clock, at_ms, latest_ms = Clock(), 0, 0
    clock.now_ms(first)
    for step_ms in steps_ms:
        at_ms = max(at_ms + step_ms, latest_ms - BACKWARD_MS)
        latest_ms = max(latest_ms, at_ms)
        assert clock.now_ms((first + at_ms) % TICKS_PERIOD_MS) == latest_ms


def test_an_hour_of_ticks_over_the_wrap() -> None:
    clock = Clock()
    first = TICKS_PERIOD_MS - 1_800_000
    assert [clock.now_ms((first + ms) % TICKS_PERIOD_MS) for ms in range(0, 3_600_001, 100_000)] == list(
        range(0, 3_600_001, 100_000)
    )


def test_after_a_gap_too_long_to_tell_time_goes_on() -> None:
    """More than six days without a look at the clock; it must not stand still until the ticks come round again."""
    clock = Clock()
    clock.now_ms(0)
    assert clock.now_ms(500) == 500
    assert clock.now_ms(500 + LONGEST_STEP_MS) == 500
    assert clock.now_ms(600 + LONGEST_STEP_MS) == 600
    assert clock.now_ms(590 + LONGEST_STEP_MS) == 600


@pytest.mark.parametrize("ticks", [-1, TICKS_PERIOD_MS - 1])
def test_a_small_step_back_right_after_the_start(ticks: int) -> None:
    clock = Clock()
    clock.now_ms(0)
    assert clock.now_ms(ticks) == 0
    assert clock.now_ms(5) == 5


def test_small_integers_suffice() -> None:
    """On a board integers from 2^30 on take memory: the longest gap must stay below, begun just before it is due."""
    clock = Clock()
    clock.now_ms(0)
    now_ms = clock.now_ms(REBASE_MS * 3 // 2 - 1)
    assert not clock.rebase_due()
    now_ms = clock.now_ms((REBASE_MS * 3 // 2 - 1 + LONGEST_STEP_MS - 1) % TICKS_PERIOD_MS)
    assert now_ms < 1 << 30
    assert clock.rebase_due()
    assert clock.rebase() == REBASE_MS
