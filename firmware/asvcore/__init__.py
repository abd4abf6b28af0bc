"""The portable core of an ASV unit: the same source on CPython and MicroPython, no I/O, no clock.

Events go in (`Core.on_fix`, `on_vehicle`, `on_message`, `on_switch`, `tick`), integer command records
come out of `Core.commands`, each with the cause of it. Time is milliseconds of the caller's monotonic
clock; positions are wire units (0.01"); everything is an integer below 2^30.
"""
