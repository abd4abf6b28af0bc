"""What a board's unit gives out: the core's records to lamps and tone, air and console; the driver first."""

from array import array

from asvcore import codes
from asvcore.commands import KIND, WIDTH

from . import words
from .faults import LIGHTS, RADIO

_RECEIVING, _FAULT = 2, 1  # bits of the unit's own state
_DROPS = 128


class Outputs:
    """`sent`: frames that the network took; `drops` by REASON_ code of the core.

    What of it fails keeps none of the others waiting.
    """

    def __init__(self, lights, radio, can, console, faults):
        self.sent = 0
        self.drops = array("i", [0] * _DROPS)
        self._lights = lights
        self._radio = radio
        self._can = can
        self._console = console
        self._faults = faults
        self._record = [0] * WIDTH
        self._system = 0  # the core's word on the unit
        self._told = -1  # what its lamps were told

    def drain(self, core, now_ms):
        """All that the core has said."""
        commands, record = core.commands, self._record
        if core.teller.told:
            core.teller.told = False
            for index in range(commands.count):
                commands.look(index, record)
                if record[KIND] == codes.COMMAND_HMI:
                    self._lights.hmi(record[4], record[7], record[8], record[10], record[11], record[12], now_ms)
            self.tick(now_ms)
        while commands.take(record):
            kind = record[KIND]
            if kind == codes.COMMAND_SEND:
                self._send(core, now_ms)
            elif kind == codes.COMMAND_DROP:
                self.drops[record[4] & _DROPS - 1] += 1
            elif kind == codes.COMMAND_SYSTEM:
                self._system = (_RECEIVING if record[5] else 0) | (_FAULT if record[6] else 0)
            elif kind == codes.COMMAND_HMI:
                self._console.hmi(record[4], record[6], record[7], record[9], record[12], now_ms)
            elif kind == codes.COMMAND_STATUS:
                self._console.status(record[4], record[5], record[6], now_ms)
            elif kind == codes.COMMAND_SIGNAL:
                self._console.signal(record[4], record[5], record[6], now_ms)

    def show(self, now_ms):
        """The unit's own lamps, with what the board knows of its devices; and what the patterns have come to."""
        system = self._system
        if self._radio is not None and not self._radio.up:
            system = _FAULT  # off the air nothing is received
        elif self._can is not None and self._can.state > words.CAN_OK:
            system |= _FAULT
        if system != self._told:
            self._told = system
            self._lights.system(True, system & _RECEIVING, system & _FAULT)
            self._console.lamps(system & _RECEIVING, system & _FAULT, now_ms)
        self.tick(now_ms)

    def tick(self, now_ms):
        """Goes on with the patterns; lamps that cannot be written are tried again each second."""
        if self._faults.ready(LIGHTS, now_ms):
            try:
                self._lights.tick(now_ms)
            except Exception as error:
                self._faults.failed(LIGHTS, error, now_ms)
                self._lights.forget()

    def fault(self):
        """The core is gone: all is dark but the fault lamp, until a new one knows better."""
        self._lights.dark()
        self._system = _FAULT
        self._told = -1

    def _send(self, core, now_ms):
        if self._radio is None or not self._faults.ready(RADIO, now_ms):
            return
        try:
            if self._radio.send(core.frame):
                self.sent += 1
        except Exception as error:
            self._faults.failed(RADIO, error, now_ms)
            self._radio.restart(now_ms)
