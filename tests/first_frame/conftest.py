from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.compose import open_store
from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY
from dmtui.core.events import Line, RoomUpdate, SyncBatch, TimelineEvent
from dmtui.core.model import (
    EventId,
    Invite,
    JsonObject,
    Kind,
    Member,
    Membership,
    RoomId,
    Safe,
    Session,
    UserId,
)
from dmtui.profile import ProfilePaths
from tests.profiles import sign_in_offline

ME = UserId("@me:localhost")
NOWHERE = "http://127.0.0.1:1"
LONG_AGO = 1_500_000_000_000

SAID = {
    "bob": "hello",
    "carol": "a very long message that does not fit into a row of the people list by any means",
    "dave": "日本語のメッセージ、とても長いので一行には収まりません、本当に長いです",
    "erin": "",
}


def update(number: int, name: str, said: str) -> RoomUpdate:
    person = UserId(f"@{name}:localhost")
    event = TimelineEvent(
        EventId(f"${name}"), person, LONG_AGO - number * 1_000, Line(Kind.TEXT, Safe(said))
    )
    return RoomUpdate(
        RoomId(f"!{name}:localhost"),
        initial=True,
        encrypted=bool(number % 2),
        members=(
            Member(ME, Membership.JOIN, Safe("Me")),
            Member(person, Membership.JOIN if said else Membership.INVITE, Safe(name.title())),
        ),
        timeline=(event,) if said else (),
    )


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProfilePaths:
    """Signed in, with people in the store and no homeserver to reach."""
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    for name in ("NO_COLOR", "COLUMNS", "LINES"):  # the terminal has a size of its own
        monkeypatch.delenv(name, raising=False)
    paths = ProfilePaths.named()
    session = Session(ME, "DEVICE", "token", NOWHERE)
    sign_in_offline(paths, session)
    paths.lock_file.touch()
    with contextlib.closing(open_store(paths, session)) as store:
        updates = [update(number, name, said) for number, (name, said) in enumerate(SAID.items())]
        people: JsonObject = {f"@{name}:localhost": [f"!{name}:localhost"] for name in SAID}
        store.apply(SyncBatch("token", rooms=tuple(updates), direct=people))
        store.set_draft(UserId("@carol:localhost"), "half a thought")
    return paths


def asked_by(paths: ProfilePaths, *names: str, server: str = "x") -> None:
    """Have these people's direct invites in the store."""
    invites = tuple(
        Invite(
            RoomId(f"!asked-by-{name}:{server}"),
            UserId(f"@{name}:{server}"),
            Safe(name.title()),
            direct=True,
            received=1,
        )
        for name in names
    )
    with contextlib.closing(open_store(paths, Session(ME, "DEVICE", "token", NOWHERE))) as store:
        store.apply(SyncBatch("token", invites=invites))


def shares_a_room_with_me(paths: ProfilePaths, name: str) -> None:
    """Have it known of somebody who asks."""
    with contextlib.closing(open_store(paths, Session(ME, "DEVICE", "token", NOWHERE))) as store:
        store.requests.weigh({UserId(f"@{name}:x"): 1})


def arranged(paths: ProfilePaths) -> None:
    """Have somebody pinned, somebody muted, somebody archived, somebody marked as unread."""
    with contextlib.closing(open_store(paths, Session(ME, "DEVICE", "token", NOWHERE))) as store:
        tags = {"dave": FAVOURITE, "erin": LOW_PRIORITY}
        rooms = tuple(
            RoomUpdate(RoomId(f"!{name}:localhost"), tags=frozenset({tag}))
            for name, tag in tags.items()
        )
        muted = frozenset({RoomId("!carol:localhost")})
        store.mark_read_here(UserId("@bob:localhost"))
        marked = RoomUpdate(RoomId("!bob:localhost"), marked_unread=True)
        store.apply(SyncBatch("token", rooms=(*rooms, marked), muted=muted))


def with_group_and_likeness(paths: ProfilePaths) -> None:
    """Have somebody whose name looks like Bob's, and a room with two others."""
    with contextlib.closing(open_store(paths, Session(ME, "DEVICE", "token", NOWHERE))) as store:
        twin = update(5, "mallory", "it is me")
        members = (*twin.members[:1], replace(twin.members[1], name=Safe("B\u043eb")))
        group = update(6, "grace", "hello all")
        third = Member(UserId("@heidi:localhost"), Membership.JOIN, Safe("Heidi"))
        rooms = (replace(twin, members=members), replace(group, members=(*group.members, third)))
        direct = store.direct() or {}
        added: JsonObject = {f"@{n}:localhost": [f"!{n}:localhost"] for n in ("mallory", "grace")}
        store.apply(SyncBatch("token", rooms=rooms, direct=direct | added))
