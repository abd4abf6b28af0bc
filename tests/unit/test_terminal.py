"""The driver's view on a terminal: what is wrong stands there in words, as far as there is room."""

import fcntl
import io
import os
import select
import struct
import sys
import termios

import pytest
from rich.console import Console

from asvunit.adapters.terminal import MIN_COLUMNS, MIN_ROWS, TerminalOutputs, driver_view, fitted
from asvunit.ports import Shown

NOTES = (
    "gnss disconnected since 11:41:55: /dev/ttyAMA0: no such device; plug the receiver in, or correct gnss.port",
    "can silent since 11:41:55: no frame of the signal map's yet: look at bit rate and cable, unless the car is off",
    "radio silent since 11:41:55: no input",
    "own position and state not sent: no input",
)


def console(columns: int, rows: int) -> Console:
    return Console(file=io.StringIO(), width=columns, height=rows, force_terminal=True, color_system=None)


@pytest.mark.parametrize(("columns", "rows"), [(50, 9), (50, 11), (50, 16), (80, 24), (100, 30), (300, 9)])
def test_the_view_fits_and_every_note_that_is_left_out_is_counted(columns: int, rows: int) -> None:
    screen = console(columns, rows)
    lines = fitted(screen, NOTES, columns - 4, rows - 7)
    drawn = screen.render_lines(driver_view(Shown(), "unit", lines), pad=False)
    assert len(drawn) <= rows
    begun = sum(line.startswith(("gnss d", "can s", "radio s", "own p")) for line in lines)
    counted = sum(int(line.split()[1]) for line in lines if line.startswith("and "))
    assert begun + counted == len(NOTES)
    assert begun or rows == MIN_ROWS


def test_with_room_enough_the_notes_are_whole() -> None:
    lines = fitted(console(60, 30), NOTES, 56, 23)
    assert " ".join(lines) == " ".join(NOTES)
    assert max(map(len, lines)) <= 56


def test_without_room_each_has_its_first_line_before_any_has_a_second() -> None:
    lines = fitted(console(50, 12), NOTES, 46, 5)
    assert [line.split()[0] for line in lines[::2]] == ["gnss", "can", "own"]
    assert len(lines) == 5
    assert lines[0] + " " + lines[1] == NOTES[0]  # one spare row is the first note's; the rest is cut at the frame


def test_what_is_said_beside_the_view_stands_above_it(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        before = sys.stderr
        with open(slave, "w", encoding="utf-8", closefd=False) as stream, open(slave, "w", closefd=False) as beside:
            monkeypatch.setattr(sys, "stderr", beside)
            outputs = TerminalOutputs(stream, "unit")
            outputs.show(Shown(lamps=frozenset({"system"})))
            seen = read_until(master, "╯")
            print("unit runs", file=sys.stderr, flush=True)
            seen = read_until(master, "╯")
            outputs.close()
            assert sys.stderr is beside
        monkeypatch.setattr(sys, "stderr", before)
        assert seen.index("\x1b[1A") < seen.index("unit runs") < seen.index("╭")  # the old view is taken away first
    finally:
        os.close(slave)
        os.close(master)


def read_until(master: int, end: str) -> str:
    seen = b""
    while end.encode() not in seen:
        assert select.select([master], [], [], 20)[0], seen
        seen += os.read(master, 65536)
    return seen.decode()


def test_a_small_terminal_says_what_is_wrong_too(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", MIN_ROWS - 1, MIN_COLUMNS - 10, 0, 0))
        for name in ("COLUMNS", "LINES"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("TERM", "xterm")
        with open(slave, "w", encoding="utf-8", closefd=False) as stream:
            outputs = TerminalOutputs(stream, "unit")
            outputs.show(Shown(notes=NOTES))
            seen = read_until(master, "plug the")
            outputs.close()
        assert "gnss disconnected" in seen
    finally:
        os.close(slave)
        os.close(master)


def test_a_unit_that_is_refused_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    master, slave = os.openpty()
    try:
        with open(slave, "w", encoding="utf-8", closefd=False) as stream:
            TerminalOutputs(stream, "unit").close()
            stream.write("end")
            stream.flush()
            assert read_until(master, "end") == "end"
    finally:
        os.close(slave)
        os.close(master)
