"""A simulated 802.11 card that answers `iw`, `ip`, `nmcli` as a real kernel's did (tests/vectors/iw), with its sysfs.

In a test it is called as a function; as a program of that name in PATH (`iw`), it keeps its state in the folder that
ASVKIT_TEST_CARD names.
"""

import json
import os
import re
import sys
from pathlib import Path

RECORDED = Path(__file__).resolve().parent / "vectors" / "iw"
DENIED = "command failed: Operation not permitted (-1)\n"


class SimulatedCard:
    """One card, phy0, with wlan0; and eth0, which is none. What it is asked to do is noted in `asked`."""

    def __init__(self, root, country="US", **state):
        self.root = Path(root)
        self.asked = []
        self.state = {
            "country": country, "may": True, "installed": ["iw", "ip"], "modes": None, "blocked": "", "busy": [],
            "nmcli": None, "deaf": False, "interfaces": {"wlan0": {"type": "managed", "up": False, "on": None}},
        }  # fmt: skip
        self.state.update(state)
        self.put("sys/class/net/eth0/flags", "0x1003")
        self.put("sys/class/net/eth0/mtu", "1500")
        self.put("proc/self/status", f"CapEff:\t{'000001ffffffffff' if self.state['may'] else '0' * 16}\n")
        self._sysfs()

    def put(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def _sysfs(self):
        for number, (name, one) in enumerate(self.state["interfaces"].items(), 2):
            base = f"sys/class/net/{name}"
            self.put(f"{base}/flags", "0x1003" if one["up"] else "0x1002")
            self.put(f"{base}/mtu", "1500")
            self.put(f"{base}/ifindex", str(number))
            self.put(f"{base}/type", "803" if one["type"] == "monitor" else "1")
            self.put(f"{base}/phy80211/name", "phy0")
            self.put(f"{base}/phy80211/index", "0")
            for kind in ("soft", "hard"):
                self.put(f"{base}/phy80211/rfkill0/{kind}", str(int(self.state["blocked"] == kind)))
            if not (self.root / f"proc/sys/net/ipv6/conf/{name}/disable_ipv6").exists():
                self.put(f"proc/sys/net/ipv6/conf/{name}/disable_ipv6", "0\n")
            (self.root / base / "device").mkdir(exist_ok=True)
            driver = self.root / base / "device/driver"
            if not driver.is_symlink():
                driver.symlink_to("../../../bus/platform/drivers/mac80211_hwsim")

    def __call__(self, words):
        """(exit code, standard output, standard error)."""
        self.asked.append(" ".join(words))
        program, *rest = words
        if program not in self.state["installed"]:
            return 127, "", f"`{program}` is not installed"
        said = {"iw": self._iw, "ip": self._ip, "nmcli": self._nmcli}[program](rest)
        self._sysfs()
        return said

    def _nmcli(self, _words):
        return (
            (0, self.state["nmcli"] + "\n", "") if self.state["nmcli"] else (8, "", "NetworkManager is not running.\n")
        )

    def _ip(self, words):
        _link, _set, name, to = words
        if not self.state["may"]:
            return 2, "", "RTNETLINK answers: Operation not permitted\n"
        one = self.state["interfaces"][name]
        if to == "up" and self.state["blocked"]:
            return 2, "", "RTNETLINK answers: Operation not possible due to RF-kill\n"
        if to == "up" and one["type"] != "monitor" and self._others_up(name):
            return 2, "", "RTNETLINK answers: Device or resource busy\n"
        one["up"] = to == "up"
        one["on"] = one["on"] if one["up"] else None
        return 0, "", ""

    def _others_up(self, name):
        others = self.state["interfaces"].items()
        return self.state["busy"] or any(one["up"] and one["type"] != "monitor" for each, one in others if each != name)

    def _iw(self, words):  # noqa: PLR0911
        known = self.state["interfaces"]
        match words:
            case ["--version"]:
                return 0, "iw version 5.19\n", ""
            case ["reg", "get"]:
                return 0, (RECORDED / f"reg_{self.state['country']}.txt").read_text(), ""
            case ["phy", "phy0", "info"]:
                text = (RECORDED / f"phy_{self.state['country']}.txt").read_text()
                if self.state["modes"] is not None:
                    listed = "".join(f"\t\t * {mode}\n" for mode in self.state["modes"])
                    text = re.sub(r"(interface modes:\n)(?:\t\t \* .*\n)*", r"\1" + listed, text)
                return 0, text, ""
            case ["dev"]:
                nameless = "".join(
                    f"\tUnnamed/non-netdev interface\n\t\twdev 0x9\n\t\ttype {kind}\n" for kind in self.state["busy"]
                )
                return 0, "phy#0\n" + nameless + "".join(self._info(name, "\t") for name in reversed(known)), ""
            case ["dev", name, *_rest] if name not in known:
                return 237, "", "command failed: No such device (-19)\n"
            case ["dev", name, "info"]:
                return 0, self._info(name), ""
            case _ if not self.state["may"]:
                return 255, "", DENIED
            case ["dev", name, "set", "type", "ocb"]:
                known[name].update(type="outside context of a BSS", on=None)
                return 0, "", ""
            case ["dev", name, "ocb", "leave"]:
                known[name]["on"] = None
                return 0, "", ""
            case ["dev", name, "ocb", "join", frequency, width]:
                return self._join(known[name], int(frequency), int(width.removesuffix("MHz")))
            case ["dev", _name, "interface", "add", new, "type", kind]:
                known[new] = {"type": kind, "up": False, "on": None}
                return 0, "", ""
        raise AssertionError(words)

    def _join(self, one, frequency, width):
        listed = (RECORDED / f"phy_{self.state['country']}.txt").read_text()
        if re.search(rf"\* {frequency} MHz \[\d+\](?! \(disabled\))", listed) is None:
            return 234, "", "kernel reports: Channel is disabled\ncommand failed: Invalid argument (-22)\n"
        if one["type"] != "outside context of a BSS":
            return 161, "", "command failed: Operation not supported (-95)\n"
        if not one["up"]:
            return 156, "", "command failed: Network is down (-100)\n"
        if one["on"]:
            return 234, "", "command failed: Invalid argument (-22)\n"
        if not self.state["deaf"]:
            one["on"] = [frequency, width]
        return 0, "", ""

    def _info(self, name, indent=""):
        one = self.state["interfaces"][name]
        lines = [f"Interface {name}", "\tifindex 2", "\twdev 0x1", "\taddr 02:00:00:00:00:00", f"\ttype {one['type']}"]
        if not indent:
            lines.append("\twiphy 0")
        if one["on"]:
            frequency, width = one["on"]
            wide = f"{width} MHz (no HT)" if width == 20 else f"{width} MHz"
            number = (frequency - 5000) // 5
            lines.append(f"\tchannel {number} ({frequency} MHz), width: {wide}, center1: {frequency} MHz")
        lines.append("\ttxpower 24.00 dBm")
        return "".join(f"{indent}{line}\n" for line in lines)


def main():
    folder = Path(os.environ["ASVKIT_TEST_CARD"])
    file = folder / "card.json"
    card = SimulatedCard(folder / "root", **json.loads(file.read_text()))
    code, out, err = card([Path(sys.argv[0]).name, *sys.argv[1:]])
    file.write_text(json.dumps(card.state))
    sys.stdout.write(out)
    sys.stderr.write(err)
    return code


if __name__ == "__main__":
    sys.exit(main())
