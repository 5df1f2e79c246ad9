"""What values a setting can have: how the file has them, and what each means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar

Value = TypeVar("Value", covariant=True)
Word = TypeVar("Word", bound=StrEnum)

_DIGITS = 20

Written: TypeAlias = bool | int | str
"""A value as the file has it."""


class WrongValue(ValueError):
    """What is wrong with a value, as words that go on from a setting's name."""


class Kind(Protocol[Value]):
    """The values of one setting."""

    def read(self, value: object) -> Value:
        """The value that the file has, or ``WrongValue``."""
        ...


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
        text = text.strip()
        if not text.isdecimal() or len(text) > _DIGITS:
            raise WrongValue(self._problem)
        return self.read(int(text))

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
