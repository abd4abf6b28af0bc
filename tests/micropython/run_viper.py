"""Which codec a port takes, and that pointers go nowhere they must not: run_viper.py PATH_TO_FIRMWARE."""

import sys

sys.path.insert(0, sys.argv[1])

from array import array

from asvcore import codec


def told(call, first, second):
    try:
        call(first, second)
    except (TypeError, ValueError, IndexError) as error:
        return type(error).__name__
    return "done"


made = codec.new_raw()
print("bytecode" if isinstance(made, list) else "viper")
full = bytearray(b"\xff" * 100)
for raw in (made, codec.new_raw(), [0] * 43, array("i", [0] * 43), array("h", [0] * 43), codec.new_raw()):
    back = bytearray(100)
    codec.decode_into(full, raw)
    codec.encode_into(raw, back)
    assert back[:37] == full[:37], raw
    assert back[37] == 0xE0, raw
    for length in (0, 37):
        assert told(codec.encode_into, raw, bytearray(length)) != "done", (raw, length)
        assert told(codec.decode_into, bytearray(length), raw) != "done", (raw, length)
    constant = bytes(100)
    assert told(codec.encode_into, raw, constant) == "TypeError", raw
    assert constant == bytearray(100)
short = array("i", [7] * 42)
assert told(codec.encode_into, short, bytearray(100)) == "ValueError"
assert told(codec.decode_into, full, array("i", [7] * 42)) == "IndexError"
print("kept")
