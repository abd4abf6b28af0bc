"""UART and SPI of the fake `machine`, which tells how they are used; import them from there."""

import heap
from machine_state import made, state


class UART:
    """A serial port; its time-outs are 0."""

    def __init__(self, number, baudrate=115200, bits=8, parity=None, stop=1, **settings):
        if number not in {0, 1}:
            raise ValueError("no such UART")
        self.id = number
        self.sent = bytearray()
        self.lost = 0
        self.baudrate = 0
        self._waiting = bytearray(256)
        self._head = self._count = 0
        made["uart", number] = self
        self.init(baudrate, bits, parity, stop, **settings)

    def init(
        self, baudrate=115200, bits=8, parity=None, stop=1, *, tx=None, rx=None, txbuf=None, rxbuf=None,
        timeout=0, timeout_char=0, invert=0, flow=0, rts=None, cts=None,
    ):  # fmt: skip
        self.baudrate = baudrate
        if timeout:
            raise NotImplementedError("a fake does not wait")
        if rxbuf:
            if rxbuf > 32766:
                raise ValueError("rxbuf too large")
            self._waiting = bytearray(max(rxbuf, 32))
            self._head = self._count = 0

    def deinit(self):
        self.baudrate = 0
        self._count = 0

    def put(self, data):
        """The test's: bytes come in; returns how many there was room for."""
        room = len(self._waiting)
        taken = 0
        for byte in data:
            if self._count == room:
                self.lost += len(data) - taken
                break
            self._waiting[(self._head + self._count) % room] = byte
            self._count += 1
            taken += 1
        return taken

    def any(self):
        return self._count

    def readinto(self, buf, nbytes=None):
        if self._count == 0:
            return None
        count = min(self._count, len(buf) if nbytes is None else min(nbytes, len(buf)))
        room = len(self._waiting)
        for index in range(count):
            buf[index] = self._waiting[(self._head + index) % room]
        self._head = (self._head + count) % room
        self._count -= count
        return count

    def read(self, nbytes=-1):
        if self._count == 0:
            return None
        data = bytearray(self._count if nbytes < 0 else min(nbytes, self._count))
        self.readinto(data)
        return bytes(data)

    def readline(self):
        for index in range(self._count):
            if self._waiting[(self._head + index) % len(self._waiting)] == 10:
                return self.read(index + 1)
        return self.read()

    def write(self, buf):
        heap.pause()
        if state["record"]:
            self.sent.extend(buf)
        heap.resume()
        return len(buf)

    def flush(self):
        pass

    def txdone(self):
        return True


class SPI:
    """A bus of one device; chip selects are Pins of their own."""

    MSB = 1
    LSB = 0

    def __init__(
        self, number, baudrate=1000000, *, polarity=0, phase=0, bits=8, firstbit=MSB, sck=None, mosi=None, miso=None
    ):  # fmt: skip
        if number not in {0, 1}:
            raise ValueError("no such SPI")
        self.device = None
        self.baudrate = baudrate
        self.mode = (polarity, phase)
        made["spi", number] = self

    def init(self, baudrate=None, *, polarity=None, phase=None, **settings):
        self.baudrate = baudrate or self.baudrate

    def deinit(self):
        pass

    def _exchange(self, byte):
        return 0xFF if self.device is None else self.device.exchange(byte) & 0xFF

    def write(self, buf):
        heap.pause()
        for index in range(len(buf)):
            self._exchange(buf[index])
        heap.resume()

    def readinto(self, buf, write=0):
        heap.pause()
        for index in range(len(buf)):
            buf[index] = self._exchange(write)
        heap.resume()

    def read(self, nbytes, write=0):
        data = bytearray(nbytes)
        self.readinto(data, write)
        return bytes(data)

    def write_readinto(self, write_buf, read_buf):
        if len(write_buf) != len(read_buf):
            raise ValueError("buffers must be the same length")
        heap.pause()
        for index in range(len(write_buf)):
            read_buf[index] = self._exchange(write_buf[index])
        heap.resume()
