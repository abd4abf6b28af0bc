"""The command `asvkit`: one place that turns failures into one line on stderr and an exit code.

Commands live in their own modules, which import what is heavy only when they run: `asvkit --version`
and `--help` start at once. Exit codes: 0 done and good, 1 ran and found a failure, 2 wrong usage or
configuration.
"""

import contextlib
import os
import sys
from typing import Annotated, cast

import typer

from asvtools import (
    area_command,
    can_command,
    config_command,
    demo_command,
    doctor,
    explain_command,
    gnss_command,
    gpio_command,
    keys_command,
    latency_command,
    messages,
    par_command,
    peer_command,
    radio_command,
    record_command,
    replay_command,
    run_command,
    screen_command,
    session_command,
    vehicle_command,
    verify_command,
    watch_command,
)
from asvtools.wireshark import command as wireshark_command
from asvunit.errors import AsvkitError, UsageError

INTERRUPTED = 130  # as shells report it
# typer's own base of wrong usage, which it does not export.
_USAGE_ERROR = cast(type[Exception], typer.BadParameter.__bases__[0])

app = typer.Typer(
    name="asvkit",
    help="Open reference implementation of Japan's ASV vehicle-to-vehicle driver-support system.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"asvkit {version('asvkit')}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    pass


app.command("decode", short_help="Messages, hex or captures, as JSON or CSV.")(messages.decode)
app.command("encode", short_help="JSON to messages in hex.")(messages.encode)
app.command("replay", short_help="Recordings through the unit, offline.")(replay_command.replay)
app.command("explain", short_help="Why support is or is not given, at any moment of a recording.")(
    explain_command.explain
)
app.command("run", short_help="One live unit: receiver, CAN, radio, lamps, buzzer.")(run_command.run)
app.command("record", short_help="One live unit, its inputs and decisions kept as a session.")(record_command.record)
app.add_typer(session_command.app, name="session", short_help="Recorded sessions: list, show, check, export, delete.")
app.command("watch", short_help="A running unit in this terminal, over SSH too.")(watch_command.watch)
app.add_typer(screen_command.app, name="screen", short_help="The web page beside a running unit, or all its states.")
app.add_typer(gpio_command.app, name="gpio", short_help="Lamps, buzzer and switches: show, test, off.")
app.add_typer(latency_command.app, name="latency", short_help="From cause to light and sound: report, and bench.")
app.command("peer", short_help="A live opponent for a unit on a desk.")(peer_command.peer)
app.add_typer(config_command.app, name="config", short_help="Write or check a unit's configuration.")
app.add_typer(vehicle_command.app, name="vehicle", short_help="Signal maps: check against a log, propose, compile.")
app.add_typer(gnss_command.app, name="gnss", short_help="Set up a receiver, and read it back.")
app.add_typer(can_command.app, name="can", short_help="Play a CAN log to a bench bus.")
app.add_typer(radio_command.app, name="radio", short_help="Set up and check an 802.11p card.")
app.add_typer(keys_command.app, name="keys", short_help="Keys of emergency vehicles.")
app.command("par", short_help="How well others are heard: loss, gaps, arrival against distance.")(par_command.par)
app.add_typer(wireshark_command.app, name="wireshark", short_help="The message in Wireshark and tshark.")
app.command("area", short_help="How far the radio must reach: areas, timing, packet rate.")(area_command.area)
app.command("doctor", short_help="What this machine and this unit lack, and the mend.")(doctor.doctor)
app.command("demo", short_help="Two real units meet on this machine, and a verdict: no hardware.")(demo_command.demo)
app.command("verify", short_help="Every scenario judged; a report clause by clause.")(verify_command.verify)


def main() -> None:
    """Console entry: run the command named on the command line and exit with its code."""
    _open_closed_streams()
    sys.exit(run(sys.argv[1:]))


def _open_closed_streams() -> None:
    """Started with `>&-` or the like: what would be written goes nowhere, what would be read is empty."""
    while True:
        number = os.open(os.devnull, os.O_RDWR)
        if number > 2:
            os.close(number)
            break
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code. Nothing a user can cause gets out as an exception."""
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except AsvkitError as error:
        return _say(str(error), error.exit_code)
    except _USAGE_ERROR as error:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "asvkit"
        text = error.format_message().rstrip(".") if hasattr(error, "format_message") else str(error)
        return _say(f"{text} (see {path} --help)", UsageError.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader has seen enough
        _drop_output()
        return 0
    except OSError as error:  # a full disk, say; what has a mend of its own comes as AsvkitError
        _drop_output()
        return _say(f"{error.filename or 'output'}: {error.strerror or error}", AsvkitError.exit_code)
    return code


def _invoke(arguments: list[str]) -> int:
    """Not app(): that would end the process itself where a pipe breaks."""
    command = typer.main.get_command(app)
    try:
        with command.make_context("asvkit", list(arguments)) as context:
            command.invoke(context)
    except typer.Exit as done:
        return done.exit_code
    return 0


def _drop_output() -> None:
    """What is left in the buffer would fail again when the interpreter ends."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(text: str, code: int) -> int:
    with contextlib.suppress(BrokenPipeError):
        typer.echo(f"asvkit: {' '.join(text.split())}", err=True)
    return code


if __name__ == "__main__":
    main()
