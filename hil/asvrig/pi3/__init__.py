"""An emulated Raspberry Pi 3B: its image out of distribution packages, QEMU that runs it, the ends of its wires."""
