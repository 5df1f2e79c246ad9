"""Every setting, described once: reading the file, its errors and the screen go by it.

A further one is an entry of :data:`SETTINGS`; its value is ``config[IT]``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar, cast

from dmtui.core.images import USUAL_LIMIT, Drawing
from dmtui.core.images import Settings as ImageSettings
from dmtui.core.names import clean_line
from dmtui.core.notify import Bodies, How, Language, Settings, Title
from dmtui.core.privacy import OPEN, Privacy, Receipts
from dmtui.core.safekeeping import Protection
from dmtui.core.setting_kinds import Among, Directory, Kind, Number, OneOf, Switch, Written

T = TypeVar("T")
Value = TypeVar("Value", covariant=True)

DEFAULT_THEME = "textual-dark"
USUAL_KEYS = "standard"


class WrongSetting(Exception):
    """A setting that can't be so, in one line without its end."""

    def __init__(self, name: str, problem: str):
        super().__init__(f"{clean_line(name, 60)} {problem}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Setting(Generic[Value]):
    """``name`` is that in the file, ``title`` that on the screen; ``help`` is one line.

    ``at_once`` says that a change in the running app takes effect, else it does from the next
    start on. ``unset`` is what a default means that is no value.
    """

    name: str
    title: str
    help: str
    kind: Kind[Value]
    default: Value
    at_once: bool = False
    unset: str = ""

    @property
    def section(self) -> str:
        """The heading below which it stands in the file."""
        return self.name.partition(".")[0]


THEME = Setting("ui.theme", "Colours", "The theme.", Among(), DEFAULT_THEME, at_once=True)
PLAIN = Setting(
    "ui.plain",
    "For screen readers",
    "One column of plain words, without boxes and signs, in which nothing moves by itself.",
    Switch(),
    default=False,
)
ANIMATIONS = Setting(
    "ui.animations",
    "Motion",
    "Whether anything moves by itself: a cursor that blinks, a view that glides.",
    Switch(),
    default=True,
    at_once=True,
)
DOWNLOADS: Setting[str | None] = Setting(
    "files.downloads",
    "Saved files",
    "The directory for files that you save.",
    Directory(),
    default=None,
    unset="where the system has its downloads",
)
DRAW = Setting(
    "images.draw",
    "Images",
    "What images are drawn with.",
    OneOf(
        Drawing,
        {
            Drawing.AUTO: "the sharpest that dmtui knows the terminal to draw",
            Drawing.KITTY: "kitty's protocol",
            Drawing.SIXEL: "sixels",
            Drawing.BLOCKS: "coloured half blocks, which every terminal has",
            Drawing.OFF: "not at all; they are files",
        },
    ),
    Drawing.AUTO,
)
PREVIEWS = Setting(
    "images.previews",
    "Images shown unasked",
    "The largest image, in kilobytes, that is fetched to be shown small in a chat; 0 for none.",
    Number(0, 20_000, "kilobytes"),
    USUAL_LIMIT // 1000,
)
KEY_PROFILE = Setting(
    "keys.profile",
    "Set of keys",
    "The keys there are before you change single ones.",
    Among(meaning={"vim": "letters as in vim", "emacs": "as in Emacs, also while typing"}),
    USUAL_KEYS,
    at_once=True,
)
HOW = Setting(
    "notifications.how",
    "Notifications",
    "How you are told that somebody writes to you, or asks to.",
    OneOf(
        How,
        {
            How.OFF: "not at all",
            How.BELL: "the terminal's bell",
            How.DESKTOP: "a notification on the desktop",
            How.BOTH: "bell and desktop",
        },
    ),
    How.BOTH,
    at_once=True,
)
BODIES = Setting(
    "notifications.bodies",
    "What they quote",
    "Whose words stand in a notification on the desktop, where others may see them.",
    OneOf(
        Bodies,
        {
            Bodies.NEVER: "nobody's",
            Bodies.UNENCRYPTED: "those of chats that are not encrypted",
            Bodies.ALWAYS: "everybody's",
        },
    ),
    Bodies.UNENCRYPTED,
    at_once=True,
)
TITLE = Setting(
    "notifications.title",
    "Terminal's title",
    "What dmtui has the title of the terminal say.",
    OneOf(Title, {Title.UNREAD: "how many messages are unread", Title.OFF: "nothing"}),
    Title.UNREAD,
    at_once=True,
)
LANGUAGE = Setting(
    "notifications.terminal",
    "Kind of terminal",
    "Which notifications the terminal takes, if dmtui can't see that through tmux or SSH.",
    OneOf(
        Language,
        {
            Language.AUTO: "dmtui looks",
            Language.OSC9: "as iTerm2",
            Language.OSC777: "as Ghostty, WezTerm, foot, Konsole, urxvt and VTE",
            Language.OSC99: "as kitty",
        },
    ),
    Language.AUTO,
    at_once=True,
)
TYPING = Setting(
    "privacy.typing",
    "Others see you type",
    "Whether the person you write to is told that you are typing.",
    Switch(),
    OPEN.typing,
    at_once=True,
)
RECEIPTS = Setting(
    "privacy.receipts",
    "Read receipts",
    "Who is told how far you have read.",
    OneOf(
        Receipts,
        {
            Receipts.PUBLIC: "everybody in the chat",
            Receipts.PRIVATE: "your other devices alone",
        },
    ),
    OPEN.receipts,
    at_once=True,
)
KEY_PROTECTION = Setting(
    "security.key_protection",
    "Key to your secrets",
    "Where the key lies that all secrets on this computer are encrypted with.",
    OneOf(
        Protection,
        {
            Protection.AUTO: "the system's keyring, else a file",
            Protection.FILE: "a file that you alone can read",
            Protection.PASSPHRASE: "a file, locked with a passphrase",
        },
    ),
    Protection.AUTO,
)

SETTINGS: tuple[Setting[object], ...] = (
    THEME,
    PLAIN,
    ANIMATIONS,
    DOWNLOADS,
    DRAW,
    PREVIEWS,
    KEY_PROFILE,
    HOW,
    BODIES,
    TITLE,
    LANGUAGE,
    TYPING,
    RECEIPTS,
    KEY_PROTECTION,
)
"""In the order of the screen; those of a section stand together."""

KEYS = "keys"
"""The section that holds :data:`KEY_PROFILE`, and keys by the names of commands."""

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ui": "Look",
        "files": "Files",
        "images": "Images",
        KEYS: "Keys",
        "notifications": "Notifications",
        "privacy": "Privacy",
        "security": "Security",
    }
)
"""What the sections of the file are called on the screen."""


def described(themes: Collection[str], profiles: Collection[str]) -> tuple[Setting[object], ...]:
    """All settings, with the names that may be chosen."""
    names = {THEME.name: themes, KEY_PROFILE.name: profiles}
    return tuple(
        replace(setting, kind=replace(setting.kind, names=names[setting.name]))
        if isinstance(setting.kind, Among)
        else setting
        for setting in SETTINGS
    )


def known(name: str) -> str:
    """What there is in place of a setting that there is not."""
    section = name.partition(".")[0]
    if section not in SECTIONS:
        return f"the sections are {_listed([f'[{section}]' for section in SECTIONS])}"
    has = [one.name.partition(".")[2] for one in SETTINGS if one.section == section]
    commands = ["the names of commands"] if section == KEYS else []
    return f"[{section}] has {_listed([*has, *commands])}"


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


@dataclass(frozen=True, slots=True)
class Config:
    """What is set: ``chosen`` by the settings' names; what is not there has its default.

    ``keys`` maps ids of commands to their keys, a comma-separated list, empty for none; those of
    the key profile are among them. ``own_keys`` are those of the user's alone.
    """

    chosen: Mapping[str, object] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    own_keys: Mapping[str, str] = field(default_factory=dict)

    def __getitem__(self, setting: Setting[T]) -> T:
        return cast("T", self.chosen.get(setting.name, setting.default))

    @property
    def images(self) -> ImageSettings:
        """The section of that name, its limit in bytes."""
        return ImageSettings(self[DRAW], self[PREVIEWS] * 1000)

    @property
    def notifications(self) -> Settings:
        """The section of that name."""
        return Settings(self[HOW], self[BODIES], self[TITLE], self[LANGUAGE])

    @property
    def privacy(self) -> Privacy:
        """The section of that name."""
        return Privacy(self[TYPING], self[RECEIPTS])


class SettingsFile(Protocol):
    """What the user has set, on disk; both block, and raise ``ConfigTrouble``."""

    def read(self) -> Config:
        """The settings as they are now."""
        ...

    def change(self, changes: Mapping[str, Written | None]) -> Config:
        """Set these, by their full names, and nothing else; ``None`` is the default again."""
        ...
