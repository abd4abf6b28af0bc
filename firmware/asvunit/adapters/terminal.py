"""The driver's view on a terminal: banner, lamps and buzzer; drawn by a thread of its own, never by the loop.

In a terminal that is too small it is one line; where the output is no terminal, a line at each change.
"""

import threading
from typing import Any, Final, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from asvunit.ports import Shown

MIN_COLUMNS: Final = 50
MIN_ROWS: Final = 9
_REDRAW_S: Final = 0.05  # two changes closer than this are drawn at once
_BANNERS: Final = {
    "information": "bold white on blue",
    "caution": "bold black on yellow",
    "warning": "bold white on red",
}
_ARROWS: Final = {"left": "◀  ", "right": "▶  ", "both": "◀▶ "}
# Lamps as they stand side by side, and the style of a lit one
_LAMPS: Final = (
    (("system", "green"), ("receiving", "green"), ("fault", "bold magenta")),
    (("information", "bold blue"), ("caution", "bold yellow"), ("warning", "bold red")),
    (("left", "bold white"), ("right", "bold white")),
)


def driver_view(shown: Shown, title: str, notes: tuple[str, ...] = ()) -> Panel:
    """What a driver sees and hears, as a panel: banner, lamps and buzzer in 3 rows, the notes."""
    style = _BANNERS.get(shown.level, "dim")
    said = shown.text  # none: never a word that could read as "no one is there" [G 3.9(1)]
    banner = Text(f"  {_ARROWS.get(shown.direction or '', '   ')}{said}  ", style=style)
    rows = [banner, Text("")]
    for group in _LAMPS:
        row = Text()
        for name, colour in group:
            lit = name in shown.lamps
            row.append("● " if lit else "○ ", colour if lit else "dim")
            row.append(f"{name} ", "" if lit else "dim")
        rows.append(row)
    rows[-1].append(f" ♪ {shown.tone_hz} Hz" if shown.tone_hz else " ♪ silent", "bold" if shown.tone_hz else "dim")
    rows += [Text(note, "dim") for note in notes]
    for row in rows:
        row.no_wrap, row.overflow = True, "ellipsis"
    border = {"caution": "yellow", "information": "blue"}.get(shown.level, "white")
    return Panel(Group(*rows), title=title, title_align="left", border_style=border)


def one_line(shown: Shown) -> str:
    """The same in a line."""
    side = f" ({shown.direction})" if shown.direction else ""
    tone = f", {shown.tone_hz} Hz" if shown.tone_hz else ""
    notes = "".join(f" | {note}" for note in shown.notes)
    return f"{shown.level}{side}: {shown.text or '-'} | lamps: {' '.join(sorted(shown.lamps)) or 'none'}{tone}{notes}"


class TerminalOutputs:
    """A `ports.Outputs` on a stream. A stream whose reader has gone makes `show` raise OSError."""

    def __init__(self, stream: TextIO, title: str) -> None:
        self._console = Console(file=stream, highlight=False)
        self._title = title
        self._shown = Shown()
        self._changed = threading.Event()
        self._ended = False
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    def show(self, shown: Shown) -> None:
        """Take what is to be drawn; OSError if drawing has failed."""
        if self._fault is not None:
            raise self._fault
        if shown != self._shown:
            self._shown = shown
            self._changed.set()

    def close(self) -> None:
        """Draw the last, leave the terminal as it was."""
        self._ended = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(1)

    def _run(self) -> None:
        try:
            console = self._console
            if console.is_terminal and not console.is_dumb_terminal and "utf" in console.encoding.lower():
                self._draw()
            else:
                self._print()
        except (OSError, ValueError) as error:  # closed: ValueError from the stream object
            self._fault = error if isinstance(error, OSError) else OSError(str(error))

    def _draw(self) -> None:
        with Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False) as live:
            while not self._ended:
                live.update(self._view(), refresh=True)
                self._changed.wait()
                self._changed.clear()
                threading.Event().wait(_REDRAW_S)
            live.update(self._view(), refresh=True)

    def _view(self) -> Any:
        size = self._console.size
        if size.width < MIN_COLUMNS or size.height < MIN_ROWS:
            return Text(one_line(self._shown), overflow="ellipsis", no_wrap=True)
        return driver_view(self._shown, self._title, self._shown.notes)

    def _print(self) -> None:
        while True:
            ended = self._ended
            encoding = self._console.encoding
            self._console.file.write(one_line(self._shown).encode(encoding, "replace").decode(encoding) + "\n")
            self._console.file.flush()
            if ended:
                return
            self._changed.wait()
            self._changed.clear()
