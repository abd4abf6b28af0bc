"""Feeds a journal of core inputs to a core: the same lines give the same outputs everywhere.

Version 1, one input a line, integers in decimal, `-` for NONE, the unit's own milliseconds:

    asvkit-journal 1
    settings NAME=VALUE ...
    F t cause status latitude longitude speed course error height vertical tod     a fix
    V t cause signal value status source                                           a vehicle signal
    M t cause source radio_flag HEX                                                a received payload
    N t cause latitude longitude distance priority                                 the node ahead
    X t cause origin function level direction                                      another system's support
    S t cause switch value                                                         a switch
    T t cause                                                                      a tick
    B t cause                                                                      a tick begins
    P most cause                                                                   it judges so many neighbours
    R offset                                                                       the clock was rebased

Lines that begin with `#` are comments. ValueError says which line does not belong.
"""

from .params import NONE
from .settings import Settings

MAGIC = "asvkit-journal 1"


def settings_of(line):
    """Settings of a journal's second line; what it does not name keeps its default."""
    settings = Settings()
    words = line.split()
    if not words or words[0] != "settings":
        raise ValueError("no settings line")
    for word in words[1:]:
        name, value = word.split("=")
        settings.set(name, int(value))
    return settings


def numbers_of(words):
    """What a line's words behind its kind give: integers; of a message time, cause, source, flag and payload."""
    if words[0] == "M":
        payload = bytes.fromhex(words[5]) if len(words) > 5 else b""
        return [int(words[1]), int(words[2]), int(words[3]), words[4] == "1", payload]
    return [NONE if word == "-" else int(word) for word in words[1:]]


def give(core, kind, n):
    """Give a line's kind and numbers to the core: what is done here is the core's alone."""
    if kind == "M":
        core.on_message(n[4], n[2], n[0], n[3], n[1])
    elif kind == "F":
        core.on_fix(n[3], n[4], n[5], n[6], n[7], n[8], n[9], n[10], n[2], n[0], n[1])
    elif kind == "V":
        core.on_vehicle(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "T":
        core.tick(n[0], n[1])
    elif kind == "B":
        core.begin(n[0], n[1])
    elif kind == "P":
        core.go_on(n[0], n[1])
    elif kind == "N":
        core.on_node(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "X":
        core.on_support(n[2], n[3], n[4], n[5], n[0], n[1])
    elif kind == "S":
        core.on_switch(n[2], n[3], n[0], n[1])
    elif kind == "R":
        core.rebase(n[0])
    else:
        raise ValueError("journal line %s" % kind)


def feed(core, line):
    """Give one line to the core; False for a comment or an empty line."""
    words = line.split()
    if not words or words[0][0] == "#":
        return False
    give(core, words[0], numbers_of(words))
    return True
