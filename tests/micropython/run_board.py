"""Run a board's main.py on hardware of pretence, through a scene; runs on CPython and MicroPython alike.

    run_board.py FAKES FIRMWARE BOARD FOLDER SCENE

BOARD: the folder of main.py; FOLDER: that of unit.json and car.json; SCENE: a file of lines "ms what ...", by time:

    uart HEX            bytes come from the receiver        can ID EXT HEX      a frame on the car's bus
    air HOST PORT HEX   a datagram is heard                 wifi gone|back      the network
    chip vanish|back    the CAN controller                  bus dominant|idle   the CAN bus
    pin N LEVEL         a hand at a switch                  jump MS             time passes at once
    lock, unlock        the steps between may not allocate  ticks MS            what the board's ticks stand at
    raise NAME          a part raises from now on           heal NAME           and does no more
    hang                a step never ends                   memory              how much of the heap is used
    pace MS             between two passes                  end

What happens at the pins, on the air and on the console is printed, each with the ms.
"""

import gc
import os
import sys

FAKES, FIRMWARE, BOARD, FOLDER, SCENE = sys.argv[1:6]
for folder in (FIRMWARE, FIRMWARE + "/boards", FAKES):
    sys.path.insert(0, folder)

import heap  # noqa: E402
import machine  # noqa: E402
import mcp2515_chip  # noqa: E402
import netselect  # noqa: E402
import netsocket  # noqa: E402
import network  # noqa: E402
from manual_time import clock  # noqa: E402

PWM_PIN = 15


class Finished(BaseException):
    """The scene is over."""


class Broken:
    """In the place of a part: every method raises."""

    def __getattr__(self, name):
        raise OSError(5)


class Drawn:
    """The board's os: chance that is none."""

    def urandom(self, count):
        return bytes([0] * (count - 1) + [7])


def part(find):
    """The first one that the board has made; None: a safe unit makes none."""
    try:
        return find(0)
    except KeyError:
        return None


class World:
    """What happens around the board; its `ticks_ms` is where time goes on."""

    def __init__(self, lines):
        self.lines = lines
        self.next = self.read()
        self.pace_ms = 1
        self.levels = {}
        self.sounds = (0, 0)
        self.sent = 0
        self.locked = False
        self.hanging = False
        self.unit = None
        self.saved = {}
        self.wrote = sys.stdout.write
        self.base_ms = 0
        self.chip = mcp2515_chip.Mcp2515Chip(8000000, 500)

    def read(self):
        line = self.lines.readline()
        return line.split() if line else None

    def say(self, text):
        self.wrote("%d %s\n" % (clock.ms - self.base_ms, text))

    def console(self, text):
        heap.pause()
        self.say("say " + text.strip())
        heap.resume()

    # The board's time

    def ticks_ms(self):
        self.look()
        clock.advance(self.pace_ms)
        while self.next and int(self.next[0]) <= clock.ms - self.base_ms:
            words, self.next = self.next, self.read()
            self.do(words[1], words[2:])
        return clock.ticks_ms()

    def ticks_us(self):
        return clock.ticks_us()

    def ticks_diff(self, end, start):
        return clock.ticks_diff(end, start)

    def ticks_add(self, ticks, delta):
        return clock.ticks_add(ticks, delta)

    def sleep_ms(self, ms):
        if clock.ms == 0:
            self.say("sleep %d" % ms)  # the window for Ctrl-C; the scene begins behind it

    # What a scene says

    def do(self, what, words):
        getattr(self, "do_" + what)(*words)

    def do_uart(self, data):
        uart = part(machine.uart)
        if uart is not None:
            uart.put(bytes.fromhex(data))

    def do_can(self, identifier, extended, data):
        self.chip.put(int(identifier), bytes.fromhex(data), extended == "1")

    def do_air(self, host, port, data):
        netsocket.net.deliver(bytes.fromhex(data), (host, int(port)), 47100)

    def do_wifi(self, what):
        getattr(network.air, what)()

    def do_chip(self, what):
        getattr(self.chip, what)()

    def do_bus(self, what):
        self.chip.dominant = what == "dominant"

    def do_pin(self, number, level):
        machine.line(int(number)).drive(int(level))

    def do_jump(self, ms):
        clock.advance(int(ms))
        self.base_ms += int(ms)

    def do_ticks(self, ms):
        self.base_ms += int(ms) - clock.ms
        clock.ms = int(ms)

    def do_lock(self):
        gc.collect()
        self.locked = True

    def do_unlock(self):
        self.locked = False

    def do_raise(self, name):
        holder, attribute = self.place(name)
        self.saved[name] = getattr(holder, attribute)
        setattr(holder, attribute, Broken())

    def do_heal(self, name):
        holder, attribute = self.place(name)
        setattr(holder, attribute, self.saved[name])

    def place(self, name):
        """Where a part is kept."""
        unit = self.unit
        return {
            "gnss": (unit, "_uart"), "radio": (unit._radio, "_poller") if name == "radio" else None,
            "leds": (unit._lights, "_leds"), "core": (unit.core, "ego") if name == "core" else None,
            "can": (unit._can, "controller") if name == "can" else None, "switches": (unit._switches, "_pins"),
        }[name]  # fmt: skip

    def do_hang(self):
        self.hanging = True

    def do_memory(self):
        if hasattr(gc, "mem_alloc"):
            gc.collect()
            self.say("memory %d" % gc.mem_alloc())

    def do_pace(self, ms):
        self.pace_ms = int(ms)

    def do_end(self):
        raise Finished

    # What the board has done

    def step(self, ticks):
        if self.hanging:
            clock.advance(9000)  # for as long as the watchdog lets it
            raise Finished
        if self.locked:
            heap.lock()
        self.unit.step(ticks)
        heap.unlock()

    def look(self):
        spi = part(machine.spi)
        if spi is not None and spi.device is None:
            spi.device = self.chip
            machine.line(17).watcher = self.chip.select
        for pin in range(2, 10):
            level = machine.line(pin).level
            if level != self.levels.get(pin, 0):
                self.levels[pin] = level
                self.say("pin %d %d" % (pin, level))
        pwm = made_pwms.get(PWM_PIN)
        if pwm is not None:
            sounds = (pwm.freq(), pwm.duty_u16()) if pwm.duty_u16() else (0, 0)
            if sounds != self.sounds:
                self.sounds = sounds
                self.say("pwm %d %d" % sounds)
        for data, address in netsocket.net.sent[self.sent :]:
            self.say("sent %s %s %d" % (data.hex(), address[0], address[1]))
        del netsocket.net.sent[:]

    def over(self):
        self.look()
        unit = self.unit
        watchdog = machine.watchdog()
        if watchdog is not None:
            bitten = 1 if watchdog.bitten else 0
            self.say("watchdog bitten %d longest %d" % (bitten, watchdog.longest_ms))
        if hasattr(unit, "faults"):
            told = (unit.missed, unit.late, unit.core.time_back, unit.core.commands.lost)
            self.say("counts missed %d late %d time_back %d lost %d" % told)
            self.say("console failed %d" % unit._console.failed)
            self.say("faults " + " ".join([str(one) for one in unit.faults.counts]))
            self.say("drops " + " ".join(["%d:%d" % (i, n) for i, n in enumerate(unit.outputs.drops) if n]))


machine.power_on()
machine.record(False)
network.power_on()
netsocket.power_on()
network.air.points["asvkit"] = "change-me-please"
network.air.join_ms, network.air.lease_ms = 300, 100
world = World(open(SCENE))  # noqa: SIM115 - read to its end
hear = netsocket.socket.recvfrom
made_pwms = {}


class PWM(machine.PWM):
    """One that can be found again."""

    def __init__(self, dest, **settings):
        super().__init__(dest, **settings)
        made_pwms[dest.line.id] = self


machine.PWM = PWM


def recvfrom(self, size):
    heap.pause()  # a board allocates here, as asvboard.wifi says
    try:
        return hear(self, size)
    finally:
        heap.resume()


netsocket.socket.recvfrom = recvfrom
for name, module in (
    ("time", world), ("socket", netsocket), ("select", netselect), ("os", Drawn()),
):  # fmt: skip
    sys.modules[name] = module
if not hasattr(gc, "threshold"):
    gc.threshold = gc.mem_free = lambda *_free: 100000
os.chdir(FOLDER)

from asvboard import start  # noqa: E402

make = start.make


def made(hardware, write, seed, read=start.read_text):
    world.unit = make(hardware, world.console, seed, read)
    return world


start.make = made
try:
    with open(BOARD + "/main.py") as file:
        exec(file.read(), {"__name__": "__main__"})
except Finished:
    heap.unlock()
    world.over()
