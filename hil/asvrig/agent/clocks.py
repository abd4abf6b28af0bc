"""Two machines' clocks laid on each other: what one told, and when the other had asked."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClocksThere:
    """The clocks of the target's machine laid on the bench's: what they told at `bench_ns`, give or take `bound_ns`."""

    monotonic_ns: int
    unix_ns: int
    bench_ns: int  # of the bench's CLOCK_MONOTONIC
    bound_ns: int

    def bench(self, monotonic_there_ns: int) -> int:
        """A monotonic time of the target by the bench's clock."""
        return monotonic_there_ns - self.monotonic_ns + self.bench_ns
