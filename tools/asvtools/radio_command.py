"""`asvkit radio setup` and `asvkit radio check`: an 802.11p card made ready for the unit, or looked at."""

import json
import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvunit.errors import AsvkitError, UsageError, nearest

if TYPE_CHECKING:
    from asvtools.radio_card import Machine
    from asvtools.radio_rows import Outcome

app = typer.Typer(help="An 802.11p card.", rich_markup_mode=None, no_args_is_help=False)

_NAME: Final = re.compile(r"[^/\s:]{1,15}")
_MOST: Final = 6  # interfaces told

_Interface = Annotated[str, typer.Argument(help="The card's network interface, as wlan0.", metavar="INTERFACE")]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object.")]


@app.callback()
def _radio() -> None:
    """An 802.11p card."""


@app.command("setup", short_help="Set a card to OCB mode (802.11p) and a channel.")
def setup(
    interface: _Interface,
    frequency: Annotated[int, typer.Option(help="Centre of the channel in MHz.", metavar="MHZ")] = 5880,
    width: Annotated[int, typer.Option(help="Width of the channel in MHz: 5, 10 or 20.", metavar="MHZ")] = 10,
    monitor: Annotated[
        str | None, typer.Option(help="Also make this monitor interface, for received power.", metavar="NAME")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look, tell what would be done, change nothing.")] = False,
    as_json: _Json = False,
) -> None:
    """Set an 802.11 interface to OCB mode and a channel, and read it back. Needs root, except for --dry-run.

    A channel that the regulatory domain refuses is not used, and why is told. Exit code 1: it is not as wanted.
    """
    from asvtools.radio_setup import Wanted, set_up

    machine = _machine()
    _check_channel(frequency, width)
    _check_name(machine, interface)
    if monitor is not None and not _NAME.fullmatch(monitor):
        raise UsageError(f"--monitor: {monitor!r} is no name of an interface: up to 15 characters, as mon0")
    if not dry_run and not machine.may_change:
        again = f"sudo asvkit radio setup {interface} --frequency {frequency} --width {width}"
        again += f" --monitor {monitor}" if monitor else ""
        raise AsvkitError(f"{interface}: no permission, it takes CAP_NET_ADMIN: {again}; --dry-run only looks")
    outcome = set_up(machine, Wanted(interface, frequency, width, monitor or "", dry_run))
    _tell(outcome, as_json)
    if not as_json:
        typer.echo(_next_step(interface, monitor, dry_run))


@app.command("check", short_help="Whether a unit can use an interface as its radio.")
def check(
    interface: _Interface,
    frequency: Annotated[int | None, typer.Option(help="It is to be on this channel.", metavar="MHZ")] = None,
    width: Annotated[int | None, typer.Option(help="And this wide: 5, 10 or 20.", metavar="MHZ")] = None,
    as_json: _Json = False,
) -> None:
    """Look at an interface, 802.11 or any Ethernet: mode, channel, regulation, link. Nothing is changed.

    Exit code 1: something keeps a unit from using it.
    """
    from asvtools.radio_check import check as look_at

    machine = _machine()
    _check_channel(frequency or 5880, width or 10)
    _check_name(machine, interface)
    _tell(look_at(machine, interface, frequency, width), as_json)
    if not as_json:
        typer.echo(f'{interface} can be used: [radio] kind = "ocb", interface = "{interface}"')


def _machine() -> "Machine":
    from asvtools.radio_card import Machine

    return Machine()


def _check_channel(frequency_mhz: int, width_mhz: int) -> None:
    from asvtools.radio_channels import CARD_LIMITS_MHZ, WIDTHS_MHZ

    if width_mhz not in WIDTHS_MHZ:
        raise UsageError(f"--width: {width_mhz} MHz is no width of OCB; give 5, 10 or 20 (802.11p: 10)")
    low, high = CARD_LIMITS_MHZ
    if not low <= frequency_mhz <= high:
        which = "the 700 MHz of ARIB STD-T109 takes its own radio" if 700 <= frequency_mhz < 800 else "in MHz, as 5880"
        raise UsageError(f"--frequency: no 802.11 card sends at {frequency_mhz} MHz; {which}")


def _check_name(machine: "Machine", name: str) -> None:
    known = machine.interfaces()
    if name in known:
        return
    wireless = machine.wireless()
    if wireless:
        told = ", ".join(wireless[:_MOST])
        raise UsageError(f"{name}: no such interface{nearest(name, known)}; of 802.11 there are {told}")
    raise UsageError(f"{name}: no such interface{nearest(name, known)}; none of 802.11 is here: `lsusb`, `lspci` and "
                     "`dmesg` tell whether the card is seen and has a driver")  # fmt: skip


def _tell(outcome: "Outcome", as_json: bool) -> None:
    """All rows; AsvkitError names the problems, with the mend of the first."""
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    else:
        from asvtools.doctor.command import lines, width
        from asvtools.doctor.finding import Finding

        for row in outcome.rows:
            typer.echo("\n".join(lines(Finding(row.what, row.state, row.detail, row.mend), width())))
    if outcome.problems:
        first = outcome.problems[0]
        more = len(outcome.problems) - 1
        others = f"; and {more} more" if more else ""
        name = "" if first.detail.startswith(outcome.interface) else f"{outcome.interface}: "
        raise AsvkitError(f"{name}{first.detail}; {first.mend}{others}")


def _next_step(interface: str, monitor: str | None, dry_run: bool) -> str:
    if dry_run:
        return "nothing was changed"
    power = f', monitor = "{monitor}"' if monitor else ""
    return (
        "it is forgotten when the machine starts anew: hardware/asvkit-radio@.service sets it up then. "
        f'The unit\'s configuration: [radio] kind = "ocb", interface = "{interface}"{power}'
    )
