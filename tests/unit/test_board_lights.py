"""Lamps and buzzer of a board: at each ms what the Pi's presenter shows of the same commands."""

import pytest
from asvboard.lights import Lights, duty_u16
from asvboard.pins import LAMPS
from hypothesis import given
from hypothesis import strategies as st

from asvcore import codes, hmi_rules
from asvunit.adapters.gpio.outputs import duty_percent
from asvunit.presenter import Presenter
from asvunit.words import WORDS

MS = 1_000_000
SIDES = (None, "left", "right", "both")


class Pin:
    def __init__(self) -> None:
        self.level = -1
        self.writes = 0
        self.broken = False

    def value(self, level: int) -> None:
        if self.broken:
            raise OSError(5)
        assert level != self.level  # edges alone
        self.level = level
        self.writes += 1


class Pwm:
    def __init__(self) -> None:
        self.hz = self.duty = 0

    def freq(self, hz: int) -> None:
        self.hz = hz

    def duty_u16(self, duty: int) -> None:
        self.duty = duty


class Bench:
    def __init__(self, volume_percent: int = 100) -> None:
        self.pins = [Pin() for _ in LAMPS]
        self.pwm = Pwm()
        self.lights = Lights(self.pins, self.pwm, volume_percent)

    @property
    def lit(self) -> set[str]:
        return {name for name, pin in zip(LAMPS, self.pins, strict=True) if pin.level == 1}

    @property
    def tone(self) -> tuple[int, int]:
        return (self.pwm.hz, self.pwm.duty) if self.pwm.duty else (0, 0)


def event(level: int, side: int, sound: int, light: int, cue: int, muted: int) -> dict[str, object]:
    words = {"level": WORDS["LEVEL"][level], "light": WORDS["LIGHT"][light], "sound": WORDS["SOUND"][sound]}
    return {
        **words,
        "colour": "",
        "function": "",
        "direction": SIDES[side],
        "text": "",
        "text_id": "",
        "cue": bool(cue),
        "muted": bool(muted),
    }


COMMANDS = st.one_of(
    st.tuples(st.just("hmi"), st.integers(0, 3), st.integers(0, 3), st.booleans(), st.booleans()),
    st.tuples(st.just("system"), st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("test")),
    st.tuples(st.just("dark")),
)


@given(st.lists(st.tuples(st.integers(0, 700), COMMANDS), max_size=12), st.sampled_from([100, 60, 10]))
def test_the_same_as_the_presenter_on_the_pi(steps: list[tuple[int, tuple[object, ...]]], volume: int) -> None:
    bench, presenter, now_ms = Bench(volume), Presenter([], volume), 0
    for wait_ms, (kind, *args) in steps:
        for _ in range(wait_ms // 50 + 1):
            now_ms += min(wait_ms, 50)
            bench.lights.tick(now_ms)
            presenter.tick(now_ms * MS)
        if kind == "hmi":
            level, side, cue, muted = (int(one) for one in args)  # type: ignore[call-overload]
            _colour, light, sound = hmi_rules.LEVELS[level]
            bench.lights.hmi(level, side, sound, light, cue, muted, now_ms)
            presenter.hmi(event(level, side, sound, light, cue, muted), now_ms * MS)
        elif kind == "system":
            bench.lights.system(*args)
            presenter.system(*args, now_ms * MS)  # type: ignore[arg-type]
        elif kind == "test":
            bench.lights.self_test(now_ms)
            presenter.self_test(now_ms * MS)
        else:
            bench.lights.dark()
            presenter.dark(now_ms * MS)
        bench.lights.tick(now_ms)
        shown = presenter.shown
        assert bench.lit == shown.lamps
        wanted = (shown.tone_hz, 65535 * duty_percent(shown.volume_percent) // 100) if shown.tone_hz else (0, 0)
        assert bench.tone == wanted


@pytest.mark.parametrize("percent", [1, 10, 50, 80, 100])
def test_the_duty_is_the_pis(percent: int) -> None:
    assert duty_u16(percent) == 65535 * duty_percent(percent) // 100


def test_what_failed_is_written_again() -> None:
    bench = Bench()
    bench.lights.system(True, False, False)
    bench.pins[0].broken = True
    with pytest.raises(OSError, match="5"):
        bench.lights.tick(0)
    bench.pins[0].broken = False
    bench.lights.forget()
    bench.lights.tick(1000)
    assert bench.lit == {"system"}


def test_patterns_outlive_a_rebase() -> None:
    bench, other = Bench(), Bench()
    for one in (bench, other):
        one.lights.hmi(codes.LEVEL_CAUTION, 1, codes.SOUND_CAUTION, codes.LIGHT_CAUTION, 1, 0, 1000)
    bench.lights.rebase(900)
    for now_ms in range(1000, 4000, 10):
        bench.lights.tick(now_ms - 900)
        other.lights.tick(now_ms)
        assert (bench.lit, bench.tone) == (other.lit, other.tone)
