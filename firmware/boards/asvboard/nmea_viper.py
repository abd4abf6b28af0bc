"""The loops of `nmea_loops` as machine code, for ports that have the emitter."""
# ruff: noqa: F821 - ptr8, ptr16 are viper's

import micropython


@micropython.viper
def copy_text(data: ptr8, span: int, line: ptr8, classes: ptr8) -> int:
    """As `nmea_loops.copy_text`."""
    at = span >> 18
    count = (span >> 9) & 511
    size = span & 511
    done = 0
    while done < count:
        byte = data[at + done]
        if classes[byte]:
            break
        line[size + done] = byte
        done += 1
    return done


@micropython.viper
def scan_fields(line: ptr8, size: int, commas: ptr16, room: int) -> int:
    """As `nmea_loops.scan_fields`."""
    check = 0
    fields = 0
    star = 0
    at = 1
    while at < size:
        byte = line[at]
        if byte == 0x2C:
            if fields < room:
                commas[fields] = at
                fields += 1
        elif byte == 0x2A or byte > 0x7F:
            star = at
            break
        check ^= byte
        at += 1
    return fields << 18 | check << 10 | star
