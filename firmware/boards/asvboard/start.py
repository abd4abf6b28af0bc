"""From a board's files and hardware to the unit that its loop turns: a `BoardUnit`, or a `SafeUnit` that says why not.

`hardware` makes a board's parts of a `Config`: `board` (pins.Board), `lights(config)` (pins of LAMPS, PWM),
`watchdog()`, `gnss(config)`, `can(config)` (SPI, chip select), `radio(config)` (WLAN, socket module, poller),
`switches(config)`.
"""

import gc
import json
import sys

from .console import Console
from .lights import Lights
from .safe import SafeUnit
from .ticks import Clock

UNIT_FILE = "unit.json"
MOST = 65536  # characters of a file: what is longer is cut, and is no JSON any more
SENDERS_A_NEIGHBOUR = 2  # addresses that are told apart, for each vehicle that is followed


def read_text(name):
    """What stands in a file."""
    with open(name) as file:
        return file.read(MOST)


def make(hardware, write, seed, read=read_text):
    """The unit, with the watchdog begun. Whatever is wrong with the files is shown, never raised.

    A step's memory is free again before the next, for a board has none to spare, and never moves what it has together.
    """
    config, problems, rows = _configured(hardware.board, read)
    forget("config")
    gc.collect()
    console = Console(write, _texts(config.hmi.language))
    lights = Lights(*hardware.lights(config), config.hmi.volume_percent)
    clock = Clock()
    if not problems:
        try:
            config.settings.set("seed", seed)
            return _unit(config, rows, hardware, clock, lights, console)
        except Exception as error:
            problems = ["%s: it cannot be started: %s %s" % (UNIT_FILE, type(error).__name__, error)]
    return SafeUnit(problems, clock, lights, hardware.watchdog(), console)


def _configured(board, read):
    """The configuration, what is wrong, and the rows of the car's map."""
    from .config import load

    text, missing = "{}", None
    try:
        text = read(UNIT_FILE)
    except MemoryError:
        missing = "%s: no room for it; give the file of docs/board.md" % UNIT_FILE
    except Exception as error:
        missing = "%s: cannot be read (%s); copy the board's example beside main.py and edit it" % (UNIT_FILE, error)
    config, problems = load(text, board)
    if missing:
        problems = [missing]
    rows = None
    if config.vehicle and not problems:
        rows, problem = _car(config.vehicle, read)
        problems = [problem] if problem else []
    return config, problems, rows


def _car(name, read):
    mend = "make it with asvkit vehicle compile, and copy it to the board"
    try:
        rows = json.loads(read(name))
    except OSError:
        return None, "%s: vehicle: no file %s; %s" % (UNIT_FILE, name, mend)
    except MemoryError:
        return None, "%s: no room for it; docs/board.md tells what a board has room for" % name
    except Exception:
        return None, "%s: is no JSON; %s" % (name, mend)
    if not isinstance(rows, dict):
        return None, "%s: is no compiled map; %s" % (name, mend)
    return rows, ""


def _unit(config, rows, hardware, clock, lights, console):
    """All parts; the watchdog comes last, for the others take their time."""
    can = radio = None
    if rows is not None:
        can = _bus(config, rows, hardware)
        rows.clear()
    gc.collect()
    from .unit import BoardUnit  # here: a safe unit has no need of it

    gnss = hardware.gnss(config) if config.gnss else None
    if config.radio:
        radio = _air(config, hardware)
    switches = hardware.switches(config)
    unit = BoardUnit(config, clock, gnss, can, radio, lights, None, console, switches)
    unit.watchdog = hardware.watchdog()
    return unit


def forget(*names):
    """Lets modules of this package go that are not needed again: their code takes memory too."""
    package = __name__[: __name__.rfind(".")]
    for name in names:
        sys.modules.pop(package + "." + name, None)
        if hasattr(sys.modules.get(package), name):
            delattr(sys.modules[package], name)


def _bus(config, rows, hardware):
    from .can_input import CanInput, settings_from
    from .mcp2515 import Mcp2515

    spi, select = hardware.can(config)
    table = config.can
    car = CanInput(Mcp2515(spi, select, table.oscillator_hz, table.kbit, table.listen_only), rows)
    settings_from(rows, config.settings)
    return car


def _air(config, hardware):
    from .wifi import WifiRadio

    wlan, sockets, poller = hardware.radio(config)
    radio = WifiRadio(wlan, sockets, poller, config.radio, SENDERS_A_NEIGHBOUR * config.settings.neighbours)
    radio.poll(0)  # the chip's own start takes a second or two: before the watchdog
    return radio


def _texts(language):
    """Rows of TEXT_ code and what the driver reads, or None on a board without the texts."""
    try:
        if language == "ja":
            from asvcore.texts_ja import JAPANESE as ROWS
        else:
            from asvcore.texts_en import ENGLISH as ROWS
    except ImportError:
        return None
    return ROWS
