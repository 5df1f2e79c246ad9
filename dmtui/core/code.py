"""Code with its comments, strings, numbers and keywords told apart, in time that grows with it.

The lexers made for this go back over what they read: a few kilobytes of hostile "code" keep some
of them busy for seconds, in which no key is heard.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import NamedTuple

from dmtui.core.markup import Look, Span
from dmtui.core.model import Safe

_HASH = r"(?<![\w$&{])#[^\n]*+"
_SLASHES = r"//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
_DASHES = r"--[^\n]*+"
_DOUBLE = r'"(?:[^"\\\n]++|\\.)*+"?'
_QUOTED = r"'(?:[^'\\\n]++|\\.)*+'?"
_SINGLE = rf"(?<!\w){_QUOTED}"
_CHARACTER = r"'(?:[^'\\\n]|\\[^'\n]{1,8}|\\')'"
_BACKTICKS = r"`(?:[^`\\]++|\\.)*+`?"
_TRIPLE = r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:""")?|' + r"'''(?:[^'\\]++|\\.|'(?!''))*+(?:''')?"
_TAGS = r"</?[A-Za-z][\w:-]*+|/?>"

_PYTHON = (
    "and as assert async await break case class continue def del elif else except False finally for"
    " from global if import in is lambda match None nonlocal not or pass raise return True try"
    " while with yield"
)
_BRACES = (
    "abstract any as async await bool boolean break byte case catch char class const continue"
    " default defer delete do double dyn else enum export extends extern false final finally float"
    " fn for foreach from func fun function go goto if impl implements import in instanceof int"
    " interface let long loop match mod mut namespace new nil null of override package private"
    " protected pub public readonly record return self short signed sizeof static string struct"
    " super switch this throw throws trait true try type typedef typeof undefined union unsigned"
    " use using val var virtual void volatile when where while yield"
)
_SHELL = (
    "case do done elif else esac exit export fi for function if in local return set then until"
    " while"
)
_WORDS = (
    "alias and begin break case class def defmodule do else elsif end ensure false fn for function"
    " if in local module next nil not or raise repeat require rescue return self super then true"
    " unless until when while yield"
)
_SQL = (
    "add all alter and as asc between by case column commit count create default delete desc"
    " distinct drop else end exists foreign from full group having in index inner insert into is"
    " join key left like limit not null offset on or order outer primary references returning"
    " right rollback select set table then union unique update using values view when where with"
)
_HASKELL = (
    "case class data deriving do else if import in instance let module newtype of then type where"
)


MOST_COLOURED = 2_000


class _Language(NamedTuple):
    comments: str
    strings: str
    keywords: str = ""
    any_case: bool = False


_CURLY = _Language(_SLASHES, f"{_DOUBLE}|{_CHARACTER}|{_BACKTICKS}", _BRACES)
_SCRIPT = _Language(_SLASHES, f"{_DOUBLE}|{_SINGLE}|{_BACKTICKS}", _BRACES)
_FILE = _Language(_HASH, f"{_DOUBLE}|{_SINGLE}", "true false null yes no on off")
_FAMILIES = {
    "python py python3 pycon": _Language(_HASH, f"{_TRIPLE}|{_DOUBLE}|{_QUOTED}", _PYTHON),
    "c cpp c++ h csharp cs c# java go golang rust rs kotlin kt swift scala dart zig": _CURLY,
    "javascript js jsx typescript ts tsx php groovy css scss less json jsonc json5": _SCRIPT,
    "bash sh shell zsh fish console": _Language(_HASH, f"{_DOUBLE}|{_SINGLE}|{_BACKTICKS}", _SHELL),
    "ruby rb elixir ex perl r julia crystal": _Language(_HASH, f"{_DOUBLE}|{_SINGLE}", _WORDS),
    "lua": _Language(_DASHES, f"{_DOUBLE}|{_SINGLE}", _WORDS),
    "yaml yml toml ini conf make makefile docker dockerfile nix properties": _FILE,
    "sql postgresql mysql sqlite": _Language(_DASHES, f"{_SINGLE}|{_DOUBLE}", _SQL, True),
    "haskell hs elm": _Language(_DASHES, f"{_DOUBLE}|{_CHARACTER}", _HASKELL),
    "html xml svg vue xhtml": _Language(r"<!--(?:[^-]++|-(?!->))*+(?:-->)?", f"{_DOUBLE}|{_TAGS}"),
}
_LANGUAGES = {name: language for names, language in _FAMILIES.items() for name in names.split()}
_LOOKS = {
    "comment": Look.COMMENT,
    "string": Look.STRING,
    "number": Look.NUMBER,
    "word": Look.KEYWORD,
}


def coloured(text: Safe, language: str, most: int = MOST_COLOURED) -> tuple[Span, ...]:
    """The code as spans; one span where the language is not known.

    What comes after ``most`` words, strings, numbers and comments, or lines, has no colours.
    """
    if language in ("diff", "patch", "udiff"):
        lines = text.splitlines(keepends=True)
        rest = "".join(lines[most:])
        return (*map(_changed, lines[:most]), *[Span(Safe(rest))] * bool(rest))
    known = _LANGUAGES.get(language)
    if known is None:
        return (Span(text),)
    spans: list[Span] = []
    keywords, done = frozenset(known.keywords.split()), 0
    for match in islice(_tokens(known).finditer(text), most):
        kind, token = match.lastgroup or "", match.group()
        if kind == "word" and (token.lower() if known.any_case else token) not in keywords:
            continue
        if match.start() > done:
            spans.append(Span(Safe(text[done : match.start()])))
        spans.append(Span(Safe(token), _LOOKS[kind]))
        done = match.end()
    if done < len(text):
        spans.append(Span(Safe(text[done:])))
    return tuple(spans)


@cache
def _tokens(language: _Language) -> re.Pattern[str]:
    return re.compile(
        rf"(?P<comment>{language.comments})|(?P<string>{language.strings})"
        r"|(?P<number>(?<![\w.])\d[\w.]*+)|(?P<word>[^\W\d]\w*+)",
        re.DOTALL,
    )


def _changed(line: str) -> Span:
    if line.startswith(("+", "-")):
        return Span(Safe(line), Look.ADDED if line[0] == "+" else Look.REMOVED)
    return Span(Safe(line), Look.COMMENT if line.startswith("@@") else Look.PLAIN)
