"""Both ways of syncing against a real Synapse: what one asks, the other must tell as well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dmtui.core.contacts import PEOPLE
from dmtui.core.errors import Recoverable
from dmtui.core.events import (
    Edit,
    Line,
    MembershipChange,
    Reaction,
    Receipt,
    Redaction,
    RoomUpdate,
    SyncBatch,
    Undecryptable,
)
from dmtui.core.model import EventId, Invite, JsonObject, Kind, Membership, RoomId, Session, UserId
from dmtui.core.names import clean
from dmtui.matrix.client import Client
from dmtui.matrix.nonce import NONCE_EVENT
from dmtui.matrix.place import Way
from dmtui.matrix.sync import Syncing
from dmtui.matrix.translate import Translator, undecryptable
from tests.homeserver.account import Account
from tests.homeserver.faultproxy import BAD_GATEWAY_PAGE, FaultProxy
from tests.homeserver.synapse import SynapseServer

LONG_POLL = 30.0
PATIENCE = 15.0
PRIVATE = "private_chat"  # unlike trusted_private_chat, an invite can be revoked


@dataclass
class Keys:
    """Takes note of what would go to the encryption side."""

    to_device: list[JsonObject] = field(default_factory=list)
    lists: list[JsonObject | None] = field(default_factory=list)
    counts: JsonObject = field(default_factory=dict)
    changed: list[RoomId] = field(default_factory=list)

    async def receive(
        self,
        to_device: Sequence[JsonObject],
        device_lists: JsonObject | None,
        one_time_keys: JsonObject | None,
        fallback_types: Sequence[str] | None,
        batch: str,
    ) -> Sequence[tuple[RoomId, str]]:
        assert batch
        self.to_device.extend(to_device)
        self.lists.append(device_lists)
        self.counts = one_time_keys or {}
        return [(RoomId("!keys"), str(one["type"])) for one in to_device]

    def members_changed(self, room_id: RoomId) -> None:
        self.changed.append(room_id)


def locked(room_id: RoomId, raw: JsonObject) -> Undecryptable:
    return undecryptable(raw, "no key")


class Listener:
    """A device that syncs; ``reborn`` is the same device after a restart of the process."""

    def __init__(self, client: Client, way: Way, token: str | None = None):
        self.client = client
        self.way = way
        self.keys = Keys()
        self.me = UserId(client.user_id)
        self.token = token
        self.rooms: frozenset[RoomId] = frozenset()
        self.syncing = Syncing(client, self.keys, Translator(self.me, locked), way)

    def reborn(self, way: Way | None = None) -> Listener:
        return Listener(self.client, way or self.way, self.token)

    async def next(self, timeout: float = 0.0) -> SyncBatch:
        batch = await self.syncing.sync(self.token, self.rooms, timeout)
        self.token = batch.token
        return batch

    async def settle(self) -> list[SyncBatch]:
        """Everything there is now; from here on the device waits for news."""
        batches = [await self.next()]
        while not batches[-1].complete:
            batches.append(await self.next())
        return batches

    async def until(self, wanted: Callable[[SyncBatch], object]) -> SyncBatch:
        """The first batch that is wanted; it has to wake the long poll."""
        async with asyncio.timeout(PATIENCE):
            while True:
                batch = await self.next(LONG_POLL)
                if wanted(batch):
                    return batch

    async def after(
        self, act: Callable[[], object], wanted: Callable[[SyncBatch], object]
    ) -> SyncBatch:
        """What is wanted of the news that ``act`` makes while the device waits for it."""
        waiting = asyncio.create_task(self.until(wanted))
        try:
            await asyncio.to_thread(act)
            return await waiting
        finally:
            waiting.cancel()


def session_of(account: Account, base_url: str = "") -> Session:
    return Session(
        UserId(account.user_id),
        account.device_id,
        account.access_token,
        base_url or account.base_url,
    )


@pytest.fixture
async def listen() -> AsyncIterator[Callable[..., Listener]]:
    clients = []

    def start(account: Account, way: Way, base_url: str = "") -> Listener:
        clients.append(Client(session_of(account, base_url)))
        return Listener(clients[-1], way)

    yield start
    for client in clients:
        await client.close()


@pytest.fixture(params=list(Way))
def way(request: pytest.FixtureRequest) -> Way:
    return Way(request.param)


@pytest.fixture
def alice(synapse: SynapseServer) -> Account:
    return synapse.register(displayname="Alice")


@pytest.fixture
def bob(synapse: SynapseServer) -> Account:
    return synapse.register(displayname="Bob")


@pytest.fixture
def device(alice: Account, way: Way, listen: Callable[..., Listener]) -> Listener:
    return listen(alice, way)


def befriend(alice: Account, bob: Account, **options: Any) -> RoomId:
    room_id = alice.create_dm(bob, **options)
    bob.join(room_id)
    return RoomId(room_id)


def room(batch: SyncBatch, room_id: str) -> RoomUpdate | None:
    return next((one for one in batch.rooms if one.room_id == room_id), None)


def only(batches: Sequence[SyncBatch], room_id: str) -> RoomUpdate:
    found = [one for batch in batches for one in batch.rooms if one.room_id == room_id]
    assert len(found) == 1
    return found[0]


def bodies(update: RoomUpdate | None) -> list[str]:
    events = update.timeline if update else ()
    return [one.content.body for one in events if isinstance(one.content, Line)]


def invite(batch: SyncBatch, room_id: str) -> Invite | None:
    return next((one for one in batch.invites if one.room_id == room_id), None)


def says(room_id: str, *texts: str) -> Callable[[SyncBatch], bool]:
    return lambda batch: bodies(room(batch, room_id)) == list(texts)


# -- rooms and messages -----------------------------------------------------------------------


async def test_first_sync_describes_a_direct_room(
    device: Listener, alice: Account, bob: Account
) -> None:
    nonce = {"type": NONCE_EVENT, "state_key": "", "content": {"nonce": "n-1"}}
    lock = {
        "type": "m.room.encryption",
        "state_key": "",
        "content": {"algorithm": "m.megolm.v1.aes-sha2"},
    }
    room_id = befriend(alice, bob, initial_state=[nonce, lock], name="Us")
    alice.set_state(room_id, "io.element.functional_members", {"service_members": ["@bot:x"]})

    batches = await device.settle()

    update = only(batches, room_id)
    assert update.initial
    assert update.membership is Membership.JOIN
    assert update.encrypted
    assert update.nonce == "n-1"
    assert update.name == "Us"
    assert update.is_space is False
    assert update.created_at
    assert update.service_members == frozenset({UserId("@bot:x")})
    assert (update.joined_count, update.invited_count) == (2, 0)
    people = {one.user_id: (one.membership, one.name) for one in update.members}
    assert people[UserId(bob.user_id)] == (Membership.JOIN, "Bob")
    assert batches[0].direct == {bob.user_id: [room_id]} or device.way is Way.CLASSIC
    assert room_id in device.keys.changed
    assert batches[-1].complete


async def test_messages_of_every_kind_arrive(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    first = bob.send_text(room_id, "hello")
    bob.send_edit(room_id, first, "hello there")
    bob.react(room_id, first, "👍")
    doomed = bob.send_text(room_id, "oops")
    bob.redact(room_id, doomed)
    bob.send(room_id, "m.room.encrypted", {"algorithm": "m.megolm.v1.aes-sha2", "session_id": "s"})
    bob.leave(room_id)

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    contents = [one.content for one in update.timeline]
    assert contents[0] == Line(Kind.TEXT, clean("hello"))
    assert contents[1] == Edit(EventId(first), Line(Kind.TEXT, clean("hello there")))
    assert contents[2] == Reaction(EventId(first), clean("👍"))
    assert contents[3] == Line(Kind.REDACTED, clean(""))
    assert contents[4] == Redaction(EventId(doomed))
    assert isinstance(contents[5], Undecryptable)
    assert contents[5].session_id == "s"
    assert isinstance(contents[6], MembershipChange)
    assert contents[6].previous is Membership.JOIN
    assert [one.encrypted for one in update.timeline] == [False] * 5 + [True, False]
    assert {one.user_id: one.membership for one in update.members} == {
        UserId(bob.user_id): Membership.LEAVE
    }


@pytest.mark.parametrize("gap", [False, True])
async def test_change_of_who_may_read_history_is_told_to_the_encryption(
    device: Listener, alice: Account, bob: Account, gap: bool
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    device.keys.changed.clear()
    alice.set_state(room_id, "m.room.history_visibility", {"history_visibility": "joined"})
    for number in range(25 if gap else 1):
        bob.send_text(room_id, f"m{number}")

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    assert update.limited is gap
    assert device.keys.changed == [room_id]


async def test_own_message_carries_its_transaction_only_on_this_device(
    synapse: SynapseServer,
    way: Way,
    alice: Account,
    bob: Account,
    listen: Callable[..., Listener],
) -> None:
    other = synapse.login(alice.localpart, alice.password)
    here, there = listen(alice, way), listen(other, way)
    room_id = befriend(alice, bob)
    await here.settle()
    await there.settle()

    alice.send(room_id, "m.room.message", {"msgtype": "m.text", "body": "hi"}, "txn-7")

    mine = room(await here.until(says(room_id, "hi")), room_id)
    theirs = room(await there.until(says(room_id, "hi")), room_id)
    assert mine is not None
    assert theirs is not None
    assert mine.timeline[0].transaction_id == "txn-7"
    assert theirs.timeline[0].transaction_id is None


async def test_gap_is_limited_and_pages_back(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    bob.send_text(room_id, "known")
    await device.settle()
    sent = [bob.send_text(room_id, f"m{number}") for number in range(25)]

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    assert update.limited
    assert not update.initial
    assert update.prev_batch is not None
    seen = [one.event_id for one in update.timeline]
    assert seen == sent[-len(seen) :]
    page = alice.room_api(
        "GET", room_id, "messages", dir="b", limit=30, **{"from": update.prev_batch}
    )
    missing = [event["event_id"] for event in page["chunk"]][: len(sent) - len(seen)]
    assert missing == sent[: len(sent) - len(seen)][::-1]


async def test_room_told_of_from_its_beginning_has_nothing_before(
    device: Listener, alice: Account, bob: Account
) -> None:
    # Of later versions Synapse's filter by rooms leaves the creation out.
    room_id = befriend(alice, bob, room_version="11")
    bob.send_text(room_id, "first")

    update = only(await device.settle(), room_id)

    assert bodies(update) == ["first"]
    assert not update.limited
    assert update.prev_batch is None


async def test_same_token_twice_gives_the_same_news(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    token = device.token
    bob.send_text(room_id, "once")
    first = await device.until(says(room_id, "once"))
    device.token = token

    again = await device.until(says(room_id, "once"))

    one, other = room(first, room_id), room(again, room_id)
    assert one is not None
    assert other == replace(one, prev_batch=other.prev_batch if other else None)


async def test_restarted_process_goes_on_where_it_was(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    device.rooms = frozenset({room_id})
    bob.send_text(room_id, "while away")
    again = device.reborn()
    again.rooms = frozenset({room_id})

    batch = await again.until(lambda batch: room(batch, room_id))

    update = room(batch, room_id)
    assert update is not None
    assert bodies(update) == ["while away"]
    assert not update.initial


async def test_room_beyond_the_first_window_is_reached(
    device: Listener, alice: Account, bob: Account
) -> None:
    rooms = [alice.create_room() for _ in range(35)]
    alice.set_account_data("m.direct", {bob.user_id: rooms})

    batches = await device.settle()

    assert len(batches) > 1
    assert max(len(batch.rooms) for batch in batches) < 35
    assert {one.room_id for batch in batches for one in batch.rooms} == set(rooms)
    assert [batch.complete for batch in batches] == [False] * (len(batches) - 1) + [True]
    alice.send_text(rooms[0], "oldest")
    await device.until(says(rooms[0], "oldest"))


# -- m.direct ---------------------------------------------------------------------------------


async def test_room_flagged_by_another_client_arrives_with_its_past(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = alice.create_dm(bob, record=False)
    bob.join(room_id)
    bob.send_text(room_id, "before the flag")
    await device.settle()

    batch = await device.after(
        lambda: alice.record_direct(bob, room_id), lambda batch: room(batch, room_id)
    )

    update = room(batch, room_id)
    assert update is not None
    assert update.initial
    assert bodies(update) == ["before the flag"]


async def test_content_of_direct_is_told_when_it_changes(
    device: Listener, alice: Account, bob: Account
) -> None:
    await device.settle()
    odd: JsonObject = {bob.user_id: ["!r", 5], "[object Object]": None}

    batch = await device.after(
        lambda: alice.set_account_data("m.direct", odd), lambda batch: batch.direct
    )

    assert batch.direct == odd


async def test_room_followed_before_it_is_flagged(
    device: Listener, alice: Account, bob: Account
) -> None:
    await device.settle()
    room_id = RoomId(alice.create_dm(bob, record=False))
    device.rooms = frozenset({room_id})

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    assert update.initial
    bob.join(room_id)
    await device.after(
        lambda: bob.send_text(room_id, "there"),
        lambda batch: "there" in bodies(room(batch, room_id)),
    )


async def test_nothing_is_lost_while_a_room_is_unflagged(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    seen: list[str] = []

    def told(batch: SyncBatch) -> bool:
        seen.extend(bodies(room(batch, room_id)))
        return "back" in seen

    await device.after(
        lambda: alice.set_account_data("m.direct", {}), lambda batch: batch.direct == {}
    )
    bob.send_text(room_id, "in between")
    alice.set_account_data("m.ignored_user_list", {"ignored_users": {"@x:y": {}}})
    ignored = await device.until(lambda batch: told(batch) or batch.ignored)
    assert ignored.ignored == frozenset({UserId("@x:y")})
    alice.record_direct(bob, room_id)
    bob.send_text(room_id, "back")
    await device.until(told)

    assert "in between" in seen


# -- invites ----------------------------------------------------------------------------------


async def test_flagged_invite_is_direct(device: Listener, alice: Account, bob: Account) -> None:
    await device.settle()
    rooms: list[str] = []

    batch = await device.after(
        lambda: rooms.append(bob.create_dm(alice)), lambda batch: batch.invites
    )

    found = batch.invites[0]
    assert found.room_id == rooms[0]
    assert found.direct
    assert (found.inviter, found.inviter_name) == (bob.user_id, "Bob")
    assert found.received > 0
    assert not found.warning
    if device.way is Way.SLIDING:
        assert batch.all_invites == frozenset({RoomId(rooms[0])})


@pytest.mark.parametrize(
    ("options", "warning"),
    [
        ({"is_direct": False}, ""),
        ({"name": "Team"}, "name"),
        ({"topic": "things"}, "topic"),
        ({"preset": "public_chat"}, "others can join"),
        ({"creation_content": {"type": "m.space"}}, "space"),
    ],
)
async def test_other_invite_is_no_direct_one(
    device: Listener, alice: Account, bob: Account, options: dict[str, Any], warning: str
) -> None:
    room_id = bob.create_dm(alice, **options)

    batches = await device.settle()

    found = invite(batches[0], room_id)
    assert found is not None
    assert not found.direct
    assert warning in found.warning
    assert bool(found.warning) == bool(warning)
    assert batches[0].all_invites == frozenset({RoomId(room_id)})


async def test_invite_to_a_room_in_direct_is_direct(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = bob.create_room(invite=[alice.user_id])
    plain = invite((await device.settle())[0], room_id)
    assert plain is not None
    assert not plain.direct

    batch = await device.after(
        lambda: alice.record_direct(bob, room_id),
        lambda batch: (found := invite(batch, room_id)) is not None and found.direct,
    )

    assert batch.direct == {bob.user_id: [room_id]}


@pytest.mark.parametrize("ending", ["revoke", "ban", "decline elsewhere"])
async def test_ended_invite_is_gone_at_once(
    device: Listener, alice: Account, bob: Account, ending: str
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    await device.settle()
    acts: dict[str, Callable[[], object]] = {
        "revoke": lambda: bob.kick(room_id, alice),
        "ban": lambda: bob.ban(room_id, alice),
        "decline elsewhere": lambda: alice.leave(room_id),
    }

    batch = await device.after(acts[ending], lambda batch: room_id in batch.gone)

    assert room(batch, room_id) is None
    assert room_id not in (batch.all_invites or ())


async def test_invite_that_ended_while_away_is_gone(
    device: Listener, alice: Account, bob: Account
) -> None:
    kept, revoked = (bob.create_dm(alice, preset=PRIVATE) for _ in range(2))
    await device.settle()
    bob.kick(revoked, alice)

    batch = await device.reborn().next()

    assert revoked in batch.gone or batch.all_invites == frozenset({RoomId(kept)})


async def test_invite_revoked_after_a_restart_is_gone_at_once(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    await device.settle()
    again = device.reborn()

    def told(batch: SyncBatch) -> bool:  # which of the two depends on who comes first
        return room_id in batch.gone or batch.all_invites == frozenset()

    await again.after(lambda: bob.kick(room_id, alice), told)


async def test_invite_accepted_elsewhere_becomes_a_room(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = bob.create_dm(alice)
    await device.settle()

    def accept() -> None:
        alice.join(room_id)
        bob.send_text(room_id, "between join and flag")
        alice.record_direct(bob, room_id)

    seen: list[str] = []

    def told(batch: SyncBatch) -> bool:
        seen.extend(bodies(room(batch, room_id)))
        return "between join and flag" in seen

    batch = await device.after(accept, told)

    assert batch.all_invites in (None, frozenset())
    await device.after(
        lambda: bob.send_text(room_id, "later"),
        lambda batch: "later" in bodies(room(batch, room_id)),
    )


async def test_room_flagged_long_after_it_was_accepted_elsewhere_is_whole(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = bob.create_dm(alice)
    await device.settle()
    seen: list[str] = []

    def told(text: str) -> Callable[[SyncBatch], bool]:
        def wanted(batch: SyncBatch) -> bool:
            seen.extend(bodies(room(batch, room_id)))
            return text in seen

        return wanted

    alice.join(room_id)
    alice.set_account_data("m.direct", {"@nobody:x": ["!none"]})
    await device.until(lambda batch: told("")(batch) or batch.direct)
    bob.send_text(room_id, "unheard")
    again = device.reborn()
    alice.set_account_data("m.direct", {})
    await again.until(lambda batch: told("")(batch) or batch.direct == {})
    alice.record_direct(bob, room_id)
    bob.send_text(room_id, "heard")
    await again.until(told("heard"))

    assert "unheard" in seen


# -- leaving ----------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["leave elsewhere", "kicked", "banned"])
async def test_room_that_ended_is_gone_at_once(
    device: Listener, alice: Account, bob: Account, how: str
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    alice.join(room_id)
    alice.record_direct(bob, room_id)
    await device.settle()
    acts: dict[str, Callable[[], object]] = {
        "leave elsewhere": lambda: alice.leave(room_id),
        "kicked": lambda: bob.kick(room_id, alice),
        "banned": lambda: bob.ban(room_id, alice),
    }

    batch = await device.after(acts[how], lambda batch: room_id in batch.gone)

    update = room(batch, room_id)
    assert update is not None
    assert update.membership is (Membership.BAN if how == "banned" else Membership.LEAVE)


@pytest.mark.parametrize("how", ["leave elsewhere", "kicked", "banned"])
async def test_room_that_ended_while_away_is_gone(
    device: Listener, alice: Account, bob: Account, how: str
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    alice.join(room_id)
    alice.record_direct(bob, room_id)
    await device.settle()
    acts: dict[str, Callable[[], object]] = {
        "leave elsewhere": lambda: alice.leave(room_id),
        "kicked": lambda: bob.kick(room_id, alice),
        "banned": lambda: bob.ban(room_id, alice),
    }
    acts[how]()

    await device.reborn().until(lambda batch: room_id in batch.gone)


@pytest.mark.parametrize("listed", [True, False])
async def test_start_from_nothing_tells_which_rooms_have_ended(
    device: Listener, alice: Account, bob: Account, listed: bool
) -> None:
    room_id = befriend(alice, bob, is_direct=listed, record=listed)
    kept = befriend(alice, bob)
    asked = RoomId(bob.create_dm(alice))
    device.rooms = frozenset({room_id, kept, asked})
    await device.settle()
    alice.leave(room_id)
    again = device.reborn()
    again.token, again.rooms = None, device.rooms

    batches = await again.settle()

    assert {one for batch in batches for one in batch.gone} == {room_id}
    told = {one.room_id: one.membership for batch in batches for one in batch.rooms}
    assert told.pop(kept) is Membership.JOIN
    assert set(told.values()) <= {Membership.LEAVE}


async def test_room_left_and_joined_again_is_whole(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    alice.join(room_id)
    alice.record_direct(bob, room_id)
    await device.settle()
    await device.after(lambda: alice.leave(room_id), lambda batch: room_id in batch.gone)
    bob.invite(room_id, alice)
    await device.until(lambda batch: invite(batch, room_id))
    alice.join(room_id)

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    assert update.membership is Membership.JOIN
    assert update.initial
    await device.after(lambda: bob.send_text(room_id, "again"), says(room_id, "again"))


@pytest.mark.parametrize("how", ["declines", "is banned", "is removed", "leaves"])
async def test_end_of_the_other_says_what_was_before(
    device: Listener, alice: Account, bob: Account, how: str
) -> None:
    room_id = alice.create_dm(bob, preset=PRIVATE)
    if how != "declines":
        bob.join(room_id)
    await device.settle()
    acts: dict[str, Callable[[], object]] = {
        "declines": lambda: bob.leave(room_id),
        "leaves": lambda: bob.leave(room_id),
        "is banned": lambda: alice.ban(room_id, bob),
        "is removed": lambda: alice.kick(room_id, bob),
    }

    batch = await device.after(acts[how], lambda batch: room(batch, room_id))

    update = room(batch, room_id)
    assert update is not None
    (event,) = update.timeline
    assert isinstance(event.content, MembershipChange)
    member = event.content.member
    before = Membership.INVITE if how == "declines" else Membership.JOIN
    after = Membership.BAN if how == "is banned" else Membership.LEAVE
    assert (event.content.previous, member.membership) == (before, after)
    by_themselves = how in ("declines", "leaves")
    assert (member.user_id, member.sender) == (
        bob.user_id,
        bob.user_id if by_themselves else alice.user_id,
    )
    assert update.members == (member,)
    assert update.membership is Membership.JOIN
    assert not batch.gone


@pytest.mark.parametrize("version", ["11", "12"])
async def test_upgrade_is_told_by_both_rooms(
    device: Listener, alice: Account, bob: Account, version: str
) -> None:
    room_id = bob.create_dm(alice, preset=PRIVATE)
    alice.join(room_id)
    alice.record_direct(bob, room_id)
    await device.settle()
    answer: list[str] = []

    def upgrade() -> None:
        made = bob.room_api("POST", room_id, "upgrade", {"new_version": version})
        answer.append(made["replacement_room"])

    batch = await device.after(
        upgrade, lambda batch: (update := room(batch, room_id)) and update.successor
    )

    update = room(batch, room_id)
    assert update is not None
    assert update.successor == answer[0]
    assert update.successor_via == bob.user_id.partition(":")[2]
    assert update.predecessor is None
    bob.invite(answer[0], alice)
    alice.join(answer[0])
    device.rooms = frozenset({RoomId(answer[0])})
    wanted = await device.until(lambda batch: (new := room(batch, answer[0])) and new.predecessor)
    assert (new := room(wanted, answer[0])) is not None
    assert new.predecessor == room_id


# -- tags, mutes and other account data -------------------------------------------------------


def tag(account: Account, room_id: str, name: str, present: bool = True) -> None:
    target = f"v3/user/{account.user_id}/rooms/{room_id}/tags/{name}"
    account.api("PUT" if present else "DELETE", target)


def tagged(room_id: str, *names: str) -> Callable[[SyncBatch], bool]:
    def wanted(batch: SyncBatch) -> bool:
        update = room(batch, room_id)
        return update is not None and update.tags == frozenset(names)

    return wanted


@pytest.mark.parametrize("listed", [True, False])
async def test_tags_come_with_the_first_sync_and_when_they_change(
    device: Listener, alice: Account, bob: Account, listed: bool
) -> None:
    room_id = befriend(alice, bob, is_direct=listed, record=listed)
    other = befriend(alice, bob)
    tag(alice, room_id, "m.favourite")
    device.rooms = frozenset({room_id, other})

    batches = await device.settle()

    assert only(batches, room_id).tags == frozenset({"m.favourite"})
    assert only(batches, other).tags == frozenset()
    batch = await device.after(
        lambda: tag(alice, room_id, "u.mine"), tagged(room_id, "m.favourite", "u.mine")
    )
    update = room(batch, room_id)
    assert update is not None
    assert not update.initial
    assert update.membership is Membership.JOIN
    await device.after(lambda: tag(alice, room_id, "m.favourite", False), tagged(room_id, "u.mine"))
    await device.after(lambda: tag(alice, room_id, "u.mine", False), tagged(room_id))
    await device.after(lambda: tag(alice, other, "m.lowpriority"), tagged(other, "m.lowpriority"))


async def test_tag_set_while_away_is_told_by_the_next_process(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    await device.settle()
    tag(alice, room_id, "m.favourite")

    await device.reborn().until(tagged(room_id, "m.favourite"))


async def test_message_says_nothing_of_the_tags(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    tag(alice, room_id, "m.favourite")
    await device.settle()

    batch = await device.after(lambda: bob.send_text(room_id, "hi"), says(room_id, "hi"))

    update = room(batch, room_id)
    assert update is not None
    assert update.tags is None


async def test_mark_of_unread_comes_with_the_first_sync_and_when_it_changes(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)

    def mark(unread: bool) -> None:
        path = f"v3/user/{alice.user_id}/rooms/{room_id}/account_data/m.marked_unread"
        alice.api("PUT", path, {"unread": unread})

    mark(True)
    assert only(await device.settle(), room_id).marked_unread
    batch = await device.after(lambda: bob.send_text(room_id, "hi"), says(room_id, "hi"))
    update = room(batch, room_id)
    assert update is not None
    assert update.marked_unread is None
    await device.after(
        lambda: mark(False),
        lambda batch: (told := room(batch, room_id)) is not None and told.marked_unread is False,
    )


async def test_tag_of_a_room_beyond_the_first_window_is_told(
    device: Listener, alice: Account, bob: Account
) -> None:
    rooms = [alice.create_room() for _ in range(35)]
    alice.set_account_data("m.direct", {bob.user_id: rooms})
    tag(alice, rooms[0], "m.favourite")
    tag(alice, rooms[-1], "m.lowpriority")

    batches = await device.settle()

    told = {one.room_id: one.tags for batch in batches for one in batch.rooms}
    assert told.pop(RoomId(rooms[0])) == frozenset({"m.favourite"})
    assert told.pop(RoomId(rooms[-1])) == frozenset({"m.lowpriority"})
    assert set(told.values()) == {frozenset()}


async def test_room_that_is_not_followed_is_not_told_of(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    foreign = alice.create_room(invite=[bob.user_id], preset=PRIVATE)
    bob.join(foreign)
    await device.settle()
    event_id = bob.send_text(foreign, "nothing of yours")
    alice.mark_read(foreign, event_id)
    tag(alice, foreign, "m.favourite")
    bob.set_typing(foreign)
    bob.send_text(room_id, "but this")

    seen: list[SyncBatch] = []

    def told(batch: SyncBatch) -> bool:
        seen.append(batch)
        return "but this" in bodies(room(batch, room_id))

    await device.until(told)
    alice.leave(foreign)
    bob.send_text(room_id, "but this")
    await device.until(told)

    assert {one.room_id for batch in seen for one in batch.rooms} == {room_id}
    assert not any(batch.gone for batch in seen)


async def test_mutes_come_with_the_first_sync_and_when_they_change(
    device: Listener, alice: Account, bob: Account
) -> None:
    first, second = befriend(alice, bob), befriend(alice, bob)
    condition = {"kind": "event_match", "key": "room_id", "pattern": first}
    rule = f"v3/pushrules/global/override/{first}"
    alice.api("PUT", rule, {"conditions": [condition], "actions": ["dont_notify"]})

    batches = await device.settle()

    assert batches[0].muted == frozenset({first})
    other = f"v3/pushrules/global/room/{second}"
    await device.after(
        lambda: alice.api("PUT", other, {"actions": []}),
        lambda batch: batch.muted == frozenset({first, second}),
    )
    await device.after(
        lambda: alice.api("PUT", f"{rule}/enabled", {"enabled": False}),
        lambda batch: batch.muted == frozenset({second}),
    )
    await device.after(lambda: alice.api("DELETE", other), lambda batch: batch.muted == frozenset())


async def test_people_and_blocked_invites_come_with_the_first_sync_and_when_they_change(
    device: Listener, alice: Account, bob: Account
) -> None:
    people: JsonObject = {"people": {bob.user_id: {"petname": "Bobby"}}, "else": 1}
    alice.set_account_data(PEOPLE, people)
    alice.set_account_data("m.invite_permission_config", {"default_action": "block"})

    batches = await device.settle()

    assert batches[0].contacts == people
    assert batches[0].invites_blocked is True
    await device.after(
        lambda: alice.set_account_data(PEOPLE, {}), lambda batch: batch.contacts == {}
    )
    batch = await device.after(
        lambda: alice.set_account_data("m.invite_permission_config", {}),
        lambda batch: batch.invites_blocked is False,
    )
    assert batch.contacts in (None, {})  # Synapse may tell again what it has just told
    assert batch.muted is None


# -- receipts, typing, to-device --------------------------------------------------------------


async def test_typing_is_told_and_ends(device: Listener, alice: Account, bob: Account) -> None:
    room_id = befriend(alice, bob)
    await device.settle()

    def typists(batch: SyncBatch) -> frozenset[UserId] | None:
        update = room(batch, room_id)
        return update.typing if update else None

    await device.after(
        lambda: bob.set_typing(room_id),
        lambda batch: typists(batch) == frozenset({UserId(bob.user_id)}),
    )
    await device.after(
        lambda: bob.set_typing(room_id, False), lambda batch: typists(batch) == frozenset()
    )


async def test_receipts_of_both_and_the_read_marker_are_told(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    theirs, mine = bob.send_text(room_id, "question"), alice.send_text(room_id, "answer")
    await device.settle()
    seen: dict[str, Receipt] = {}
    marks: list[EventId] = []

    def read(batch: SyncBatch) -> bool:
        update = room(batch, room_id)
        if update:
            seen.update({one.user_id: one for one in update.receipts})
            marks.extend([update.fully_read] if update.fully_read else [])
        return len(seen) == 2 and bool(marks)

    def act() -> None:
        bob.mark_read(room_id, mine)
        alice.mark_read(room_id, theirs)

    await device.after(act, read)

    assert seen[bob.user_id].event_id == mine
    assert seen[alice.user_id].event_id == theirs
    assert seen[bob.user_id].read_at > 0
    assert set(marks) == {theirs}


async def test_read_state_comes_with_the_first_sync(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    theirs = bob.send_text(room_id, "question")
    alice.mark_read(room_id, theirs)

    update = only(await device.settle(), room_id)

    assert update.fully_read == theirs
    assert [one.event_id for one in update.receipts if one.user_id == alice.user_id] == [theirs]


def send_to_device(sender: Account, receiver: Account, kind: str) -> None:
    messages = {receiver.user_id: {receiver.device_id: {"n": kind}}}
    sender.api("PUT", f"v3/sendToDevice/{kind}/{kind}", {"messages": messages})


async def test_to_device_message_is_handed_over_once(
    device: Listener, alice: Account, bob: Account
) -> None:
    await device.settle()

    batch = await device.after(
        lambda: send_to_device(bob, alice, "k.one"), lambda batch: batch.room_keys
    )

    assert batch.room_keys == ((RoomId("!keys"), "k.one"),)
    await device.next()
    await device.next()
    assert [one["type"] for one in device.keys.to_device] == ["k.one"]
    assert "signed_curve25519" in device.keys.counts


@pytest.mark.parametrize("first", list(Way))
async def test_change_of_way_loses_no_message_and_no_key(
    alice: Account, bob: Account, listen: Callable[..., Listener], first: Way
) -> None:
    other = Way.CLASSIC if first is Way.SLIDING else Way.SLIDING
    device = listen(alice, first)
    room_id = befriend(alice, bob)
    await device.settle()
    bob.send_text(room_id, "between")
    send_to_device(bob, alice, "k.between")
    after = device.reborn(other)

    update = only(await after.settle(), room_id)

    assert update.initial
    assert "between" in bodies(update)
    assert [one["type"] for one in after.keys.to_device] == ["k.between"]
    assert after.keys.lists[0] is None


# -- trouble ----------------------------------------------------------------------------------


async def test_expired_position_starts_over_and_keeps_room_keys(
    alice: Account, bob: Account, listen: Callable[..., Listener]
) -> None:
    device = listen(alice, Way.SLIDING)
    room_id = befriend(alice, bob)
    await device.settle()
    send_to_device(bob, alice, "k.taken")
    await device.until(lambda batch: batch.room_keys)
    send_to_device(bob, alice, "k.waiting")
    device.token = (device.token or "").replace('"position":"', '"position":"9')

    batches = await device.settle()

    assert only(batches, room_id).initial
    assert [key for batch in batches for _, key in batch.room_keys] == ["k.waiting"]
    await device.after(lambda: bob.send_text(room_id, "on"), says(room_id, "on"))


async def test_nonsense_for_a_token_starts_over(
    device: Listener, alice: Account, bob: Account
) -> None:
    room_id = befriend(alice, bob)
    for token in ("", "nonsense", "[1]", f'{{"way": "{device.way}", "position": "?"}}'):
        device.token = token
        again = device.reborn()
        assert only(await again.settle(), room_id).initial


async def test_sync_outlives_a_restart_of_the_server(
    private_synapse: SynapseServer, way: Way, listen: Callable[..., Listener]
) -> None:
    alice, bob = private_synapse.register("alice"), private_synapse.register("bob")
    device = listen(alice, way)
    room_id = befriend(alice, bob)
    await device.settle()
    await asyncio.to_thread(private_synapse.stop)
    with pytest.raises(Recoverable):
        await device.next()
    await asyncio.to_thread(private_synapse.start)
    bob.send_text(room_id, "still here")

    update = room(await device.until(lambda batch: room(batch, room_id)), room_id)

    assert update is not None
    assert bodies(update) == ["still here"]
    assert not update.initial


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 502, "body": BAD_GATEWAY_PAGE},
        {"status": 200, "body": BAD_GATEWAY_PAGE},
        {"status": 200, "body": "[]"},
        {"keep": 40},
        {"garble": True},
        {"reset": "after"},
        {"status": 429, "body": {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 5}},
    ],
)
async def test_broken_answer_is_recoverable_and_the_token_still_good(
    way: Way,
    alice: Account,
    bob: Account,
    proxy: FaultProxy,
    listen: Callable[..., Listener],
    fault: JsonObject,
) -> None:
    device = listen(alice, way, proxy.base_url)
    room_id = befriend(alice, bob)
    await device.settle()
    token = device.token
    bob.send_text(room_id, "kept")
    proxy.add(path="/sync", **fault)

    with pytest.raises(Recoverable):
        await device.next()

    proxy.clear()
    assert device.token == token
    await device.until(says(room_id, "kept"))


@pytest.mark.parametrize("broken", ["{}", '{"rooms": null, "lists": null, "extensions": null}'])
async def test_answer_without_a_position_is_recoverable(
    way: Way,
    alice: Account,
    proxy: FaultProxy,
    listen: Callable[..., Listener],
    broken: str,
) -> None:
    device = listen(alice, way, proxy.base_url)
    await device.settle()
    proxy.add(path="/sync", times=1, status=200, body=broken)

    with pytest.raises(Recoverable):
        await device.next()


async def test_way_is_chosen_by_what_the_server_offers(alice: Account, proxy: FaultProxy) -> None:
    for body, pattern in (
        ({"versions": ["v1.1"]}, "/v3/sync"),
        ({"unstable_features": {"org.matrix.simplified_msc3575": True}}, "simplified_msc3575/sync"),
    ):
        proxy.clear()
        proxy.add(path="/versions", status=200, body=body)
        client = Client(session_of(alice, proxy.base_url))
        syncing = Syncing(client, Keys(), Translator(UserId(alice.user_id), locked))
        await syncing.sync(None, frozenset(), 0.0)
        await client.close()
        assert proxy.requests(pattern)


async def test_sliding_sync_withdrawn_by_the_server_gives_way_to_the_classic(
    alice: Account, bob: Account, proxy: FaultProxy
) -> None:
    room_id = befriend(alice, bob)
    unknown = {"errcode": "M_UNRECOGNIZED", "error": "?"}
    proxy.add(path="simplified_msc3575", status=404, body=unknown)
    client = Client(session_of(alice, proxy.base_url))
    syncing = Syncing(client, Keys(), Translator(UserId(alice.user_id), locked))

    batch = await syncing.sync(None, frozenset(), 0.0)

    await client.close()
    assert room(batch, room_id) is not None
