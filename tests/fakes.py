"""A homeserver in memory and a clock to turn by hand, for the rings that need no network.

The contract suite holds the fake to what a real Synapse does. What a test has not set up raises.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from dmtui.core.errors import (
    DmtuiError,
    Forbidden,
    InviteBlocked,
    NotFound,
    ServerTrouble,
    Unreachable,
)
from dmtui.core.events import (
    History,
    Line,
    MembershipChange,
    Receipt,
    RoomUpdate,
    SyncBatch,
    TimelineEvent,
)
from dmtui.core.model import (
    EventId,
    Invite,
    JsonObject,
    Kind,
    Member,
    Membership,
    Profile,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)

ME = UserId("@me:example.org")
BOB = UserId("@bob:example.org")
CAROL = UserId("@carol:example.org")


class FakeClock:
    """Time that stands still until told; sleepers wake in order."""

    def __init__(self, now: float = 1_790_000_000.0):
        self._now = now
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        sleeper = (self._now + seconds, asyncio.Event())
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:
            self._sleepers.remove(sleeper)

    def turn(self, seconds: float) -> None:
        """Let time pass; whoever slept until then wakes."""
        self._now += seconds
        for until, event in self._sleepers:
            if until <= self._now:
                event.set()


@dataclass
class FakeRoom:
    """A room as the server keeps it."""

    room_id: RoomId
    created_at: int
    encrypted: bool = False
    nonce: str | None = None
    members: dict[UserId, Member] = field(default_factory=dict)
    events: list[TimelineEvent] = field(default_factory=list)
    invited: dict[UserId, tuple[UserId, bool]] = field(default_factory=dict)
    creator: UserId | None = None

    def membership(self, user_id: UserId) -> Membership | None:
        member = self.members.get(user_id)
        return member.membership if member else None


@dataclass(frozen=True)
class Call:
    """One request that reached the server."""

    name: str
    arguments: tuple[object, ...]


class FakeHomeserver:
    """One account's homeserver, with the other people played by the test."""

    def __init__(self, me: UserId = ME, clock: FakeClock | None = None):
        self.me = me
        self.clock = clock or FakeClock()
        self.calls: list[Call] = []
        self.rooms: dict[RoomId, FakeRoom] = {}
        self.data: dict[str, JsonObject] = {}
        self.profiles: dict[UserId, Profile] = {}
        self.without_keys: set[UserId] = set()
        self.blocking_invites: set[UserId] = set()
        self.decrypted: dict[EventId, TimelineEvent] = {}
        self.forgotten: set[RoomId] = set()
        self.adorned: set[RoomId] = set()  # rooms with a name, a topic or the like
        self.serving: dict[RoomId, frozenset[UserId]] = {}
        self.broken_history: set[RoomId] = set()
        self.stuck_history: set[RoomId] = set()
        self.closed = False
        self._news: list[SyncBatch] = []
        self._arrived = asyncio.Condition()
        self._failures: dict[str, list[DmtuiError]] = defaultdict(list)
        self._lost_answers: set[str] = set()
        self._gates: dict[str, asyncio.Event] = {}
        self._sent: dict[TransactionId, EventId] = {}
        self._numbers = 0

    # -- the test's side: trouble ---------------------------------------------------------

    def fail(self, name: str, error: DmtuiError, times: int = 1) -> None:
        """Answer the next calls of this name with the error, unacted."""
        self._failures[name] += [error] * times

    def heal(self, name: str) -> None:
        """Answer calls of this name properly again."""
        self._failures[name].clear()

    def lose_answer(self, name: str) -> None:
        """Act on the next call of this name, but let its answer be lost."""
        self._lost_answers.add(name)

    def hold(self, name: str) -> asyncio.Event:
        """Make calls of this name wait until the returned event is set."""
        self._gates[name] = asyncio.Event()
        return self._gates[name]

    def count(self, name: str) -> int:
        """How many calls of this name have arrived."""
        return sum(call.name == name for call in self.calls)

    async def called(self, name: str, times: int = 1) -> None:
        """Wait until calls of this name have arrived."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: self.count(name) >= times)

    async def _call(self, name: str, *arguments: object) -> None:
        async with self._arrived:
            self.calls.append(Call(name, arguments))
            self._arrived.notify_all()
        if (gate := self._gates.get(name)) is not None:
            await gate.wait()
        if self._failures[name]:
            raise self._failures[name].pop(0)

    # -- the test's side: other people ----------------------------------------------------

    async def have_direct_room(
        self,
        peer: UserId,
        name: str = "",
        *,
        encrypted: bool = False,
        listed: bool = True,
        history: Sequence[str] = (),
        shown: int = 20,
    ) -> RoomId:
        """A direct room that both have joined; sync shows the newest of its history."""
        room = self._make_room(encrypted)
        room.members[self.me] = Member(self.me, Membership.JOIN, Safe("Me"))
        room.members[peer] = Member(peer, Membership.JOIN, Safe(name))
        if listed:
            direct = deepcopy(self.data.get("m.direct", {}))
            rooms = direct.setdefault(peer, [])
            assert isinstance(rooms, list)
            rooms.append(room.room_id)
            await self.edit_direct(direct)
        for text in history:
            room.events.append(self._event(room, peer, Line(Kind.TEXT, Safe(text))))
        await self._tell(SyncBatch("", rooms=(self._snapshot(room, shown),)))
        return room.room_id

    async def say(self, room_id: RoomId, sender: UserId, text: str) -> EventId:
        """The person sends a text message."""
        return await self._post(room_id, sender, Line(Kind.TEXT, Safe(text)))

    async def say_while_away(self, room_id: RoomId, sender: UserId, texts: Sequence[str]) -> None:
        """The person sends so much that sync shows only the end of it, with a gap before."""
        room = self.rooms[room_id]
        for text in texts:
            room.events.append(self._event(room, sender, Line(Kind.TEXT, Safe(text))))
        position = len(room.events) - 1
        update = RoomUpdate(
            room_id, limited=True, prev_batch=str(position), timeline=(room.events[-1],)
        )
        await self._tell(SyncBatch("", rooms=(update,)))

    async def invite(self, inviter: UserId, name: str = "", *, direct: bool = True) -> RoomId:
        """The person invites me to a new room."""
        room = self._make_room(encrypted=False)
        room.members[inviter] = Member(inviter, Membership.JOIN, Safe(name))
        room.members[self.me] = Member(self.me, Membership.INVITE, is_direct=direct, sender=inviter)
        room.invited[self.me] = (inviter, direct)
        room.creator = inviter
        invite = Invite(room.room_id, inviter, Safe(name), direct, self._milliseconds())
        await self._tell(SyncBatch("", invites=(invite,)))
        return room.room_id

    async def revoke(self, room_id: RoomId) -> None:
        """The inviter takes the invite back."""
        room = self.rooms[room_id]
        room.members[self.me] = Member(self.me, Membership.LEAVE)
        await self._tell(SyncBatch("", gone=(room_id,)))

    async def welcome(self, room_id: RoomId, user_id: UserId) -> None:
        """The person accepts an invite to a room of mine."""
        room = self.rooms[room_id]
        member = Member(user_id, Membership.JOIN, room.members[user_id].name, sender=user_id)
        room.members[user_id] = member
        await self._post(room_id, user_id, MembershipChange(member, Membership.INVITE))

    async def abandon(self, room_id: RoomId, user_id: UserId) -> None:
        """The person leaves a room."""
        room = self.rooms[room_id]
        member = Member(user_id, Membership.LEAVE, sender=user_id)
        room.members[user_id] = member
        await self._post(room_id, user_id, MembershipChange(member, Membership.JOIN))

    async def edit_direct(self, content: JsonObject) -> None:
        """Another client of mine writes ``m.direct``."""
        self.data["m.direct"] = content
        await self._tell(SyncBatch("", direct=deepcopy(content)))

    async def show_typing(self, room_id: RoomId, *typing: UserId) -> None:
        """These people type, and nobody else."""
        update = RoomUpdate(room_id, typing=frozenset(typing))
        await self._tell(SyncBatch("", rooms=(update,)))

    async def read(self, room_id: RoomId, user_id: UserId, event_id: EventId) -> None:
        """A receipt of somebody."""
        receipt = Receipt(user_id, event_id, self._milliseconds())
        await self._tell(SyncBatch("", rooms=(RoomUpdate(room_id, receipts=(receipt,)),)))

    async def tell(self, batch: SyncBatch) -> None:
        """Have the next sync say this; the token is the server's own."""
        await self._tell(batch)

    def _make_room(self, encrypted: bool) -> FakeRoom:
        self._numbers += 1
        room = FakeRoom(RoomId(f"!room{self._numbers}"), self._milliseconds(), encrypted)
        self.rooms[room.room_id] = room
        return room

    def _snapshot(self, room: FakeRoom, shown: int = 20) -> RoomUpdate:
        first = max(0, len(room.events) - shown)
        return RoomUpdate(
            room.room_id,
            initial=True,
            limited=first > 0,
            prev_batch=str(first) if first else None,
            timeline=tuple(room.events[first:]),
            members=tuple(room.members.values()),
            encrypted=room.encrypted,
            created_at=room.created_at,
            nonce=room.nonce,
        )

    async def _post(
        self,
        room_id: RoomId,
        sender: UserId,
        content: Line | MembershipChange,
        transaction_id: TransactionId | None = None,
    ) -> EventId:
        room = self.rooms[room_id]
        event = self._event(room, sender, content, transaction_id)
        room.events.append(event)
        members = (content.member,) if isinstance(content, MembershipChange) else ()
        update = RoomUpdate(room_id, timeline=(event,), members=members)
        await self._tell(SyncBatch("", rooms=(update,)))
        return event.event_id

    def _event(
        self,
        room: FakeRoom,
        sender: UserId,
        content: Line | MembershipChange,
        transaction_id: TransactionId | None = None,
    ) -> TimelineEvent:
        self._numbers += 1
        return TimelineEvent(
            EventId(f"$event{self._numbers}"),
            sender,
            self._milliseconds(),
            content,
            encrypted=room.encrypted,
            transaction_id=transaction_id,
        )

    async def _tell(self, batch: SyncBatch) -> None:
        async with self._arrived:
            self._news.append(batch)
            self._arrived.notify_all()

    def _milliseconds(self) -> int:
        self._numbers += 1
        return int(self.clock.now() * 1000) + self._numbers

    # -- the port -------------------------------------------------------------------------

    async def sync(self, token: str | None, rooms: frozenset[RoomId], timeout: float) -> SyncBatch:
        await self._call("sync", token, rooms, timeout)
        seen = int(token or 0)
        if timeout and seen >= len(self._news):
            async with self._arrived:
                await self._arrived.wait_for(lambda: len(self._news) > seen)
        news = self._news[seen:]
        direct = [batch.direct for batch in news if batch.direct is not None]
        return SyncBatch(
            token=str(seen + len(news)),
            rooms=tuple(update for batch in news for update in batch.rooms),
            invites=tuple(invite for batch in news for invite in batch.invites),
            gone=tuple(room_id for batch in news for room_id in batch.gone),
            direct=direct[-1] if direct else None,
            ignored=next((b.ignored for b in reversed(news) if b.ignored is not None), None),
            room_keys=tuple(key for batch in news for key in batch.room_keys),
        )

    async def history(self, room_id: RoomId, before: str, limit: int) -> History:
        await self._call("history", room_id, before, limit)
        if room_id in self.broken_history:
            raise ServerTrouble("The homeserver is in trouble (HTTP 502).")
        events = self.rooms[room_id].events
        if room_id in self.stuck_history:
            return History((events[-1],), before)
        upper = int(before)
        lower = max(0, upper - limit)
        page = tuple(reversed(events[lower:upper]))
        return History(page, str(lower) if lower else None)

    async def decrypt(self, room_id: RoomId, raw: Sequence[str]) -> tuple[TimelineEvent, ...]:
        await self._call("decrypt", room_id, tuple(raw))
        return tuple(self.decrypted.values())

    async def send_text(
        self, room_id: RoomId, transaction_id: TransactionId, body: str, encrypted: bool
    ) -> EventId:
        await self._call("send_text", room_id, transaction_id, body, encrypted)
        if transaction_id not in self._sent:
            if self.rooms[room_id].membership(self.me) is not Membership.JOIN:
                raise Forbidden("You are not in this chat any more.", 403, "M_FORBIDDEN")
            line = Line(Kind.TEXT, Safe(body))
            event_id = await self._post(room_id, self.me, line, transaction_id)
            self._sent[transaction_id] = event_id
        self._lose("send_text")
        return self._sent[transaction_id]

    async def create_direct_room(self, peer: UserId | None, nonce: str, encrypted: bool) -> RoomId:
        await self._call("create_direct_room", peer, nonce, encrypted)
        room = self._make_room(encrypted)
        room.nonce = nonce
        room.creator = self.me
        room.members[self.me] = Member(self.me, Membership.JOIN, Safe("Me"))
        if peer is not None and peer not in self.blocking_invites:
            name = self.profiles[peer].name if peer in self.profiles else Safe("")
            room.members[peer] = Member(peer, Membership.INVITE, name, True, self.me)
            room.invited[peer] = (self.me, True)
        await self._tell(SyncBatch("", rooms=(self._snapshot(room),)))
        if peer in self.blocking_invites:
            raise InviteBlocked("The other side accepts no invites.", 403, "M_INVITE_BLOCKED")
        self._lose("create_direct_room")
        return room.room_id

    async def find_created_room(self, nonce: str) -> RoomId | None:
        await self._call("find_created_room", nonce)
        joined = (r for r in self.rooms.values() if r.membership(self.me) is Membership.JOIN)
        return next((room.room_id for room in joined if room.nonce == nonce), None)

    async def join(self, room_id: RoomId) -> None:
        await self._call("join", room_id)
        room = self.rooms[room_id]
        others = [u for u in room.members if u != self.me]
        if not any(room.membership(user) is Membership.JOIN for user in others):
            raise NotFound("Nobody is left in this room.", 404, "M_UNKNOWN")
        if room.membership(self.me) not in (Membership.INVITE, Membership.JOIN):
            raise Forbidden("You are not invited to this room.", 403, "M_FORBIDDEN")
        room.members[self.me] = Member(self.me, Membership.JOIN, Safe("Me"))
        await self._tell(SyncBatch("", rooms=(self._snapshot(room),)))

    async def leave(self, room_id: RoomId) -> None:
        await self._call("leave", room_id)
        room = self.rooms[room_id]
        room.members[self.me] = Member(self.me, Membership.LEAVE)
        await self._tell(SyncBatch("", gone=(room_id,)))

    async def forget(self, room_id: RoomId) -> None:
        await self._call("forget", room_id)
        self.forgotten.add(room_id)

    async def invite_back(self, room_id: RoomId, user_id: UserId) -> None:
        await self._call("invite_back", room_id, user_id)
        room = self.rooms[room_id]
        name = room.members[user_id].name if user_id in room.members else Safe("")
        member = Member(user_id, Membership.INVITE, name, True, self.me)
        room.invited[user_id] = (self.me, True)
        room.members[user_id] = member
        await self._post(room_id, self.me, MembershipChange(member, Membership.LEAVE))

    async def members(self, room_id: RoomId) -> tuple[Member, ...]:
        await self._call("members", room_id)
        room = self.rooms.get(room_id)
        if room is None or room.membership(self.me) is not Membership.JOIN:
            raise Forbidden("You are not in this room.", 403, "M_FORBIDDEN")
        present = (Membership.JOIN, Membership.INVITE)
        return tuple(m for m in room.members.values() if m.membership in present)

    async def joined_rooms(self) -> frozenset[RoomId]:
        await self._call("joined_rooms")
        rooms = self.rooms.values()
        return frozenset(r.room_id for r in rooms if r.membership(self.me) is Membership.JOIN)

    async def invite_of(self, room_id: RoomId, user_id: UserId) -> tuple[UserId, bool] | None:
        await self._call("invite_of", room_id, user_id)
        room = self.rooms.get(room_id)
        if room is None or self.me not in room.members or room_id in self.forgotten:
            raise Forbidden("You are not in this room.", 403, "M_FORBIDDEN")
        return room.invited.get(user_id)

    async def creator_of(self, room_id: RoomId) -> UserId | None:
        await self._call("creator_of", room_id)
        return self.rooms[room_id].creator

    async def plain_room(self, room_id: RoomId) -> frozenset[UserId] | None:
        await self._call("plain_room", room_id)
        return None if room_id in self.adorned else self.serving.get(room_id, frozenset())

    async def account_data(self, kind: str) -> JsonObject | None:
        await self._call("account_data", kind)
        return deepcopy(self.data.get(kind))

    async def set_account_data(self, kind: str, content: JsonObject) -> None:
        await self._call("set_account_data", kind, deepcopy(content))
        self.data[kind] = deepcopy(content)
        if kind == "m.direct":
            await self._tell(SyncBatch("", direct=deepcopy(content)))

    async def search_people(self, term: str, limit: int) -> tuple[Profile, ...]:
        await self._call("search_people", term, limit)
        found = [p for p in self.profiles.values() if term in p.name or term in p.user_id]
        return tuple(found[:limit])

    async def profile(self, user_id: UserId) -> Profile:
        await self._call("profile", user_id)
        if user_id not in self.profiles:
            raise NotFound("No such user.", 404, "M_NOT_FOUND")
        return self.profiles[user_id]

    async def has_device_keys(self, user_id: UserId) -> bool:
        await self._call("has_device_keys", user_id)
        return user_id not in self.without_keys

    async def set_typing(self, room_id: RoomId, typing: bool) -> None:
        await self._call("set_typing", room_id, typing)

    async def mark_read(self, room_id: RoomId, event_id: EventId) -> None:
        await self._call("mark_read", room_id, event_id)
        receipt = Receipt(self.me, event_id, self._milliseconds())
        update = RoomUpdate(room_id, receipts=(receipt,), fully_read=event_id)
        await self._tell(SyncBatch("", rooms=(update,)))

    async def logout(self) -> None:
        await self._call("logout")

    async def close(self) -> None:
        self.closed = True

    def _lose(self, name: str) -> None:
        if name in self._lost_answers:
            self._lost_answers.discard(name)
            raise Unreachable("The answer was lost.")
