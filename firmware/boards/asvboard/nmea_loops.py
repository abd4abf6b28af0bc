"""The two loops that see every byte of a sentence. `nmea_viper` takes their place where the port can run it."""

COMMA = 0x2C
STAR = 0x2A
LONGEST_COPY = 511
FURTHEST = 4095  # place in the data


def copy_text(data, span, line, classes):
    """Copies bytes of class 0 until there is another; returns how many. `span`: from << 18 | at most << 9 | to."""
    at, size = span >> 18, span & LONGEST_COPY
    count = span >> 9 & LONGEST_COPY
    for done in range(count):
        byte = data[at + done]
        if classes[byte]:
            return done
        line[size + done] = byte
    return count


def scan_fields(line, size, commas, room):
    """Notes where commas stand, as many as there is room for, up to the first * or byte that is not ASCII.

    Returns commas << 18 | all bytes after the first xored << 10 | where it ended, 0: nowhere.
    """
    check = fields = star = 0
    for at in range(1, size):
        byte = line[at]
        if byte == COMMA:
            if fields < room:
                commas[fields] = at
                fields += 1
        elif byte == STAR or byte > 0x7F:
            star = at
            break
        check ^= byte
    return fields << 18 | check << 10 | star


try:
    from .nmea_viper import copy_text, scan_fields  # noqa: F401 - take the place of those above
except (ImportError, AttributeError, SyntaxError, ValueError):  # no viper, or an .mpy for another kind of processor
    pass
