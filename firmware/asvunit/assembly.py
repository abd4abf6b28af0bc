"""Puts a unit together from its configuration: which adapter stands behind each port."""

import time
from contextlib import ExitStack
from pathlib import Path

from asvcore.elements import MESSAGE_BYTES
from asvunit.adapters.gnss_gpsd import GpsdGnss
from asvunit.adapters.gnss_serial import SerialGnss
from asvunit.adapters.gpio import Gpio, choose_factory, open_gpio
from asvunit.adapters.ocb import OcbRadio
from asvunit.adapters.supports import UdpSupports
from asvunit.adapters.udp import UdpRadio
from asvunit.authority import Authority
from asvunit.authority_keys import load_keys
from asvunit.canbus.assembly import can_inputs
from asvunit.config import Config
from asvunit.errors import UsageError
from asvunit.event_hub import EventHub
from asvunit.gnss.gpsd_address import gpsd_address
from asvunit.gpio_guard import GpioGuard
from asvunit.identity import ignition_mac
from asvunit.inbox import Inbox
from asvunit.parts import Parts, Times, trusted_clock
from asvunit.pins import check_pins, load_pins
from asvunit.ports import LiveInput, Outputs
from asvunit.presenter import Presenter
from asvunit.radio.own_key import OwnKey, load_own_key
from asvunit.radio.recorder import RadioRecorder
from asvunit.radio.signer import Signer
from asvunit.recordings import load_map
from asvunit.screen_process import ScreenProcess
from asvunit.sender import Sender
from asvunit.session.write import SessionWriter
from asvunit.trailer import SIGNED_FRAME_BYTES
from asvunit.trusted_time import GnssTime
from asvunit.vehicle import VehicleMap
from asvunit.verifier import Verifier


def beside(folder: Path, name: str | None) -> Path | None:
    """A file that the configuration names, looked for beside it."""
    return None if name is None else folder / name


def vehicle_map(config: Config, folder: Path) -> VehicleMap | None:
    """The car's signal map, or None without a bus."""
    if config.can.interface is None:
        if config.can.bus:
            raise UsageError("can.interface: missing: [can] itself is the signal map's first bus")
        return None
    if config.vehicle.map is None:
        raise UsageError('vehicle.map: missing: a CAN bus needs the car\'s signal map, e.g. map = "bench"')
    near = folder / config.vehicle.map
    return load_map(near if near.is_file() else config.vehicle.map, None, [folder])


def gnss_input(config: Config, session: SessionWriter | None = None) -> SerialGnss | GpsdGnss | None:
    """The receiver, checked; None without one."""
    receiver: SerialGnss | GpsdGnss
    if config.gnss.gpsd is not None:
        tap = session.gpsd if session else None
        receiver = GpsdGnss(*gpsd_address(config.gnss.gpsd), config.gnss.device or "", tap)
    elif config.gnss.port is not None:
        receiver = SerialGnss(config.gnss.port, config.gnss.baud, session.gnss if session else None)
    else:
        return None
    receiver.check()
    return receiver


def radio(config: Config, seed: int = 1) -> UdpRadio | OcbRadio | None:
    """The radio, open; None without one. `seed`: of the source address of this ignition, where it is drawn."""
    table = config.radio
    if table.kind == "off":
        return None
    if table.kind == "udp" and table.monitor:
        raise UsageError('radio.monitor: a monitor interface goes with kind = "ocb"; take it out')
    if table.kind == "udp":
        return UdpRadio(table.address, table.port, interface=table.interface, ttl=table.ttl, priority=table.priority)
    if table.interface is None:
        raise UsageError('radio.interface: missing: kind = "ocb" sends by frames of an interface, as wlan0')
    longest = SIGNED_FRAME_BYTES if config.emergency.own_key else MESSAGE_BYTES
    mac = ignition_mac(seed)
    return OcbRadio(table.interface, mac, priority=table.priority, monitor=table.monitor, longest=longest)


def session(config: Config, folder: Path) -> SessionWriter | None:
    """What writes the session of this run; None where none is asked for."""
    path = beside(folder, config.record.folder)
    return SessionWriter(path, config.record) if path else None


def recorder(config: Config, folder: Path, on_air: UdpRadio | OcbRadio) -> RadioRecorder | None:
    """What writes the capture; None where none is asked for."""
    path = beside(folder, config.radio.capture)
    if path is None:
        return None
    return RadioRecorder(path, address=config.radio.address, port=config.radio.port, radio=on_air.counters)


def signer(config: Config, folder: Path, trusted: GnssTime) -> Signer | None:
    """What signs the own frames; None for an ordinary vehicle, which has no key."""
    path = beside(folder, config.emergency.own_key)
    if path is None:
        return None
    return Signer(own_key(path), lambda: trusted.now_ms(time.monotonic_ns()))


def own_key(path: Path) -> OwnKey:
    """The key that a configuration names; UsageError that names it too."""
    try:
        return load_own_key(path)
    except UsageError as error:
        raise UsageError(f"emergency.own_key: {error}") from error


def supports_input(config: Config, session: SessionWriter | None = None) -> UdpSupports | None:
    """What hears other support systems, checked; None without."""
    if config.supports.port is None:
        return None
    heard = UdpSupports(config.supports.address, config.supports.port, session.support if session else None)
    heard.check()
    return heard


def authority(config: Config) -> Authority | None:
    """What verifies particular vehicles' trailers; None without keys."""
    keys = load_keys(config.emergency.keys)
    return Authority(keys) if keys else None


def gpio(config: Config, folder: Path, stack: ExitStack) -> Gpio | None:
    """Lamps, buzzer and switches, open and guarded; None without. `stack` closes them."""
    if config.hmi.gpio == "off":
        return None
    pins = load_pins(beside(folder, config.hmi.pins))
    check_pins(pins, config.gnss.port)
    record = beside(folder, config.hmi.record)
    opened = open_gpio(pins, config.hmi.gpio, record, beside(folder, config.hmi.switches))
    stack.callback(GpioGuard(choose_factory(config.hmi.gpio), pins, record).stand_down)
    stack.callback(opened.close)
    return opened


def assemble(
    config: Config,
    folder: Path,
    hub: EventHub,
    stack: ExitStack,
    extra: dict[str, LiveInput],
    screens: list[Outputs],
    seed: int = 1,
    session: SessionWriter | None = None,
) -> tuple[Parts, VehicleMap | None]:
    """All parts of a live unit; `stack` closes them. `extra`: inputs that stand in for real ones, by port."""
    car = None if "can" in extra else vehicle_map(config, folder)
    inbox = Inbox()
    stack.callback(inbox.close)
    inputs: dict[str, LiveInput] = dict(extra)
    for name, part in (
        ("gnss", None if "gnss" in extra else gnss_input(config, session)),
        *can_inputs(config, car, session.can if session else None).items(),
        ("supports", supports_input(config, session)),
    ):
        if part is not None:
            inputs[name] = part
    trusted = trusted_clock(Times(time.monotonic_ns, time.time_ns))
    check_in_action(config, car)
    signs = signer(config, folder, trusted)
    on_air = radio(config, seed)
    if on_air is not None:
        stack.callback(on_air.close)
    written = recorder(config, folder, on_air) if on_air else None
    on_pins = gpio(config, folder, stack)
    if on_pins and on_pins.switches is not None:
        inputs["switches"] = on_pins.switches
    for screen in screens:
        stack.callback(screen.close)
    outputs = [*([on_pins.outputs] if on_pins else []), *screens]
    keyed = authority(config) if on_air else None
    return Parts(
        inbox,
        inputs,
        on_air,
        _sender(on_air, signs, written, session) if on_air else None,
        Presenter(outputs, config.hmi.volume_percent),
        hub.publish,
        events_fault=lambda: hub.fault,
        verifier=Verifier(keyed, inbox.put) if keyed else None,
        recorder=written,
        session=session,
        trusted=trusted,
        signer=signs,
        scenes=hub,
        screen=ScreenProcess(config.screen, config.presentation.language, hub.adopt) if config.screen.port else None,
        self_test=config.hmi.self_test and on_pins is not None,
    ), car


def check_in_action(config: Config, car: VehicleMap | None) -> None:
    """UsageError for an emergency vehicle whose switch the unit cannot know."""
    if config.emergency.in_action == "always" and not config.emergency.own_key:
        raise UsageError("emergency.in_action: always, but without own_key a unit is an ordinary vehicle; name its key")
    told = car is not None and "emergency" in car.mapped
    if config.emergency.own_key and config.emergency.in_action == "signal" and not told:
        raise UsageError(
            "emergency.in_action: no signal map gives the signal emergency, so it would never be in action; "
            'map the switch of the blue light, or set in_action to "always" or "never"'
        )


def _sender(
    on_air: UdpRadio | OcbRadio, signs: Signer | None, written: RadioRecorder | None, session: SessionWriter | None
) -> Sender:
    seal = signs.seal if signs else None
    if written is None and session is None:
        return Sender(on_air, seal)

    def sent(time_ns: int, payload: bytes) -> None:
        for recorder in (written, session.radio if session else None):
            if recorder is not None:
                recorder.sent(time_ns, payload, on_air.source)

    return Sender(on_air, seal, sent)
