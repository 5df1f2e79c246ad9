"""Sets of keys to choose from: what each changes of the registry's, by the commands' ids."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STANDARD = "standard"

_LISTS = ("people", "requests", "settings")
_VIM = {
    "focus.composer": "i",
    "app.commands": "colon",
    "search.sign": "slash",
    "person.card": "K",
    "person.invite_back": "I",
    "timeline.original": "b",
    "timeline.day-before": "left_curly_bracket,left_square_bracket",
    "timeline.day-after": "right_curly_bracket,right_square_bracket",
    **{f"{place}.first": "home,g" for place in _LISTS},
    **{f"{place}.last": "end,G" for place in _LISTS},
    "timeline.oldest": "home,g",
    "timeline.newest": "end,G",
    **{f"{place}.page-up": "pageup,ctrl+u,ctrl+b" for place in (*_LISTS, "timeline")},
    **{f"{place}.page-down": "pagedown,ctrl+d" for place in (*_LISTS, "timeline")},
}
_EMACS = {
    "chat.start": "f9",
    "person.go": "ctrl+x",
    "app.palette": "f12,alt+x",
    "app.copy": "ctrl+c,alt+w",
    "picture.paste": "",
    "search.here": "ctrl+s",
    "search.everywhere": "f5",
    "find.older": "up,ctrl+p",
    "find.newer": "down,ctrl+n",
    "find.close": "escape,ctrl+g",
    "requests.open": "f6",
    "focus.back": "escape,ctrl+g",
    **{f"{place}.up": "up,ctrl+p" for place in (*_LISTS, "timeline")},
    **{f"{place}.down": "down,ctrl+n" for place in (*_LISTS, "timeline")},
    **{f"{place}.page-up": "pageup,alt+v" for place in (*_LISTS, "timeline")},
    **{f"{place}.page-down": "pagedown,ctrl+v" for place in (*_LISTS, "timeline")},
    **{f"{place}.first": "home,alt+less_than_sign" for place in _LISTS},
    **{f"{place}.last": "end,alt+greater_than_sign" for place in _LISTS},
    "timeline.oldest": "home,alt+less_than_sign",
    "timeline.newest": "end,alt+greater_than_sign",
    "requests.close": "escape,q,ctrl+g",
    "settings.close": "escape,q,ctrl+g",
    "invite.later": "l,escape,ctrl+g",
    "composer.select": "up,ctrl+p",
    "composer.page-up": "pageup,alt+v",
    "composer.page-down": "pagedown,ctrl+v",
    "composer.oldest": "ctrl+home,alt+less_than_sign",
    "composer.newest": "ctrl+end,alt+greater_than_sign",
    "composer.undo": "ctrl+z,ctrl+underscore",
    "composer.redo": "ctrl+r",
}
_EMACS_EDITING = {
    "ctrl+p": "cursor_up",
    "ctrl+n": "cursor_down",
    "ctrl+b": "cursor_left",
    "ctrl+f": "cursor_right",
    "alt+b": "cursor_word_left",
    "alt+f": "cursor_word_right",
    "alt+d": "delete_word_right",
    "ctrl+k": "kill",
    "ctrl+w": "kill_selected",
    "ctrl+y": "paste",
    "ctrl+underscore": "undo",
    "ctrl+r": "redo",
}

_CLOSING = (
    *("attach.cancel", "approval.cancel", "date.cancel", "export.cancel", "group.cancel"),
    *("keep.back", "line.cancel", "passphrase.cancel", "password.cancel", "petname.cancel"),
    *("picker.close", "question.cancel", "reason.cancel", "setting.cancel", "sign_in.cancel"),
    *("start_chat.cancel", "unlock.close"),
)
_EMACS_DIALOGS = {
    **dict.fromkeys(_CLOSING, "escape,ctrl+g"),
    **dict.fromkeys(("picker.next", "start_chat.next"), "down,ctrl+n"),
    **dict.fromkeys(("picker.previous", "start_chat.previous"), "up,ctrl+p"),
}

PROFILES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        STANDARD: MappingProxyType({}),
        "vim": MappingProxyType(_VIM),
        "emacs": MappingProxyType(_EMACS),
    }
)
"""Comma-separated keys, as in :class:`dmtui.ui.commands.Command`."""


def dialog_keys(profile: str) -> Mapping[str, str]:
    """Keys of the dialogs, which no user changes, by the ids of their bindings."""
    return _EMACS_DIALOGS if profile == "emacs" else {}


def editing_keys(profile: str, usual: Mapping[str, str]) -> Mapping[str, str]:
    """What keys do to the text in the composer; ``usual`` are those of Textual's text area."""
    if profile != "emacs":
        return usual
    kept = {key: action for key, action in usual.items() if key not in ("ctrl+v", "ctrl+x")}
    return MappingProxyType(kept | _EMACS_EDITING)
