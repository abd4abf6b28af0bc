"""An MCP2515 of pretence at the other end of an SPI bus, with the CAN bus behind it.

    chip = Mcp2515Chip(16_000_000, bus_kbit=500)
    machine.SPI(0).device = chip;  machine.line(17).watcher = chip.select     # GPIO 17 is its chip select
    chip.put(0x1C4, bytes(8))        # a frame on the bus; returns "RXB0", "RXB1", "overflow", "filtered" or why not

Written from the data sheet (DS20001801J) alone: instructions, registers and who may write them in which mode, masks and
filters, rollover, flags, modes, error counters, bus-off, bit timing against that of the bus. What a test does to it:
`vanish(0xFF)` (nothing at SO but this) and `back()`, `brown_out()`, `dominant` (the bus is never idle), `frame_error()`
and `send_error()` as a receiver or sender sees them, `recover()` from bus-off, `garble(count, byte)` for the next bytes
read. `sent`: what it was told to send, which nobody should; `acknowledged`: frames that it acknowledged.
"""

from manual_time import clock

_CONFIG, _LISTEN, _NORMAL = 4, 3, 0
_MODIFIABLE = (0x0C, 0x0D, 0x0F, 0x28, 0x29, 0x2A, 0x2B, 0x2C, 0x2D, 0x30, 0x40, 0x50, 0x60, 0x70)
_READ_ONLY = (0x0E, 0x1C, 0x1D)
_WRITABLE_BITS = {0x2D: 0xC0, 0x60: 0x64, 0x70: 0x60, 0x28: 0xC7, 0x0C: 0x3F, 0x0D: 0x07, 0x30: 0x0B, 0x40: 0x0B}
_FILTERS = (0x00, 0x04, 0x08, 0x10, 0x14, 0x18)


class Mcp2515Chip:
    """The chip. `registers` are its 128, as they are and not as they read."""

    def __init__(self, oscillator_hz=16000000, bus_kbit=500):
        self.oscillator_hz = oscillator_hz
        self.bus_kbit = bus_kbit
        self.dominant = False
        self.sent = []
        self.acknowledged = 0
        self.resets = 0
        self.select_errors = 0  # bytes that came while it was not selected
        self._gone = None
        self._garbled = self._garbage = 0
        self._selected = False
        self._step = 0
        self._instruction = 0
        self._address = self._mask = 0
        self._begun_ms = -1000
        self.registers = bytearray(128)
        self._power_up()

    def _power_up(self):
        for address in range(128):
            self.registers[address] = 0
        self.registers[0x0E] = 0x80
        self.registers[0x0F] = 0x87
        self.mode = _CONFIG
        self._begun_ms = clock.ms

    # What a test does

    def vanish(self, byte=0xFF):
        self._gone = byte

    def back(self):
        """It has power again, or its cable."""
        self._gone = None
        self._power_up()

    def brown_out(self):
        self._power_up()
        self._begun_ms = -1000  # long enough ago

    def garble(self, count, byte=0xFF):
        self._garbled = count
        self._garbage = byte

    @property
    def kbit(self):
        """The bit rate that CNF1..3 give."""
        return self.oscillator_hz / (2000 * ((self.registers[0x2A] & 0x3F) + 1) * self.quanta)

    @property
    def quanta(self):
        cnf2, cnf3 = self.registers[0x29], self.registers[0x28]
        second = (cnf3 & 7) + 1 if cnf2 & 0x80 else max((cnf2 >> 3 & 7) + 1, 2)
        return 1 + (cnf2 & 7) + 1 + (cnf2 >> 3 & 7) + 1 + second

    @property
    def sample(self):
        """The sample point, of 1."""
        cnf2 = self.registers[0x29]
        return (1 + (cnf2 & 7) + 1 + (cnf2 >> 3 & 7) + 1) / self.quanta

    def frame_error(self, times=1):
        """Bus errors while it receives."""
        if self.mode not in {_NORMAL, _LISTEN}:
            return
        self.registers[0x2C] |= 0x80
        if self.mode == _NORMAL:  # listen-only, the counters stand still
            self.registers[0x1D] = min(255, self.registers[0x1D] + times)
            self._count_errors()

    def send_error(self, times=1):
        """As a sender sees them: eight each."""
        if self.mode == _NORMAL:
            count = self.registers[0x1C] + 8 * times
            self.registers[0x1C] = min(255, count)
            self._count_errors()
            if count > 255:
                self.registers[0x2D] |= 0x20

    def recover(self):
        """128 times 11 recessive bits, or as many good frames."""
        self.registers[0x1C] = self.registers[0x1D] = 0
        self.registers[0x2D] &= 0xC0

    def put(self, identifier, data=b"", extended=False, remote=False, dlc=None):
        """A frame of another node."""
        self._settle()
        if self._gone is not None:
            return "gone"
        if self.mode not in {_NORMAL, _LISTEN}:
            return "not listening"
        if self.registers[0x2D] & 0x20:
            return "bus-off"
        if abs(self.kbit - self.bus_kbit) > self.bus_kbit * 0.01:
            self.frame_error()
            return "error"
        self.acknowledged += self.mode == _NORMAL
        raw = identifier if extended else identifier << 18
        sidl = (raw >> 18 & 7) << 5 | (raw >> 16 & 3) | (0x08 if extended else 0x10 if remote else 0)
        length = (len(data) if dlc is None else dlc) | (0x40 if extended and remote else 0)
        frame = bytes((raw >> 21, sidl, raw >> 8 & 0xFF, raw & 0xFF, length)) + data + bytes(8 - len(data))
        return self._accept(raw, extended, remote, data, frame)

    # The receiver

    def _accept(self, raw, extended, remote, data, frame):
        registers = self.registers
        hit = self._hit(raw, extended, data, 0x60, 0x20, (0, 1))
        if hit >= 0:
            if not registers[0x2C] & 0x01:
                registers[0x60] = registers[0x60] & 0x66 | hit & 1 | (0x08 if remote else 0)
                return self._store(0x61, 0x01, frame, "RXB0")
            if not registers[0x60] & 0x04:
                registers[0x2D] |= 0x40
                return "overflow"
        else:
            hit = self._hit(raw, extended, data, 0x70, 0x24, (2, 3, 4, 5))
            if hit < 0:
                return "filtered"
        if registers[0x2C] & 0x02:
            registers[0x2D] |= 0x80
            return "overflow"
        registers[0x70] = registers[0x70] & 0x60 | hit | (0x08 if remote else 0)
        return self._store(0x71, 0x02, frame, "RXB1")

    def _store(self, at, flag, frame, name):
        for index in range(13):
            self.registers[at + index] = frame[index]
        self.registers[0x2C] |= flag
        return name

    def _hit(self, raw, extended, data, control, mask_at, filters):
        """The filter that lets it into this buffer, or -1."""
        if self.registers[control] >> 5 & 3 == 3:
            return filters[0]
        mask = self._word(mask_at)
        compared = raw
        if not extended:  # the lower bits are compared with the first two bytes of data
            compared |= (data[0] if data else 0) << 8 | (data[1] if len(data) > 1 else 0)
            mask &= 0x1FFCFFFF
        for number in filters:
            at = _FILTERS[number]
            if bool(self.registers[at + 1] & 0x08) == extended and (compared ^ self._word(at)) & mask == 0:
                return number
        return -1

    def _word(self, at):
        sidh, sidl, eid8, eid0 = self.registers[at : at + 4]
        return sidh << 21 | (sidl >> 5) << 18 | (sidl & 3) << 16 | eid8 << 8 | eid0

    def _count_errors(self):
        sending, receiving = self.registers[0x1C], self.registers[0x1D]
        flags = self.registers[0x2D] & 0xE0
        flags |= (0x10 if sending > 127 else 0) | (0x08 if receiving > 127 else 0)
        flags |= (0x04 if sending >= 96 else 0) | (0x02 if receiving >= 96 else 0)
        self.registers[0x2D] = flags | (0x01 if flags & 0x06 else 0)

    # SPI

    def select(self, level):
        """The chip select's level."""
        if level == 0:
            self._selected = True
            self._step = 0
            return
        if self._selected and self._step > 0 and self._instruction & 0xF9 == 0x90 and self._gone is None:
            self.registers[0x2C] &= ~(0x02 if self._instruction & 0x04 else 0x01)
        self._selected = False

    def exchange(self, byte):
        """One byte in, one out."""
        if not self._selected:
            self.select_errors += 1
            return 0xFF
        if self._gone is not None:
            return self._gone
        if clock.ms == self._begun_ms:  # its oscillator starts
            return 0
        self._settle()
        answer = self._answer(byte)
        self._step += 1
        if self._garbled and self._step > 1:
            self._garbled -= 1
            return self._garbage
        return answer

    def _answer(self, byte):
        instruction = self._instruction
        if self._step == 0:
            self._begin(byte)
        elif (instruction == 0x03 and self._step > 1) or instruction & 0xF9 == 0x90:
            return self._next()
        elif instruction == 0xA0:
            return self._read_status()
        elif instruction == 0xB0:
            return self._rx_status()
        elif instruction in {0x02, 0x03, 0x05} and self._step == 1:
            self._address = byte & 0x7F
        elif instruction == 0x02:
            self._write(self._address, byte, 0xFF)
            self._address = self._address + 1 & 0x7F
        elif instruction == 0x05 and self._step == 2:
            self._mask = byte if self._key(self._address) in _MODIFIABLE else 0xFF
        elif instruction == 0x05 and self._step == 3:
            self._write(self._address, byte, self._mask)
        return 0

    def _begin(self, byte):
        self._instruction = byte
        if byte == 0xC0:
            self.resets += 1
            self._power_up()
        elif byte & 0xF9 == 0x90:
            self._address = (0x61, 0x66, 0x71, 0x76)[byte >> 1 & 3]
        elif byte & 0xF8 in {0x80, 0x40}:
            self.sent.append(byte)

    def _next(self):
        answer = self._read(self._address)
        self._address = self._address + 1 & 0x7F
        return answer

    def _key(self, address):
        """CANSTAT and CANCTRL stand at the end of each row."""
        return address & 0x0F if address & 0x0E == 0x0E else address

    def _filtering(self, key):
        return key < 0x0C or 0x10 <= key < 0x1C or 0x20 <= key < 0x28

    def _read(self, address):
        key = self._key(address)
        if self._filtering(key) and self.mode != _CONFIG:
            return 0  # masks and filters read as 0 outside of configuration mode
        if key == 0x60:
            return self.registers[key] | (self.registers[key] & 0x04) >> 1  # BUKT1
        return self.registers[key]

    def _write(self, address, value, mask):
        key = self._key(address)
        if key in _READ_ONLY or 0x61 <= key <= 0x6D or 0x71 <= key <= 0x7D:
            return
        if self.mode != _CONFIG and (self._filtering(key) or key in {0x0D, 0x28, 0x29, 0x2A}):
            return
        if key < 0x28 and key & 3 == 1 and self._filtering(key):
            mask &= 0xEB if key < 0x20 else 0xE3  # SIDL; a mask has no EXIDE
        mask &= _WRITABLE_BITS.get(key, 0xFF)
        self.registers[key] = self.registers[key] & ~mask & 0xFF | value & mask
        if 0x30 <= key <= 0x5D and key & 0x0F == 0 and self.registers[key] & 0x08:
            self.sent.append(key)
        self._settle()

    def _settle(self):
        """The mode that was asked for, once the bus is idle."""
        asked = self.registers[0x0F] >> 5
        if asked != self.mode and asked <= _CONFIG and (asked == _CONFIG or not self.dominant):
            self.mode = asked
            self.registers[0x0E] = asked << 5
            if asked == _LISTEN:
                self.recover()

    def _read_status(self):
        flags = self.registers[0x2C]
        answer = flags & 0x03
        for number in range(3):  # TXREQ and TXnIF
            answer |= (self.registers[0x30 + 16 * number] >> 3 & 1) << 2 + 2 * number
            answer |= (flags >> 2 + number & 1) << 3 + 2 * number
        return answer

    def _rx_status(self):
        flags = self.registers[0x2C] & 0x03
        if not flags:
            return 0
        control = 0x60 if flags & 1 else 0x70
        kind = (0x10 if self.registers[control + 2] & 0x08 else 0) | (self.registers[control] & 0x08)
        return flags << 6 | kind | self.registers[control] & (1 if control == 0x60 else 7)
