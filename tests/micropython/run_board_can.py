"""Frames through a chip of pretence and the board's CAN input, on CPython and MicroPython.

run_board_can.py PATH_TO_FIRMWARE PATH_TO_BOARDS PATH_TO_FAKES MAP.json FRAMES [lock]

A line of FRAMES: time_ms identifier extended bytes, "-" for no bytes; "R offset_ms" rebases; "time_ms FAULT [number]"
does to the chip what its method of that name does. With "lock" no poll may take memory; what the chip takes is its own.
"""

import json
import sys

for _path in sys.argv[1:4]:
    sys.path.insert(0, _path)

import heap  # noqa: E402
import machine  # noqa: E402
from asvboard.can_input import STATES, CanInput, settings_from  # noqa: E402
from asvboard.mcp2515 import Mcp2515  # noqa: E402
from manual_time import clock  # noqa: E402
from mcp2515_chip import Mcp2515Chip  # noqa: E402

from asvcore.settings import Settings  # noqa: E402


class Core:
    """Keeps what it is given, in lists that are long enough."""

    def __init__(self):
        self.count = 0
        self.told = [[0] * 5 for _ in range(256)]

    def on_vehicle(self, signal, value, status, source, now_ms, cause):
        record = self.told[self.count]
        record[0] = signal
        record[1] = value
        record[2] = status
        record[3] = source
        record[4] = now_ms
        self.count += 1


def poll(car, core, now_ms, lock):
    clock.start_at(now_ms)
    if lock:
        heap.lock()
    taken = car.poll(core, now_ms, 5)
    if lock:
        heap.unlock()
    for index in range(core.count):
        print(*core.told[index])
    core.count = 0
    return taken


def run(path_of_map, path_of_frames, lock):
    machine.power_on()
    machine.record(False)
    chip = Mcp2515Chip()
    spi = machine.SPI(0, 10000000)
    spi.device = chip
    machine.line(17).watcher = chip.select
    select = machine.Pin(17, machine.Pin.OUT, value=1)
    with open(path_of_map) as file:
        compiled = json.load(file)
    settings = Settings()
    settings_from(compiled, settings)
    controller = Mcp2515(spi, select, 16000000, 500)
    car = CanInput(controller, compiled)
    core = Core()
    state = -1
    last_ms = taken = 0
    with open(path_of_frames) as file:
        for line in file:
            words = line.split()
            if words[0] == "R":
                car.rebase(int(words[1]))  # once in three days: this may take memory
                last_ms -= int(words[1])
                continue
            now_ms = int(words[0])
            while last_ms < now_ms:  # the loop goes on while nothing comes
                last_ms = min(last_ms + 10, now_ms)
                taken += poll(car, core, last_ms, lock)
                if car.state != state:
                    state = car.state
                    print(STATES[state])
            if words[1].isdigit():
                data = b"" if words[3] == "-" else bytes.fromhex(words[3])
                chip.put(int(words[1]), data, extended=words[2] == "1")
            else:
                getattr(chip, words[1])(*[int(word) for word in words[2:]])
    print(taken, controller.frames, controller.overflows, controller.losses, controller.restarts, controller.garbage)
    print(settings.signals, settings.timeouts_ms(), car.table.counts, chip.sent, chip.select_errors)


run(sys.argv[4], sys.argv[5], len(sys.argv) > 6)
