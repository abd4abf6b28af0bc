"""`asvkit doctor`: what this machine and this unit have and lack, tried rather than assumed, with the mend in words."""

from asvtools.doctor.command import doctor

__all__ = ["doctor"]
