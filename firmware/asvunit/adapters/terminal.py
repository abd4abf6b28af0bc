"""The driver's view on a terminal: banner, lamps and buzzer; drawn by a thread of its own, never by the loop.

In a terminal that is too small it is text without a frame; where the output is no terminal, a line at each change.
What is said on the same terminal meanwhile stands above the view.
"""

import contextlib
import os
import sys
import threading
from typing import Any, Final, TextIO

from rich.console import Console, Group
from rich.constrain import Constrain
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.panel import Panel
from rich.text import Text

from asvunit.ports import Shown

MIN_COLUMNS: Final = 50
MIN_ROWS: Final = 9
_FRAME_COLUMNS: Final = 4  # border and padding, left and right
_ECHO_COLUMNS: Final = 2  # left free: the terminal writes ^C behind the view, and must not begin a line with it
_FRAME_ROWS: Final = 7  # border, banner and lamps; the others are for notes
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
    tone = f"{shown.tone_hz} Hz" if shown.tone_hz else "muted" if shown.muted else "silent"
    rows[-1].append(f" ♪ {tone}", "bold" if shown.tone_hz else "dim")
    rows += [Text(note, "dim") for note in notes]
    for row in rows:
        row.no_wrap, row.overflow = True, "ellipsis"
    border = {"caution": "yellow", "information": "blue"}.get(shown.level, "white")
    return Panel(
        Group(*rows),
        title=title,
        title_align="left",
        subtitle=Text(shown.figures, "dim") if shown.figures else None,
        subtitle_align="left",
        border_style=border,
    )


def one_line(shown: Shown) -> str:
    """The same in a line."""
    side = f" ({shown.direction})" if shown.direction else ""
    tone = f", {shown.tone_hz} Hz" if shown.tone_hz else ""
    notes = "".join(f" | {note}" for note in shown.notes)
    return f"{shown.level}{side}: {shown.text or '-'} | lamps: {' '.join(sorted(shown.lamps)) or 'none'}{tone}{notes}"


def fitted(console: Console, notes: tuple[str, ...], columns: int, rows: int) -> tuple[str, ...]:
    """The notes in lines that fit: each has its first line before any has a second one; what has no room is counted."""
    wrapped = [[line.plain.rstrip() for line in Text(note).wrap(console, columns)] for note in notes]
    if len(notes) > rows:
        return (*fitted(console, notes[: rows - 1], columns, rows - 1), f"and {len(notes) - rows + 1} more")
    spare = rows - len(notes)
    lines: list[str] = []
    for whole in wrapped:
        last = min(spare, len(whole) - 1)
        spare -= last
        lines += [*whole[:last], " ".join(whole[last:])]  # what is too long is cut off at the frame, with an ellipsis
    return tuple(lines)


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
        self._changed.wait()
        if self._ended and self._shown == Shown():  # the unit was refused before it had anything to show
            return
        with contextlib.ExitStack() as stack:
            live = Live(console=self._console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
            stack.enter_context(live)
            drawing = threading.Lock()
            if _same_terminal(self._console.file, sys.stderr):
                stack.enter_context(contextlib.redirect_stderr(_Above(self._console, drawing)))
            while True:
                ended = self._ended
                with drawing:
                    live.update(self._view(), refresh=True)
                if ended:
                    return
                self._changed.wait()
                self._changed.clear()
                if not self._ended:
                    threading.Event().wait(_REDRAW_S)

    def _view(self) -> Any:
        size = self._console.size
        if size.width < MIN_COLUMNS or size.height < MIN_ROWS:
            lines = Text(one_line(self._shown)).wrap(self._console, size.width)
            return Text("\n").join(lines[: size.height])
        width = size.width - _ECHO_COLUMNS
        notes = fitted(self._console, self._shown.notes, width - _FRAME_COLUMNS, size.height - _FRAME_ROWS)
        return Constrain(driver_view(self._shown, self._title, notes), width)

    def _print(self) -> None:
        told = None
        while True:
            ended = self._ended
            encoding = self._console.encoding
            line = one_line(self._shown)
            if line != told:
                self._console.file.write(line.encode(encoding, "replace").decode(encoding) + "\n")
                self._console.file.flush()
                told = line
            if ended:
                return
            self._changed.wait()
            self._changed.clear()


class _Above(FileProxy):
    """Standard error beside a view: whole lines, above it; never while it is drawn, which would tear it."""

    def __init__(self, console: Console, drawing: threading.Lock) -> None:
        super().__init__(console, sys.stderr)
        self._drawing = drawing

    def write(self, text: str) -> int:
        """As that of any stream."""
        with self._drawing:
            return super().write(text)


def _same_terminal(one: Any, other: Any) -> bool:
    try:
        return os.ttyname(one.fileno()) == os.ttyname(other.fileno())
    except (AttributeError, OSError, ValueError):  # closed, no terminal, or no file at all
        return False
