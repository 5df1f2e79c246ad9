"""What the user is told of news, and when: one decision as a function of values."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from dmtui.core.model import Cursor, Invite, RoomId, Safe, UserId
from dmtui.core.names import clean_line
from dmtui.core.own_devices import OwnDevice, called

QUIET = 30.0
"""Seconds after a notice of somebody's message in which there is no other one of theirs."""

REQUESTS_QUIET = 300.0
"""Seconds after a notice of a request in which further ones show in the list alone."""

NAMES = 3
"""How many people a notice names."""

NAME_LENGTH = 60
BODY_LENGTH = 160


_NOTHING = Safe("")


class How(StrEnum):
    """The ways to be told: the terminal's bell, a notification on the desktop, both, none."""

    OFF = "off"
    BELL = "bell"
    DESKTOP = "desktop"
    BOTH = "both"


class Bodies(StrEnum):
    """Which messages a notification quotes."""

    NEVER = "never"
    UNENCRYPTED = "unencrypted"
    ALWAYS = "always"


class Title(StrEnum):
    """What the terminal's title says."""

    UNREAD = "unread"
    OFF = "off"


class Language(StrEnum):
    """The escape sequence that the terminal takes for a notification; ``AUTO`` looks."""

    AUTO = "auto"
    OSC9 = "osc9"
    OSC777 = "osc777"
    OSC99 = "osc99"


@dataclass(frozen=True, slots=True)
class Settings:
    """The section ``[notifications]`` of the settings file."""

    how: How = How.BOTH
    bodies: Bodies = Bodies.UNENCRYPTED
    title: Title = Title.UNREAD
    terminal: Language = Language.AUTO


@dataclass(frozen=True, slots=True)
class Arrival:
    """Unread messages of one person that the user was not told of.

    ``body`` is one line of the newest; ``upto`` names the newest of each room.
    """

    user_id: UserId
    name: Safe
    count: int
    body: Safe = _NOTHING
    encrypted: bool = False
    upto: tuple[tuple[RoomId, Cursor], ...] = ()


@dataclass(frozen=True, slots=True)
class News:
    """What the user was not told of: messages by person, direct invites, strange sign-ins."""

    arrivals: tuple[Arrival, ...] = ()
    requests: tuple[Invite, ...] = ()
    sign_ins: tuple[OwnDevice, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.arrivals or self.requests or self.sign_ins)


@dataclass(frozen=True, slots=True)
class Heard:
    """When the user last heard of whom: seconds of the messenger's clock."""

    people: Mapping[UserId, float] = field(default_factory=dict)
    requests: float | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """What a notification says; ``body`` may be empty."""

    title: Safe
    body: Safe = _NOTHING


@dataclass(frozen=True, slots=True)
class Verdict:
    """At most one notice; ``told`` is settled by it, ``again_at`` is when to decide on the rest."""

    notice: Notice | None
    told: News
    heard: Heard
    again_at: float | None = None


def decide(
    news: News,
    now: float,
    heard: Heard,
    *,
    looked_at: UserId | None = None,
    muted: Collection[UserId] = (),
    how: How = How.BOTH,
    bodies: Bodies = Bodies.UNENCRYPTED,
) -> Verdict:
    """Whether to notify of ``news`` now, and in which words.

    Nothing is said of the person ``looked_at``, of the ``muted``, and of anybody again within
    ``QUIET``: their further messages wait and come as one. A request soon after another is only
    listed, so that a flood of them is one notice. A sign-in to my account is always told.
    """
    silent = {user for user in (looked_at, *muted) if user is not None}
    loud = [a for a in news.arrivals if a.user_id not in silent and how is not How.OFF]
    recent = {u: at for u, at in heard.people.items() if _is_soon(at, now, QUIET)}
    held = {a.user_id: recent[a.user_id] + QUIET for a in loud if a.user_id in recent}
    due = [a for a in loud if a.user_id not in held]
    requests = [i for i in news.requests if i.inviter not in silent and how is not How.OFF]
    if _is_soon(heard.requests, now, REQUESTS_QUIET):
        requests = []
    sign_ins = news.sign_ins if how is not How.OFF else ()
    return Verdict(
        _notice(due, requests, sign_ins, bodies) if due or requests or sign_ins else None,
        replace(news, arrivals=tuple(a for a in news.arrivals if a.user_id not in held)),
        Heard(recent | {a.user_id: now for a in due}, now if requests else heard.requests),
        min(held.values(), default=None),
    )


def _is_soon(since: float | None, now: float, quiet: float) -> bool:
    """A time ahead of now is of a clock that was set back: it says nothing."""
    return since is not None and 0 <= now - since < quiet


def _notice(
    arrivals: Sequence[Arrival],
    requests: Sequence[Invite],
    sign_ins: Sequence[OwnDevice],
    bodies: Bodies,
) -> Notice:
    titles = []
    body = Safe("")
    match sign_ins:
        case []:
            pass
        case [device]:
            titles.append(f"New sign-in to your account: {called(device)}")
        case _:
            titles.append(f"{len(sign_ins)} new sign-ins to your account")
    match arrivals:
        case []:
            pass
        case [arrival]:
            titles.append(_of_one(arrival))
            body = _quoted(arrival, bodies)
        case _:
            titles.append(f"{len(arrivals)} people wrote")
            body = _listed([arrival.name for arrival in arrivals])
    match requests:
        case []:
            pass
        case [request]:
            titles.append(f"{clean_line(request.inviter, NAME_LENGTH)} wants to chat")
        case _:
            titles.append(f"{len(requests)} new requests to chat")
    return Notice(Safe("; ".join(titles)), body)


def _of_one(arrival: Arrival) -> str:
    name = clean_line(arrival.name, NAME_LENGTH)
    if arrival.count == 1:
        return f"New message from {name}"
    return f"{arrival.count} new messages from {name}"


def _quoted(arrival: Arrival, bodies: Bodies) -> Safe:
    hidden = bodies is Bodies.NEVER or (bodies is Bodies.UNENCRYPTED and arrival.encrypted)
    return Safe("") if hidden else clean_line(arrival.body, BODY_LENGTH)


def _listed(names: Sequence[Safe]) -> Safe:
    named = [clean_line(name, NAME_LENGTH) for name in names[:NAMES]]
    more = len(names) - len(named)
    if more:
        return Safe(f"{', '.join(named)} and {more} more")
    return Safe(f"{', '.join(named[:-1])} and {named[-1]}")


def title_of(unread: int) -> Safe:
    """The terminal's title for so many unread messages."""
    return Safe(f"({unread}) dmtui" if unread else "dmtui")
