"""Which pin is which lamp, buzzer, switch or line: the roles, and what is wrong with a map of them.

The roles of lamps, buzzer and switches are those of a Raspberry Pi's map (hardware/pins.toml); `gnss` and `can` are
the lines of the receiver and of the CAN controller. Pins themselves belong to a board (`Board`), not to this package.
"""

LAMPS = ("system", "receiving", "fault", "information", "caution", "warning", "left", "right")  # order of writing
_OPTIONAL = ("gnss", "can")
SWITCHES = ("mute", "request")  # in the order of the SWITCH_ codes

ROLES = (
    ("leds", LAMPS),
    ("buzzer", ("pwm",)),
    ("switches", SWITCHES),
    ("gnss", ("tx", "rx")),
    ("can", ("sck", "mosi", "miso", "cs")),
)


class Board:
    """A board's pins: `defaults` by role ("leds.fault" ...), which may be given, and `refuse(pins)`.

    `refuse`: [(role, why it cannot be, with the mend), ...] of a complete map: lines that its chip does not have.
    """

    def __init__(self, defaults, usable, refuse):
        self.defaults = defaults
        self.usable = usable
        self.refuse = refuse


def read_pins(given, board, problem, used=("gnss", "can")):
    """The pin of each role: those of the file, else the board's. `problem(where, what)` is told what is wrong.

    `used`: which of receiver and bus the unit has; the pins of one that it has not are free for others.
    """
    pins = dict(board.defaults)
    if given is None:
        return pins
    if not isinstance(given, dict):
        problem("pins", 'is no table; write "pins": {...}, or leave it out: the board\'s own are in docs/board.md')
        return pins
    named = []
    for group, roles in ROLES:
        table = given.get(group, {})
        if not isinstance(table, dict):
            problem("pins." + group, "is no table; it has the keys " + " ".join(roles))
            continue
        for key in table:
            if key not in roles:
                problem("pins.%s.%s" % (group, printable(key, 20)), "no such key; there are " + " ".join(roles))
        for role in roles:
            if role in table:
                name = group + "." + role
                named.append(name)
                _take(pins, name, table[role], board, problem)
    for key in given:
        if key not in [group for group, _roles in ROLES]:
            problem("pins." + printable(key, 20), "no such key; there are " + " ".join([row[0] for row in ROLES]))
    _unique({name: pin for name, pin in pins.items() if _has(name, used)}, named, problem)
    for name, why in board.refuse(pins):
        if _has(name, used):
            problem("pins." + name, why)
    return pins


def _has(name, used):
    """Whether a unit has what the pin is for: lamps, buzzer and switches always."""
    group = name[: name.find(".")]
    return group in used or group not in _OPTIONAL


def _take(pins, name, pin, board, problem):
    if isinstance(pin, int) and pin is not True and pin is not False and pin in board.usable:
        pins[name] = pin
    else:
        text = str(pin)[:20] if isinstance(pin, (int, str)) and str(pin)[:20].isdigit() else "what is given"
        problem("pins." + name, "%s is no free GPIO of this board; give one of docs/board.md" % text)


def _unique(pins, named, problem):
    """None twice; of two the one that the file names is told."""
    owners = {}
    for group, roles in ROLES:
        for role in roles:
            name = group + "." + role
            pin = pins.get(name)
            if pin is None:
                continue
            other = owners.get(pin)
            if other is None:
                owners[pin] = name
            else:
                one, two = (name, other) if name in named else (other, name)
                problem("pins." + one, "GPIO %d is that of pins.%s too; give each its own" % (pin, two))


def printable(text, most):
    """Something of a file as it is told: short, and on one line."""
    return "".join([one if " " <= one <= "~" else "?" for one in text[:most]])
