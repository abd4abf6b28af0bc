"""pytest fixtures for a bench with a unit under test: receiver, bus, radio, pins, switches, scenarios; docs/hil.md.

pytest loads this module in every project of an environment that has asvkit. It imports nothing heavy, and does nothing
before one of its fixtures or options is used.
"""

import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from asvrig.bench_view import Pins, RadioPeer
    from asvrig.playing import Drive, Playing, Source
    from asvrig.targets.target import CanLine, Receiver, RunningUnit, Switches, Tables, Target

READY_S: Final = 120.0  # an emulated machine is slow
_GROUP: Final = "asvkit"
_OWN: Final = "asvkit_bench"  # the fixture that all of ours stand on: who does not ask for it is left alone
_NEEDS: Final = "asvkit_needs"

_measured = pytest.StashKey[list[dict[str, Any]]]()
_units = pytest.StashKey[list["RunningUnit"]]()
_described = pytest.StashKey[dict[str, Any]]()


# Options and markers; the results are collected by asvrig.pytest_results


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup(_GROUP, "asvkit: hardware in the loop")
    group.addoption(
        "--asvkit-target",
        default="local",
        metavar="NAME",
        help="local, local-multicast, pi3-qemu or ssh:USER@HOST[:PORT] (default: local)",
    )
    group.addoption(
        "--asvkit-results", default=None, metavar="FILE", help="results with all that was measured, as JSON"
    )
    group.addoption(
        "--asvkit-soak", type=float, default=60.0, metavar="SECONDS", help="length of soak tests (default: 60)"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*abilities): skipped by name on an asvkit target that cannot do that, as needs('clock')"
    )
    path = config.getoption("--asvkit-results")
    if path and not hasattr(config, "workerinput"):
        from asvrig.pytest_results import Collected

        config.pluginmanager.register(Collected(config, Path(path)), "asvkit-results")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        names = getattr(item, "fixturenames", None)
        if names is not None and _OWN in names and item.get_closest_marker("needs"):
            names.insert(0, _NEEDS)  # before what starts units


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "teardown" and _measured in item.stash:
        report.asvkit_measured = item.stash[_measured]
    if _described in item.config.stash:
        report.asvkit_target = item.config.stash[_described]
    if report.when == "call" and report.failed:
        for unit in item.stash.get(_units, []):
            from asvrig.pytest_results import told

            report.sections.append((f"asvkit {unit.name}", told(unit)))
    return report


# Fixtures


@pytest.fixture(scope="session")
def asvkit_bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Target]":
    """The target of --asvkit-target, opened once for all tests; skipped by name where this machine cannot."""
    from asvrig.targets.named import missing, open_target
    from asvunit.errors import AsvkitError

    name = request.config.getoption("--asvkit-target")
    try:
        lacking = missing(name)
        if lacking:
            pytest.skip(f"target {name}: {lacking}")
        target = open_target(name, tmp_path_factory.mktemp("asvkit-target"))
    except AsvkitError as error:
        pytest.fail(f"--asvkit-target {name}: {error}", pytrace=False)
    request.config.stash[_described] = asdict(target.describe())
    try:
        yield target
    finally:
        target.close()


@pytest.fixture(scope="session")
def target(asvkit_bench: "Target") -> "Target":
    """The bench with its one unit (`asvrig.targets.target.Target`)."""
    return asvkit_bench


@pytest.fixture
def asvkit_needs(request: pytest.FixtureRequest, asvkit_bench: "Target") -> None:
    """Skips by the marker `needs`."""
    _need(asvkit_bench, *(name for mark in request.node.iter_markers("needs") for name in mark.args))


@pytest.fixture
def needs(target: "Target") -> Callable[..., None]:
    """`needs("clock", "disk_full")` inside a test: skips it by name where the target cannot do that."""
    return lambda *abilities: _need(target, *abilities)


@pytest.fixture
def start_unit(request: pytest.FixtureRequest, target: "Target") -> "Iterator[Callable[..., RunningUnit]]":
    """`start_unit(tables, supervised=False, ready=True)`: an `asvkit run` on the target, stopped after the test.

    `tables` go over those of the bench, key by key. A unit that runs already is stopped first. `ready`: it is waited
    for.
    """
    started: list[RunningUnit] = []
    request.node.stash[_units] = started

    def start(tables: "Tables | None" = None, *, supervised: bool = False, ready: bool = True) -> "RunningUnit":
        if started:
            started[-1].stop()
        if "pins" in target.abilities:
            target.pins.skip()  # a test sees its lamps from their first lighting on, whichever fixture comes first
        unit = target.start(tables, supervised=supervised)
        started.append(unit)
        if ready:
            unit.wait_ready(READY_S)
        return unit

    yield start
    if started:
        started[-1].stop()


@pytest.fixture
def unit(start_unit: "Callable[..., RunningUnit]") -> "RunningUnit":
    """A unit under test with the tables of the bench, ready."""
    return start_unit()


@pytest.fixture
def receiver(target: "Target") -> "Iterator[Receiver]":
    """The unit's GNSS receiver: `write(lines)`, `unplug()`, `plug()`; plugged again after the test."""
    yield target.receiver
    if "unplug" in target.abilities:
        target.receiver.plug()


@pytest.fixture
def can_bus(target: "Target") -> "Iterator[CanLine]":
    """The unit's bus: `send(identifier, extended, data)`, `unplug()`, `plug()`; plugged again after the test."""
    yield target.can
    if "unplug" in target.abilities:
        target.can.plug()


@pytest.fixture
def radio_peer(target: "Target") -> "Iterator[RadioPeer]":
    """Another vehicle's radio: `send(frame)` takes bytes or values, `hear(**values)` waits for a frame of the unit."""
    from asvrig.bench_view import RadioPeer

    _need(target, "air")
    target.air.clear()
    sender = target.air.sender(PEER)
    yield RadioPeer(target.air, sender)
    sender.close()


PEER: Final = 1000  # number of that sender; those of scenarios count from 0


@pytest.fixture
def pins(request: pytest.FixtureRequest, target: "Target") -> "Pins":
    """Lamps and buzzer: `lit(name, within_s)`, `dark(name)`, `tone(hz)`, `pattern(name, since_ns)`.

    Waits look at what came since the unit was started, or since `skip()`.
    """
    from asvrig.bench_view import Pins

    _need(target, "pins")
    if not request.node.stash.get(_units, []):
        target.pins.skip()
    return Pins(target.pins)


@pytest.fixture
def switches(target: "Target") -> "Switches":
    """The driver's: `press(name, value)`, 1 pressed, 0 let go."""
    _need(target, "switches")
    return target.switches


@pytest.fixture
def scenario(
    request: pytest.FixtureRequest, target: "Target", start_unit: "Callable[..., RunningUnit]"
) -> "Iterator[Callable[..., Drive]]":
    """`scenario(source, tables=None, from_s=0, until_s=None, unit=True)`: plays one on the target, in the background.

    `source`: the name of one that comes with asvkit, a file, or its tables as a dict. `unit`: one that runs as it asks
    is started first; False: whichever runs hears it. Returns the `asvrig.playing.Drive`, ended after the test.
    """
    from asvrig.playing import play, scenario_of, unit_tables
    from asvrig.targets.tables import merged

    _need(target, "air")
    drives: list[Drive] = []

    def start(
        source: "Source",
        tables: "Tables | None" = None,
        *,
        from_s: float = 0.0,
        until_s: float | None = None,
        unit: bool = True,
    ) -> "Drive":
        for drive in drives:
            drive.stop()
        one = scenario_of(source)
        if unit:
            start_unit(merged(unit_tables(one, target), tables or {}))
        drives.append(play(one, target, from_s=from_s, until_s=until_s))
        return drives[-1]

    yield start
    for drive in drives:
        drive.stop()


@pytest.fixture
def recording(target: "Target") -> "Iterator[Callable[..., Playing]]":
    """`recording(gnss=PATH, can=PATH, radio=PATH, align_starts=False)`: plays recordings on the target, in their time.

    Returns the `asvrig.playing.Playing`, ended after the test.
    """
    from asvrig.playing import play_recorded

    played: list[Playing] = []

    def start(**told: Any) -> "Playing":
        played.append(play_recorded(target, **told))
        return played[-1]

    yield start
    for one in played:
        one.stop()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Callable[..., None]:
    """`measured(name, value, unit)`: a figure for the results file, and a property for JUnit's."""
    figures = request.node.stash.setdefault(_measured, [])

    def measure(name: str, value: float, unit: str = "") -> None:
        if not math.isfinite(value):
            pytest.fail(f"measured({name!r}): {value} is no figure", pytrace=False)
        figures.append({"name": name, "value": float(value), "unit": unit})
        request.node.user_properties.append((f"{name} [{unit}]" if unit else name, float(value)))

    return measure


@pytest.fixture(scope="session")
def soak_s(request: pytest.FixtureRequest) -> float:
    """Seconds that a soak test lasts, of --asvkit-soak."""
    return float(request.config.getoption("--asvkit-soak"))


def _need(target: "Target", *abilities: str) -> None:
    from asvrig.targets.target import ABILITIES

    for name in abilities:
        if name not in ABILITIES:
            pytest.fail(f"needs({name!r}): no ability of a target; there is {', '.join(ABILITIES)}", pytrace=False)
    lacking = [name for name in abilities if name not in target.abilities]
    if lacking:
        pytest.skip(f"target {target.name}: cannot do: {', '.join(lacking)}")
