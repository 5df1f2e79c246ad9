"""Every setting, described once: reading the file, its errors and the screen go by it.

A further one is an entry of :data:`SETTINGS`; its value is ``config[IT]``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, Protocol, TypeAlias, TypeVar, cast

from dmtui.core.names import clean_line
from dmtui.core.notify import Bodies, How, Language, Settings, Title
from dmtui.core.safekeeping import Protection

T = TypeVar("T")
Value = TypeVar("Value", covariant=True)
Word = TypeVar("Word", bound=StrEnum)

Written: TypeAlias = bool | int | str
"""A value as the file has it."""

DEFAULT_THEME = "textual-dark"
USUAL_KEYS = "standard"


class WrongValue(ValueError):
    """What is wrong with a value, as words that go on from a setting's name."""


class WrongSetting(Exception):
    """A setting that can't be so, in one line without its end."""

    def __init__(self, name: str, problem: str):
        super().__init__(f"{clean_line(name, 60)} {problem}")
        self.name = name


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off."""

    on: str = "on"
    off: str = "off"

    def read(self, value: object) -> bool:
        """Raises ``WrongValue``."""
        if not isinstance(value, bool):
            raise WrongValue("must be true or false")
        return value

    def choices(self) -> Iterator[tuple[Written, str]]:
        """Values, and what each means."""
        yield from ((False, self.off), (True, self.on))


@dataclass(frozen=True, slots=True)
class OneOf(Generic[Word]):
    """One of a few words; ``meaning`` says what they do."""

    words: type[Word]
    meaning: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: object) -> Word:
        """Raises ``WrongValue``."""
        return self.words(_named(value, list(self.words)))

    def choices(self) -> Iterator[tuple[Written, str]]:
        """Values, and what each means."""
        yield from ((word.value, self.meaning.get(word, "")) for word in self.words)


@dataclass(frozen=True, slots=True)
class Among:
    """One of names that are known once the app is composed: see :func:`described`."""

    names: Collection[str] = ()
    meaning: Mapping[str, str] = field(default_factory=dict)

    def read(self, value: object) -> str:
        """Raises ``WrongValue``."""
        return _named(value, self.names)

    def choices(self) -> Iterator[tuple[Written, str]]:
        """Values, and what each means."""
        yield from ((name, self.meaning.get(name, "")) for name in self.names)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number from ``least`` to ``most``; ``unit`` is a plural."""

    least: int
    most: int
    unit: str = ""

    def read(self, value: object) -> int:
        """Raises ``WrongValue``."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongValue(self._problem)
        if not self.least <= value <= self.most:
            raise WrongValue(self._problem)
        return value

    def typed(self, text: str) -> Written:
        """What was typed, as the file has it; raises ``WrongValue``."""
        if not text.strip().isdecimal():
            raise WrongValue(self._problem)
        return self.read(int(text[:20]))

    @property
    def _problem(self) -> str:
        what = f"a number of {self.unit}" if self.unit else "a number"
        return f"must be {what} from {self.least} to {self.most}"


@dataclass(frozen=True, slots=True)
class Directory:
    """A whole path, which may begin at home with ``~``."""

    def read(self, value: object) -> str:
        """Raises ``WrongValue``."""
        path = _text(value)
        if not path.startswith(("/", "~")) or "\0" in path:
            raise WrongValue("must be the whole path of a directory")
        return path

    def typed(self, text: str) -> Written:
        """What was typed, as the file has it; raises ``WrongValue``."""
        return self.read(text.strip())


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise WrongValue("must be text in quotes")
    return value


def _named(value: object, names: Collection[str]) -> str:
    if (name := _text(value)) not in names:
        raise WrongValue(f"must be one of {', '.join(sorted(names))}")
    return name


class Kind(Protocol[Value]):
    """What values there are: :class:`Switch` and so on."""

    def read(self, value: object) -> Value:
        """The value that the file has, or ``WrongValue``."""
        ...


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
DOWNLOADS: Setting[str | None] = Setting(
    "files.downloads",
    "Saved files",
    "The directory for files that you save.",
    Directory(),
    default=None,
    unset="where the system has its downloads",
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
    DOWNLOADS,
    KEY_PROFILE,
    HOW,
    BODIES,
    TITLE,
    LANGUAGE,
    KEY_PROTECTION,
)
"""In the order of the screen; those of a section stand together."""

KEYS = "keys"
"""The section that holds :data:`KEY_PROFILE`, and keys by the names of commands."""

SECTIONS: Mapping[str, str] = MappingProxyType(
    {
        "ui": "Look",
        "files": "Files",
        KEYS: "Keys",
        "notifications": "Notifications",
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
    def notifications(self) -> Settings:
        """The section of that name."""
        return Settings(self[HOW], self[BODIES], self[TITLE], self[LANGUAGE])


class SettingsFile(Protocol):
    """What the user has set, on disk; both block, and raise ``ConfigTrouble``."""

    def read(self) -> Config:
        """The settings as they are now."""
        ...

    def change(self, changes: Mapping[str, Written | None]) -> Config:
        """Set these, by their full names, and nothing else; ``None`` is the default again."""
        ...
