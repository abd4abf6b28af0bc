"""The scene: what ten pictures a second cost the unit's loop and the thread that hands them on."""

import json
import socket
import time

from common import Row, interleaved
from core import LATITUDE_CAS, LONGITUDE_CAS, traffic

from asvcore.settings import Settings
from asvunit.clock import UnitClock
from asvunit.event_hub import EventHub
from asvunit.ports import Fix, RadioFrame
from asvunit.scene import OTHERS, scene
from asvunit.subscriber import EventStream
from asvunit.unit import Unit

NAME = "Scene"
MS = 1_000_000
CROWDS = (OTHERS, 200, 2000)


def among(neighbours: int) -> Unit:
    """A unit that waits at a stop line, among so many vehicles that cross before it."""
    settings = Settings()
    settings.set("neighbours", max(neighbours, 256))
    unit = Unit(settings, UnitClock(0), sink=lambda _event: None, send=lambda _time_ns, _frame: None)
    for step, frames in enumerate(traffic(neighbours, 12)):
        t = 100 * step
        unit.fix(Fix(t * MS, True, "", t, LATITUDE_CAS, LONGITUDE_CAS, 1000 if t == 0 else 0, 0, 20))
        for number, payload in enumerate(frames):
            unit.radio(RadioFrame(t * MS, f"192.0.2.{number % 250}:{47100 + number // 250}", payload))
        unit.tick((t + 50) * MS)
    told = scene(unit)
    if len(told["others"]) + told["more"] != neighbours or not told["conflicts"]:
        raise SystemExit("not every vehicle is in the scene, or none of them gets support")
    return unit


def handing_on_percent() -> float:
    """Processor time of ten scenes a second to one subscriber, in % of a core, reader and writer together."""
    hub, told, rounds = EventHub(), scene(among(OTHERS)), 200
    ours, theirs = socket.socketpair()
    hub.adopt(theirs)
    hub.start()
    with EventStream(ours, scenes=True) as stream:
        while not hub.scenes_wanted:
            time.sleep(0.001)
        begin_s = time.process_time()
        for _ in range(rounds):
            hub.publish_scene(told)
            while not stream.read(1):
                pass
        used_s = time.process_time() - begin_s
        hub.close()
    return used_s / rounds * 10 * 100


def rows() -> list[Row]:
    """The measurements."""
    units = {count: among(count) for count in CROWDS}
    times = interleaved(
        {str(count): lambda unit=unit: scene(unit) for count, unit in units.items()},  # type: ignore[misc]
        rounds=60,
        loops=3,
    )
    size = len(json.dumps(scene(units[OTHERS])))
    return [
        *(
            Row(f"a scene among {count} vehicles", 1000 * times[str(count)], "ms", 1 if count == OTHERS else None)
            for count in CROWDS
        ),
        Row("its size as JSON, at most", size / 1000, "kB"),
        Row("ten a second handed to one reader and read", handing_on_percent(), "% of a core"),
    ]
