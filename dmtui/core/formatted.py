"""Untrusted HTML → styled blocks: the elements that Matrix names, and the text of all others.

Client-server API v1.18, "m.room.message msgtypes".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from dmtui.core import links
from dmtui.core.code import MOST_COLOURED, coloured
from dmtui.core.html_tags import NoHtml, Tag, parts
from dmtui.core.markup import (
    Block,
    Document,
    Form,
    Look,
    Span,
    has_spoiler,
    with_hosts,
    with_links,
    with_urls,
)
from dmtui.core.model import Safe
from dmtui.core.names import clean, clean_line

LONGEST = 32 * 1024
"""Characters of HTML; what is longer is shown as its plain text."""
DEEPEST = 64
"""Open tags; further ones are ignored, and their text stays."""
_SPOILER = "data-mx-spoiler"
_DEEPEST_EDGE = 6
"""Quotes and lists in one another that are drawn."""


def read(formatted: str, body: Safe) -> Document | None:
    """What to draw in place of ``body``; ``None``: just the body, which has nothing to it."""
    document = parse(formatted) if formatted else None
    if document is not None and any(block.text.strip() for block in document):
        return document
    return with_links(body)


def in_passing(body: Safe, formatted: str) -> Safe:
    """The body for a list, a notification or a quotation: what a spoiler hides stays hidden."""
    if _SPOILER not in formatted:
        return body
    document = parse(formatted)
    if document is None or not has_spoiler(document):
        return body
    return _veiled_text(document)


@lru_cache(maxsize=256)
def in_a_row(body: Safe, formatted: str) -> Safe:
    """As :func:`in_passing`, and as it was meant: without the signs that formatting is typed in."""
    document = parse(formatted) if formatted else None
    if document is None or not any(block.text.strip() for block in document):
        return body
    return _veiled_text(document)


def _veiled_text(document: Document) -> Safe:
    return clean("\n".join("".join(map(_veiled, block.spans)) for block in document))


def _veiled(span: Span) -> str:
    return "\u2588" * 5 if Look.SPOILER in span.look else span.text


def parse(html: str) -> Document | None:
    """The HTML as blocks; ``None`` where it is too big, or no HTML."""
    if len(html) > LONGEST:
        return None
    try:
        builder = _Builder()
        for part in parts(html):
            if isinstance(part, Tag):
                builder.end(part.name) if part.ends else builder.start(part)
            else:
                builder.text(part)
        return builder.document()
    except NoHtml:
        return None


_LOOKS = {
    "b": Look.BOLD,
    "strong": Look.BOLD,
    "th": Look.BOLD,
    "summary": Look.BOLD,
    "caption": Look.BOLD,
    "i": Look.ITALIC,
    "em": Look.ITALIC,
    "u": Look.UNDERLINE,
    "s": Look.STRIKE,
    "del": Look.STRIKE,
    "strike": Look.STRIKE,
    "code": Look.CODE,
    "tt": Look.CODE,
}
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_APART = _HEADINGS | {"p"}
_BLOCKS = _APART | {
    "blockquote", "pre", "ul", "ol", "li", "div", "table", "tr", "caption", "details", "summary",
}  # fmt: skip
_CELLS = frozenset({"td", "th"})
_BETWEEN_CELLS = Safe(" \u2502 ")
_CELL_BREAK = Safe(" ")
_NOTHING_INSIDE = frozenset({"br", "hr", "img", "wbr", "input", "col", "meta", "link"})
_SPACES = re.compile(r"[ \t\n\r\f]+")
_RAISED = str.maketrans("0123456789+-=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_LANGUAGE = re.compile(r"(?:^|\s)language-([\w+#.-]{1,30})")


class _Element(NamedTuple):
    """An open tag and what holds for the text in it."""

    name: str
    look: Look = Look.PLAIN
    target: str = ""
    in_cell: bool = False
    shift: Mapping[int, int] = MappingProxyType({})
    """Characters above or below the line."""


@dataclass(slots=True)
class _Edge:
    """What a quote or a list item puts before its lines."""

    depth: int  # of the element
    first: str
    rest: str


class _Builder:
    """Turns tags and text into blocks."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._spans: list[Span] = []
        self._open: list[_Element] = [_Element("")]
        self._edges: list[_Edge] = []
        self._numbers: list[int | None] = []  # the next number of each open list
        self._code: str | None = None  # the language, inside of <pre>
        self._links_left = links.MOST
        self._colours_left = MOST_COLOURED
        self._apart = False
        self._heading = False

    def document(self) -> Document:
        """What came together; open tags end here."""
        self._flush()
        return tuple(self._blocks)

    # -- tags --

    def start(self, tag: Tag) -> None:
        """A tag opens."""
        name = tag.name
        if name in _NOTHING_INSIDE:
            self._put_single(tag)
            return
        if len(self._open) > DEEPEST:
            return
        if name == "a" or name == "li":
            self._close_former(name)
        if name in _BLOCKS:
            self._break()
        self._open.append(self._element(tag))
        self._enter(tag)

    def _element(self, tag: Tag) -> _Element:
        name, outer = tag.name, self._open[-1]
        inner = outer._replace(name=name)
        match name:
            case "a":
                target = self._target(tag)
                look = outer.look | (Look.LINK if target else Look.PLAIN)
                return inner._replace(look=look, target=target)
            case "code" if self._code is not None:
                self._note_language(tag)
                return inner
            case "span" | "div" if (reason := tag.get(_SPOILER)) is not None:
                self._warn(reason)
                return inner._replace(look=outer.look | Look.SPOILER)
            case "sup" | "sub":
                return inner._replace(shift=_RAISED if name == "sup" else _LOWERED)
        if name in _LOOKS:
            inner = inner._replace(look=outer.look | _LOOKS[name])
        return inner._replace(in_cell=True) if name in _CELLS else inner

    def _target(self, tag: Tag) -> str:
        """Where a link leads; no link after the most there are."""
        self._links_left -= 1
        return links.target(tag.get("href") or "") if self._links_left >= 0 else ""

    def _enter(self, tag: Tag) -> None:
        match tag.name:
            case "blockquote":
                self._add_edge("\u2502 ", "\u2502 ")
            case "ul":
                self._numbers.append(None)
            case "ol":
                self._numbers.append(_number(tag.get("start")))
            case "li":
                marker = self._marker()
                self._add_edge(marker, " " * len(marker))
            case "pre":
                self._code = self._code or ""
                self._note_language(tag)
            case "td" | "th" if any(span.text.strip() for span in self._spans):
                self._spans.append(Span(_BETWEEN_CELLS))
            case name if name in _APART and not self._open[-1].in_cell:
                self._apart = True
                self._heading = self._heading or name in _HEADINGS

    def end(self, name: str) -> None:
        """A tag closes, and with it what was left open inside."""
        for depth in range(len(self._open) - 1, 0, -1):
            if self._open[depth].name == name:
                while len(self._open) > depth:
                    self._leave()
                return

    def _leave(self) -> None:
        name = self._open[-1].name
        if name in _BLOCKS:
            self._break()
        self._open.pop()
        if self._edges and self._edges[-1].depth >= len(self._open):
            self._edges.pop()
        if name in ("ul", "ol"):
            self._numbers.pop()
        elif name == "pre" and all(element.name != "pre" for element in self._open):
            self._code = None
        elif name in _HEADINGS:
            self._heading = False

    def _close_former(self, name: str) -> None:
        """A link has no link in it, and an item of a list ends where the next one begins."""
        for element in reversed(self._open):
            if element.name == name:
                self.end(name)
                return
            if element.name in ("ul", "ol"):
                return

    def _put_single(self, tag: Tag) -> None:
        match tag.name:
            case "br":
                if self._open[-1].in_cell:
                    self._break()
                else:
                    self._spans.append(Span(Safe("\n"), self._open[-1].look))
            case "hr":
                self._flush()
                self._add(Block((), Form.RULE))
            case "img":
                self._put(clean_line(tag.get("alt") or tag.get("title") or ""))

    def _add_edge(self, first: str, rest: str) -> None:
        if len(self._edges) < _DEEPEST_EDGE:
            self._edges.append(_Edge(len(self._open) - 1, first, rest))

    def _marker(self) -> str:
        number = self._numbers[-1] if self._numbers else None
        if number is None:
            return "\u2022 "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _note_language(self, tag: Tag) -> None:
        found = _LANGUAGE.search(tag.get("class") or "")
        if found is not None:
            self._code = clean_line(found[1].lower())

    def _warn(self, reason: str) -> None:
        if why := clean_line(reason):
            self._put(Safe(f"({why}) "))

    # -- text --

    def text(self, text: str) -> None:
        """Text between tags; white space counts in code only."""
        if self._code is None:
            text = _SPACES.sub(" ", text)
            if text.startswith(" ") and self._ends_with_space():
                text = text[1:]
        elif not self._spans:
            text = text.removeprefix("\n")
        if shift := self._open[-1].shift:
            text = text.translate(shift)
        self._put(clean(text))

    def _ends_with_space(self) -> bool:
        return not self._spans or self._spans[-1].text[-1:] in (" ", "\n")

    def _put(self, text: Safe) -> None:
        if text:
            self._spans.append(Span(text, self._open[-1].look, self._open[-1].target))

    def _break(self) -> None:
        """A block begins or ends; in a table a row is one."""
        if not self._open[-1].in_cell:
            self._flush()
        elif not self._ends_with_space():
            self._spans.append(Span(_CELL_BREAK))

    def _flush(self) -> None:
        if not self._spans:
            return
        spans, self._spans = _trimmed(self._spans), []
        if not spans:
            return
        form = Form.HEADING if self._heading else Form.TEXT
        joined = _joined(spans)
        if self._code is not None:
            self._add(Block(self._coloured(joined, self._code), Form.CODE))
        else:
            self._add(Block(self._linked(joined), form))

    def _coloured(self, spans: tuple[Span, ...], language: str) -> tuple[Span, ...]:
        """With colours, unless it is styled in a way of its own."""
        if spans != (Span(spans[0].text),):
            return spans
        shown = coloured(spans[0].text, language, self._colours_left)
        self._colours_left = max(0, self._colours_left - len(shown))
        return shown

    def _linked(self, spans: tuple[Span, ...]) -> tuple[Span, ...]:
        """With the URLs in its text as links, while there may be more."""
        shown, self._links_left = with_urls(spans, self._links_left)
        return with_hosts(shown)

    def _add(self, block: Block) -> None:
        first = "".join([edge.first for edge in self._edges])
        rest = "".join([edge.rest for edge in self._edges])
        for edge in self._edges:
            edge.first = edge.rest
        before = self._blocks[-1] if self._blocks else None
        follows = before is not None and before.rest == first == rest
        apart = self._apart and follows and before.form is not Form.RULE  # type: ignore[union-attr]
        self._apart = False
        self._blocks.append(replace(block, first=first, rest=rest, apart=apart))


def _number(start: str | None) -> int:
    return int(start) if start and start.isascii() and start.isdigit() and len(start) < 10 else 1


def _trimmed(spans: list[Span]) -> list[Span]:
    """Without white space at the ends."""
    spans = list(spans)
    while spans and not spans[-1].text.strip():
        spans.pop()
    while spans and not spans[0].text.strip():
        spans.pop(0)
    if spans:
        spans[-1] = spans[-1]._replace(text=Safe(spans[-1].text.rstrip()))
    return spans


def _joined(spans: list[Span]) -> tuple[Span, ...]:
    """Neighbours of one look and target as one."""
    joined: list[Span] = []
    for span in spans:
        if joined and joined[-1][1:] == span[1:]:
            joined[-1] = span._replace(text=Safe(joined[-1].text + span.text))
        else:
            joined.append(span)
    return tuple(joined)
