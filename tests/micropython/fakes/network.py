"""The `network` of a Pico W (CYW43) without air: stations join in their own time, by the manual clock.

    network.air.points["home"] = "password"   # access points; "" is an open one
    wlan = network.WLAN(network.STA_IF)       # one object of each interface, as on the board
    wlan.active(True); wlan.connect("home", "password")
    manual_time.clock.advance(network.air.join_ms)   # then isconnected(), status() == STAT_GOT_IP

`air.join_ms` (3000), `air.lease_ms` (500) more for the address, `air.gone()` / `air.back()`: all points fail, or come
back (the chip then joins again by itself only if `air.rejoins`), `air.refuses = True`: connect raises OSError(EPERM)
as a chip that does not answer does. `air.broken`: every call raises OSError(EIO). `air.joins` counts connect calls.
An access point of the board's own (AP_IF) is there as soon as it is active, as 192.168.4.1.
`wlan.settings`: what config(...) set. `power_on()` forgets all.
"""

import heap
from manual_time import clock

STA_IF = 0
AP_IF = 1
STAT_IDLE = 0
STAT_CONNECTING = 1
_STAT_NO_IP = 2  # joined, no address yet: the board returns it, too
STAT_GOT_IP = 3
STAT_CONNECT_FAIL = -1
STAT_NO_AP_FOUND = -2
STAT_WRONG_PASSWORD = -3

_EPERM, _EIO = 1, 5
_interfaces = {}
_country = ["XX"]
_hostname = ["PicoW"]


class Air:
    """What there is to join."""

    def __init__(self):
        self.points = {}
        self.join_ms = 3000
        self.lease_ms = 500
        self.refuses = False
        self.broken = False
        self.rejoins = False
        self.joins = 0
        self.address = "192.168.1.20"
        self.up = True

    def gone(self):
        self.up = False
        WLAN(STA_IF)._lost(STAT_IDLE)

    def back(self):
        self.up = True
        if self.rejoins:
            WLAN(STA_IF)._join()


air = Air()


class WLAN:
    """One interface; the same object whoever asks for it."""

    IF_STA = STA_IF
    IF_AP = AP_IF
    PM_NONE = 16
    PM_PERFORMANCE = 10555714
    PM_POWERSAVE = 17
    SEC_OPEN = 0
    SEC_WPA_WPA2 = 4194310

    def __new__(cls, interface=STA_IF):
        if interface not in _interfaces:
            made = object.__new__(cls)
            made._serves = interface == AP_IF
            made._reset()
            _interfaces[interface] = made
        return _interfaces[interface]

    def __init__(self, interface=STA_IF):
        pass  # made once, above

    def _reset(self):
        self.settings = {}
        self._active = False
        self._wanted = None
        self._since_ms = 0
        self._joining = False
        self._static = None
        self._lost_status = STAT_IDLE

    def _lost(self, status):
        self._joining = False
        self._lost_status = status

    def _join(self):
        if self._wanted is not None:
            self._joining = True
            self._since_ms = clock.ms

    def _check(self):
        if air.broken:
            raise OSError(_EIO)

    def active(self, is_active=None):
        self._check()
        if is_active is None:
            return self._active
        self._active = bool(is_active)
        if not self._active:
            self._lost(STAT_IDLE)
        return None

    def connect(self, ssid, key=None, *, auth=-1, security=-1, bssid=None, channel=0):
        self._check()
        air.joins += 1
        if air.refuses or not self._active:
            raise OSError(_EPERM)
        heap.pause()
        self._wanted = (ssid, key or "")
        heap.resume()
        self._join()

    def disconnect(self):
        self._check()
        self._wanted = None
        self._lost(STAT_IDLE)

    def status(self, param=None):
        self._check()
        if param == "rssi":
            return -55
        if param is not None:
            raise ValueError("unknown status param")
        if self._serves:
            return STAT_GOT_IP if self._active else STAT_IDLE
        if not self._joining:
            return self._lost_status
        past_ms = clock.ms - self._since_ms
        if past_ms < air.join_ms:
            return STAT_CONNECTING
        ssid, key = self._wanted
        if not air.up or ssid not in air.points:
            return STAT_NO_AP_FOUND
        if air.points[ssid] != key:
            return STAT_WRONG_PASSWORD
        return STAT_GOT_IP if past_ms >= air.join_ms + air.lease_ms or self._static else _STAT_NO_IP

    def isconnected(self):
        return self.status() == STAT_GOT_IP

    def ifconfig(self, config=None):
        self._check()
        if config is not None:
            self._static = config
            return None
        if not self.isconnected():
            return ("0.0.0.0", "0.0.0.0", "0.0.0.0", "0.0.0.0")
        if self._serves:
            return ("192.168.4.1", "255.255.255.0", "192.168.4.1", "0.0.0.0")
        return self._static or (air.address, "255.255.255.0", "192.168.1.1", "192.168.1.1")

    def config(self, param=None, **settings):
        self._check()
        if param is None:
            self.settings.update(settings)
            return None
        if param == "mac":
            return b"\x28\xcd\xc1\x01\x02\x03"
        if param not in self.settings:
            raise ValueError("unknown config param")
        return self.settings[param]

    def scan(self):
        return [(name.encode(), bytes(6), 6, -55, 5 if key else 0, 1) for name, key in air.points.items() if air.up]

    def deinit(self):
        self._reset()


def power_on():
    """As after a cold start."""
    air.__init__()
    for interface in _interfaces.values():
        interface._reset()


def country(code=None):
    if code is None:
        return _country[0]
    _country[0] = code
    return None


def hostname(name=None):
    if name is None:
        return _hostname[0]
    _hostname[0] = name
    return None
