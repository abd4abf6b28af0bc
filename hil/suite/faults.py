"""What the tests of the fault catalogue have in common: shown in time, well again, and the driver still cautioned."""

from collections.abc import Callable

from .bench import Bench
from .car import MS
from .catalogue import FAULTS
from .test_lamps import from_the_left


def shown(bench: Bench, name: str, begun_ns: int, measured: Callable[..., None], lamp: str = "fault") -> None:
    """The lamp is lit in the time that the row gives."""
    took_s = (bench.shows(lamp, 1, begun_ns).t_ns - begun_ns) / 1e9
    measured(f"{name}_shown", round(took_s, 3), "s")
    assert took_s <= FAULTS[name].within_s


def recovers(bench: Bench, lamp: str = "fault") -> None:
    """All is well again: the lamp is dark, the unit still the same one, and it warns."""
    bench.becomes(lamp, 0)
    assert bench.running.exit_code is None


def cautions(bench: Bench, within_s: float = 3.0) -> int:
    """A crossing is met, and the driver is cautioned; when."""
    begun_ns = bench.after(0)
    since = bench.count
    from_the_left(bench)
    caution_ns = bench.shows("caution", 1, begun_ns, within_s).t_ns
    bench.shows("buzzer", 1, caution_ns - 200 * MS)
    bench.event("hmi", since=since, level="caution", function="crossing")
    return caution_ns
