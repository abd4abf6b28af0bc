"""What the driver reads, Japanese and English, by text id: the core's tables, and their limits [G appendix 2].

At most 30 characters for information and 15 for caution; nothing reads as "no one is there" or "go".
"""

from typing import Final

from asvcore import codes, texts

LIMITS: Final = {codes.LEVEL_INFORMATION: 30, codes.LEVEL_CAUTION: 15}

TEXTS: Final[dict[str, dict[int, str]]] = texts.TEXTS
