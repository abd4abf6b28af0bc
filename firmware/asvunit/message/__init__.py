"""The message at rest: bytes <-> raw codes <-> physical values, one at a time; `batch` does many at once."""

from .compose import raw_from_values
from .raw import Malformed, Raw, decode, encode
from .values import undefined, values

__all__ = ["Malformed", "Raw", "decode", "encode", "raw_from_values", "undefined", "values"]
