"""Plays on a target: a scenario (ego at its receiver and its bus, the others on its air), or recordings.

From a thread of its own, by one schedule: what a test adds happens at its time. The unit is another matter:
`unit_tables` is what a scenario asks of it.
"""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final, Self

from asvrig.can_player import Timeline
from asvrig.gates import Gates
from asvrig.live.world import World, at_next_second
from asvrig.recorded import can_frames, nmea_lines, radio_frames
from asvrig.scenario import INTERSECTIONS_FILE, Scenario, load_scenario
from asvrig.schedule import Lateness, Record, Schedule
from asvrig.targets.tables import toml_text
from asvrig.targets.target import Target
from asvrig.unit_config import write_intersections
from asvunit.errors import AsvkitError, UsageError
from asvunit.toml_file import read_toml

Source = Scenario | Mapping[str, Any] | Path | str

_END_S: Final = 5.0
_RADIOS: Final = 200  # of recorded vehicles; more share them
# What a scenario given as a dict need not say
_PLAIN: Final[dict[str, Any]] = {
    "scenario": 1,
    "title": "a scenario of a test",
    "start": datetime(2026, 4, 1, 1, tzinfo=UTC),
    "place": {"latitude_deg": 36.0652, "longitude_deg": 140.1272},
}


def scenario_of(source: Source) -> Scenario:
    """By its name, its file, or its tables; UsageError with key and reason."""
    if isinstance(source, Scenario):
        return source
    if isinstance(source, Mapping):
        with tempfile.TemporaryDirectory(prefix="asvkit-") as folder:
            path = Path(folder) / "scenario.toml"
            path.write_text(toml_text({**_PLAIN, **source}), encoding="utf-8")
            return read_toml(path, Scenario)
    return load_scenario(source)


def unit_tables(scenario: Scenario, target: Target, *, unit_seed: int | None = None) -> dict[str, Any]:
    """What the scenario asks of ego's unit, over the target's own tables; its map of intersections is put there.

    `unit_seed`: of the unit's random numbers; None: they differ at each start, as in a car.
    """
    ego = scenario.ego
    if ego.can and Path(ego.can).suffix:
        raise UsageError(f"vehicle {ego.name!r}: can: {ego.can}: a target has the maps that come with asvkit; name one")
    vehicle = {"kind": ego.kind, "length_m": ego.length_m, "position_class": ego.position_class, "map": ego.can or None}
    tables = {**scenario.unit_tables, "vehicle": vehicle}
    if not ego.can:
        tables["can"] = None
    if unit_seed is not None:
        tables["seed"] = unit_seed
    if scenario.intersection:
        with tempfile.TemporaryDirectory(prefix="asvkit-") as folder:
            write_intersections(scenario, Path(folder))
            target.write(INTERSECTIONS_FILE, (Path(folder) / INTERSECTIONS_FILE).read_bytes())
    return tables


class Playing:
    """What is being played on a target, in the background. Times in seconds are its own, in ns the bench's clock."""

    def __init__(self, title: str, schedule: Schedule, start_ns: int, end_ns: int | None) -> None:
        """Begins at once. `end_ns` None: when all is played."""
        self.title, self.start_ns = title, start_ns
        self._schedule, self._end_ns = schedule, end_ns
        self._failed: list[Exception] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"playing {title}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_told: object) -> None:
        self.stop()

    @property
    def t_s(self) -> float:
        """Of it now; negative before its begin."""
        return (time.monotonic_ns() - self.start_ns) / 1e9

    @property
    def over(self) -> bool:
        """Whether it has come to its end, or was stopped."""
        return self._over.is_set()

    @property
    def lateness_ms(self) -> Lateness:
        """How late the bench was."""
        return self._schedule.lateness_ms

    def time_ns(self, t_s: float) -> int:
        """A time of it by the bench's clock."""
        return self.start_ns + round(t_s * 1e9)

    def at(self, t_s: float, action: Callable[[], object]) -> None:
        """Something else that happens then: a switch pressed, a device unplugged, garbage written, a fault begun."""
        self._schedule.at(self.time_ns(t_s), action)

    def wait(self, t_s: float) -> None:
        """Until that time, or its end; AsvkitError for what went wrong in playing."""
        left_s = (self.time_ns(t_s) - time.monotonic_ns()) / 1e9
        self._over.wait(max(0.0, left_s))
        self._check()

    def join(self) -> None:
        """Until its end."""
        self._over.wait()
        self._check()

    def stop(self) -> None:
        """Ends it; may be called twice."""
        self._schedule.stop()
        self._thread.join(_END_S)

    def _check(self) -> None:
        if self._failed:
            raise AsvkitError(f"{self.title}: {self._failed[0]}") from self._failed[0]

    def _run(self) -> None:
        try:
            self._schedule.run(self._end_ns)
        except Exception as error:  # an action is anything; it is told by the next wait
            self._failed.append(error)
        finally:
            self._over.set()


class Drive(Playing):
    """A scenario that is being played.

    `from_s`: it is entered there, as if the bench had been switched on then; `until_s`: and left there.
    `after_s`: so long from now at least.
    """

    def __init__(
        self, source: Source, target: Target, *, from_s: float = 0.0, until_s: float | None = None, after_s: float = 0.5
    ) -> None:
        """UsageError for what cannot be played live."""
        self.scenario, start_ns = at_next_second(scenario_of(source), after_s=after_s, from_s=from_s)
        title, duration_s = self.scenario.title, self.scenario.duration_s
        if not 0 <= from_s < duration_s:
            raise UsageError(f"scenario {title!r}: from_s = {from_s:g}: it lasts {duration_s:g} s")
        self._gates = Gates(target)
        world = World(self.scenario, start_ns, from_s=from_s)
        ego = self.scenario.ego
        world.add_unit(ego, self._gates.receiver, self._gates.can if ego.can else None)
        for number, vehicle in enumerate(self.scenario.others):
            world.play(vehicle, self._gates.sender(number))
        end_s = duration_s if until_s is None else min(until_s, duration_s)
        super().__init__(f"scenario {title!r}", world.schedule, start_ns, world.time_ns(end_s))

    def silence(self, *ways: str) -> None:
        """Nothing of the scenario passes these ways ("gnss", "can", "air") from now on; what is plugged stays so."""
        self._gates.close(*ways)

    def resume(self, *ways: str) -> None:
        """It passes again."""
        self._gates.open(*ways)


def play(
    source: Source, target: Target, *, from_s: float = 0.0, until_s: float | None = None, after_s: float = 0.5
) -> Drive:
    """Begins to play; the `Drive` goes on by itself."""
    return Drive(source, target, from_s=from_s, until_s=until_s, after_s=after_s)


def play_recorded(
    target: Target,
    *,
    gnss: Path | None = None,
    can: Path | None = None,
    radio: Path | None = None,
    align_starts: bool = False,
    after_s: float = 0.5,
) -> Playing:
    """Recordings in their own time: NMEA, a CAN log, a capture, laid on each other by their Unix times.

    `align_starts`: each begins at once, whatever their clocks say. UsageError where there is nothing to play.
    """
    streams = [
        _Stream(nmea_lines(gnss), target.receiver.write) if gnss else None,
        _Stream(can_frames(can), lambda frame: target.can.send(*frame)) if can else None,
        _Stream(radio_frames(radio), _senders(target)) if radio else None,
    ]
    each = [stream for stream in streams if stream is not None and stream.first_ns is not None]
    if not each:
        raise UsageError("nothing to play: give --gnss, --can or --radio, with something in it")
    begin_ns = min(stream.first_ns or 0 for stream in each)
    schedule = Schedule()
    start_ns = time.monotonic_ns() + round(after_s * 1e9)
    for stream in each:
        schedule.add(stream.records(start_ns + (0 if align_starts else (stream.first_ns or 0) - begin_ns)))
    title = ", ".join(path.name for path in (gnss, can, radio) if path)
    return Playing(title, schedule, start_ns, None)


class _Stream:
    """One recording: when its first record was, and the records that `act` gets."""

    def __init__(self, recorded: Iterator[tuple[int, Any]], act: Callable[[Any], object]) -> None:
        self._act = act
        first = next(recorded, None)
        self.first_ns = first[0] if first else None
        self._recorded = chain([first] if first else [], recorded)

    def records(self, begin_ns: int) -> Iterator[Record]:
        """Due from then on; a step back in the recording is no step back here."""
        timeline = Timeline()
        for time_ns, one in self._recorded:
            yield begin_ns + timeline.due_ns(time_ns), partial(self._act, one)


def _senders(target: Target) -> Callable[[tuple[str, bytes]], None]:
    """Sends each recorded vehicle's frames by a radio of its own, as long as there are enough."""
    numbers: dict[str, int] = {}

    def send(frame: tuple[str, bytes]) -> None:
        source, payload = frame
        target.air.sender(numbers.setdefault(source, len(numbers) % _RADIOS)).send(payload)

    return send
