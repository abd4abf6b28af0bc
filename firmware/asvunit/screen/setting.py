"""What a screen is given: where it is reached, by which names, by how many at once. Light: the unit imports it too."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from asvunit.errors import UsageError

_NAME: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?\.?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Setting:
    """`hosts`: names beside the own address and the loopback's; `clients`: websockets at once."""

    address: str
    port: int
    hosts: list[str] = field(default_factory=list)
    clients: int = 16
    language: str = "en"


def check_hosts(hosts: Iterable[str], key: str = "screen.hosts") -> None:
    """UsageError for what is no name of a machine."""
    for host in hosts:
        if not _NAME.fullmatch(host.lower()):
            raise UsageError(f"{key}: {host!r} is no name of a machine; write it as pi.local or pi.local:8080")


def in_url(address: str) -> str:
    """An address as it is written in a URL: IPv6 in brackets."""
    address = address.partition("%")[0].lower().removeprefix("::ffff:")
    return f"[{address}]" if ":" in address else address
