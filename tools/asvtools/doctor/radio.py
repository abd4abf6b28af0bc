"""The radio and the ports beside it: can it be opened, which way does it go, who is heard; capture and own key.

Nothing goes on the air: own frames are tried by a probe that stays on this machine, and where the address would carry
it out, only the way is asked for. An interface in OCB mode is looked at and listened to.
"""

import errno
import os
import socket
from collections.abc import Iterator
from typing import Final

from asvtools.doctor.finding import ABSENT, OK, PROBLEM, SKIPPED, Finding, Job
from asvtools.doctor.radio_files import check_files
from asvtools.doctor.radio_ocb import check_ocb
from asvtools.doctor.radio_udp import PORTS_MEND, check_udp

_RAW_TYPES: Final = ("801", "802", "803")  # ARPHRD of raw 802.11


def check_radio(job: Job) -> Iterator[Finding]:
    """The configured radio with its files and, where it is used, the port of other support systems."""
    if job.config is None:
        yield from _modems(job)
        return
    config = job.config.radio
    if config.kind == "off":
        yield Finding("radio", SKIPPED, "radio.kind is off: no vehicle is heard, and none hears this one")
    elif config.kind == "ocb":
        yield from check_ocb(job, config)
    else:
        yield from check_udp(job, config)
        yield from _modems(job)
    yield from check_files(job)
    yield from _supports(job)


def _modems(job: Job) -> Iterator[Finding]:
    """Interfaces that could be 802.11p, where the radio is none of them."""
    wireless = [path.parent.name for path in job.glob("/sys/class/net/*/phy80211")]
    raw = [path.name for path in job.glob("/sys/class/net/*") if job.read(path / "type") in _RAW_TYPES]
    names = sorted({*wireless, *raw})
    if not names:
        return
    ocb = [name for name in names if _in_ocb(job, name)]
    detail = f"wireless interfaces: {', '.join(names)}"
    detail += f"; in OCB mode (802.11p): {', '.join(ocb)}" if ocb else "; none in OCB mode (802.11p)"
    mend = (
        f'to use it: [radio] kind = "ocb", interface = "{ocb[0]}"'
        if ocb
        else f"whether it can be: `asvkit radio check {names[0]}`"
    )
    yield Finding("radio modem", OK if ocb else ABSENT, detail, mend, found={"wireless": names, "ocb": ocb})


def _supports(job: Job) -> Iterator[Finding]:
    assert job.config is not None
    config = job.config.supports
    if config.port is None or job.holder:
        return
    found = {"address": config.address, "port": config.port}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind((config.address, config.port))
        except OSError as error:
            used = error.errno == errno.EADDRINUSE
            mend = f"{PORTS_MEND} supports.port" if used else "supports.address is an own address: `ip -brief address`"
            detail = f"UDP {config.address}:{config.port}: {os.strerror(error.errno or 0)}"
            yield Finding("supports", PROBLEM, detail, mend, True, found)
            return
    yield Finding("supports", OK, f"UDP {config.address}:{config.port} can be opened", "", True, found)


def _in_ocb(job: Job, name: str) -> bool:
    from asvtools.radio_iw import setting

    now = setting(job.run(("iw", "dev", name, "info")) or "")
    return now is not None and now.ocb
