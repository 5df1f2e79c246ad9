"""What is said to the terminal besides frames: notifications, its title, through tmux and screen.

Every text in a sequence went through :func:`payload`, so that none can end it or begin another.
"""

from __future__ import annotations

import unicodedata
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.names import clean_line
from dmtui.core.notify import How, Language, Notice

BELL = "\x07"
PUSH_TITLE = "\x1b[22;2t"
POP_TITLE = "\x1b[23;2t"

TITLE_LIMIT = 120
BODY_LIMIT = 160

_ESC = "\x1b"
_JOINER = "\u200d"  # holds an emoji together


class Multiplexer(StrEnum):
    """What stands between dmtui and the terminal."""

    NONE = ""
    TMUX = "tmux"
    SCREEN = "screen"


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the terminal understands; ``language`` is ``None`` where it takes no notification."""

    language: Language | None = None
    multiplexer: Multiplexer = Multiplexer.NONE
    titled: bool = True

    @classmethod
    def of(cls, environment: Mapping[str, str], wish: Language = Language.AUTO) -> Terminal:
        """As the environment variables tell, unless the user says so."""
        term = environment.get("TERM", "")
        multiplexer = Multiplexer.NONE
        if environment.get("TMUX"):
            multiplexer = Multiplexer.TMUX
        elif environment.get("STY"):
            multiplexer = Multiplexer.SCREEN
        language = _language(environment, term) if wish is Language.AUTO else wish
        return cls(language, multiplexer, titled=term not in ("", "dumb", "linux"))

    def say(self, notice: Notice, how: How) -> str:
        """What to write for the notice; the bell where the terminal takes nothing better."""
        bell = how in (How.BELL, How.BOTH)
        if how is How.DESKTOP or how is How.BOTH:
            if self.language is None:
                bell = True
            else:
                sequence = self._through(_notification(notice, self.language))
                return f"{sequence}{BELL if bell else ''}"
        return BELL if bell else ""

    def title(self, text: str) -> str:
        """Set the title of the window, or of the pane in tmux (OSC 2)."""
        return f"{_ESC}]2;{payload(text, TITLE_LIMIT)}{BELL}" if self.titled else ""

    @property
    def keep_title(self) -> str:
        """Have the terminal remember its title."""
        return PUSH_TITLE if self.titled else ""

    @property
    def restore_title(self) -> str:
        """Give the remembered title back; terminals that remember none show their own."""
        return f"{self.title('')}{POP_TITLE}" if self.titled else ""

    def _through(self, sequence: str) -> str:
        """Wrapped so that the multiplexer hands it on; tmux 3.3 asks for allow-passthrough."""
        match self.multiplexer:
            case Multiplexer.TMUX:
                return f"{_ESC}Ptmux;{sequence.replace(_ESC, _ESC * 2)}{_ESC}\\"
            case Multiplexer.SCREEN:
                return f"{_ESC}P{sequence}{_ESC}\\"
            case _:
                return sequence


def payload(text: str, limit: int) -> str:
    """One line with nothing in it that a terminal acts upon; at most ``limit`` characters."""
    line = clean_line(text, limit)
    return "".join(c for c in line if c == _JOINER or _is_visible(c))


def _is_visible(character: str) -> bool:
    category = unicodedata.category(character)
    return not category.startswith("C") and category not in ("Zl", "Zp")


def _notification(notice: Notice, language: Language) -> str:
    """The sequence, ended by BEL, which screen can pass on, too."""
    title, body = payload(notice.title, TITLE_LIMIT), payload(notice.body, BODY_LIMIT)
    match language:
        case Language.OSC99:
            return _kitty(title, body)
        case Language.OSC777:
            return f"{_ESC}]777;notify;{_field(title)};{_field(body)}{BELL}"
        case _:
            text = f"{title}: {body}" if body else title
            # the first word keeps ConEmu and its kin from reading a command such as "4;1;50"
            return f"{_ESC}]9;dmtui: {_field(text)}{BELL}"


def _field(text: str) -> str:
    return text.replace(";", ",")


def _kitty(title: str, body: str) -> str:
    """https://sw.kovidgoyal.net/kitty/desktop-notifications/: a newer one takes its place."""
    done = 0 if body else 1
    sequence = f"{_ESC}]99;i=dmtui:a=focus:d={done}:e=1:p=title;{_encoded(title)}{BELL}"
    if body:
        sequence += f"{_ESC}]99;i=dmtui:d=1:e=1:p=body;{_encoded(body)}{BELL}"
    return sequence


def _encoded(text: str) -> str:
    return b64encode(text.encode("utf-8", "replace")).decode("ascii")


_BY_TERM = {
    "xterm-kitty": Language.OSC99,
    "xterm-ghostty": Language.OSC777,
    "wezterm": Language.OSC777,
    "foot": Language.OSC777,
    "foot-extra": Language.OSC777,
}
_BY_PROGRAM = {
    "iTerm.app": Language.OSC9,
    "WezTerm": Language.OSC777,
    "ghostty": Language.OSC777,
}
_BY_VARIABLE = {  # these outlive a multiplexer, which changes the other two
    "KITTY_WINDOW_ID": Language.OSC99,
    "GHOSTTY_RESOURCES_DIR": Language.OSC777,
    "WEZTERM_PANE": Language.OSC777,
    "KONSOLE_VERSION": Language.OSC777,
    "VTE_VERSION": Language.OSC777,
    "ITERM_SESSION_ID": Language.OSC9,
}


def _language(environment: Mapping[str, str], term: str) -> Language | None:
    """Only what is known to take one: OSC 9 means something else to others."""
    program = environment.get("TERM_PROGRAM", "")
    if environment.get("LC_TERMINAL") == "iTerm2":  # what iTerm2 hands on through SSH
        program = "iTerm.app"
    if found := _BY_TERM.get(term) or _BY_PROGRAM.get(program):
        return found
    if term.startswith("rxvt"):
        return Language.OSC777
    return next((_BY_VARIABLE[name] for name in _BY_VARIABLE if environment.get(name)), None)
