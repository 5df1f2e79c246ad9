"""A guard for pastes: one event each, whatever is in it, and no byte of it is ever a key.

Textual 8.2.8 reads escape sequences within a bracketed paste, and hands out as keys what comes
before the next one. It also takes Alt with a key for ``^`` and the key, if another sequence follows
at once.
"""

from __future__ import annotations

import codecs
import re
from functools import partial
from typing import TYPE_CHECKING

from textual import events
from textual._parser import ParseTimeout
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from textual.message import Message

_LINE_ENDS = re.compile(r"\r\n?")
_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours and movements
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # links, titles
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_BREAK = re.compile(r"\x1b\[200~|\x1b[^\x00-\x20\x1b\[\]OPX^_\x7f]")
"""The start of a paste, or Alt with a key that begins no longer sequence."""


def clean_paste(text: str) -> str:
    r"""Pasted text without terminal sequences and controls but ``\n`` and tab."""
    text = _SEQUENCES.sub("", _LINE_ENDS.sub("\n", text))
    return _CONTROLS.sub("", text)


class PasteParser(XTermParser):
    """Keeps pastes from Textual's parser, which only ever sees them empty."""

    def __init__(self, debug: bool = False) -> None:
        self._pasted: str | None = None  # what came of the paste that is not over
        self._tail = ""  # of what was parsed last, for sequences that come in pieces
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """What the terminal sent, as messages; empty data ends it."""
        if not data:
            yield from super().feed(data)
            return
        while data:
            if self._pasted is None:
                data = yield from self._parse_keys(data)
            else:
                data = yield from self._parse_paste(self._pasted, data)

    def _parse_keys(self, data: str) -> Generator[Message, None, str]:
        """Until the next break; returns the rest."""
        known = len(self._tail)
        seen = self._tail + data
        found = next((m for m in _BREAK.finditer(seen) if m.end() > known), None)
        end = found.end() if found else len(seen)
        yield from super().feed(seen[known:end])
        self._tail = "" if found else seen[-len(BRACKETED_PASTE_START) + 1 :]
        if found and found.group() == BRACKETED_PASTE_START:
            self._pasted = ""
        elif found and self._awaiting.timeout is not None:
            self._timeout_time = None
            self._awaiting = self._gen.throw(ParseTimeout())
            while self._tokens:
                yield self._tokens.popleft()
        return seen[end:]

    def _parse_paste(self, before: str, data: str) -> Generator[Message, None, str]:
        """Until its end; returns the rest."""
        text = before + data
        end = text.find(BRACKETED_PASTE_END, max(0, len(before) - len(BRACKETED_PASTE_END)))
        if end < 0:
            self._pasted = text
            return ""
        self._pasted = None
        list(super().feed(BRACKETED_PASTE_END))  # its paste is empty
        yield events.Paste(clean_paste(text[:end]))
        return text[end + len(BRACKETED_PASTE_END) :]


def guard_pastes() -> None:
    """Have every terminal of this process read through the guard; once is enough.

    Bytes that are no UTF-8 would end the input thread: they are read as U+FFFD.
    """
    from textual.drivers import linux_driver  # there is none on Windows

    decoder = codecs.getincrementaldecoder("utf-8")
    linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]
    linux_driver.getincrementaldecoder = lambda _: partial(decoder, "replace")  # type: ignore[attr-defined]
