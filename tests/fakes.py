"""A homeserver in memory and a clock to turn by hand, for the rings that need no network.

The contract suite holds the fake to what a real Synapse does. What a test has not set up raises.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from dmtui.core.contacts import PEOPLE
from dmtui.core.errors import (
    ApprovalNeeded,
    BadRecoveryKey,
    CannotEncrypt,
    DamagedFile,
    DmtuiError,
    Forbidden,
    IdentityExists,
    InviteBlocked,
    NotFound,
    PasswordNeeded,
    Refused,
    ServerTrouble,
    TrustAlarm,
    Unreachable,
)
from dmtui.core.events import (
    Content,
    Edit,
    History,
    Line,
    MembershipChange,
    Reaction,
    Receipt,
    Redaction,
    RoomUpdate,
    Sendable,
    SyncBatch,
    TimelineEvent,
    Undecryptable,
)
from dmtui.core.model import (
    Alarm,
    Attachment,
    Availability,
    EventId,
    FileKey,
    Invite,
    JsonObject,
    Kind,
    Media,
    Member,
    Membership,
    PersonDevice,
    Presence,
    Profile,
    RoomId,
    Safe,
    TransactionId,
    UserId,
)
from dmtui.core.own_devices import OwnDevice
from dmtui.core.ports import Progress
from dmtui.core.recovery import (
    Backup,
    Encryption,
    Identity,
    is_meant_as_key,
    read_recovery_key,
    recovery_key_text,
)
from dmtui.core.trust import IdentityState, Trust
from dmtui.core.verification import Phase, Verification, reason_of
from tests.fake_verification import FakeVerifications

ME = UserId("@me:example.org")
BOB = UserId("@bob:example.org")
CAROL = UserId("@carol:example.org")
THIS_DEVICE = OwnDevice(
    "DEVICE", Safe("My terminal"), "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", this=True
)
FIRST_SEEN_AT = 1_780_000_000_000

T = TypeVar("T")


def said(body: str) -> Line:
    """A text message."""
    return Line(Kind.TEXT, Safe(body))


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
    name: Safe | None = None
    tags: set[str] = field(default_factory=set)
    marked_unread: bool | None = None
    predecessor: RoomId | None = None
    successor: RoomId | None = None
    open: bool = False  # anybody may join
    seen_until: int | None = None  # how many of the events I may see, having left

    def membership(self, user_id: UserId) -> Membership | None:
        member = self.members.get(user_id)
        return member.membership if member else None


@dataclass
class FakeRecovery:
    """The account's encryption identity; ``key`` is the text of its recovery key."""

    identity: Identity = Identity.NONE
    key: str = ""
    passphrase: str = ""
    backup: Backup = Backup.NONE
    in_backup: int = 0
    to_back_up: int = 0
    unkept: bool = False
    password: str = ""
    """What set-up asks for, if it is not empty."""
    approval: str = ""
    """Where set-up must be approved first, if it is not empty."""

    def set_up_elsewhere(self, passphrase: str = "") -> str:
        """Another client sets recovery up; the text of the recovery key."""
        self.identity, self.backup = Identity.LOCKED, Backup.LOCKED
        self.passphrase, self.key = passphrase, recovery_key_text(b"elsewhere".ljust(32))
        return self.key

    def opens(self, secret: str) -> bool:
        """Whether the secret is the key or the passphrase."""
        if self.passphrase and not is_meant_as_key(secret):
            return secret == self.passphrase
        return read_recovery_key(secret) == read_recovery_key(self.key)


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
        self.muted: set[RoomId] = set()
        self.reports: list[tuple[UserId | RoomId, str]] = []
        self.presences: dict[UserId, Presence] = {}
        self.keeps_presence = True
        self.devices: dict[UserId, tuple[PersonDevice, ...]] = {}
        self.identities: dict[UserId, IdentityState] = {}
        self.unconfirmed: set[UserId] = set()
        self.excepted: set[UserId] = set()
        self.serving: dict[RoomId, frozenset[UserId]] = {}
        self.broken_history: set[RoomId] = set()
        self.stuck_history: set[RoomId] = set()
        self.recovery = FakeRecovery()
        self.own = [THIS_DEVICE]
        self.password = "the password of my account"
        self.verifications = FakeVerifications(me)
        self.files: dict[str, tuple[bytes, FileKey | None]] = {}
        self.upload_limit = 50_000_000
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

    async def say(self, room_id: RoomId, sender: UserId, text: str, html: str = "") -> EventId:
        """The person sends a text message."""
        return await self._post(room_id, sender, Line(Kind.TEXT, Safe(text), html))

    async def do(
        self,
        room_id: RoomId,
        sender: UserId,
        content: Sendable,
        transaction_id: TransactionId | None = None,
    ) -> EventId:
        """Somebody sends anything at all; a reaction once, and what is deleted is gone."""
        room = self.rooms[room_id]
        if isinstance(content, Reaction) and any(
            event.sender == sender and event.content == content for event in room.events
        ):
            raise Refused("You have reacted so already.", 400, "M_DUPLICATE_ANNOTATION")
        if isinstance(content, Redaction):
            room.events = [
                replace(event, content=Line(Kind.REDACTED, Safe("")))
                if event.event_id == content.target
                else event
                for event in room.events
            ]
        return await self._post(room_id, sender, content, transaction_id)

    async def say_unreadable(self, room_id: RoomId, sender: UserId) -> EventId:
        """The person sends a message whose key I lack."""
        return await self._post(room_id, sender, Undecryptable("session", "{}"))

    def make_readable(self, room_id: RoomId, event_id: EventId, text: str) -> None:
        """The key of such a message can be had now."""
        event = next(e for e in self.rooms[room_id].events if e.event_id == event_id)
        self.decrypted[event_id] = replace(event, content=Line(Kind.TEXT, Safe(text)))

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
        room.creator = inviter
        await self._invite_to(room, inviter, Safe(name), direct)
        return room.room_id

    async def invite_again(self, room_id: RoomId, inviter: UserId) -> None:
        """The person invites me to a room that I left."""
        room = self.rooms[room_id]
        await self._invite_to(room, inviter, room.members[inviter].name, direct=True)

    async def _invite_to(self, room: FakeRoom, inviter: UserId, name: Safe, direct: bool) -> None:
        room.members[self.me] = Member(self.me, Membership.INVITE, is_direct=direct, sender=inviter)
        room.invited[self.me] = (inviter, direct)
        invite = Invite(room.room_id, inviter, name, direct, self._milliseconds())
        await self._tell(SyncBatch("", invites=(invite,)))

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

    async def decline(self, room_id: RoomId, user_id: UserId) -> None:
        """The person declines an invite to a room of mine."""
        room = self.rooms[room_id]
        member = Member(user_id, Membership.LEAVE, sender=user_id)
        room.members[user_id] = member
        await self._post(room_id, user_id, MembershipChange(member, Membership.INVITE))

    async def ban(self, room_id: RoomId, user_id: UserId, by: UserId) -> None:
        """Somebody is banned from a room, be it me."""
        await self._throw_out(room_id, user_id, by, Membership.BAN)

    async def kick(self, room_id: RoomId, user_id: UserId, by: UserId) -> None:
        """Somebody is removed from a room, be it me."""
        await self._throw_out(room_id, user_id, by, Membership.LEAVE)

    async def _throw_out(
        self, room_id: RoomId, user_id: UserId, by: UserId, membership: Membership
    ) -> None:
        room = self.rooms[room_id]
        before = room.membership(user_id)
        member = Member(user_id, membership, sender=by)
        room.members[user_id] = member
        await self._post(room_id, by, MembershipChange(member, before))
        if user_id == self.me:
            room.seen_until = len(room.events)
            await self._tell(SyncBatch("", gone=(room_id,)))

    async def bring(self, room_id: RoomId, user_id: UserId, name: str = "") -> None:
        """A further person joins a room."""
        room = self.rooms[room_id]
        before = room.membership(user_id)
        member = Member(user_id, Membership.JOIN, Safe(name), sender=user_id)
        room.members[user_id] = member
        await self._post(room_id, user_id, MembershipChange(member, before))

    async def have_group(self, *others: UserId, name: str = "", encrypted: bool = False) -> RoomId:
        """A room that I and all of them have joined, and that ``m.direct`` does not name."""
        room = self._make_room(encrypted)
        room.name = Safe(name) if name else None
        for user_id in (self.me, *others):
            room.members[user_id] = Member(user_id, Membership.JOIN, self._name_of(user_id))
        await self._tell(SyncBatch("", rooms=(self._snapshot(room),)))
        return room.room_id

    async def upgrade(self, room_id: RoomId, by: UserId, *, invited: bool = True) -> RoomId:
        """Somebody in the room replaces it; the new one holds nobody else before they join it.

        Unless I did it myself, sync tells of an invite to it, or anybody may join (``invited``).
        """
        old, new = self.rooms[room_id], self._make_room(self.rooms[room_id].encrypted)
        new.creator, new.predecessor, new.name = by, room_id, old.name
        new.members[by] = Member(by, Membership.JOIN, old.members[by].name)
        old.successor, new.open = new.room_id, not invited
        update = RoomUpdate(room_id, successor=new.room_id, successor_via=by.partition(":")[2])
        await self._tell(SyncBatch("", rooms=(update,)))
        if by == self.me:
            await self._tell(SyncBatch("", rooms=(self._snapshot(new),)))
        elif invited:
            await self._invite_to(new, by, old.members[by].name, direct=False)
        return new.room_id

    async def tag(self, room_id: RoomId, *tags: str) -> None:
        """Another client of mine gives a room these tags and no others."""
        self.rooms[room_id].tags = set(tags)
        await self._tell(SyncBatch("", rooms=(RoomUpdate(room_id, tags=frozenset(tags)),)))

    async def mark_unread(self, room_id: RoomId, unread: bool) -> None:
        """Another client of mine marks a room as unread, or no longer."""
        self.rooms[room_id].marked_unread = unread
        await self._tell(SyncBatch("", rooms=(RoomUpdate(room_id, marked_unread=unread),)))

    async def mute(self, *room_ids: RoomId) -> None:
        """Another client of mine has these rooms muted and no others."""
        self.muted = set(room_ids)
        await self._tell(SyncBatch("", muted=frozenset(self.muted)))

    async def edit_direct(self, content: JsonObject) -> None:
        """Another client of mine writes ``m.direct``."""
        await self.edit_account_data("m.direct", content)

    async def edit_account_data(self, kind: str, content: JsonObject) -> None:
        """Another client of mine writes account data of any type."""
        self.data[kind] = content
        await self._tell_account_data(kind)

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
            name=room.name,
            created_at=room.created_at,
            successor=room.successor,
            nonce=room.nonce,
            tags=frozenset(room.tags),
            marked_unread=room.marked_unread,
            predecessor=room.predecessor,
        )

    def _name_of(self, user_id: UserId) -> Safe:
        if user_id == self.me:
            return Safe("Me")
        return self.profiles[user_id].name if user_id in self.profiles else Safe("")

    async def _post(
        self,
        room_id: RoomId,
        sender: UserId,
        content: Content,
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
        content: Content,
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

    async def _tell_account_data(self, kind: str) -> None:
        content = deepcopy(self.data[kind])
        match kind:
            case "m.direct":
                await self._tell(SyncBatch("", direct=content))
            case "m.ignored_user_list":
                users = content.get("ignored_users")
                named = users if isinstance(users, dict) else {}
                await self._tell(SyncBatch("", ignored=frozenset(map(UserId, named))))
            case "m.invite_permission_config":
                blocked = content.get("default_action") == "block"
                await self._tell(SyncBatch("", invites_blocked=blocked))
            case name if name == PEOPLE:
                await self._tell(SyncBatch("", contacts=content))

    async def _tell(self, batch: SyncBatch) -> None:
        async with self._arrived:
            self._news.append(batch)
            self._arrived.notify_all()

    def _milliseconds(self) -> int:
        self._numbers += 1
        return int(self.clock.now() * 1000) + self._numbers

    # -- the port -------------------------------------------------------------------------

    async def sync(
        self,
        token: str | None,
        rooms: frozenset[RoomId],
        timeout: float,
        presence: Availability = Availability.OFFLINE,
    ) -> SyncBatch:
        await self._call("sync", token, rooms, timeout)
        if self.keeps_presence and presence is not Availability.OFFLINE:
            known = self.presences.get(self.me)
            self.presences[self.me] = Presence(presence, known.status if known else Safe(""), 0)
        seen = int(token or 0)
        if timeout and seen >= len(self._news):
            async with self._arrived:
                await self._arrived.wait_for(lambda: len(self._news) > seen)
        news = self._news[seen:]
        return SyncBatch(
            token=str(seen + len(news)),
            rooms=tuple(update for batch in news for update in batch.rooms),
            invites=tuple(invite for batch in news for invite in batch.invites),
            gone=tuple(room_id for batch in news for room_id in batch.gone),
            direct=_last(news, lambda batch: batch.direct),
            ignored=_last(news, lambda batch: batch.ignored),
            muted=_last(news, lambda batch: batch.muted),
            contacts=_last(news, lambda batch: batch.contacts),
            invites_blocked=_last(news, lambda batch: batch.invites_blocked),
            room_keys=tuple(key for batch in news for key in batch.room_keys),
            alarms=self.alarms,
            own_devices=tuple(one for one in self.own if one.fingerprint),
        )

    async def history(self, room_id: RoomId, before: str, limit: int) -> History:
        await self._call("history", room_id, before, limit)
        if room_id in self.broken_history:
            raise ServerTrouble("The homeserver is in trouble (HTTP 502).")
        room = self.rooms.get(room_id)
        if room is None or self.me not in room.members or room_id in self.forgotten:
            raise Forbidden("You are not in this room.", 403, "M_FORBIDDEN")
        events = room.events[: room.seen_until]
        if room_id in self.stuck_history:
            return History((events[-1],), before)
        if before and not before.isdecimal():
            raise Refused("That place in the chat is not known.", 400, "M_UNKNOWN")
        upper = int(before or len(events))
        lower = max(0, upper - limit)
        page = tuple(reversed(events[lower:upper]))
        return History(page, str(lower) if lower else None)

    async def decrypt(self, room_id: RoomId, raw: Sequence[str]) -> tuple[TimelineEvent, ...]:
        await self._call("decrypt", room_id, tuple(raw))
        return tuple(self.decrypted.values())

    async def send(
        self, room_id: RoomId, transaction_id: TransactionId, content: Sendable, encrypted: bool
    ) -> EventId:
        await self._call("send", room_id, transaction_id, content, encrypted)
        hidden = encrypted and isinstance(content, Line | Edit)
        if hidden and (alarms := self._alarms_in(self.rooms[room_id])):
            raise TrustAlarm("The user has to decide.", alarms)
        if hidden and isinstance(content, Line) and _lies_open(content.attachment):
            raise CannotEncrypt("The chat is encrypted, and the file is not yet: try again.")
        if transaction_id not in self._sent:
            if self.rooms[room_id].membership(self.me) is not Membership.JOIN:
                raise Forbidden("You are not in this chat any more.", 403, "M_FORBIDDEN")
            self._sent[transaction_id] = await self.do(room_id, self.me, content, transaction_id)
        self._lose("send")
        return self._sent[transaction_id]

    async def upload(
        self, room_id: RoomId | None, file: str, media: Media, encrypted: bool, progress: Progress
    ) -> Media:
        await self._call("upload", room_id, file, media, encrypted)
        content = _read(file)
        if self.upload_limit and len(content) > self.upload_limit:
            raise Refused("The file is larger than the homeserver takes.", 413, "M_TOO_LARGE")
        progress(len(content) // 2, len(content))
        if (gate := self._gates.get("uploading")) is not None:
            await gate.wait()
        sealed = encrypted or (room_id is not None and self.rooms[room_id].encrypted)
        stored = self.store_file(content, encrypted=sealed)
        progress(len(content), len(content))
        self._lose("upload")
        return replace(media, uri=stored.uri, key=stored.key)

    def store_file(self, content: bytes, *, encrypted: bool = False) -> Media:
        """Somebody uploads a file."""
        self._numbers += 1
        uri = f"mxc://example.org/file{self._numbers}"
        key = FileKey("k" * 43, "i" * 22, f"{self._numbers}".rjust(43, "h")) if encrypted else None
        stored = Media(uri, key, len(content))
        self.files[uri] = (content, key)
        return stored

    async def download(self, media: Media, file: str, limit: int, progress: Progress) -> None:
        await self._call("download", media, limit)
        if media.uri not in self.files:
            raise NotFound("The homeserver does not have this file.", 404, "M_NOT_FOUND")
        content, key = self.files[media.uri]
        if len(content) > limit:
            raise DamagedFile("The file has more than dmtui takes.")
        progress(len(content) // 2, len(content))
        if (gate := self._gates.get("downloading")) is not None:
            await gate.wait()
        if key != media.key or (key is None and media.size not in (None, len(content))):
            raise DamagedFile("The file is not the one that was sent.")
        _write(file, content)
        progress(len(content), len(content))

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

    async def create_group(
        self, members: Sequence[UserId], name: str, nonce: str, encrypted: bool
    ) -> RoomId:
        await self._call("create_group", tuple(members), name, nonce, encrypted)
        room = self._make_room(encrypted)
        room.nonce, room.creator = nonce, self.me
        room.name = Safe(name) if name else None
        room.members[self.me] = Member(self.me, Membership.JOIN, Safe("Me"))
        blocking = self.blocking_invites & set(members)
        for user_id in members if not blocking else ():
            invited = Member(user_id, Membership.INVITE, self._name_of(user_id), sender=self.me)
            room.members[user_id] = invited
            room.invited[user_id] = (self.me, False)
        await self._tell(SyncBatch("", rooms=(self._snapshot(room),)))
        if blocking:
            raise InviteBlocked("The other side accepts no invites.", 403, "M_INVITE_BLOCKED")
        self._lose("create_group")
        return room.room_id

    async def join(self, room_id: RoomId, via: Sequence[str] = ()) -> None:
        await self._call("join", room_id, *via)
        room = self.rooms.get(room_id)
        if room is None:
            raise NotFound("Nobody is left in this room.", 404, "M_UNKNOWN")
        others = [u for u in room.members if u != self.me]
        if not any(room.membership(user) is Membership.JOIN for user in others):
            raise NotFound("Nobody is left in this room.", 404, "M_UNKNOWN")
        welcome = room.membership(self.me) in (Membership.INVITE, Membership.JOIN)
        if not (welcome or room.open) or room.membership(self.me) is Membership.BAN:
            raise Forbidden("You are not invited to this room.", 403, "M_FORBIDDEN")
        room.members[self.me] = Member(self.me, Membership.JOIN, Safe("Me"))
        room.seen_until = None
        self.forgotten.discard(room_id)
        await self._tell(SyncBatch("", rooms=(self._snapshot(room),)))

    async def leave(self, room_id: RoomId) -> None:
        await self._call("leave", room_id)
        room = self.rooms[room_id]
        room.members[self.me] = Member(self.me, Membership.LEAVE)
        room.seen_until = len(room.events)
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

    async def remove(self, room_id: RoomId, user_id: UserId) -> None:
        await self._call("remove", room_id, user_id)
        room = self._joined(room_id)
        before = room.membership(user_id)
        if before not in (Membership.INVITE, Membership.JOIN):
            raise Forbidden("They are not in this room.", 403, "M_FORBIDDEN")
        member = Member(user_id, Membership.LEAVE, sender=self.me)
        room.members[user_id] = member
        await self._post(room_id, self.me, MembershipChange(member, before))

    async def report_user(self, user_id: UserId, reason: str) -> None:
        await self._call("report_user", user_id, reason)
        self.reports.append((user_id, reason))

    async def report_room(self, room_id: RoomId, reason: str) -> None:
        await self._call("report_room", room_id, reason)
        if room_id not in self.rooms:
            raise NotFound("No such room.", 404, "M_NOT_FOUND")
        self.reports.append((room_id, reason))

    async def set_tag(self, room_id: RoomId, tag: str, present: bool) -> None:
        await self._call("set_tag", room_id, tag, present)
        tags = self.rooms[room_id].tags
        (tags.add if present else tags.discard)(tag)
        await self.tag(room_id, *tags)

    async def set_marked_unread(self, room_id: RoomId, unread: bool) -> None:
        await self._call("set_marked_unread", room_id, unread)
        await self.mark_unread(room_id, unread)

    async def set_muted(self, room_id: RoomId, muted: bool) -> None:
        await self._call("set_muted", room_id, muted)
        await self.mute(*(self.muted | {room_id} if muted else self.muted - {room_id}))

    async def shared_rooms(self, user_id: UserId) -> frozenset[RoomId]:
        await self._call("shared_rooms", user_id)
        if user_id == self.me:
            raise Refused("You share every room with yourself.", 400, "M_INVALID_PARAM")
        return self._rooms_with(user_id)

    async def presence(self, user_id: UserId) -> Presence:
        await self._call("presence", user_id)
        if user_id != self.me and not self._rooms_with(user_id):
            raise Forbidden("You are not allowed to see their presence.", 403, "M_FORBIDDEN")
        return self.presences.get(user_id, Presence(Availability.OFFLINE))

    @property
    def alarms(self) -> dict[UserId, Alarm]:
        unreachable = dict.fromkeys(self.unconfirmed - self.excepted, Alarm.DEVICES)
        changed = (user for user, state in self.identities.items() if state.is_alarming)
        return unreachable | dict.fromkeys(changed, Alarm.IDENTITY)

    def _alarms_in(self, room: FakeRoom) -> dict[UserId, Alarm]:
        """Devices alone are no obstacle where somebody else there has a better one."""
        others = room.members.keys() - {self.me}
        found = {user: alarm for user, alarm in self.alarms.items() if user in others}
        if Alarm.IDENTITY in found.values() or found.keys() == others:
            return found
        return {}

    async def change_identity(self, user_id: UserId, state: IdentityState) -> None:
        """The person's identity is in this state now, as sync tells."""
        self.identities[user_id] = state
        await self._tell(SyncBatch("", alarms=self.alarms))

    async def accept_identity(self, user_id: UserId) -> None:
        await self._call("accept_identity", user_id)
        self.identities[user_id] = IdentityState.FIRST_SEEN

    async def change_unconfirmed(self, *user_ids: UserId) -> None:
        """These people, and nobody else, confirm none of their devices, as sync tells."""
        self.unconfirmed = set(user_ids)
        await self._tell(SyncBatch("", alarms=self.alarms))

    async def except_devices(self, user_id: UserId, excepted: bool) -> None:
        await self._call("except_devices", user_id, excepted)
        (self.excepted.add if excepted else self.excepted.discard)(user_id)

    async def trust_of(self, user_id: UserId) -> Trust:
        await self._call("trust_of", user_id)
        state = self.identities.get(user_id, IdentityState.NONE)
        since = 0 if state is IdentityState.NONE else FIRST_SEEN_AT
        return Trust(state, since, self.devices.get(user_id, ()), user_id in self.excepted)

    def _joined(self, room_id: RoomId) -> FakeRoom:
        room = self.rooms.get(room_id)
        if room is None or room.membership(self.me) is not Membership.JOIN:
            raise Forbidden("You are not in this room.", 403, "M_FORBIDDEN")
        return room

    def _rooms_with(self, user_id: UserId) -> frozenset[RoomId]:
        return frozenset(
            room.room_id
            for room in self.rooms.values()
            if room.membership(self.me) is room.membership(user_id) is Membership.JOIN
        )

    async def members(self, room_id: RoomId) -> tuple[Member, ...]:
        await self._call("members", room_id)
        room = self._joined(room_id)
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
        named = self._joined(room_id).name
        return None if named else self.serving.get(room_id, frozenset())

    async def account_data(self, kind: str) -> JsonObject | None:
        await self._call("account_data", kind)
        return deepcopy(self.data.get(kind))

    async def set_account_data(self, kind: str, content: JsonObject) -> None:
        await self._call("set_account_data", kind, deepcopy(content))
        self.data[kind] = deepcopy(content)
        await self._tell_account_data(kind)

    async def search_people(self, term: str, limit: int) -> tuple[Profile, ...]:
        await self._call("search_people", term, limit)
        found = [p for p in self.profiles.values() if term in p.name or term in p.user_id]
        return tuple(found[:limit])

    async def profile(self, user_id: UserId) -> Profile:
        await self._call("profile", user_id)
        if user_id not in self.profiles:
            raise NotFound("No such user.", 404, "M_NOT_FOUND")
        return self.profiles[user_id]

    async def set_display_name(self, name: str) -> None:
        await self._call("set_display_name", name)
        self._introduce(replace(self._me(), name=Safe(name)))
        self._lose("set_display_name")

    async def set_avatar(self, uri: str) -> None:
        await self._call("set_avatar", uri)
        self._introduce(replace(self._me(), avatar=uri))
        self._lose("set_avatar")

    def _me(self) -> Profile:
        return self.profiles.get(self.me, Profile(self.me, Safe("")))

    def _introduce(self, me: Profile) -> None:
        """A profile without anything in it is none."""
        self.profiles.pop(self.me, None)
        if me != Profile(self.me, Safe("")):
            self.profiles[self.me] = me

    async def set_presence(self, availability: Availability, status: str) -> None:
        await self._call("set_presence", availability, status)
        if self.keeps_presence:
            self.presences[self.me] = Presence(availability, Safe(status), 0)
        self._lose("set_presence")

    async def has_device_keys(self, user_id: UserId) -> bool:
        await self._call("has_device_keys", user_id)
        return user_id not in self.without_keys

    async def set_typing(self, room_id: RoomId, typing: bool) -> None:
        await self._call("set_typing", room_id, typing)

    async def mark_read(self, room_id: RoomId, event_id: EventId, private: bool = False) -> None:
        await self._call("mark_read", room_id, event_id, private)
        receipt = Receipt(self.me, event_id, self._milliseconds())
        update = RoomUpdate(room_id, receipts=(receipt,), fully_read=event_id)
        await self._tell(SyncBatch("", rooms=(update,)))

    async def this_device(self) -> PersonDevice:
        await self._call("this_device")
        return PersonDevice(THIS_DEVICE.device_id, THIS_DEVICE.name, THIS_DEVICE.fingerprint)

    async def sign_in_elsewhere(self, *devices: OwnDevice) -> None:
        """Other devices of mine are signed in, or stand differently, as sync tells."""
        named = {one.device_id for one in devices}
        self.own = [*(one for one in self.own if one.device_id not in named), *devices]
        await self._tell(SyncBatch(""))

    async def sign_out_elsewhere(self, device_id: str) -> None:
        """Another device of mine is signed out, as sync tells."""
        self.own = [one for one in self.own if one.device_id != device_id]
        await self._tell(SyncBatch(""))

    async def own_devices(self) -> tuple[OwnDevice, ...]:
        await self._call("own_devices")
        return tuple(self.own)

    async def sign_out_device(self, device_id: str, password: str = "") -> None:
        await self._call("sign_out_device", device_id, password)
        if password != self.password:
            raise PasswordNeeded("The homeserver asks for the password of the account.")
        await self.sign_out_elsewhere(device_id)

    async def encryption(self) -> Encryption:
        await self._call("encryption")
        has, recovery = bool(self.recovery.key), self.recovery
        passphrase = bool(recovery.passphrase)
        on = (recovery.identity, has, passphrase, recovery.backup)
        return Encryption(*on, recovery.to_back_up, recovery.unkept)

    async def set_up_recovery(self, passphrase: str, password: str = "") -> str:
        await self._call("set_up_recovery", passphrase, password)
        recovery = self.recovery
        if recovery.unkept and passphrase in ("", recovery.passphrase):
            return recovery.key
        if recovery.identity not in (Identity.NONE, Identity.UNFINISHED):
            raise IdentityExists("This account has an encryption identity already.")
        if recovery.password and password != recovery.password:
            raise PasswordNeeded("The homeserver asks for the password of the account.")
        if recovery.approval:
            raise ApprovalNeeded("The homeserver wants this approved.", recovery.approval)
        recovery.key, recovery.passphrase = recovery_key_text(b"here".ljust(32)), passphrase
        recovery.identity, recovery.backup, recovery.unkept = Identity.OURS, Backup.ON, True
        self._lose("set_up_recovery")
        return recovery.key

    async def reset_identity(self, passphrase: str, password: str = "") -> str:
        await self._call("reset_identity", passphrase, password)
        recovery = self.recovery
        if recovery.password and password != recovery.password:
            raise PasswordNeeded("The homeserver asks for the password of the account.")
        self._numbers += 1
        recovery.key = recovery_key_text(str(self._numbers).encode().ljust(32))
        recovery.passphrase, recovery.in_backup = passphrase, 0
        recovery.identity, recovery.backup, recovery.unkept = Identity.OURS, Backup.ON, True
        return recovery.key

    async def recovery_key_kept(self) -> bool:
        await self._call("recovery_key_kept")
        there, self.recovery.unkept = self.recovery.unkept, False
        return there

    async def unlock(self, secret: str) -> None:
        if is_meant_as_key(secret):
            read_recovery_key(secret)
        await self._call("unlock", secret)
        if not self.recovery.key:
            raise NotFound("Recovery is not set up for this account.", 404, "M_NOT_FOUND")
        if not self.recovery.opens(secret):
            raise BadRecoveryKey("This does not open the recovery of this account.")
        self.recovery.identity = Identity.OURS
        if self.recovery.backup is Backup.LOCKED:
            self.recovery.backup = Backup.ON

    async def restore_keys(self, progress: Callable[[int, int], None]) -> int:
        await self._call("restore_keys")
        if self.recovery.backup is not Backup.ON:
            raise NotFound("There is no key backup to restore from.", 404, "M_NOT_FOUND")
        new = self.recovery.in_backup
        progress(new // 2, new)
        if (gate := self._gates.get("restoring")) is not None:
            await gate.wait()
        self.recovery.in_backup = 0
        progress(new, new)
        return new

    async def back_up(self) -> int:
        await self._call("back_up")
        if self.recovery.backup is Backup.ON:
            self.recovery.to_back_up = 0
        return self.recovery.to_back_up

    async def verification_news(self) -> tuple[Verification, ...]:
        await self.verifications.changed.wait()
        self.verifications.changed.clear()
        return tuple(self.verifications.known.values())

    async def request_verification(self, user_id: UserId, room_id: RoomId | None) -> str:
        await self._call("request_verification", user_id, room_id)
        if not self.verifications.others:
            raise NotFound(f"{user_id} has no other device to verify with.", 404, "M_NOT_FOUND")
        return self.verifications.begin(user_id, room_id, Phase.ASKING)

    async def accept_verification(self, identifier: str) -> None:
        await self._verify("accept_verification", identifier, Phase.READY)

    async def start_verification(self, identifier: str) -> None:
        await self._verify("start_verification", identifier, Phase.AGREEING)

    async def confirm_verification(self, identifier: str) -> None:
        await self._verify("confirm_verification", identifier, Phase.CONFIRMED)

    async def mismatch_verification(self, identifier: str) -> None:
        one = self.verifications.known.get(identifier)
        scanned = one is not None and one.phase is Phase.SCANNED
        reason = reason_of("m.key_mismatch" if scanned else "m.mismatched_sas")
        await self._verify("mismatch_verification", identifier, Phase.ENDED, reason)

    async def cancel_verification(self, identifier: str) -> None:
        await self._verify("cancel_verification", identifier, Phase.ENDED, reason_of("m.user"))

    async def _verify(self, name: str, identifier: str, phase: Phase, reason: str = "") -> None:
        await self._call(name, identifier)
        self.verifications.change(identifier, phase, reason)

    async def logout(self) -> None:
        await self._call("logout")

    async def close(self) -> None:
        self.closed = True

    def _lose(self, name: str) -> None:
        if name in self._lost_answers:
            self._lost_answers.discard(name)
            raise Unreachable("The answer was lost.")


def _lies_open(attachment: Attachment | None) -> bool:
    return attachment is not None and attachment.media.key is None


def _read(file: str) -> bytes:
    return Path(file).read_bytes()


def _write(file: str, content: bytes) -> None:
    Path(file).touch(0o600, exist_ok=False)
    Path(file).write_bytes(content)


def _last(news: Sequence[SyncBatch], part: Callable[[SyncBatch], T | None]) -> T | None:
    """What the newest batch that speaks of it says."""
    return next((said for batch in reversed(news) if (said := part(batch)) is not None), None)
