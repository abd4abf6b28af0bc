"""`asvkit gnss setup`: a u-blox receiver made ready for the unit, and said what it could not be made."""

import errno
import json
import os
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from asvunit.errors import AsvkitError, UsageError

if TYPE_CHECKING:
    from asvtools.gnss_setup import Outcome, Wanted

app = typer.Typer(help="A GNSS receiver.", rich_markup_mode=None, no_args_is_help=False)

_WRITE_S: Final = 1.0
_FAULTS: Final = {
    errno.ENOENT: "no such device; plug the receiver in, or give its own: ls /dev/ttyACM* /dev/ttyAMA* /dev/ttyUSB*",
    errno.EAGAIN: "another program has it open; stop the unit (asvkit run) for the time",
    errno.EBUSY: "another program has it open, gpsd perhaps; stop that for the time",
    errno.ENOTTY: "is no serial line; give the receiver's device, e.g. /dev/ttyAMA0",
}


@app.callback()
def _gnss() -> None:
    """A GNSS receiver."""


@app.command("setup", short_help="Set a u-blox receiver up, read it back, measure it.")
def setup(
    port: Annotated[str, typer.Argument(help="Its serial device, as /dev/ttyAMA0.", metavar="PORT")],
    baud: Annotated[str, typer.Option(help="Its present baud rate, or auto: the usual ones are tried.")] = "auto",
    rate: Annotated[int, typer.Option(help="Fixes a second.", min=1, max=25)] = 10,
    model: Annotated[str, typer.Option(help="Motion model: automotive, portable, ...")] = "automotive",
    target_baud: Annotated[int, typer.Option(help="Baud rate to change it to (not on USB).")] = 115_200,
    interface: Annotated[
        str, typer.Option(help="The receiver's: uart1, uart2, usb; auto: usb for ttyACM, else uart1.")
    ] = "auto",
    save: Annotated[bool, typer.Option("--save", help="Keep it over power-off.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and compare, change nothing.")] = False,
) -> None:
    """Set a u-blox receiver up for the unit: rate, the sentences RMC GGA GST VTG alone, motion model, baud rate.

    Each setting is read back, and what it then sends is measured. Exit code 1: something is not as wanted.
    """
    from asvtools.gnss_setup import Wanted
    from asvtools.ublox_line import BAUDS

    _known("--model", model, _models())
    _known("--target-baud", str(target_baud), [str(one) for one in BAUDS])
    _known("--interface", interface, ["auto", "uart1", "uart2", "usb"])
    if baud != "auto" and not (baud.isdecimal() and 1200 <= int(baud) <= 4_000_000):
        raise UsageError(f"--baud: {baud} is no baud rate; give a number, or auto")
    wanted = Wanted(rate, model, target_baud, _interface(interface, port), save, dry_run)
    outcome = _set_up(port, BAUDS if baud == "auto" else (int(baud),), wanted)
    if as_json:
        typer.echo(json.dumps(outcome.as_json(), ensure_ascii=False))
    else:
        typer.echo("\n".join(outcome.lines()))
    if outcome.bad:
        told = ", ".join(row.what for row in outcome.bad)
        raise AsvkitError(f"{port}: {len(outcome.bad)} of {len(outcome.rows)} not as wanted: {told}")
    if not as_json:
        typer.echo(_next_step(outcome, wanted))


def _set_up(port: str, bauds: tuple[int, ...], wanted: "Wanted") -> "Outcome":
    from asvtools.gnss_setup import set_up
    from asvtools.ublox_line import UbloxLine

    line = UbloxLine(lambda baud: _open(port, baud))
    try:
        return set_up(port, line, bauds, wanted)
    except OSError as error:  # pyserial's own are such
        text = " ".join(str(error.strerror or error).split())[:200]
        raise AsvkitError(f"{port}: lost while it was set up: {text}; plug it in again, and once more") from error
    finally:
        line.close()


def _open(port: str, baud: int) -> Any:
    """The line at this rate; UsageError with the mend."""
    import stat
    import termios

    from serial import Serial

    from asvunit.device_access import access_mend

    try:
        if not stat.S_ISCHR(os.stat(port).st_mode):
            raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))
        return Serial(port, baud, timeout=0, write_timeout=_WRITE_S, exclusive=True)
    except (OSError, ValueError, termios.error) as error:
        number = next((one for one in error.args[:1] if isinstance(one, int)), 0)
        if number in (errno.EACCES, errno.EPERM):
            raise UsageError(f"{port}: no permission; {access_mend(port)}") from error
        number = errno.ENOTTY if "Inappropriate ioctl" in str(error) else number  # pyserial drops this number
        if number in _FAULTS:
            raise UsageError(f"{port}: {_FAULTS[number]}") from error
        text = " ".join(str(error).split())[:200]
        raise UsageError(f"{port}: cannot be opened at {baud} baud: {text}") from error


def _interface(asked: str, port: str) -> str:
    """A u-blox on USB is a ttyACM; one behind a USB-to-serial chip is a ttyUSB, and speaks on its UART."""
    if asked != "auto":
        return asked
    return "usb" if "ttyACM" in os.path.realpath(port) else "uart1"


def _models() -> list[str]:
    from asvtools.ublox_dialects import MODELS

    return list(MODELS)


def _known(option: str, value: str, known: list[str]) -> None:
    if value not in known:
        raise UsageError(f"{option}: {value} is not known; one of {', '.join(known)}")


def _next_step(outcome: "Outcome", wanted: "Wanted") -> str:
    if wanted.dry_run:
        return "nothing was changed"
    kept = "" if wanted.save else "; it is forgotten at power-off: --save keeps it"
    return f'all as wanted{kept}. The unit\'s configuration: [gnss] port = "{outcome.port}", baud = {outcome.baud}'
