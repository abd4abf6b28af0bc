"""`asvkit can play`: a recorded CAN log onto a bench bus, in its own time."""

import itertools
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvtools.recorded import option
from asvunit.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import can

    from asvrig.can_player import CanPlayer, Route
    from asvunit.adapters.can_log import CanLog
    from asvunit.canbus.interfaces import Adapter

_SURVEYED: Final = 50_000  # frames, to find the log's channels
_DRAIN_EVERY: Final = 256

app = typer.Typer(no_args_is_help=True, help="CAN logs and buses.", rich_markup_mode=None)


@app.callback()
def _root() -> None:
    pass


@app.command("play", short_help="A CAN log onto a bench bus, in its own time.")
def play(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="CAN log: .log .asc .blf .trc .mf4 .csv .db")],
    interface: Annotated[str, typer.Option(help="Of python-can: socketcan, slcan ...", metavar="I")] = "socketcan",
    channel: Annotated[str | None, option("--channel", "C", "Of the interface: can0, /dev/ttyACM0 ...")] = None,
    bitrate: Annotated[int | None, option("--bitrate", "N", "Bit/s, where the interface sets it.")] = None,
    fd: Annotated[bool, typer.Option("--fd", help="Send CAN FD frames as well.")] = False,
    data_bitrate: Annotated[int | None, option("--data-bitrate", "N", "Bit/s of the data phase of CAN FD.")] = None,
    maps: Annotated[
        list[str] | None, option("--map", "NAME=CHANNEL", "A log's channel onto the interface's; repeatable.")
    ] = None,
    speed: Annotated[float, typer.Option(help="2: twice as fast.", metavar="X", min=0.01, max=100)] = 1.0,
    start: Annotated[float, typer.Option(help="Begin so many seconds into the log.", metavar="S", min=0)] = 0.0,
    end: Annotated[float | None, option("--end", "S", "End so many seconds into the log.")] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Again and again; Ctrl-C ends it.")] = False,
    listen: Annotated[float, typer.Option(help="Listen so long before.", metavar="S", min=0.2, max=60)] = 1.0,
    bench: Annotated[bool, typer.Option("--bench", help="This is a bench bus, no car's: needed to send.")] = False,
) -> None:
    """Play a CAN log onto a bench bus. Nothing is sent without --bench, nor where anybody else is heard."""
    if not bench:
        raise UsageError(
            "can play sends frames, and a car is never written to: on a bench bus of your own, give --bench"
        )
    if end is not None and end <= start:
        raise UsageError(f"--end {end:g}: not after --start {start:g}")
    from asvrig.bench_bus import bench_buses
    from asvrig.can_player import CanPlayer, Route
    from asvunit.adapters.can_log import CanLog
    from asvunit.canbus.interfaces import Adapter

    opened = CanLog(log)
    routes = _routes(opened, channel, maps or [])
    channels = list(dict.fromkeys(routes.values()))
    adapters = [Adapter(interface, each, bitrate, fd, data_bitrate) for each in channels]
    for adapter in adapters:
        _check(adapter)
    typer.echo(f"listening for {listen:g} s on {interface} {', '.join(channels)} ...")
    with bench_buses(adapters, listen) as buses:
        by_channel = dict(zip(channels, buses, strict=True))
        route = Route({name: by_channel[target] for name, target in routes.items()})
        heard = _Drained(buses, route)
        player = CanPlayer(heard.send, speed=speed)
        typer.echo(f"playing {log}" + (", again and again; Ctrl-C ends it" if loop else ""))
        drops: Counter[str] = Counter()
        try:
            _play(player, opened, route, drops, (start, end), loop)
        except KeyboardInterrupt:
            if not loop:
                raise
        finally:
            heard.drain()
            drops += opened.counters + route.dropped
            _tell(player, drops, heard.others)


def _check(adapter: "Adapter") -> None:
    from asvunit.canbus.interfaces import check_arguments

    try:
        check_arguments(adapter)
    except UsageError as error:  # which names the configuration's key
        key, colon, text = str(error).removeprefix("can.").partition(":")
        raise UsageError(f"--{key.replace('_', '-')}{colon}{text}") from error


class _Drained:
    """Sends, and now and then takes in what others say: no queue grows. Some interfaces hear themselves."""

    def __init__(self, buses: "list[can.BusABC]", route: "Route") -> None:
        self.others = 0
        self._own: set[int] = set()
        self._buses = buses
        self._route = route
        self._left = _DRAIN_EVERY

    def send(self, message: "can.Message") -> None:
        self._own.add(message.arbitration_id)
        self._route.send(message)
        self._left -= 1
        if not self._left:
            self.drain()

    def drain(self) -> None:
        from asvrig.bench_bus import drain

        self._left = _DRAIN_EVERY
        for bus in self._buses:
            self.others += sum(identifier not in self._own for identifier in drain(bus))


def _play(
    player: "CanPlayer",
    log: "CanLog",
    route: "Route",
    drops: Counter[str],
    span: tuple[float, float | None],
    loop: bool,
) -> None:
    from asvrig.can_player import part

    def frames() -> "Iterator[can.Message]":
        return (message for message in part(log, *span) if route.takes(message))

    played = -1
    while player.sent != played:  # a round without a frame would be an endless one
        played = player.sent
        player.play(frames())
        if not loop:
            break
        drops += log.counters  # of this round: the next one counts anew
        log.counters.clear()
    if not player.sent + player.lost:
        raise UsageError(f"{log.path}: no frame to send between --start and --end, on these channels, in this format")


def _routes(log: "CanLog", channel: str | None, maps: list[str]) -> "dict[str | None, str]":
    """The interface's channel by the log's, in lower case; by None if all go to one."""
    out: dict[str | None, str] = {}
    for text in maps:
        name, _equals, target = (each.strip() for each in text.partition("="))
        if not name or not target or name.casefold() in out:
            raise UsageError(f"--map {text}: give each channel of the log once, as NAME=CHANNEL; e.g. can0=vcan0")
        out[name.casefold()] = target
    if maps and channel:
        raise UsageError("--channel: give either it or --map")
    if not maps and not channel:
        raise UsageError("--channel: missing; give the interface's channel, e.g. --channel vcan0")
    seen = list(dict.fromkeys(message.channel for message in itertools.islice(log, _SURVEYED)))
    told = ", ".join(map(str, seen))
    known = {str(each).casefold() for each in seen}
    for text in maps:
        if text.partition("=")[0].strip().casefold() not in known:
            raise UsageError(f"--map {text}: the log has no such channel; it has {told}")
    if channel and len(seen) > 1:
        example = " ".join(f"--map {each}=CHANNEL" for each in seen)
        raise UsageError(f"{log.path}: has channels {told}: say where each goes ({example}), or give the one to play")
    return out or {None: channel or ""}


def _tell(player: "CanPlayer", drops: Counter[str], heard: int) -> None:
    late = player.lateness.summary()
    typer.echo(f"sent {player.sent} frames")
    if late["count"]:
        typer.echo(
            f"  late by {late['p50_us'] / 1000:.2f} ms (half of them), {late['p99_us'] / 1000:.2f} ms (99 %), "
            f"{late['max_us'] / 1000:.2f} ms (worst)"
        )
    facts = {
        "waited for a full buffer": player.waited,
        "lost to a full buffer": player.lost,
        "steps back of the log's time": player.timeline.time_back,
        "frames of others heard meanwhile": heard,
    }
    for name, count in [*facts.items(), *((f"dropped: {reason}", count) for reason, count in sorted(drops.items()))]:
        if count:
            typer.echo(f"  {name}: {count}")
