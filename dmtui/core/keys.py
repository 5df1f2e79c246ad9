"""Names of keys as settings give them, in Textual's words: which there are, how they read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

MODIFIERS: Mapping[str, str] = MappingProxyType(
    {"ctrl": "Ctrl", "alt": "Alt", "shift": "Shift", "super": "Super", "meta": "Meta"}
)
NAMED: Mapping[str, str] = MappingProxyType(
    {
        "up": "↑", "down": "↓", "left": "←", "right": "→",
        "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End",
        "insert": "Ins", "delete": "Del", "backspace": "Backspace",
        "enter": "Enter", "tab": "Tab", "escape": "Esc", "space": "Space",
        **{f"f{number}": f"F{number}" for number in range(1, 25)},
    }
)  # fmt: skip
SIGNS: Mapping[str, str] = MappingProxyType(
    {
        "exclamation_mark": "!", "quotation_mark": '"', "number_sign": "#", "dollar_sign": "$",
        "percent_sign": "%", "ampersand": "&", "apostrophe": "'", "left_parenthesis": "(",
        "right_parenthesis": ")", "asterisk": "*", "plus": "+", "comma": ",", "minus": "-",
        "full_stop": ".", "slash": "/", "colon": ":", "semicolon": ";", "less_than_sign": "<",
        "equals_sign": "=", "greater_than_sign": ">", "question_mark": "?", "at": "@",
        "left_square_bracket": "[", "backslash": "\\", "right_square_bracket": "]",
        "circumflex_accent": "^", "underscore": "_", "grave_accent": "`",
        "left_curly_bracket": "{", "vertical_line": "|", "right_curly_bracket": "}", "tilde": "~",
    }
)  # fmt: skip
_NAMES = {sign: name for name, sign in SIGNS.items()}


def keys_of(written: str) -> tuple[str, ...]:
    """The keys of a comma-separated list, by their names; ``ValueError`` names what is none."""
    return tuple(_key(part.strip()) for part in written.split(",")) if written.strip() else ()


def _key(written: str) -> str:
    *modifiers, base = written.split("+") if written != "+" else ["+"]
    base = _NAMES.get(base, base)
    if not all(modifier in MODIFIERS for modifier in modifiers) or not _is_base(base):
        raise ValueError(written)
    return "+".join([*modifiers, base])


def _is_base(base: str) -> bool:
    return base in NAMED or base in SIGNS or (len(base) == 1 and base.isalnum())


def types_text(key: str) -> bool:
    """Whether the key, by its name, is one that writes a character."""
    return len(key) == 1 or key in SIGNS or key == "space"


def readable(key: str) -> str:
    """The key, by its name, as people read it: ``Ctrl+N``, ``PgUp``, ``/``."""
    *modifiers, base = key.split("+")
    shown = NAMED.get(base) or SIGNS.get(base) or (base.upper() if modifiers else base)
    return "+".join([*(MODIFIERS.get(modifier, modifier) for modifier in modifiers), shown])
