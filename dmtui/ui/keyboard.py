"""A guard for the keyboard: no sequence a terminal sends may end Textual's input thread.

Textual 8.2.8 raises on the event types and alternates of the kitty keyboard protocol, such as
``ESC [ 13 ; 1 : 3 u`` (Enter released), and no key works from then on. It also reads Alt with a
digit, as terminals without that protocol send it, for what some Mac types with Option, has a
text area type the letter that was pressed with Alt, and takes Alt with Enter for Enter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from textual import events
from textual._ansi_sequences import ANSI_SEQUENCES_KEYS
from textual._xterm_parser import XTermParser
from textual.keys import Keys

_EXTENDED_KEY = re.compile(r"\x1b\[([\d:]*)(?:;([\d:]*))?(;[\d:;]*)?([u~ABCDEFHPQRS])")
_RELEASE = "3"

_parse_extended_key = XTermParser._parse_extended_key
_keys_of_sequence = XTermParser._sequence_to_key_events


def plain_sequence(sequence: str) -> str | None:
    """Reduce a kitty key to what Textual reads: no alternates, no event type; ``None`` if released.

    See https://sw.kovidgoyal.net/kitty/keyboard-protocol/#an-overview
    """
    match = _EXTENDED_KEY.fullmatch(sequence)
    if match is None:
        return sequence
    codes, modifiers, text, end = match.groups(default="")
    code = codes.partition(":")[0]
    modifier, _, event_type = modifiers.partition(":")
    if event_type == _RELEASE:
        return None
    if codes == code and not event_type:
        return sequence
    return f"\x1b[{code};{modifier or '1'}{text}{end}"


def _guarded(parser: XTermParser, sequence: str) -> list[events.Key] | None:
    plain = plain_sequence(sequence)
    if plain is None:
        return [events.Key(Keys.Ignore, sequence)]
    try:
        return _parse_extended_key(parser, plain)
    except (ValueError, OverflowError):
        return [events.Key(Keys.Ignore, sequence)]


def _without_text(parser: XTermParser, sequence: str, alt: bool = False) -> Iterator[events.Key]:
    """Alt with a letter types nothing, and with Enter it is not Enter alone."""
    for key in _keys_of_sequence(parser, sequence, alt):
        bare = alt and (key.is_printable or key.key == "enter")
        yield events.Key(f"alt+{key.key.removeprefix('alt+')}", None) if bare else key


def guard_keyboard() -> None:
    """Have every Textual driver of this process read keys through the guard; once is enough."""
    for digit in "123456789":
        cast("dict[str, object]", ANSI_SEQUENCES_KEYS).pop(f"\x1b{digit}", None)
    XTermParser._sequence_to_key_events = _without_text  # type: ignore[method-assign, assignment]
    XTermParser._parse_extended_key = _guarded  # type: ignore[method-assign, assignment]
