"""What the driver reads, by language and TEXT_ code [G appendix 2]. A board may leave out languages, or all.

Nothing of the core imports this: without it a unit has lamps and sounds alone.
"""

TEXTS = {}  # of "en" and "ja" those that are there

try:
    from .texts_en import ENGLISH

    TEXTS["en"] = dict(ENGLISH)
except ImportError:
    pass

try:
    from .texts_ja import JAPANESE

    TEXTS["ja"] = dict(JAPANESE)
except ImportError:
    pass
