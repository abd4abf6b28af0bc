"""asvkit's unit on a Raspberry Pi Pico W. Files beside this one: unit.json, car.json, asvcore/, asvboard/.

Pins (GP numbers), unless unit.json says others; docs/board.md has the wiring:

    0  TX to the receiver's RX       2  system       16  CAN MISO (SO)      10  mute, to ground
    1  RX from the receiver's TX     3  receiving    17  CAN CS             11  request, to ground
                                     4  fault        18  CAN SCK            15  buzzer, PWM
                                     5  information  19  CAN MOSI (SI)
                                     6  caution
                                     7  warning
                                     8  left
                                     9  right

Ctrl-C within the first two seconds leaves it at the prompt, without watchdog; later the watchdog resets the board.
"""

import gc
import os
import select
import socket
import sys
import time

import machine
import network
from asvboard import start
from asvboard.pins import LAMPS, SWITCHES, Board

PINS = {
    "leds.system": 2, "leds.receiving": 3, "leds.fault": 4, "leds.information": 5, "leds.caution": 6,
    "leds.warning": 7, "leds.left": 8, "leds.right": 9,
    "buzzer.pwm": 15, "switches.mute": 10, "switches.request": 11,
    "gnss.tx": 0, "gnss.rx": 1,
    "can.sck": 18, "can.mosi": 19, "can.miso": 16, "can.cs": 17,
}  # fmt: skip
USABLE = tuple([pin for pin in range(29) if pin not in (23, 24, 25)])  # these and 29 are the Wi-Fi's
WATCHDOG_MS = 8000  # at most 8388
WINDOW_MS = 2000
START_BYTES = 8192  # allocated between two collections, until all is made
RECEIVED_BYTES = 2048  # kept by the UART while a pass takes long
SPI_HZ = 8_000_000


def uart_of(pin):
    """Which UART of the RP2040 a pin belongs to."""
    return (pin + 4 >> 3) & 1


def spi_of(pin):
    """Which SPI."""
    return pin >> 3 & 1


def refuse(pins):
    """Lines that the chip does not have at these pins."""
    wrong = []
    for name, place in (("gnss.tx", 0), ("gnss.rx", 1)):
        if pins[name] & 3 != place or uart_of(pins[name]) != uart_of(pins["gnss.tx"]):
            wrong.append((name, "GPIO %d is no such line of that UART; tx and rx are 0, 1 or 4, 5" % pins[name]))
    for name, place in (("can.sck", 2), ("can.mosi", 3), ("can.miso", 0)):
        if pins[name] & 3 != place or spi_of(pins[name]) != spi_of(pins["can.sck"]):
            wrong.append((name, "GPIO %d is no such line of that SPI; sck, mosi, miso are 18, 19, 16" % pins[name]))
    return wrong


class PicoW:
    """The parts of this board."""

    board = Board(PINS, USABLE, refuse)

    def lights(self, config):
        leds = [machine.Pin(config.pins["leds." + name], machine.Pin.OUT, value=0) for name in LAMPS]
        buzzer = machine.PWM(machine.Pin(config.pins["buzzer.pwm"]))
        buzzer.freq(1000)
        buzzer.duty_u16(0)
        return leds, buzzer

    def switches(self, config):
        from asvboard.switches import Switches

        pins = [config.pins["switches." + name] for name in SWITCHES]
        return Switches([machine.Pin(pin, machine.Pin.IN, machine.Pin.PULL_UP) for pin in pins])

    def gnss(self, config):
        tx, rx = config.pins["gnss.tx"], config.pins["gnss.rx"]
        return machine.UART(
            uart_of(tx), config.gnss.baud, tx=machine.Pin(tx), rx=machine.Pin(rx), rxbuf=RECEIVED_BYTES, timeout=0
        )

    def can(self, config):
        pins = config.pins
        spi = machine.SPI(
            spi_of(pins["can.sck"]), SPI_HZ, sck=machine.Pin(pins["can.sck"]), mosi=machine.Pin(pins["can.mosi"]),
            miso=machine.Pin(pins["can.miso"]),
        )  # fmt: skip
        return spi, machine.Pin(pins["can.cs"], machine.Pin.OUT, value=1)

    def radio(self, config):
        network.country(config.radio.country)
        serves = config.radio.role == "access_point"
        return network.WLAN(network.AP_IF if serves else network.STA_IF), socket, select.poll()

    def watchdog(self):
        return machine.WDT(timeout=WATCHDOG_MS)


def console():
    """What writes a line, or gives False: with a full line and nobody who reads it a write waits for half a second."""
    out, poller = sys.stdout, select.poll()
    poller.register(out, select.POLLOUT)

    def write(text):
        takes = False
        for _ready in poller.ipoll(0):  # to its end: it is one iterator
            takes = True
        if takes:
            out.write(text)
        return takes

    return write


def forget():
    """Lets go of what the start alone needs: its modules take a tenth of the board's memory."""
    start.forget("start", "pins", "safe")
    for name in ("start", "PicoW", "Board", "refuse", "PINS", "USABLE", "LAMPS", "SWITCHES", "forget"):
        globals().pop(name, None)


def main():
    """Never returns, but by Ctrl-C."""
    write = console()
    if machine.reset_cause() == machine.WDT_RESET:  # which is also what machine.reset() does
        write("asvkit: reset by the watchdog, or by mpremote\n")
    write("asvkit: starts in 2 s; Ctrl-C leaves it at the prompt\n")
    time.sleep_ms(WINDOW_MS)
    # What loading leaves is taken away at once, so that what stays lies close together
    gc.collect()
    gc.threshold(START_BYTES)
    unit = start.make(PicoW(), write, int.from_bytes(os.urandom(4), "big") & 0x1FFFFFFF)
    forget()
    # What set-up left is taken away at once. From here on frames of the radio alone leave something: it is collected
    # when a quarter of what is free is spent, which is soon done, and not when the heap is full and in pieces
    gc.collect()
    gc.threshold(gc.mem_free() // 4)
    step, ticks_ms = unit.step, time.ticks_ms
    try:
        while True:
            step(ticks_ms())
    except KeyboardInterrupt:
        unit.dark(ticks_ms())  # nothing shows what nobody watches any more
        raise


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.stdout.write("asvkit: stopped; if it ran already, the watchdog resets the board within 8 s\n")
