"""Look-alikes: reducing a name to what the eye reads (a small cut of Unicode TS 39)."""

from __future__ import annotations

import unicodedata
from types import MappingProxyType

_CAPITALS = {
    # Cyrillic
    "\u0410": "A", "\u0412": "B", "\u0415": "E", "\u0417": "3", "\u041a": "K", "\u041c": "M",
    "\u041d": "H", "\u041e": "O", "\u0420": "P", "\u0421": "C", "\u0422": "T", "\u0423": "Y",
    "\u0425": "X", "\u0405": "S", "\u0406": "I", "\u0408": "J", "\u04ae": "Y", "\u04c0": "I",
    "\u051a": "Q", "\u051c": "W",
    # Greek
    "\u0391": "A", "\u0392": "B", "\u0395": "E", "\u0396": "Z", "\u0397": "H", "\u0399": "I",
    "\u039a": "K", "\u039c": "M", "\u039d": "N", "\u039f": "O", "\u03a1": "P", "\u03a4": "T",
    "\u03a5": "Y", "\u03a7": "X", "\u03f9": "C", "\u037f": "J",
}  # fmt: skip

_SMALL = {
    # Cyrillic
    "\u0430": "a", "\u0435": "e", "\u043e": "o", "\u0440": "p", "\u0441": "c", "\u0443": "y",
    "\u0445": "x", "\u043a": "k", "\u0455": "s", "\u0456": "i", "\u0458": "j", "\u04bb": "h",
    "\u0501": "d", "\u051b": "q", "\u051d": "w", "\u04cf": "l", "\u044c": "b",
    # Greek
    "\u03b1": "a", "\u03b3": "y", "\u03b5": "e", "\u03b7": "n", "\u03b9": "i", "\u03ba": "k",
    "\u03bd": "v", "\u03bf": "o", "\u03c1": "p", "\u03c3": "o", "\u03c4": "t", "\u03c5": "u",
    "\u03c7": "x", "\u03c9": "w", "\u03f2": "c", "\u03f3": "j",
    # Latin and others
    "\u0131": "i", "\u0237": "j", "\u0251": "a", "\u0261": "g", "\u0269": "i", "\u028b": "u",
    "\u0578": "n", "\u057d": "u", "\u0570": "h", "\u0585": "o", "\u0581": "g", "\u01c0": "l",
    # digits and strokes that read as letters
    "0": "o", "1": "l", "i": "l", "|": "l", "!": "l",
}  # fmt: skip

_CAPITAL_TABLE = MappingProxyType(str.maketrans(_CAPITALS))
_SMALL_TABLE = MappingProxyType(str.maketrans(_SMALL))
_AGAIN_TABLE = MappingProxyType(str.maketrans({"i": "l"}))


def skeleton(name: str) -> str:
    """What the eye reads: equal for names that look alike, white space and case aside."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name).translate(_CAPITAL_TABLE)
        name = name.casefold().translate(_SMALL_TABLE)
    reduced = name.casefold().translate(_SMALL_TABLE).translate(_AGAIN_TABLE)
    return "".join(reduced.split()).replace("rn", "m").replace("vv", "w")
