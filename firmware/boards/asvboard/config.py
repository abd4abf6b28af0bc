"""unit.json to a `Config`: settings of the core by name, receiver, CAN, radio, lamps, pins.

    config, problems = load(text, pins)

`load` never raises, whatever the bytes. Each problem is one line: where, what, and the mend. A board that has any
starts as a safe unit: it shows its fault and gives no support, for a wrong setting would make it wrong. What is right
in a file with problems is in `config` all the same, so that the fault lamp is on the pin that its owner gave it.
"""

import json

from asvcore.settings import FIELDS, Settings

from .pins import printable, read_pins
from .wifi import ACCESS_POINT, BROADCAST

LONGEST = 16384  # characters: a longer file is none of ours, and has no room
NEIGHBOURS = 32  # vehicles followed at once, where the file says nothing: as many as an RP2040 has time for
NEIGHBOURS_MOST = 128  # that a board has room for
PROBLEMS_MOST = 6  # told; more do not help

STATION = "station"
LANGUAGES = ("en", "ja")

_NUMBER, _SWITCH, _TEXT, _CHOICE = 0, 1, 2, 3

# table -> (key, kind, default, lowest or choices, highest, mend); text: lowest and highest number of characters
TABLES = (
    ("gnss", (("baud", _NUMBER, 115200, 1200, 921600, "give the receiver's own: 9600, 38400, 115200"),)),
    (
        "can",
        (
            ("oscillator_hz", _NUMBER, 8000000, 1000000, 40000000, "it is printed on the crystal: 8000000, 16000000"),
            ("kbit", _NUMBER, 500, 5, 1000, "give the bus's own: 500, 250, 125"),
            ("listen_only", _SWITCH, True, 0, 0, "give true: nothing is sent and nothing acknowledged; or false"),
        ),
    ),
    (
        "radio",
        (
            ("role", _CHOICE, STATION, (STATION, ACCESS_POINT), 0, "one of two boards without a router: access_point"),
            ("ssid", _TEXT, None, 1, 32, "give the name of the Wi-Fi network"),
            ("password", _TEXT, "", 0, 63, "give that of the network; an open one has none"),
            ("country", _TEXT, "JP", 2, 2, "give the two letters of the country you are in"),
            ("channel", _NUMBER, 6, 1, 13, "give a channel of 2.4 GHz; an access point's alone"),
            ("port", _NUMBER, 47100, 1, 65535, "47100 unless all others have another"),
            ("address", _TEXT, BROADCAST, 7, 15, 'give "broadcast", or an IPv4 address'),
        ),
    ),
    (
        "hmi",
        (
            ("language", _CHOICE, "en", LANGUAGES, 0, "of the texts on the console"),
            ("volume_percent", _NUMBER, 100, 10, 100, "of the buzzer's sound pressure"),
            ("self_test", _SWITCH, True, 0, 0, "all lamps and a short tone when it starts: give true or false"),
        ),
    ),
)
_KEYS = ("config", "core", "vehicle", "pins")  # beside the tables

# Settings of the core that are not for the file: whence they come
_OWN = (
    ("seed", "drawn anew at each start"),
    ("signals", "the car's map tells them"),
    ("timeout_", "the car's map tells it"),
    ("uses_", "leave the table gnss, can or radio out instead"),
    ("emergency_send", "a board has no key to sign with"),
)


class Table:
    """A table of the file, its keys as attributes."""


class Config:
    """What a unit is to be. `gnss`, `can`, `radio`: a `Table`, or None where there is none; `pins`: by role."""

    def __init__(self, pins):
        self.settings = Settings()
        self.settings.set("neighbours", NEIGHBOURS)
        self.vehicle = None  # name of the file of the car's compiled map
        self.gnss = self.can = self.radio = None
        self.hmi = None
        self.pins = pins


class _Problems:
    """The lines that are told."""

    def __init__(self):
        self.lines = []
        self.more = 0

    def add(self, where, what):
        if len(self.lines) < PROBLEMS_MOST:
            self.lines.append("unit.json: " + (where + ": " if where else "") + what)
        else:
            self.more += 1

    def told(self):
        if self.more:
            self.lines.append("unit.json: and %d more" % self.more)
        return self.lines


def load(text, board):
    """The configuration of a file's text or bytes, and what is wrong with it; `board` is a `pins.Board`."""
    problems = _Problems()
    given = _parse(text, problems)
    for key in sorted([_word(key) for key in given]):
        if key not in _KEYS and key not in [name for name, _rows in TABLES]:
            names = list(_KEYS) + [name for name, _rows in TABLES]
            problems.add(key, "no such key; there are " + " ".join(names))
    used = [name for name in ("gnss", "can") if given.get(name) is not None]
    config = Config(read_pins(given.get("pins"), board, problems.add, used))
    version = given.get("config", 1)
    if not _whole(version) or version != 1:
        problems.add("config", "%s is no version of this form; give 1" % _word(version))
    for name, rows in TABLES:
        setattr(config, name, _table(name, rows, given, problems))
    _address(config.radio, problems)
    _core(given.get("core", {}), config.settings, problems)
    _vehicle(given.get("vehicle"), config, problems)
    settings = config.settings
    settings.uses_gnss = 1 if config.gnss else 0
    settings.uses_can = 1 if config.can else 0
    settings.uses_radio = 1 if config.radio else 0
    return config, problems.told()


def _parse(text, problems):
    """The object in the file, empty if there is none."""
    if len(text) > LONGEST:
        problems.add("", "%d characters; at most %d: give the file of docs/board.md" % (len(text), LONGEST))
        return {}
    mend = "is no JSON; try it on a computer: python3 -m json.tool unit.json"
    try:
        given = json.loads(text if isinstance(text, str) else bytes(text).decode())
    except Exception:
        problems.add("", mend)
        return {}
    if not isinstance(given, dict):
        problems.add("", "is no JSON object; begin it with { and end it with }")
        return {}
    return given


def _table(name, rows, given, problems):
    """One table, with defaults for what it does not say; None where it is null, or left out."""
    values = given.get(name)
    if values is None and name != "hmi":
        return None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        problems.add(name, '%s is no table; write "%s": {...}, or leave it out' % (_word(values), name))
        values = {}
    known = [row[0] for row in rows]
    for key in sorted([_word(key) for key in values]):
        if key not in known:
            problems.add(name + "." + key, "no such key; there are " + " ".join(known))
    table = Table()
    for key, kind, default, low, high, mend in rows:
        value = values.get(key, default)
        wrong = _wrong(kind, value, low, high)
        if wrong:
            problems.add(name + "." + key, ("missing" if key not in values else wrong) + "; " + mend)
            value = "" if default is None else default
        setattr(table, key, value)
    return table


def _wrong(kind, value, low, high):
    """What is wrong with a value, or nothing."""
    if kind == _NUMBER:
        if not _whole(value):
            return _word(value) + " is no whole number"
        return "" if low <= value <= high else "%s is outside %d..%d" % (_word(value), low, high)
    if kind == _SWITCH:
        return "" if value is True or value is False else _word(value) + " is neither true nor false"
    if kind == _CHOICE:
        return "" if isinstance(value, str) and value in low else _word(value) + " is none of " + " ".join(low)
    if not isinstance(value, str):
        return _word(value) + " is no text"
    size = _size(value)
    return "" if low <= size <= high else "%d characters; %d to %d are needed" % (len(value), low, high)


def _address(radio, problems):
    if radio is None:
        return
    if radio.address != BROADCAST and not _ipv4(radio.address):
        problems.add("radio.address", _word(radio.address) + ' is no IPv4 address; give "broadcast", or one')
        radio.address = BROADCAST
    if len(radio.country) != 2 or radio.country.strip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
        problems.add("radio.country", _word(radio.country) + " is no country; give its two capital letters, as JP")
        radio.country = "JP"
    if 0 < _size(radio.password) < 8:
        problems.add("radio.password", "too short: one of WPA has 8 to 63 characters; an open network has none")


def _ipv4(text):
    parts = text.split(".")
    return len(parts) == 4 and all(_octet(part) for part in parts)


def _octet(part):
    """No leading zero: the board would read it as octal."""
    return 0 < len(part) <= 3 and not part.strip("0123456789") and int(part) <= 255 and part == "%d" % int(part)


def _core(values, settings, problems):
    if not isinstance(values, dict):
        problems.add("core", '%s is no table; write "core": {...}, or leave it out' % _word(values))
        return
    for key in sorted([_word(key) for key in values]):
        where = "core." + key
        row = _field(key)
        whence = [why for name, why in _OWN if key == name or (name[-1] == "_" and key.startswith(name))]
        if row is None:
            problems.add(where, "no such setting of the core; docs/board.md lists them")
        elif whence:
            problems.add(where, "is not for this file: " + whence[0] + "; take it out")
        else:
            value = values[key]
            if value is True or value is False:
                value = 1 if value else 0
            low, high = row[2], min(row[3], NEIGHBOURS_MOST) if key == "neighbours" else row[3]
            if not _whole(value):
                problems.add(where, "%s is no whole number; give one of %d..%d" % (_word(value), low, high))
            elif not low <= value <= high:
                problems.add(where, "%s is outside %d..%d; give one of these" % (_word(value), low, high))
            else:
                settings.set(key, value)


def _field(key):
    for row in FIELDS:
        if row[0] == key:
            return row
    return None


def _vehicle(name, config, problems):
    """The map belongs to the bus: neither is of use without the other."""
    if name is not None and (not isinstance(name, str) or not 0 < len(name) <= 40 or _word(name) != name):
        problems.add("vehicle", _word(name) + ' is no file name; give that of the compiled map, as "car.json"')
    elif name is None and config.can is not None:
        problems.add("vehicle", 'missing: a CAN bus needs the car\'s compiled map, as "car.json"; or leave can out')
    elif name is not None and config.can is None:
        problems.add("can", 'missing: a car\'s map needs its bus: "can": {"kbit": 500, ...}; or leave vehicle out')
    else:
        config.vehicle = name


def _whole(value):
    return isinstance(value, int) and value is not True and value is not False


def _word(value):
    """A value as it is told: short, and on one line."""
    text = value if isinstance(value, str) else _shown(value)
    return printable(text, 40) or "nothing"


def _shown(value):
    if isinstance(value, (dict, list)):
        return "{...}" if isinstance(value, dict) else "[...]"
    if _whole(value):  # some hosts refuse to write very long ones out
        return "%d" % value if -(1 << 62) < value < 1 << 62 else "a number of many digits"
    if value is None:
        return "null"
    return "true" if value is True else "false" if value is False else str(value)


def _size(text):
    """Bytes of a text; more than any limit for what has none."""
    try:
        return len(text.encode())
    except ValueError:
        return LONGEST
