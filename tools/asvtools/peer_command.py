"""`asvkit peer`: a live opponent on the air for a unit in table-top mode."""

import select
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvrig.scenario import Scenario
    from asvunit.config import RadioTable
    from asvunit.ports import Radio

_STEP_S: Final = 0.01
_SILENT_S: Final = 30.0  # without the ego on the air its time is not believed any more
_NEW_ROUND_S: Final = 1.0  # a begin that differs more is another round's
_FRAMES: Final = 64
_TEND_S: Final = 1.0


def peer(
    scenario: Annotated[str, typer.Option(help="Scenario, or a scenario file (.toml).", metavar="NAME")] = "crossing",
    config: Annotated[
        Path | None, typer.Option(help="Its [radio] is used: the unit's own configuration will do.", metavar="FILE")
    ] = None,
    rounds: Annotated[int, typer.Option(help="End after so many rounds; 0: Ctrl-C ends it.", min=0)] = 0,
) -> None:
    """Be the other vehicles of a scenario, live on the air, in step with a unit that simulates its ego.

    The unit's configuration says: [ego] simulate = "scenario", scenario = NAME. The two may be on different machines:
    the peer tells the scenario's time by what it hears.
    """
    from asvrig.scenario import load_scenario
    from asvunit.config import load_config

    played = load_scenario(scenario)
    table = load_config(config).radio
    if table.kind == "off":
        raise UsageError(f"{config}: radio.kind: off; a peer needs the air")
    try:
        one = _Peer(played, table)
    except UsageError as error:  # of its [radio]
        raise UsageError(f"{config}: {error}" if config else str(error)) from error
    names = ", ".join(one.name for one in played.others) or "nobody"
    where = table.interface if table.kind == "ocb" else f"{table.address}:{table.port}"
    typer.echo(f"{played.title}: playing {names} on {where}; waiting to hear its ego move ...")
    try:
        while not rounds or one.rounds < rounds:
            one.turn()
    finally:
        one.close()


def _ears(table: "RadioTable") -> "Radio":
    """What hears the ego."""
    from asvunit.adapters.ocb import OcbRadio
    from asvunit.adapters.udp import UdpRadio
    from asvunit.identity import ignition_mac

    if table.kind == "udp":
        return UdpRadio(table.address, table.port, interface=table.interface, ttl=table.ttl)
    if table.interface is None:
        raise UsageError('radio.interface: kind = "ocb" needs one')
    return OcbRadio(table.interface, ignition_mac(time.time_ns()), monitor=table.monitor)


class _Peer:
    """The opponents, their senders, and what they hear of ego."""

    def __init__(self, scenario: "Scenario", table: "RadioTable") -> None:
        from asvrig.live.opponent import Opponent, Pacer
        from asvrig.live.radio import radio_sender

        self.rounds = 0
        self._pacer = Pacer(scenario)
        self._duration_s = scenario.duration_s
        self._radio = _ears(table)
        self._others = [(Opponent(scenario, one), radio_sender(table)) for one in scenario.others]
        self._own = {opponent.vehicle_id for opponent, _sender in self._others}
        self._heard_s = 0.0
        self._tended_s, self._lost = time.monotonic(), False
        self._begin_s: float | None = None
        self._last_s = 0.0  # of the scenario's time: played up to here

    def turn(self) -> None:
        """Listen for a moment, then send what is due."""
        select.select([self._radio], [], [], _STEP_S)
        self._listen()
        self._tend()
        begin_s, now_s = self._pacer.begin_s, time.monotonic()
        if begin_s is None or now_s - self._heard_s > _SILENT_S:
            return
        if self._begin_s is None or abs(begin_s - self._begin_s) > _NEW_ROUND_S:
            self._begin_s, self._last_s = begin_s, now_s - begin_s
            typer.echo(f"heard the ego, vehicle {self._pacer.vehicle_id}, {self._last_s:.1f} s into the scenario")
        self._play(max(now_s - begin_s, self._last_s))

    def close(self) -> None:
        self._radio.close()
        for _opponent, sender in self._others:
            sender.close()

    def _tend(self) -> None:
        """Once a second: what was lost is opened again, and told."""
        if time.monotonic() - self._tended_s < _TEND_S:
            return
        self._tended_s = time.monotonic()
        link = self._radio.tend()
        if link is not None and (self._lost or not link.up):  # at the start, that all is well is no news
            typer.echo(f"radio {link.reason}: {link.detail}")
            self._lost = not link.up

    def _listen(self) -> None:
        from asvunit.message import Malformed, decode, values
        from asvunit.trailer import split

        for frame in self._radio.receive(_FRAMES):
            try:
                value = values(decode(split(frame.payload)[0]))
            except Malformed:
                continue
            if value["vehicle_id"] in self._own:
                continue
            told = self._pacer.hear(value, frame.time_ns / 1e9)
            if told or value["vehicle_id"] == self._pacer.vehicle_id:  # standing, it tells no time and is there
                self._heard_s = time.monotonic()

    def _play(self, at_s: float) -> None:
        for opponent, sender in self._others:
            payload = opponent.due(self._last_s, at_s)
            if payload is not None:
                sender.send(payload)
        if self._last_s < self._duration_s <= at_s:
            self.rounds += 1
            typer.echo(f"round {self.rounds} is over")
        self._last_s = at_s
