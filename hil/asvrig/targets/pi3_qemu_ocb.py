"""802.11p on the emulated Pi: two radios in OCB mode that hear each other, the unit's and that of all others there."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from asvrig.agent.client import AgentClient
from asvunit.errors import AsvkitError

_UNIT, _OTHERS, _BENCH = "wlan0", "wlan1", "usb0"
_CHANNEL: Final = ("5880", "10MHZ")
_RADIOS: Final = (("modprobe", "mac80211_hwsim", "radios=2"), ("iw", "reg", "set", "US"))
_STEPS: Final = (
    ("ip", "link", "set", "{}", "down"),
    ("iw", "dev", "{}", "set", "type", "ocb"),
    ("ip", "link", "set", "{}", "up"),
    ("iw", "dev", "{}", "ocb", "join", *_CHANNEL),
)


@contextlib.contextmanager
def on_ocb(agent: AgentClient) -> Iterator[dict[str, dict[str, Any]]]:
    """Both on one channel, and what the others' hears or says carried to and from the bench's network."""
    for argv in _RADIOS:
        _run(agent, *argv)
    for name in (_UNIT, _OTHERS):
        for step in _STEPS:
            _run(agent, *(word.format(name) for word in step))
    relay = agent.start(["python3", "-P", "-m", "asvrig.pi3.relay", _OTHERS, _BENCH], name="relay")
    try:
        yield {"radio": {"kind": "ocb", "interface": _UNIT}}
    finally:
        with contextlib.suppress(AsvkitError):  # its power may have been cut meanwhile
            relay.stop()
            for name in (_UNIT, _OTHERS):
                _run(agent, "ip", "link", "set", name, "down")


def _run(agent: AgentClient, *argv: str) -> None:
    done = agent.run(argv)
    if done.code:
        raise AsvkitError(f"{' '.join(argv)}: {done.err.strip() or done.code}")
