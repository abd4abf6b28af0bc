"""gpsd's address as a configuration tells it, and the receiver's keys that exclude each other."""

import re
from typing import Final

from pydantic import ValidationInfo
from pydantic_core import PydanticCustomError

PORT: Final = 2947

_FORM: Final = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%a-z_-]+)\]|(?P<host>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


def gpsd_address(text: str) -> tuple[str, int]:
    """Host and port; ValueError with the mend."""
    match = _FORM.fullmatch(text)
    if match is None:
        hint = "; an IPv6 address goes in brackets" if text.count(":") > 1 and "[" not in text else ""
        raise ValueError(f'{text[:60]!r} is no address; give host:port, as "localhost:2947" or "[::1]:2947"{hint}')
    port = int(match["port"] or PORT)
    if not 1 <= port <= 65_535:
        raise ValueError(f"{text[:60]!r}: port {port} is none; gpsd's is {PORT}")
    return match["six"] or match["host"], port


# Validators of the configuration's fields: the text as it is, or a fault without pydantic's words around it


def check_gpsd(text: str | None, info: ValidationInfo) -> str | None:
    """`gnss.gpsd`."""
    if text is None:
        return None
    if info.data.get("port") is not None:
        raise PydanticCustomError("both", "gnss.port is given as well; a unit has one receiver: take one of both out")
    try:
        gpsd_address(text)
    except ValueError as error:
        raise PydanticCustomError("address", "{fault}", {"fault": str(error)}) from error
    return text


def check_device(text: str | None, info: ValidationInfo) -> str | None:
    """`gnss.device`. A gpsd that is itself refused is not in `info`, and told alone."""
    if text is not None and info.data.get("gpsd", "") is None:
        raise PydanticCustomError("alone", "chooses one of gpsd's receivers; give gnss.gpsd, or gnss.port in its place")
    return text
