"""Typed Markdown → the HTML of ``formatted_body``: CommonMark, ~~strike~~, ||spoilers||, people.

The parser is loaded when something that may be Markdown is written, and not before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from dmtui.core import links
from dmtui.core.model import Safe, UserId
from dmtui.core.names import is_user_id

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererProtocol
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

LONGEST = 16 * 1024
"""Characters; what is longer is sent as it is."""
_MAY_BE = re.compile(r"[*_`~|\\<\[#>@]|^\s*(?:[-+]|\d+[.)])\s|^\s*---", re.MULTILINE)
_NOT_MARKDOWN_HERE = (
    "html_block",
    "html_inline",
    "image",
    "entity",
    "lheading",
    "code",
    "reference",
)
_PEOPLE = "people"
_USER = re.compile(r"@[\x21-\x39\x3b-\x7e]{1,255}?:[\w.:\[\]-]{1,255}")


def formatted(text: str, people: Mapping[UserId, Safe] | None = None) -> str:
    """The text as HTML; empty where there is no formatting in it, so that the text is enough.

    ``people`` are those who may be mentioned by ``@`` and their name. A backslash before a sign
    takes its meaning, HTML stays text, and URLs are left to the reader's client.
    """
    if len(text) > LONGEST or not _MAY_BE.search(text):
        return ""
    parser = _parser()
    env: EnvType = {_PEOPLE: dict(people or {})}
    tokens = parser.parse(text, env)
    if not any(map(_is_formatting, tokens)):
        return ""
    match [token.type for token in tokens]:
        case ["paragraph_open", "inline", "paragraph_close"]:
            tokens = tokens[1:2]
    return str(parser.renderer.render(tokens, parser.options, env)).strip()


def _is_formatting(token: Token) -> bool:
    if token.type in ("paragraph_open", "paragraph_close"):
        return False
    if token.type != "inline":
        return True
    inside = token.children or []
    if not all(child.type in ("text", "softbreak", "hardbreak") for child in inside):
        return True
    left = "".join(child.content for child in inside)
    return "".join(left.split()) != "".join(token.content.split())  # backslashes are gone


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True})
    parser.disable(_NOT_MARKDOWN_HERE)
    parser.enable("strikethrough")
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("link", "spoiler", _spoiler)
    parser.inline.ruler.before("link", "person", _person)
    parser.add_render_rule("s_open", _strike)
    parser.add_render_rule("s_close", _strike)
    parser.validateLink = lambda url: bool(links.target(url))  # type: ignore[method-assign]
    return parser


def _strike(
    renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    """As the element that every client knows."""
    return "<del>" if tokens[index].nesting > 0 else "</del>"


def _spoiler(state: StateInline, silent: bool) -> bool:
    start = state.pos + 2
    if not state.src.startswith("||", state.pos) or state.src[start : start + 1].isspace():
        return False
    end = state.src.find("||", start + 1, state.posMax)
    if end < 0 or state.src[end - 1].isspace():
        return False
    if not silent:
        after = state.posMax
        state.push("spoiler_open", "span", 1).attrs = {"data-mx-spoiler": ""}
        state.pos, state.posMax = start, end
        state.md.inline.tokenize(state)
        state.posMax = after
        state.push("spoiler_close", "span", -1)
    state.pos = end + 2
    return True


def _person(state: StateInline, silent: bool) -> bool:
    before = state.src[state.pos - 1 : state.pos] if state.pos else ""
    if state.src[state.pos] != "@" or before.isalnum() or before in ("/", "#"):
        return False
    people: dict[UserId, Safe] = state.env[_PEOPLE]
    user_id, shown, length = next(_named(state.src, state.pos, people), (None, "", 0))
    if user_id is None:
        return False
    if not silent:
        link = f"https://matrix.to/#/{quote(user_id, safe='@:')}"
        state.push("link_open", "a", 1).attrs = {"href": link}
        state.push("text", "", 0).content = shown
        state.push("link_close", "a", -1)
    state.pos += length
    return True


def _named(text: str, at: int, people: Mapping[UserId, Safe]) -> Iterator[tuple[UserId, str, int]]:
    """Who is named behind the ``@``, how it is shown, and how many characters that takes.

    It is shown as it was typed: a name may be one that only I give to them.
    """
    if (whole := _USER.match(text, at)) is not None:
        user_id = whole.group().rstrip(".:-")
        if is_user_id(user_id):
            yield UserId(user_id), user_id, len(user_id)
    for one, name in sorted(people.items(), key=lambda each: -len(each[1])):
        end = at + 1 + len(name)
        said = text[at + 1 : end]
        if name and said.lower() == name.lower() and not text[end : end + 1].isalnum():
            yield one, said, len(name) + 1
