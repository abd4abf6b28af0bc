"""Receives CAN frames with an MCP2515 on an SPI bus. It never sends: there is no code for it.

    controller = Mcp2515(spi, chip_select, 16_000_000, 500)
    controller.want([(0x1C4, 0x7FF, False), ...])       # else every frame comes
    state = controller.poll(now_ms)                     # each pass of the loop; opens, watches and recovers by itself
    while controller.receive():
        controller.identifier, controller.extended, controller.length, controller.data

`spi` has the methods of machine.SPI (mode 0, 10 MHz at most), `chip_select` is a Pin, or a function of its level.
Listen-only, the controller does not even acknowledge frames [DS 10.3]: the car does not notice it. Nothing waits, and
after set-up nothing allocates memory. The INT pin is not needed. Chapters: Microchip's data sheet DS20001801J.
"""

from asvcore.params import NEVER_MS

from . import mcp2515_registers as registers
from .mcp2515_filters import plan, put_plan

# States
OPENING = 0
OK = 1
PASSIVE = 2  # errors and no frame of use: wrong bit rate, broken wiring, or a controller that is error-passive
BUS_OFF = 3
ABSENT = 4  # no controller answers
STUCK = 5  # it answers, but the bus is never idle: a short circuit, or a transceiver without power
STATES = ("opening", "ok", "error_passive", "bus_off", "absent", "stuck_bus")

_CLOSED, _RESETTING, _ENTERING, _RUNNING = range(4)
_START_MS = 1  # at least 128 cycles of the oscillator after a reset [DS 8.1]
_RESET_MS = 20
_ENTER_MS = 300  # 11 recessive bits are waited for [DS 10.0]
_CHECK_MS = 50
_PASSIVE_MS = 300  # as asvunit has it
_FIRST_RETRY_MS = 100
_LAST_RETRY_MS = 3200
_FRAME_BYTES = 13  # SIDH, SIDL, EID8, EID0, DLC and 8 of data
_DROPPED_A_CALL = 4
_DOUBTS = 5  # readings in a row that no controller gives, though its settings are good


class Mcp2515:
    """One controller; its last frame stands in `identifier`, `extended`, `length` and `data` (of that length).

    Counters: `frames`, `remote_frames`, `garbage` (no frame), `overflows` (frames were lost), `bus_errors` (checks that
    found some), `restarts` (it lost its settings, as by a brown-out), `losses` (it vanished).
    """

    def __init__(self, spi, chip_select, oscillator_hz, kbit, listen_only=True):
        self.state = OPENING
        self.identifier = 0
        self.extended = False
        self.length = 0
        self._payloads = [bytearray(length) for length in range(9)]
        self.data = self._payloads[0]
        self.frames = self.remote_frames = self.garbage = self.overflows = 0
        self.bus_errors = self.restarts = self.losses = 0
        self._spi = spi
        self._select = chip_select if callable(chip_select) else chip_select.value
        self._mode = registers.LISTEN_ONLY if listen_only else registers.NORMAL
        self._control = self._mode | registers.NO_CLOCK_OUT
        timing = registers.bit_timing(oscillator_hz, int(kbit * 1000 + 0.5))
        self._step = _CLOSED
        self._since_ms = self._due_ms = self._checked_ms = NEVER_MS
        self._retry_ms = _FIRST_RETRY_MS
        self._heard_ms = self._trouble_ms = self._troubled_ms = NEVER_MS
        self._heard = self._suspect = self._second = False
        self._doubts = 0

        # Whole transfers, made once
        self._filters_0 = bytearray((registers.WRITE, registers.RXF0)) + bytearray(12)
        self._filters_3 = bytearray((registers.WRITE, registers.RXF3)) + bytearray(12)
        self._masks = bytearray((registers.WRITE, registers.RXM0)) + bytearray(14)  # and CNF3..1, interrupts, flags
        for index in range(3):
            self._masks[10 + index] = timing[2 - index]
        self._buffer_0 = bytearray((registers.WRITE, registers.RXB0CTRL, registers.BUKT | registers.ANY_MESSAGE))
        self._buffer_1 = bytearray((registers.WRITE, registers.RXB1CTRL, registers.ANY_MESSAGE))
        self._set_up = (self._filters_0, self._filters_3, self._masks, self._buffer_0, self._buffer_1)
        self._reset = bytearray((registers.RESET,))
        self._enter = bytearray((registers.WRITE, registers.CANCTRL, self._control))
        self._ask_status = bytearray((registers.READ_STATUS, 0))
        self._status = bytearray(2)
        self._ask_mode = bytearray((registers.READ, registers.CANSTAT, 0, 0))
        self._got_mode = bytearray(4)
        self._ask_flags = bytearray((registers.READ, registers.CNF3)) + bytearray(6)
        self._flags = bytearray(8)
        self._clear_overflow = bytearray((registers.BIT_MODIFY, registers.EFLG, 0, 0))
        self._clear_errors = bytearray((registers.BIT_MODIFY, registers.CANINTF, registers.MERRF, 0))
        self._ask_frames = (
            bytearray((registers.READ_RX_BUFFER_0,)) + bytearray(_FRAME_BYTES),
            bytearray((registers.READ_RX_BUFFER_1,)) + bytearray(_FRAME_BYTES),
        )
        self._frame = bytearray(1 + _FRAME_BYTES)
        self._ask_back = tuple([bytearray((registers.READ, block[1])) + block[2:] for block in self._set_up[:3]])
        self._got_back = tuple([bytearray(len(block)) for block in self._set_up[:3]])
        self._select(1)

    def want(self, wanted):
        """Before `open`: frames of [(identifier, mask, extended), ...] alone are to come, as far as filters go."""
        put_plan(plan(wanted), self._filters_0, self._filters_3, self._masks, 2)
        self._buffer_0[2] = registers.BUKT
        self._buffer_1[2] = 0

    def open(self, now_ms):
        """Begins to open the controller, which `poll` goes on with; True if it is open already."""
        if self._step == _RUNNING:
            return True
        self._write(self._reset)
        self._step = _RESETTING
        self._since_ms = now_ms
        return False

    def poll(self, now_ms):
        """One step of what there is to do; returns the state."""
        if self._step == _RUNNING:
            if self._heard:
                self._heard = False
                self._heard_ms = now_ms
            if self._suspect or not 0 <= now_ms - self._checked_ms < _CHECK_MS:
                self._check(now_ms)
        elif self._step == _RESETTING:
            self._configure(now_ms)
        elif self._step == _ENTERING:
            self._await_mode(now_ms)
        elif now_ms - self._due_ms >= 0:
            self.open(now_ms)
        return self.state

    def receive(self):
        """Takes the oldest frame that waits; False if there is none."""
        for _ in range(_DROPPED_A_CALL):
            if self._step != _RUNNING or self._suspect:
                return False
            waiting = self._read_status()
            if waiting == 0:
                self._second = False
                return False
            if waiting & registers.RX0IF and not (self._second and waiting & registers.RX1IF):
                self._exchange(self._ask_frames[0], self._frame)
                # What stands in RXB1 now is older than what RXB0 gets next; what comes there later is not
                self._second = self._read_status() & registers.RX1IF != 0
            else:
                self._exchange(self._ask_frames[1], self._frame)
                self._second = False
            if self._take_frame():
                return True
        return False

    def rebase(self, offset_ms):
        """Take an offset off every stored time."""
        self._since_ms = max(self._since_ms - offset_ms, NEVER_MS)
        self._due_ms = max(self._due_ms - offset_ms, NEVER_MS)
        self._checked_ms = max(self._checked_ms - offset_ms, NEVER_MS)
        self._heard_ms = max(self._heard_ms - offset_ms, NEVER_MS)
        self._trouble_ms = max(self._trouble_ms - offset_ms, NEVER_MS)
        self._troubled_ms = max(self._troubled_ms - offset_ms, NEVER_MS)

    # Opening

    def _configure(self, now_ms):
        if 0 <= now_ms - self._since_ms < _START_MS:
            return
        self._exchange(self._ask_mode, self._got_mode)
        if (
            self._got_mode[2] & registers.STATUS_MASK != registers.CONFIGURATION
            or self._got_mode[3] & registers.CONTROL_MASK != registers.CONTROL_RESET
        ):
            if not 0 <= now_ms - self._since_ms < _RESET_MS:
                self._fail(now_ms)
            return
        for block in self._set_up:
            self._write(block)
        for index in range(3):  # masks and filters can be read in this mode alone [DS 4.5]
            block, back = self._set_up[index], self._got_back[index]
            self._exchange(self._ask_back[index], back)
            for at in range(2, 14 if index < 2 else 13):
                if back[at] != block[at]:
                    self._fail(now_ms)
                    return
        self._write(self._enter)
        self._step = _ENTERING
        self._since_ms = now_ms
        self._await_mode(now_ms)

    def _await_mode(self, now_ms):
        self._exchange(self._ask_mode, self._got_mode)
        if self._got_mode[3] != self._control:
            self._fail(now_ms)
        elif self._got_mode[2] & registers.MODE_MASK == self._mode:
            self._step = _RUNNING
            self.state = OK
            self._retry_ms = _FIRST_RETRY_MS
            self._checked_ms = now_ms
            self._doubts = 0
            self._trouble_ms = NEVER_MS
            self._heard = self._suspect = self._second = False
        elif not 0 <= now_ms - self._since_ms < _ENTER_MS:
            self.state = STUCK

    def _fail(self, now_ms):
        self.state = ABSENT
        self._step = _CLOSED
        self._due_ms = now_ms + self._retry_ms
        self._retry_ms = min(2 * self._retry_ms, _LAST_RETRY_MS)

    # Watching

    def _check(self, now_ms):
        """Whether it is there and set as it was, and what it says of the bus."""
        self._checked_ms = now_ms
        self._doubts += self._suspect
        self._suspect = False
        self._exchange(self._ask_mode, self._got_mode)
        self._exchange(self._ask_flags, self._flags)
        good = self._got_mode[2] & registers.MODE_MASK == self._mode and self._got_mode[3] == self._control
        good = good and self._doubts < _DOUBTS
        for at in range(2, 5):
            if self._flags[at] != self._masks[8 + at]:
                good = False
        if not good:
            if self._got_mode[2] & registers.STATUS_MASK == registers.CONFIGURATION:
                self.restarts += 1  # a reset of its own: open it at once
                self.state = OPENING
                self._step = _CLOSED
                self.open(now_ms)
            else:
                self.losses += 1
                self._fail(now_ms)
            return
        flags = self._flags[7]
        overflowed = flags & (registers.RX0OVR | registers.RX1OVR)
        if overflowed:
            self.overflows += 1 if overflowed != registers.RX0OVR | registers.RX1OVR else 2
            self._clear_overflow[2] = overflowed
            self._write(self._clear_overflow)
        trouble = flags & (registers.TXEP | registers.RXEP)
        if self._flags[6] & registers.MERRF:  # listen-only, this alone tells of errors: counters stand still [DS 10.3]
            self.bus_errors += 1
            self._write(self._clear_errors)
            trouble = 1
        self._judge(flags & registers.TXBO, trouble, now_ms)

    def _judge(self, bus_off, trouble, now_ms):
        if trouble:
            if self._trouble_ms == NEVER_MS:
                self._trouble_ms = now_ms
            self._troubled_ms = now_ms
        elif now_ms - self._troubled_ms >= _PASSIVE_MS:
            self._trouble_ms = NEVER_MS
        if bus_off:
            self.state = BUS_OFF  # it comes back by itself after 128 times 11 recessive bits [DS 6.6]
        elif self._trouble_ms != NEVER_MS and now_ms - max(self._trouble_ms, self._heard_ms) >= _PASSIVE_MS:
            self.state = PASSIVE
        else:
            self.state = OK

    # Transfers

    def _read_status(self):
        """RX0IF and RX1IF, or 0 where no such status can be."""
        self._exchange(self._ask_status, self._status)
        status = self._status[1]
        if status & registers.SENDING:
            self._suspect = True
            return 0
        return status

    def _take_frame(self):
        """Whether what was read is a data frame."""
        frame = self._frame
        sidl, dlc = frame[2], frame[5]
        if sidl & registers.SIDL_ZERO or dlc & registers.DLC_ZERO:
            self.garbage += 1
            self._suspect = True
            return False
        self._heard = True
        self._doubts = 0
        self.extended = sidl & registers.IDE != 0
        if dlc & registers.RTR if self.extended else sidl & registers.SRR:
            self.remote_frames += 1
            return False
        self.frames += 1
        self.identifier = registers.identifier_of(frame, 1)
        self.length = length = min(dlc & 0x0F, 8)  # more may be said, but not sent [DS 4.0]
        self.data = data = self._payloads[length]
        for index in range(length):
            data[index] = frame[6 + index]
        return True

    def _write(self, buffer):
        self._select(0)
        self._spi.write(buffer)
        self._select(1)

    def _exchange(self, asked, got):
        self._select(0)
        self._spi.write_readinto(asked, got)
        self._select(1)
