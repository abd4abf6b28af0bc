"""`asvkit screen`: the unit's page beside a running unit, by its events.socket; and all its states, without a unit."""

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from asvunit.errors import UsageError

if TYPE_CHECKING:
    from asvunit.screen.feed import Source
    from asvunit.screen.setting import Setting
    from asvunit.screen.views import Teller

PORT: Final = 8080

_ADDRESS = typer.Option("--address", help="Own address to be reached at; 127.0.0.1: this machine alone.")
_HOST = typer.Option("--host", help="A further name that browsers call it by, as pi.local; again for more.")

app = typer.Typer(invoke_without_command=True, no_args_is_help=False)


@app.callback()
def screen(
    context: typer.Context,
    path: Annotated[Path | None, typer.Option("--socket", help="The running unit's events.socket.")] = None,
    config: Annotated[Path | None, typer.Option(help="Or its configuration, which names that.", metavar="FILE")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help=f"Port of the page; {PORT} unless configured.")
    ] = None,
    address: Annotated[str | None, _ADDRESS] = None,
    host: Annotated[list[str] | None, _HOST] = None,
    language: Annotated[str | None, typer.Option(help="en or ja; else as configured.")] = None,
) -> None:
    """The page of a running unit that has no [screen]: what the driver sees, and the bench view. Ctrl-C ends it."""
    if context.invoked_subcommand is not None:
        return
    from asvunit.config import Config, load_config
    from asvunit.screen.feed import path_source

    if (path is None) == (config is None):
        raise UsageError("screen: --socket PATH or --config FILE is needed, one of them: the unit that is to be shown")
    told = load_config(config) if config else Config()
    if config is not None:
        if told.events.socket is None:
            raise UsageError(f'{config}: events.socket: missing: name one, as socket = "events.sock", and run the unit')
        path = config.parent / told.events.socket
    assert path is not None
    setting = _setting(
        address or told.screen.address,
        port or told.screen.port or PORT,
        [*told.screen.hosts, *(host or [])],
        told.screen.clients,
        language or told.presentation.language,
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            _say(f"{path}: no unit offers its events there: {error.strerror or error}; the page waits for one")
    _serve(setting, path_source(str(path)))


@app.command("gallery", short_help="Every state of the page, one after the other: no unit.")
def gallery(
    seconds: Annotated[float, typer.Option(min=0.5, max=600, help="How long each state is shown.")] = 4.0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the page.")] = PORT,
    address: Annotated[str, _ADDRESS] = "127.0.0.1",
    host: Annotated[list[str] | None, _HOST] = None,
) -> None:
    """Every state of the page, one after the other, again and again: to look at, without a unit. Ctrl-C ends it."""
    from asvunit.screen.show import GalleryShow

    show = GalleryShow(seconds)
    _serve(_setting(address, port, host or [], 16, "en"), show.source, show)


def _setting(address: str, port: int, hosts: list[str], clients: int, language: str) -> "Setting":
    from asvunit.screen.setting import Setting, check_hosts

    check_hosts(hosts, "--host")
    if language not in ("en", "ja"):
        raise UsageError(f"--language: {language}: there are en and ja")
    return Setting(address, port, hosts, clients, language)


def _serve(setting: "Setting", source: "Source", teller: "Teller | None" = None) -> None:
    """Serves until Ctrl-C or SIGTERM."""
    import asyncio

    from asvunit.screen.server import serve
    from asvunit.screen.setting import in_url
    from asvunit.screen_process import listen

    listener = listen(setting.address, setting.port, ("--address", "--port"))

    def ready() -> None:
        at = f"http://{in_url(setting.address)}:{setting.port}"
        _say(f"{at}/ is the driver's page, {at}/bench the bench's; Ctrl-C ends it")

    async def run() -> None:
        loop = asyncio.get_running_loop()
        serving = asyncio.create_task(serve(listener, setting, source, ready, teller))
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, _once(serving.cancel))
        await asyncio.wait([serving])
        if not serving.cancelled():
            serving.result()

    asyncio.run(run())


def _once(end: Callable[[], bool]) -> Callable[[], None]:
    def handle() -> None:
        end()

    return handle


def _say(text: str) -> None:
    typer.echo(f"asvkit screen: {text}", err=True)
