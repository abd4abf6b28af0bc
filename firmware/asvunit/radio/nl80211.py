"""What an 802.11 interface is set to, asked of the kernel by generic netlink: no right and no program is needed."""

import errno
import socket
import struct
from typing import Final

OCB, MONITOR = 11, 6  # enum nl80211_iftype
_TYPES: Final = {0: "unspecified", 1: "ibss", 2: "managed", 3: "ap", MONITOR: "monitor", 7: "mesh", OCB: "ocb"}

_NETLINK_GENERIC: Final = 16
_ERROR: Final = 2  # NLMSG_ERROR
_REQUEST: Final = 1  # NLM_F_REQUEST
_CONTROL: Final = 0x10  # GENL_ID_CTRL
_GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 3, 1, 2
_GET_INTERFACE, _INDEX, _TYPE = 5, 3, 5
_HEADER: Final = struct.Struct("@IHHII")  # nlmsghdr: length, kind, flags, sequence, port
_COMMAND: Final = struct.Struct("@BBH")  # genlmsghdr: command, version, reserved
_ATTRIBUTE: Final = struct.Struct("@HH")  # nlattr: length, kind
_NESTED_BITS: Final = 0x3FFF  # of an attribute's kind
_ANSWER_S: Final = 1.0  # the kernel answers while it is asked
_ANSWER_BYTES: Final = 8192


def interface_type(index: int) -> int | None:
    """The nl80211 type of the interface of this index; None: it is none of 802.11, or the kernel knows no 802.11."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_GENERIC) as netlink:
            netlink.settimeout(_ANSWER_S)
            family = _ask(netlink, _CONTROL, _GET_FAMILY, _FAMILY_NAME, b"nl80211\0").get(_FAMILY_ID)
            if family is None:
                return None
            found = _ask(netlink, struct.unpack("@H", family)[0], _GET_INTERFACE, _INDEX, struct.pack("@I", index))
            kind = found.get(_TYPE)
            return None if kind is None else int(struct.unpack("@I", kind)[0])
    except (OSError, struct.error):
        return None


def type_name(number: int) -> str:
    """As `iw dev` names it."""
    return _TYPES.get(number, f"type {number}")


def request(kind: int, command: int, attribute: int, value: bytes) -> bytes:
    """A message to the kernel with one attribute."""
    padded = value + bytes(-len(value) % 4)
    body = _COMMAND.pack(command, 1, 0) + _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), attribute) + padded
    return _HEADER.pack(_HEADER.size + len(body), kind, _REQUEST, 1, 0) + body


def attributes(answer: bytes) -> dict[int, bytes]:
    """Those of the kernel's answer; OSError as it says, or EBADMSG."""
    if len(answer) < _HEADER.size + _COMMAND.size:
        raise OSError(errno.EBADMSG, "a netlink message that was cut")
    length, kind, _flags, _sequence, _port = _HEADER.unpack_from(answer)
    if kind == _ERROR:
        raise OSError(-struct.unpack_from("@i", answer, _HEADER.size)[0], "refused by the kernel")
    out: dict[int, bytes] = {}
    at, end = _HEADER.size + _COMMAND.size, min(length, len(answer))
    while at + _ATTRIBUTE.size <= end:
        size, number = _ATTRIBUTE.unpack_from(answer, at)
        if size < _ATTRIBUTE.size:
            break
        out[number & _NESTED_BITS] = answer[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
    return out


def _ask(netlink: socket.socket, kind: int, command: int, attribute: int, value: bytes) -> dict[int, bytes]:
    netlink.send(request(kind, command, attribute, value))
    return attributes(netlink.recv(_ANSWER_BYTES))
