"""A real store on disk, and short ways to say what a server says."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from dmtui.core.events import (
    Content,
    Edit,
    History,
    Line,
    MembershipChange,
    Receipt,
    RoomUpdate,
    SyncBatch,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.model import (
    EventId,
    Kind,
    Member,
    Membership,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.store.store import Store
from tests.new_store import open_store

ME = UserId("@me:test")
BOB = UserId("@bob:test")
CAROL = UserId("@carol:test")
ROOM = RoomId("!room")
OTHER = RoomId("!other")
T0 = 1_700_000_000_000


def line(
    name: str,
    at: int = 0,
    sender: UserId = BOB,
    body: str | None = None,
    kind: Kind = Kind.TEXT,
    transaction: str | None = None,
) -> TimelineEvent:
    """An event ``$name`` that says its name, ``at`` seconds after the start."""
    return event(name, at, Line(kind, Safe(body or name)), sender, transaction)


def event(
    name: str,
    at: int,
    content: Content,
    sender: UserId = BOB,
    transaction: str | None = None,
) -> TimelineEvent:
    return TimelineEvent(
        EventId(f"${name}"),
        sender,
        T0 + 1000 * at,
        content,
        transaction_id=None if transaction is None else TransactionId(transaction),
    )


def edit(name: str, at: int, target: str, body: str, sender: UserId = BOB) -> TimelineEvent:
    return event(name, at, Edit(EventId(f"${target}"), Line(Kind.TEXT, Safe(body))), sender)


def secret(name: str, at: int, session: str) -> TimelineEvent:
    return event(name, at, Undecryptable(session, f'{{"event_id": "${name}"}}'))


def joins(user_id: UserId, at: int, name: str = "") -> TimelineEvent:
    member = Member(user_id, Membership.JOIN, Safe(name))
    return event(f"join-{user_id}-{at}", at, MembershipChange(member), user_id)


def members(*users: UserId) -> tuple[Member, ...]:
    return tuple(
        Member(user, Membership.JOIN, Safe(user[1:].partition(":")[0].title()))
        for user in (ME, *users)
    )


def receipt(user_id: UserId, name: str, at: int = 0) -> Receipt:
    return Receipt(user_id, EventId(f"${name}"), T0 + 1000 * at)


_tokens = count(1)


def batch(*updates: RoomUpdate, **others: object) -> SyncBatch:
    return SyncBatch(token=f"s{next(_tokens)}", rooms=updates, **others)  # type: ignore[arg-type]


def news(*events: TimelineEvent, room: RoomId = ROOM, **others: object) -> SyncBatch:
    """A batch of one room."""
    return batch(RoomUpdate(room, timeline=events, **others))  # type: ignore[arg-type]


def first_sync(*events: TimelineEvent, prev_batch: str | None = "p0") -> SyncBatch:
    """A direct room with Bob."""
    update = RoomUpdate(
        ROOM,
        initial=True,
        limited=prev_batch is not None,
        prev_batch=prev_batch,
        timeline=events,
        members=members(BOB),
        created_at=T0 - 5000,
    )
    return batch(update, direct={BOB: [ROOM]})


def history(*events: TimelineEvent, end: str | None = None) -> History:
    """Given oldest first, as everything here."""
    return History(tuple(reversed(events)), end)


def bodies(store: Store, user_id: UserId = BOB, limit: int = 1000) -> list[str]:
    """Everything stored, also what stands beyond gaps."""
    page = store.messages(user_id, None, limit, across=True)
    return [message.body for message in page.messages]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    opened = open_store(path, ME)
    yield opened
    opened.close()
