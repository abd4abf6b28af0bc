"""The MCP2515's instructions and registers, and the arithmetic of bit timing and identifiers: no bus, no state.

Chapters are those of Microchip's data sheet DS20001801J.
"""

try:
    from micropython import const
except ImportError:

    def const(value):
        return value


# SPI instructions [DS 12.0]
RESET = const(0xC0)
READ = const(0x03)
WRITE = const(0x02)
BIT_MODIFY = const(0x05)
READ_STATUS = const(0xA0)
READ_RX_BUFFER_0 = const(0x90)  # from its SIDH on; the buffer is free when the chip select goes up
READ_RX_BUFFER_1 = const(0x94)

# Registers [DS 11.0]
RXF0 = const(0x00)  # filters 0..2, four bytes each
RXF3 = const(0x10)  # filters 3..5
CANSTAT = const(0x0E)
CANCTRL = const(0x0F)
RXM0 = const(0x20)  # masks 0 and 1
CNF3 = const(0x28)  # then CNF2, CNF1, CANINTE, CANINTF, EFLG
CANINTF = const(0x2C)
EFLG = const(0x2D)
RXB0CTRL = const(0x60)
RXB1CTRL = const(0x70)

# CANSTAT and CANCTRL [DS 10.0]
MODE_MASK = const(0xE0)
NORMAL = const(0x00)
LISTEN_ONLY = const(0x60)
CONFIGURATION = const(0x80)
NO_CLOCK_OUT = const(0x03)  # CLKEN 0; CLKPRE says nothing then, but a bus of zeros cannot be taken for it
STATUS_MASK = const(0xEE)  # mode and interrupt code of CANSTAT: after a reset CONFIGURATION
CONTROL_MASK = const(0x1F)  # of CANCTRL, after a reset:
CONTROL_RESET = const(0x07)

# READ STATUS [DS 12.8]: the others are of sending, and never set
RX0IF = const(0x01)
RX1IF = const(0x02)
SENDING = const(0xFC)

# CANINTF [DS 7.0], EFLG [DS 6.0], RXBnCTRL [DS 4.0]
MERRF = const(0x80)
RX1OVR = const(0x80)
RX0OVR = const(0x40)
TXBO = const(0x20)
TXEP = const(0x10)
RXEP = const(0x08)
ANY_MESSAGE = const(0x60)  # RXM: masks and filters off
BUKT = const(0x04)  # what finds RXB0 full goes to RXB1

# A received frame from SIDH on [DS 4.0]
SRR = const(0x10)  # in SIDL: a standard remote frame
IDE = const(0x08)  # in SIDL: extended
SIDL_ZERO = const(0x04)  # never set
RTR = const(0x40)  # in DLC: an extended remote frame
DLC_ZERO = const(0x80)  # never set

# Bit timing [DS 5.0]: CNF1..3
_SJW_SHIFT = const(6)
_BTLMODE = const(0x80)
_PHSEG1_SHIFT = const(3)
_LEAST_QUANTA, _MOST_QUANTA = 8, 25
_PRESCALERS = 64
_FIRST_PERMILLE, _LAST_PERMILLE = 750, 875  # of the sample point
_MOST_ERROR_PPM = 5000
_ERROR_STEP_PPM = 500  # of errors that are alike

SAMPLE_PERMILLE = 800  # as the diagnosis of cars asks for [ISO 15765-4]


def bit_timing(oscillator_hz, bit_rate, sample_permille=SAMPLE_PERMILLE):
    """(CNF1, CNF2, CNF3) of a rate in bit/s; ValueError where the oscillator cannot give it within 0.5 %."""
    best = None
    for prescaler in range(1, _PRESCALERS + 1):
        quanta = (oscillator_hz + prescaler * bit_rate) // (2 * prescaler * bit_rate)  # of a bit, rounded
        if not _LEAST_QUANTA <= quanta <= _MOST_QUANTA:
            continue
        cycles = 2 * prescaler * quanta * bit_rate  # of the oscillator in a second, at exactly that rate
        error_ppm = abs(oscillator_hz - cycles) * 1000000 // cycles
        if error_ppm > _MOST_ERROR_PPM:
            continue
        for phase_2 in range(2, 9):  # 2: the information processing time [DS 5.3]
            before = quanta - 1 - phase_2  # propagation and phase segment 1
            if not max(2, phase_2) <= before <= 16:  # [DS 5.4]
                continue
            at_permille = 1000 * (quanta - phase_2) // quanta
            if not _FIRST_PERMILLE <= at_permille <= _LAST_PERMILLE:
                continue
            rank = (error_ppm // _ERROR_STEP_PPM, abs(at_permille - sample_permille), -quanta)
            if best is None or rank < best[0]:
                best = rank, prescaler, before, phase_2
    if best is None:
        raise ValueError(
            "CAN: %d bit/s cannot be had from an oscillator of %d Hz; look at the crystal's marking"
            % (bit_rate, oscillator_hz)
        )
    _rank, prescaler, before, phase_2 = best
    phase_1 = before - before // 2
    propagation = before // 2
    jump = min(4, phase_1, phase_2 - 1)  # phase segment 2 is longer [DS 5.4]
    return (
        jump - 1 << _SJW_SHIFT | prescaler - 1,
        _BTLMODE | phase_1 - 1 << _PHSEG1_SHIFT | propagation - 1,
        phase_2 - 1,
    )


def put_identifier(buffer, at, bits, extended):
    """Writes the SIDH, SIDL, EID8 and EID0 of a filter or mask; `bits` are 29, a standard identifier's the top 11."""
    buffer[at] = bits >> 21 & 0xFF
    buffer[at + 1] = (bits >> 13 & 0xE0) | (IDE if extended else 0) | (bits >> 16 & 0x03)
    buffer[at + 2] = bits >> 8 & 0xFF
    buffer[at + 3] = bits & 0xFF


def identifier_of(buffer, at):
    """The identifier of a received frame whose SIDH is there; whether it is extended IDE tells."""
    sidl = buffer[at + 1]
    standard = buffer[at] << 3 | sidl >> 5
    if sidl & IDE:
        return standard << 18 | (sidl & 0x03) << 16 | buffer[at + 2] << 8 | buffer[at + 3]
    return standard
