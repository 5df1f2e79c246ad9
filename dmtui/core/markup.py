"""What a message's text looks like: blocks of styled spans; URLs in plain text become links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import NamedTuple, TypeAlias

from dmtui.core import links
from dmtui.core.model import Safe, UserId
from dmtui.core.names import clean_line, display_name, is_user_id, linked_user


class Look(Flag):
    """How a span differs from ordinary text."""

    PLAIN = 0
    BOLD = auto()
    ITALIC = auto()
    UNDERLINE = auto()
    STRIKE = auto()
    CODE = auto()
    LINK = auto()
    MENTION = auto()
    """A person, by a link to them."""
    HOST = auto()
    """Ours: where the link before it leads, since its text does not say so."""
    SPOILER = auto()
    """Hidden until somebody wants to see it."""
    KEYWORD = auto()
    STRING = auto()
    NUMBER = auto()
    COMMENT = auto()
    ADDED = auto()
    REMOVED = auto()


class Span(NamedTuple):
    """A run of text with one look; ``target`` is the URL of a link, see :mod:`links`."""

    text: Safe
    look: Look = Look.PLAIN
    target: str = ""


class Form(StrEnum):
    """What a block is."""

    TEXT = "text"
    HEADING = "heading"
    CODE = "code"
    RULE = "rule"


@dataclass(frozen=True, slots=True)
class Block:
    """Text that begins on a line of its own; ``\\n`` in it are breaks.

    ``first`` stands before its first line, ``rest`` before the others: bars of quotes, bullets and
    numbers of lists. ``apart``: an empty line is before it.
    """

    spans: tuple[Span, ...]
    form: Form = Form.TEXT
    first: str = ""
    rest: str = ""
    apart: bool = False

    @property
    def text(self) -> str:
        """All of its text."""
        return "".join(span.text for span in self.spans)


Document: TypeAlias = tuple[Block, ...]


def targets(document: Document | None) -> tuple[str, ...]:
    """Where its links lead, each once, in order."""
    spans = (span for block in document or () for span in block.spans)
    return tuple(dict.fromkeys(span.target for span in spans if span.target))


def has_spoiler(document: Document | None) -> bool:
    """Whether something in it is hidden until it is wanted."""
    return any(Look.SPOILER in span.look for block in document or () for span in block.spans)


def mentions(document: Document | None) -> frozenset[UserId]:
    """The people that it mentions."""
    found = (linked_user(target) for target in targets(document))
    return frozenset(UserId(name) for name in found if is_user_id(name))


def with_links(body: Safe) -> Document | None:
    """Plain text in which URLs are links; ``None`` without any."""
    spans, _ = with_urls([Span(body)], links.MOST)
    return (Block(with_hosts(spans)),) if len(spans) > 1 or spans[0].target else None


def with_urls(spans: Iterable[Span], most: int) -> tuple[list[Span], int]:
    """With the URLs in their text as links, but for what is code or a link already.

    At most ``most`` are looked at; the number says how many may still be.
    """
    shown: list[Span] = []
    for span in spans:
        if span.target or Look.CODE in span.look or ":" not in span.text or most <= 0:
            shown.append(span)
            continue
        done = 0
        for start, end, url in links.find(span.text, most):
            most -= 1
            if not url:
                continue
            before = Safe(span.text[done:start])
            shown += [Span(before, span.look)] * bool(before)
            shown.append(Span(Safe(span.text[start:end]), span.look | Look.LINK, url))
            done = end
        if done < len(span.text):
            shown.append(Span(Safe(span.text[done:]), span.look))
    return shown, most


def with_hosts(spans: Sequence[Span]) -> tuple[Span, ...]:
    """With people named as people, and behind each other link where it leads, if it does not say.

    All that belongs to one link counts as its text, however it is styled.
    """
    shown: list[Span] = []
    position = 0
    while position < len(spans):
        end = position + 1
        while end < len(spans) and spans[end].target == spans[position].target:
            end += 1
        run = spans[position:end]
        shown += _link(run) if run[0].target else run
        position = end
    return tuple(shown)


def _link(run: Sequence[Span]) -> list[Span]:
    target, look = run[0].target, run[-1].look
    text = "".join(span.text for span in run)
    if links.says_where(text, target):
        return list(run)
    user_id = linked_user(target)
    if is_user_id(user_id) and text.strip():
        name = display_name(UserId(user_id), text if text.startswith("@") else f"@{text}")
        return [Span(name, (look & ~Look.LINK) | Look.MENTION, target)]
    hidden = look & Look.SPOILER
    return [*run, Span(Safe(f" ({clean_line(links.host(target))})"), Look.HOST | hidden, target)]
