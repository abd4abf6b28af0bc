"""The car's CAN bus as a core's input: frames of a controller, decoded with a compiled signal map.

    car = CanInput(Mcp2515(spi, chip_select, 16_000_000, 500), compiled_map)   # json.load of `asvkit vehicle compile`
    settings_from(compiled_map, settings)                                      # before the core is made
    car.poll(core, now_ms, cause)                                              # each pass of the loop

`state` is one of the controller's, or SILENT: frames came, and come no more.
"""

from asvcore import codes
from asvcore.can_table import CanTable, group_mask
from asvcore.params import NEVER_MS
from asvcore.settings import FIELDS

from .mcp2515 import OK
from .mcp2515 import STATES as _CONTROLLER_STATES
from .mcp2515_filters import wanted_of

SILENT = len(_CONTROLLER_STATES)
STATES = _CONTROLLER_STATES + ("silent_bus",)

FRAMES_A_POLL = 16  # then the loop goes on
_SILENCE_MS = 400  # as asvunit has it:
_PERIODS = 4  # of the quickest message
_USUAL_TIMEOUT_MS = 500  # of signals whose period nobody told
_LONGEST = 8  # bytes of a frame


class CanInput:
    """Feeds a core. `table.counts` has what was dropped, by `asvcore.can_table.REASONS`; the controller has the rest.

    ValueError in one line for a map that cannot be read here. Of a map with several buses the first can be read alone.
    """

    def __init__(self, controller, compiled_map, first_bus_only=False):
        self.table = _table_of(compiled_map, first_bus_only)
        self.controller = controller
        self.state = controller.state
        self.silence_ms = silence_ms(compiled_map)
        self._heard_ms = NEVER_MS
        controller.want(wanted_of(compiled_map, 0, group_mask))

    def poll(self, core, now_ms, cause):
        """Gives the core what came until now; returns how many frames were taken."""
        controller = self.controller
        table = self.table
        state = controller.poll(now_ms)
        taken = 0
        while taken < FRAMES_A_POLL and controller.receive():
            taken += 1
            found = table.decode(0, controller.identifier, controller.extended, controller.data, now_ms)
            for index in range(found):
                core.on_vehicle(table.signals[index], table.values[index], table.statuses[index], 0, now_ms, cause)
        if taken:
            self._heard_ms = now_ms
        elif state == OK and self._heard_ms != NEVER_MS and now_ms - self._heard_ms >= self.silence_ms:
            state = SILENT
        self.state = state
        return taken

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self.table.rebase(offset_ms)
        self.controller.rebase(offset_ms)
        if self._heard_ms != NEVER_MS:
            self._heard_ms = max(self._heard_ms - offset_ms, NEVER_MS + 1)


def settings_from(compiled_map, settings):
    """Sets which signals the core's car gives, and how long each is fresh."""
    of_first = set()  # rules that frames of the first bus feed
    for row in compiled_map["frames"]:
        if row[0] == 0:
            for source in row[9]:
                of_first.add(compiled_map["sources"][source][0])
    signals = 0
    for rule in of_first:
        signal = compiled_map["rules"][rule][0]
        if signal < codes.SIGNALS:  # the auxiliary brake is a part of the brake
            signals |= 1 << signal
    settings.set("signals", signals)
    names = [row[0] for row in FIELDS if row[0].startswith("timeout_")]
    for index in range(len(names)):
        settings.set(names[index], compiled_map["timeouts_ms"][index])


def silence_ms(compiled_map):
    """How long the bus may be without a frame of the map before it is told silent."""
    names = compiled_map.get("names")
    if names:
        feeds = [(feed["period_ms"], feed["timeout_ms"]) for feed in names["feeds"] if feed["bus"] == 0]
    else:  # the periods were left out
        feeds = [(None, timeout_ms) for timeout_ms in compiled_map["timeouts_ms"]]
    patiences_ms = []
    for period_ms, timeout_ms in feeds:
        if period_ms:
            patiences_ms.append(_PERIODS * period_ms)
        else:
            patiences_ms.append(timeout_ms if timeout_ms > _USUAL_TIMEOUT_MS else 0)
    return max(_SILENCE_MS, min(patiences_ms)) if patiences_ms else _SILENCE_MS


def _table_of(compiled_map, first_bus_only):
    table = None
    try:
        table = CanTable(compiled_map)
        buses = compiled_map["buses"]
        longest = max([row[3] for row in compiled_map["frames"] if row[0] == 0])
        known = max([row[0] for row in compiled_map["sources"]]) < len(compiled_map["rules"])
        if not known or len(compiled_map["timeouts_ms"]) != codes.SIGNALS:
            table = None
        silence_ms(compiled_map)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        table = None
    if table is None:
        raise ValueError("car map: not as asvkit vehicle compile makes it for this firmware")
    if buses > 1 and not first_bus_only:
        raise ValueError("car map: it has %d buses, this board reads one; leave the others out of the map" % buses)
    if longest > _LONGEST:
        raise ValueError("car map: frames of %d bytes are CAN FD, which an MCP2515 cannot read" % longest)
    return table
