"""`asvkit run`: one live unit, as on the Raspberry Pi in a car, until it is told to stop."""

import contextlib
import fcntl
import os
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvunit.config import Config
    from asvunit.parts import Parts
    from asvunit.ports import LiveInput, Outputs
    from asvunit.session.write import SessionWriter
    from asvunit.vehicle import VehicleMap

_SEEDS = 1 << 29


def run(
    config: Annotated[Path | None, typer.Option(help="Configuration (asvkit config init).", metavar="FILE")] = None,
    events: Annotated[
        str | None, typer.Option(help="Write the events there too; '-' is stdout.", metavar="FILE")
    ] = None,
    view: Annotated[bool, typer.Option("--view", help="Show the driver's view in this terminal.")] = False,
    stop_on_eof: Annotated[
        bool, typer.Option("--stop-on-eof", help="End when standard input closes: for programs that start units.")
    ] = False,
) -> None:
    """One live unit: receiver, CAN, radio, lamps and buzzer as the configuration says. Ctrl-C or SIGTERM ends it."""
    began_ns = time.monotonic_ns()
    from asvunit.config import load_config

    if config is None:
        raise UsageError("run: --config FILE is needed; asvkit config init writes one to begin with")
    if view and events == "-":
        raise UsageError("--view and --events - both want standard output; give --events a file")
    run_unit(load_config(config), config, began_ns, events=events, view=view, stop_on_eof=stop_on_eof)


def run_unit(
    loaded: "Config",
    config: Path,
    began_ns: int,
    *,
    events: str | None = None,
    view: bool = False,
    stop_on_eof: bool = False,
    seconds: float | None = None,
) -> None:
    """One unit of a configuration that was loaded from a file, until it is told to stop, or for so long."""
    from asvunit.runtime import end_by_signal, stopped_by_signals

    with contextlib.ExitStack() as stack:
        stack.enter_context(_alone(config))
        session: list[_Session] = []

        def stop(reason: str) -> None:
            if session:
                session[0].runtime.stop(reason)
            else:  # not all parts are up yet: those that are go down in order
                end_by_signal(reason)

        stack.enter_context(stopped_by_signals(stop))
        try:
            session.append(_Session(loaded, config, stack, events, view, stop_on_eof))
            if seconds is not None:
                timer = threading.Timer(seconds, stop, ["time_over"])
                timer.daemon = True
                stack.callback(timer.cancel)
                timer.start()
            session[0].run(began_ns)
        except UsageError as error:  # a key of the file, where the adapters do not know which
            said = str(error).startswith((str(config), "--"))
            raise error if said else UsageError(f"{config}: {error}") from error


class _Session:
    """One run: the parts put together, and what is said of it."""

    def __init__(
        self,
        config: "Config",
        path: Path,
        stack: contextlib.ExitStack,
        events: str | None,
        view: bool,
        stop_on_eof: bool,
    ) -> None:
        from asvunit import assembly
        from asvunit.assembly import assemble, beside
        from asvunit.event_hub import EventHub
        from asvunit.identity import ignition_phase_ns
        from asvunit.intersections import node_ahead
        from asvunit.journal import JournalWriter
        from asvunit.live import LiveUnit
        from asvunit.parts import Times
        from asvunit.runtime import Runtime
        from asvunit.service import ServiceManager
        from asvunit.unit import Unit

        folder = path.parent
        self._config = config
        file = Path(events) if events not in (None, "-") else beside(folder, config.events.file)
        self._hub = EventHub(
            file=file,
            stdout=sys.stdout.fileno() if events == "-" else None,
            path=beside(folder, config.events.socket),
            file_key="--events" if events else "events.file",
        )
        self._parts: Parts | None = None
        stack.callback(self._end_screen)
        stack.callback(self._hub.close)
        self._session = session = assembly.session(config, folder)
        if session:
            stack.callback(session.stop)
            self._hub.tap = session.event
        screens: list[Outputs] = []
        if view:
            from asvunit.adapters.terminal import TerminalOutputs  # slow to import

            screens.append(TerminalOutputs(sys.stdout, path.stem))
            stack.callback(screens[0].close)
        stand_ins, timeouts_ms, mapped = simulated(config, folder)
        # A new identity at each ignition: vehicle_id, source address and phase of the cycles [G 3.7.2(d)]
        seed = config.seed if "seed" in config.model_fields_set else int.from_bytes(os.urandom(4), "big") % _SEEDS
        parts, car = assemble(config, folder, self._hub, stack, stand_ins, screens, seed, session)
        self._parts = parts
        settings = config.settings(*((car.timeouts_ms, car.mapped) if car else (timeouts_ms, mapped)))
        used = {name.partition(".")[0] for name in parts.inputs} | ({"radio"} if parts.radio else set())
        for name in ("gnss", "can", "radio"):
            settings.set(f"uses_{name}", int(name in used))
        settings.set("seed", seed)
        nodes = node_ahead(config, folder)
        self.live = LiveUnit(
            partial(
                Unit,
                settings,
                language=config.presentation.language,
                nodes=nodes,
                journal=JournalWriter(session, settings, named=True) if session else None,
            ),
            parts,
            Times(time.monotonic_ns, time.time_ns),
            ignition_phase_ns(seed),
        )
        if session:
            self._open(session, config, path, car, on_air=parts.radio is not None)
        self.runtime = Runtime(self.live, parts, ServiceManager(), 0 if stop_on_eof else None)

    def _open(
        self, session: "SessionWriter", config: "Config", path: Path, car: "VehicleMap | None", *, on_air: bool
    ) -> None:
        """The session's folder; from now on all that was handed over is written."""
        from asvunit.session.about import about, named_files

        unit = self.live.unit
        began = datetime.fromtimestamp(self.live.epoch_s(time.monotonic_ns()), UTC)
        told = {"started": f"{began:%Y-%m-%dT%H:%M:%S.%fZ}", "vehicle_id": unit.vehicle_id, "seed": unit.seed}
        clocks = {key: value for key, value in unit.state().items() if key.endswith("_ns")}
        named = named_files(config, path.parent, car)
        session.open(about(config, path, car, told | clocks), path, named, on_air=on_air)

    def _end_screen(self) -> None:
        """When the events have ended: the page tells its browsers so, and goes by itself."""
        if self._parts and self._parts.screen:
            self._parts.screen.stop()

    def run(self, began_ns: int) -> None:
        self._hub.start()
        now_ns = time.monotonic_ns()  # of "t" too: by the two, other clocks are joined
        start = self.live.unit.start_event(now_ns)
        self._hub.publish({**start, "pid": os.getpid(), "monotonic_ns": now_ns, "hmi": self._config.hmi.gpio})

        def ready() -> None:
            told_ns = time.monotonic_ns()
            after_s = (told_ns - began_ns) / 1e9
            self._hub.publish({"t": self.live.epoch_s(told_ns), "event": "ready", "after_s": round(after_s, 3)})
            _say(f"unit runs as vehicle {self.live.unit.vehicle_id}, ready after {after_s:.2f} s")

        reason = self.runtime.run(ready)
        if self._session:
            self._session.reason = reason
        self._hub.publish(self.live.statistics())
        self._hub.publish({"t": self.live.epoch_s(time.monotonic_ns()), "event": "stop", "reason": reason})
        _say(f"stopped: {reason.replace('_', ' ')}")


def simulated(config: "Config", folder: Path) -> "tuple[dict[str, LiveInput], list[int] | None, tuple[str, ...]]":
    """Table-top mode: a scenario's ego in the place of receiver and, without a bus, car; its timeouts and signals."""
    if config.ego.simulate == "off":
        return {}, None, ()
    for key, given in (("port", config.gnss.port), ("gpsd", config.gnss.gpsd)):
        if given is not None:
            raise UsageError(f"ego.simulate: with it there is no receiver; take gnss.{key} out, or set simulate to off")
    from asvrig.live.simulated import simulated_ego
    from asvrig.scenario import load_scenario

    near = folder / config.ego.scenario
    try:
        scenario = load_scenario(near if near.is_file() else config.ego.scenario)
    except UsageError as error:
        raise UsageError(f"ego.scenario: {error}") from error
    receiver, car = simulated_ego(scenario, with_car=config.can.interface is None and bool(scenario.ego.can))
    if car is None:
        return {"gnss": receiver}, None, ()
    return {"gnss": receiver, "can": car}, car.timeouts_ms, car.mapped


@contextlib.contextmanager
def _alone(config: Path) -> Iterator[None]:
    """One unit a configuration: two would fight for the same devices. The lock goes with the process."""
    with config.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{config}: a unit runs with this configuration already; give each its own") from None
        yield


def _say(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # nobody may be there to read it
        print(f"asvkit: {text}", file=sys.stderr, flush=True)  # noqa: T201
