"""What the messenger relies on, held against the fake and against a real Synapse alike."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest

from dmtui.core.attachments import described
from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY, PEOPLE
from dmtui.core.errors import (
    BadRecoveryKey,
    DamagedFile,
    Forbidden,
    IdentityExists,
    InviteBlocked,
    NotFound,
    PasswordNeeded,
    Refused,
    TrustAlarm,
)
from dmtui.core.events import (
    Edit,
    Line,
    MembershipChange,
    Reaction,
    Redaction,
    RoomUpdate,
    Sendable,
    SyncBatch,
    TimelineEvent,
)
from dmtui.core.model import (
    Alarm,
    Attachment,
    AttachmentKind,
    Availability,
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
    Session,
    TransactionId,
    UserId,
)
from dmtui.core.own_devices import OwnDevice
from dmtui.core.ports import Homeserver
from dmtui.core.recovery import (
    Backup,
    Encryption,
    Identity,
    read_recovery_key,
    recovery_key_text,
)
from dmtui.core.trust import IdentityState, Trust
from dmtui.matrix.homeserver import connect
from tests.fakes import BOB, ME, FakeHomeserver, said
from tests.homeserver.account import Account
from tests.homeserver.synapse import PASSWORD, SynapseServer
from tests.waiting import PATIENCE


class World(Protocol):
    """My homeserver, and Bob on it."""

    me: UserId
    bob: UserId

    @property
    def homeserver(self) -> Homeserver: ...

    async def have_direct_room(self, *said: str) -> RoomId: ...
    async def invite(self, direct: bool) -> RoomId: ...
    async def bob_says(self, room_id: RoomId, text: str) -> None: ...
    async def bob_joins(self, room_id: RoomId) -> None: ...
    async def bob_leaves(self, room_id: RoomId) -> None: ...
    async def bob_revokes(self, room_id: RoomId) -> None: ...
    async def bob_types(self, room_id: RoomId) -> None: ...
    async def rename_me(self, name: str) -> None: ...
    async def bob_declines(self, room_id: RoomId) -> None: ...
    async def bob_upgrades(self, room_id: RoomId) -> RoomId: ...
    async def bob_bans_me(self, room_id: RoomId) -> None: ...
    async def bob_gets_a_device(self) -> PersonDevice: ...
    async def bob_gets_an_identity(self) -> PersonDevice: ...
    async def bob_comes_online(self, status: str) -> None: ...
    async def tag_elsewhere(self, room_id: RoomId, tag: str) -> None: ...
    async def mute_elsewhere(self, room_id: RoomId) -> None: ...
    async def mark_elsewhere(self, room_id: RoomId, unread: bool) -> None: ...
    async def block_bob(self) -> None: ...
    async def set_up_recovery_elsewhere(self, passphrase: str) -> str: ...
    async def sign_in_elsewhere(self) -> str: ...

    @property
    def password(self) -> str: ...


class FakeWorld:
    def __init__(self) -> None:
        self.homeserver = FakeHomeserver()
        self.homeserver.profiles[BOB] = Profile(BOB, Safe("bob"))
        self.me, self.bob = ME, BOB

    async def have_direct_room(self, *said: str) -> RoomId:
        return await self.homeserver.have_direct_room(BOB, history=said)

    async def invite(self, direct: bool) -> RoomId:
        return await self.homeserver.invite(BOB, "bob", direct=direct)

    async def bob_says(self, room_id: RoomId, text: str) -> None:
        await self.homeserver.say(room_id, BOB, text)

    async def bob_joins(self, room_id: RoomId) -> None:
        await self.homeserver.welcome(room_id, BOB)

    async def bob_leaves(self, room_id: RoomId) -> None:
        await self.homeserver.abandon(room_id, BOB)

    async def bob_revokes(self, room_id: RoomId) -> None:
        await self.homeserver.revoke(room_id)

    async def bob_types(self, room_id: RoomId) -> None:
        await self.homeserver.show_typing(room_id, BOB)

    async def rename_me(self, name: str) -> None:
        for room in self.homeserver.rooms.values():
            room.members[ME] = replace(room.members[ME], name=Safe(name), is_direct=False)

    async def bob_declines(self, room_id: RoomId) -> None:
        await self.homeserver.decline(room_id, BOB)

    async def bob_upgrades(self, room_id: RoomId) -> RoomId:
        return await self.homeserver.upgrade(room_id, BOB)

    async def bob_bans_me(self, room_id: RoomId) -> None:
        await self.homeserver.ban(room_id, ME, BOB)

    async def bob_gets_a_device(self) -> PersonDevice:
        device = PersonDevice("BOBS", Safe("Bob's phone"), "fingerprint")
        self.homeserver.devices[BOB] = (device,)
        self.homeserver.unconfirmed.add(BOB)
        return device

    async def bob_gets_an_identity(self) -> PersonDevice:
        device = PersonDevice("BOBS", Safe("Bob's phone"), "fingerprint", signed=True)
        self.homeserver.devices[BOB] = (device,)
        self.homeserver.identities[BOB] = IdentityState.FIRST_SEEN
        self.homeserver.unconfirmed.discard(BOB)
        return device

    async def bob_comes_online(self, status: str) -> None:
        self.homeserver.presences[BOB] = Presence(Availability.ONLINE, Safe(status), 0)

    async def tag_elsewhere(self, room_id: RoomId, tag: str) -> None:
        await self.homeserver.tag(room_id, tag)

    async def mute_elsewhere(self, room_id: RoomId) -> None:
        await self.homeserver.mute(room_id)

    async def mark_elsewhere(self, room_id: RoomId, unread: bool) -> None:
        await self.homeserver.mark_unread(room_id, unread)

    async def block_bob(self) -> None:
        self.homeserver.blocking_invites.add(BOB)

    async def set_up_recovery_elsewhere(self, passphrase: str) -> str:
        return self.homeserver.recovery.set_up_elsewhere(passphrase)

    async def sign_in_elsewhere(self) -> str:
        await self.homeserver.sign_in_elsewhere(OwnDevice("PHONE", Safe("phone"), "fingerprint"))
        return "PHONE"

    @property
    def password(self) -> str:
        return self.homeserver.password


class SynapseWorld:
    def __init__(
        self, homeserver: Homeserver, me: Account, bob: Account, other: Account, directory: Path
    ):
        self.homeserver = homeserver
        self._directory = directory
        self._me, self._bob, self._other = me, bob, other
        self.me, self.bob = UserId(me.user_id), UserId(bob.user_id)

    async def have_direct_room(self, *said: str) -> RoomId:
        def make() -> str:
            room_id = self._bob.create_dm(self._me)
            self._me.join(room_id)
            self._me.record_direct(self._bob, room_id)
            for text in said:
                self._bob.send_text(room_id, text)
            return room_id

        return RoomId(await asyncio.to_thread(make))

    async def invite(self, direct: bool) -> RoomId:
        def make() -> str:
            return self._bob.create_room(
                preset="private_chat", is_direct=direct, invite=[self._me.user_id]
            )

        return RoomId(await asyncio.to_thread(make))

    async def bob_says(self, room_id: RoomId, text: str) -> None:
        await asyncio.to_thread(self._bob.send_text, room_id, text)

    async def bob_joins(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.join, room_id)

    async def bob_leaves(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.leave, room_id)

    async def bob_revokes(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.kick, room_id, self._me)

    async def bob_types(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.set_typing, room_id)

    async def rename_me(self, name: str) -> None:
        await asyncio.to_thread(self._me.set_name, name)

    async def bob_declines(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.leave, room_id)

    async def bob_upgrades(self, room_id: RoomId) -> RoomId:
        def upgrade() -> str:
            version = {"new_version": "12"}
            answer = self._bob.room_api("POST", room_id, "upgrade", version)
            self._bob.invite(answer["replacement_room"], self._me, is_direct=False)
            return str(answer["replacement_room"])

        return RoomId(await asyncio.to_thread(upgrade))

    async def bob_bans_me(self, room_id: RoomId) -> None:
        await asyncio.to_thread(self._bob.ban, room_id, self._me)

    async def bob_gets_a_device(self) -> PersonDevice:
        """The device that he is signed in with already has no keys before."""
        session = Session(self.bob, self._bob.device_id, self._bob.access_token, self._bob.base_url)
        phone = await connect(session, self._directory / "bobs-keys")
        try:
            await phone.sync(None, frozenset(), 0.0)  # whose upkeep uploads the keys
            async with asyncio.timeout(PATIENCE):
                while not (found := await self.homeserver.trust_of(self.bob)).devices:
                    await phone.sync(None, frozenset(), 0.0)
        finally:
            await phone.close()
        return found.devices[0]

    async def bob_gets_an_identity(self) -> PersonDevice:
        session = Session(self.bob, self._bob.device_id, self._bob.access_token, self._bob.base_url)
        phone = await connect(session, self._directory / "bobs-keys")
        try:
            await phone.set_up_recovery("")
        finally:
            await phone.close()
        (device,) = (await self.homeserver.trust_of(self.bob)).devices
        return device

    async def bob_comes_online(self, status: str) -> None:
        path = f"v3/presence/{self.bob}/status"
        content = {"presence": "online", "status_msg": status}
        await asyncio.to_thread(self._bob.api, "PUT", path, content)

    async def tag_elsewhere(self, room_id: RoomId, tag: str) -> None:
        path = f"v3/user/{self.me}/rooms/{room_id}/tags/{tag}"
        await asyncio.to_thread(self._me.api, "PUT", path, {"order": 0.5})

    async def mute_elsewhere(self, room_id: RoomId) -> None:
        """To be told of mentions alone, as Element has it."""
        path = f"v3/pushrules/global/room/{room_id}"
        await asyncio.to_thread(self._me.api, "PUT", path, {"actions": ["dont_notify"]})

    async def mark_elsewhere(self, room_id: RoomId, unread: bool) -> None:
        path = f"v3/user/{self.me}/rooms/{room_id}/account_data/m.marked_unread"
        await asyncio.to_thread(self._me.api, "PUT", path, {"unread": unread})

    async def block_bob(self) -> None:
        content = {"default_action": "block"}
        await asyncio.to_thread(self._bob.set_account_data, "m.invite_permission_config", content)

    async def set_up_recovery_elsewhere(self, passphrase: str) -> str:
        """On another device of mine."""
        other = self._other
        session = Session(self.me, other.device_id, other.access_token, other.base_url)
        device = await connect(session, self._directory / "other-keys")
        try:
            return await device.set_up_recovery(passphrase)
        finally:
            await device.close()

    async def sign_in_elsewhere(self) -> str:
        """The device that is signed in already has no keys before."""
        other = self._other
        session = Session(self.me, other.device_id, other.access_token, other.base_url)
        device = await connect(session, self._directory / "phone-keys")
        try:
            async with asyncio.timeout(PATIENCE):
                while other.device_id not in {
                    one.device_id for one in await device.own_devices() if one.fingerprint
                }:
                    await device.sync(None, frozenset(), 0.0)  # whose upkeep uploads the keys
        finally:
            await device.close()
        return other.device_id

    @property
    def password(self) -> str:
        return PASSWORD


@pytest.fixture
def fake_world() -> World:
    return FakeWorld()


@pytest.fixture
async def synapse_world(synapse: SynapseServer, tmp_path: Path) -> AsyncIterator[World]:
    tag = uuid4().hex[:8]
    me, bob = synapse.register(f"me{tag}"), synapse.register(f"bob{tag}")
    session = Session(UserId(me.user_id), me.device_id, me.access_token, me.base_url)
    homeserver = await connect(session, tmp_path / "keys")
    yield SynapseWorld(homeserver, me, bob, synapse.login(me.localpart), tmp_path)
    await homeserver.close()


@pytest.fixture(params=["fake_world", "synapse_world"])
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


class News:
    """Syncs on, and remembers all that was said."""

    def __init__(self, homeserver: Homeserver):
        self._homeserver = homeserver
        self.token: str | None = None
        self.batches: list[SyncBatch] = []

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                complete = bool(self.batches) and self.batches[-1].complete
                batch = await self._homeserver.sync(self.token, frozenset(), 5.0 if complete else 0)
                self.token = batch.token
                self.batches.append(batch)

    async def caught_up(self) -> None:
        before = len(self.batches)
        await self.until(lambda: len(self.batches) > before and self.batches[-1].complete)

    def updates(self, room_id: RoomId) -> list[RoomUpdate]:
        return [u for batch in self.batches for u in batch.rooms if u.room_id == room_id]

    def events(self, room_id: RoomId) -> dict[str, TimelineEvent]:
        return {e.event_id: e for u in self.updates(room_id) for e in u.timeline}

    def bodies(self, room_id: RoomId) -> list[str]:
        contents = [event.content for event in self.events(room_id).values()]
        return [content.body for content in contents if isinstance(content, Line)]

    def member(self, room_id: RoomId, user_id: UserId) -> Member | None:
        members = [m for u in self.updates(room_id) for m in u.members if m.user_id == user_id]
        return members[-1] if members else None

    def invite(self, room_id: RoomId) -> Invite | None:
        found = [i for b in self.batches for i in b.invites if i.room_id == room_id]
        return found[-1] if found else None

    def tags(self, room_id: RoomId) -> frozenset[str] | None:
        found = [u.tags for u in self.updates(room_id) if u.tags is not None]
        return found[-1] if found else None

    def marked_unread(self, room_id: RoomId) -> bool | None:
        found = [u.marked_unread for u in self.updates(room_id) if u.marked_unread is not None]
        return found[-1] if found else None

    @property
    def muted(self) -> frozenset[RoomId] | None:
        found = [batch.muted for batch in self.batches if batch.muted is not None]
        return found[-1] if found else None

    @property
    def own_devices(self) -> tuple[OwnDevice, ...]:
        found = [batch.own_devices for batch in self.batches if batch.own_devices is not None]
        return found[-1] if found else ()

    def gone(self, room_id: RoomId) -> bool:
        last = self.batches[-1] if self.batches else None
        left = any(room_id in batch.gone for batch in self.batches)
        return left or (last is not None and last.all_invites == frozenset())


@pytest.fixture
def news(world: World) -> News:
    return News(world.homeserver)


async def test_account_data_never_set_is_none_and_else_comes_back_as_written(world: World) -> None:
    assert await world.homeserver.account_data("m.direct") is None
    content: JsonObject = {"@a:x": None, "[object Object]": ["!z"], world.bob: ["!r", "!r", 5]}
    await world.homeserver.set_account_data("m.direct", dict(content))
    assert await world.homeserver.account_data("m.direct") == content


async def test_sync_tells_of_a_change_of_the_direct_map(world: World, news: News) -> None:
    await news.caught_up()
    await world.homeserver.set_account_data("m.direct", {world.bob: ["!r"]})
    await news.until(lambda: news.batches[-1].direct == {world.bob: ["!r"]})


@pytest.mark.parametrize("encrypted", [False, True])
async def test_created_room_carries_flag_nonce_and_encryption(
    world: World, news: News, encrypted: bool
) -> None:
    await news.caught_up()
    homeserver = world.homeserver
    room_id = await homeserver.create_direct_room(world.bob, "a-nonce", encrypted)
    await homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.until(lambda: news.updates(room_id))
    assert "a-nonce" in [update.nonce for update in news.updates(room_id)]
    assert any(update.encrypted for update in news.updates(room_id)) is encrypted
    bob = news.member(room_id, world.bob)
    assert bob is not None
    assert (bob.membership, bob.is_direct) == (Membership.INVITE, True)
    assert await homeserver.find_created_room("a-nonce") == room_id
    assert await homeserver.find_created_room("another") is None


async def test_room_for_myself_has_no_other_member(world: World) -> None:
    room_id = await world.homeserver.create_direct_room(None, "own", False)
    members = await world.homeserver.members(room_id)
    assert [member.user_id for member in members] == [world.me]


async def test_sending_twice_under_one_transaction_id_makes_one_event(
    world: World, news: News
) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    transaction_id = TransactionId("t1")
    first = await world.homeserver.send(room_id, transaction_id, said("hello"), False)
    second = await world.homeserver.send(room_id, transaction_id, said("hello"), False)
    assert first == second
    await news.until(lambda: first in news.events(room_id))
    await world.bob_says(room_id, "end")
    await news.until(lambda: "end" in news.bodies(room_id))
    assert news.bodies(room_id) == ["hello", "end"]
    assert news.events(room_id)[first].transaction_id == transaction_id


async def test_what_is_done_to_a_message_comes_back_as_it_was_sent(
    world: World, news: News
) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    send = world.homeserver.send
    target = await send(room_id, TransactionId("t1"), said("hello"), False)
    contents: list[Sendable] = [
        Line(Kind.EMOTE, Safe("waves"), "<b>waves</b>", reply_to=target),
        Line(Kind.TEXT, Safe("deeper"), reply_to=target, thread=target),
        Edit(target, said("hello, Bob")),
        Reaction(target, Safe("👍")),
        Redaction(target),
    ]
    sent = [
        await send(room_id, TransactionId(f"a{number}"), content, False)
        for number, content in enumerate(contents)
    ]
    await news.until(lambda: sent[-1] in news.events(room_id))
    events = news.events(room_id)
    assert [events[event_id].content for event_id in sent] == contents
    assert events[sent[-1]].transaction_id == "a4"
    assert await send(room_id, TransactionId("a4"), contents[-1], False) == sent[-1]


@pytest.mark.parametrize("encrypted", [False, True])
async def test_file_goes_up_and_comes_down_as_it_was(
    world: World, tmp_path: Path, encrypted: bool
) -> None:
    room_id = await world.have_direct_room()
    content = bytes(range(256)) * 1000
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(content)
    told: list[tuple[int, int]] = []
    file = Media("", size=len(content), mimetype="image/png", width=3, height=2)

    def tell(done: int, total: int) -> None:
        told.append((done, total))

    up = await world.homeserver.upload(room_id, str(source), file, encrypted, tell)
    assert up == replace(file, uri=up.uri, key=up.key)
    assert up.uri.startswith("mxc://")
    assert (up.key is not None) is encrypted
    assert told[-1] == (len(content), len(content))
    told.clear()
    await world.homeserver.download(up, str(target), len(content), tell)
    assert target.read_bytes() == content
    assert target.stat().st_mode & 0o777 == 0o600
    assert told[-1] == (len(content), len(content))


async def test_file_that_is_not_the_one_that_was_sent_leaves_nothing(
    world: World, tmp_path: Path
) -> None:
    room_id = await world.have_direct_room()
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"some bytes")
    file = Media("", size=10)
    up = await world.homeserver.upload(room_id, str(source), file, True, lambda _, __: None)
    assert up.key is not None
    plain = await world.homeserver.upload(room_id, str(source), file, False, lambda _, __: None)
    cases = [
        (replace(up, key=replace(up.key, sha256="A" * 43)), 100),
        (replace(plain, size=11), 100),
        (plain, 9),
    ]
    for wrong, limit in cases:
        with pytest.raises(DamagedFile):
            await world.homeserver.download(wrong, str(target), limit, lambda _, __: None)
        target.touch(exist_ok=False)
        target.unlink()


async def test_file_that_is_not_there_is_not_found(world: World, tmp_path: Path) -> None:
    server = world.me.partition(":")[2]
    missing = Media(f"mxc://{server}/nothing")
    with pytest.raises(NotFound):
        await world.homeserver.download(missing, str(tmp_path / "t"), 99, lambda _, __: None)
    assert not (tmp_path / "t").exists()


async def test_file_larger_than_the_homeserver_takes_is_refused(
    world: World, tmp_path: Path
) -> None:
    room_id = await world.have_direct_room()
    large = tmp_path / "large"
    large.touch()
    os.truncate(large, 60_000_000)
    with pytest.raises(Refused) as refused:
        await world.homeserver.upload(room_id, str(large), Media(""), False, lambda _, __: None)
    assert refused.value.status == 413


async def test_attachment_comes_back_as_it_was_sent(
    world: World, news: News, tmp_path: Path
) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    (tmp_path / "source").write_bytes(b"12345")
    media = Media("", size=5, mimetype="image/png", width=3, height=2)
    up = await world.homeserver.upload(
        room_id, str(tmp_path / "source"), media, False, lambda _, __: None
    )
    attachments = (
        Attachment(AttachmentKind.IMAGE, Safe("cat.png"), up, up, caption=Safe("look!")),
        Attachment(AttachmentKind.FILE, Safe("a.pdf"), up),
    )
    contents = [Line(Kind.ATTACHMENT, described(one), attachment=one) for one in attachments]
    sent = [
        await world.homeserver.send(room_id, TransactionId(f"f{n}"), content, False)
        for n, content in enumerate(contents)
    ]
    await news.until(lambda: sent[-1] in news.events(room_id))
    assert [news.events(room_id)[event].content for event in sent] == contents


async def test_same_reaction_twice_is_refused(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    send = world.homeserver.send
    target = await send(room_id, TransactionId("t1"), said("hello"), False)
    reaction = Reaction(target, Safe("👍"))
    await send(room_id, TransactionId("t2"), reaction, False)
    with pytest.raises(Refused) as refused:
        await send(room_id, TransactionId("t3"), reaction, False)
    assert refused.value.errcode == "M_DUPLICATE_ANNOTATION"


async def test_sync_from_the_same_token_says_the_same_again(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    token = news.token
    await world.bob_says(room_id, "said once")
    await news.until(lambda: news.bodies(room_id) == ["said once"])
    again = News(world.homeserver)
    again.token, again.batches = token, [SyncBatch("")]
    await again.until(lambda: again.bodies(room_id) == ["said once"])
    assert (
        again.events(room_id).keys() == news.events(room_id).keys() & again.events(room_id).keys()
    )


@pytest.mark.parametrize("direct", [True, False])
async def test_invite_is_told_and_joining_brings_the_room(
    world: World, news: News, direct: bool
) -> None:
    await news.caught_up()
    room_id = await world.invite(direct)
    await news.until(lambda: news.invite(room_id))
    invite = news.invite(room_id)
    assert invite is not None
    assert (invite.inviter, invite.direct) == (world.bob, direct)
    await world.homeserver.join(room_id)
    await world.homeserver.join(room_id)
    await world.homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.until(
        lambda: (me := news.member(room_id, world.me)) and me.membership is Membership.JOIN
    )
    assert any(update.initial for update in news.updates(room_id))


async def test_revoked_invite_is_gone(world: World, news: News) -> None:
    await news.caught_up()
    room_id = await world.invite(True)
    await news.until(lambda: news.invite(room_id))
    await world.bob_revokes(room_id)
    await news.until(lambda: news.gone(room_id))


async def test_declined_invite_is_gone(world: World, news: News) -> None:
    await news.caught_up()
    room_id = await world.invite(True)
    await news.until(lambda: news.invite(room_id))
    await world.homeserver.leave(room_id)
    await news.until(lambda: news.gone(room_id))


async def test_room_that_was_left_is_gone_and_can_be_forgotten(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    await world.homeserver.leave(room_id)
    await news.until(lambda: any(room_id in batch.gone for batch in news.batches))
    await world.homeserver.forget(room_id)


async def test_invite_whose_inviter_left_can_not_be_joined(world: World) -> None:
    room_id = await world.invite(True)
    await world.bob_leaves(room_id)
    with pytest.raises(Refused) as refusal:
        await world.homeserver.join(room_id)
    assert refusal.value.status in (403, 404)
    await world.homeserver.leave(room_id)


async def test_members_are_the_joined_and_the_invited(world: World) -> None:
    room_id = await world.homeserver.create_direct_room(world.bob, "n", False)
    members = await world.homeserver.members(room_id)
    assert {m.user_id: m.membership for m in members} == {
        world.me: Membership.JOIN,
        world.bob: Membership.INVITE,
    }


async def test_members_of_a_room_i_was_never_in_are_refused(world: World) -> None:
    with pytest.raises(Forbidden):
        await world.homeserver.members(RoomId("!never"))


async def test_person_who_left_is_invited_back_with_the_flag(world: World) -> None:
    room_id = await world.homeserver.create_direct_room(world.bob, "n", False)
    await world.bob_joins(room_id)
    await world.bob_leaves(room_id)
    assert world.bob not in [m.user_id for m in await world.homeserver.members(room_id)]
    await world.homeserver.invite_back(room_id, world.bob)
    members = {member.user_id: member for member in await world.homeserver.members(room_id)}
    assert members[world.bob].membership is Membership.INVITE
    assert members[world.bob].is_direct


@pytest.mark.parametrize("direct", [True, False])
async def test_invite_is_found_again_behind_a_change_of_profile(world: World, direct: bool) -> None:
    room_id = await world.invite(direct)
    await world.homeserver.join(room_id)
    assert await world.homeserver.invite_of(room_id, world.me) == (world.bob, direct)
    await world.rename_me("Renamed")
    await world.rename_me("Renamed again")
    assert await world.homeserver.invite_of(room_id, world.me) == (world.bob, direct)
    assert await world.homeserver.joined_rooms() == {room_id}
    assert await world.homeserver.creator_of(room_id) == world.bob


async def test_room_is_plain_until_it_has_a_name(world: World) -> None:
    plain = await world.homeserver.create_group([world.bob], "", "n", False)
    named = await world.homeserver.create_group([world.bob], "Garden", "m", False)
    assert await world.homeserver.plain_room(plain) == frozenset()
    assert await world.homeserver.plain_room(named) is None
    with pytest.raises(Forbidden):
        await world.homeserver.plain_room(RoomId("!never"))


async def test_invite_by_me_is_found_and_my_own_room_has_none_of_me(world: World) -> None:
    room_id = await world.homeserver.create_direct_room(world.bob, "n", False)
    await world.bob_joins(room_id)
    assert await world.homeserver.invite_of(room_id, world.bob) == (world.me, True)
    assert await world.homeserver.invite_of(room_id, world.me) is None
    assert await world.homeserver.creator_of(room_id) == world.me


async def test_room_left_may_be_asked_about_until_it_is_forgotten(world: World) -> None:
    room_id = await world.invite(True)
    await world.homeserver.join(room_id)
    await world.homeserver.leave(room_id)
    assert await world.homeserver.joined_rooms() == set()
    await world.homeserver.invite_of(room_id, world.me)
    await world.homeserver.forget(room_id)
    with pytest.raises(Forbidden):
        await world.homeserver.invite_of(room_id, world.me)
    with pytest.raises(Forbidden):
        await world.homeserver.invite_of(RoomId("!never"), world.me)


async def test_history_goes_back_to_the_beginning_newest_first(world: World, news: News) -> None:
    room_id = await world.have_direct_room(*(str(number) for number in range(30)))
    await news.caught_up()
    first = news.updates(room_id)[0]
    assert first.limited
    assert first.prev_batch is not None
    bodies = news.bodies(room_id)[::-1]
    before: str | None = first.prev_batch
    while before is not None:
        page = await world.homeserver.history(room_id, before, 4)
        bodies += [e.content.body for e in page.events if isinstance(e.content, Line)]
        before = page.end
    assert bodies == [str(number) for number in reversed(range(30))]


@pytest.mark.parametrize("private", [False, True], ids=["public", "private"])
async def test_reading_is_told_to_my_other_devices(world: World, news: News, private: bool) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    await world.bob_says(room_id, "read me")
    await news.until(lambda: news.bodies(room_id) == ["read me"])
    event_id = next(
        e.event_id for e in news.events(room_id).values() if isinstance(e.content, Line)
    )
    await world.homeserver.mark_read(room_id, event_id, private)

    def read() -> bool:
        receipts = [r for update in news.updates(room_id) for r in update.receipts]
        return any((r.user_id, r.event_id) == (world.me, event_id) for r in receipts)

    await news.until(read)


async def test_typing_of_the_other_is_told(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    await world.bob_types(room_id)
    await news.until(lambda: any(u.typing == frozenset({world.bob}) for u in news.updates(room_id)))
    await world.homeserver.set_typing(room_id, True)
    await world.homeserver.set_typing(room_id, False)


async def test_unknown_profile_is_refused_and_a_known_one_is_found(world: World) -> None:
    profile = await world.homeserver.profile(world.bob)
    assert profile.user_id == world.bob
    server_name = world.me.partition(":")[2]
    with pytest.raises(Refused):
        await world.homeserver.profile(UserId(f"@nobody-of-that-name:{server_name}"))
    found = await world.homeserver.search_people(profile.name, 10)
    assert world.bob in [one.user_id for one in found]


# -- groups, upgrades, ends -------------------------------------------------------------------


async def test_group_has_its_name_and_its_members_and_no_flag(world: World, news: News) -> None:
    await news.caught_up()
    homeserver = world.homeserver
    room_id = await homeserver.create_group([world.bob], "Trip", "a-nonce", False)
    await homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.until(lambda: news.updates(room_id))
    assert [u.name for u in news.updates(room_id) if u.name is not None][-1] == "Trip"
    bob = news.member(room_id, world.bob)
    assert bob is not None
    assert (bob.membership, bob.is_direct) == (Membership.INVITE, False)
    assert not any(update.encrypted for update in news.updates(room_id))
    assert await homeserver.find_created_room("a-nonce") == room_id


async def test_encrypted_group_without_a_name(world: World) -> None:
    room_id = await world.homeserver.create_group([world.bob], "", "n", True)
    news = News(world.homeserver)
    await world.homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.until(lambda: news.updates(room_id))
    assert any(update.encrypted for update in news.updates(room_id))
    assert not any(update.name for update in news.updates(room_id))


async def test_group_with_somebody_who_accepts_no_invites_is_refused(world: World) -> None:
    await world.block_bob()
    with pytest.raises(InviteBlocked):
        await world.homeserver.create_group([world.bob], "Trip", "n", False)


async def test_person_who_is_removed_is_no_member_any_more(world: World) -> None:
    room_id = await world.homeserver.create_direct_room(world.bob, "n", False)
    await world.homeserver.remove(room_id, world.bob)
    assert [m.user_id for m in await world.homeserver.members(room_id)] == [world.me]
    with pytest.raises(Forbidden):
        await world.homeserver.remove(room_id, world.bob)


async def test_declining_is_told_as_an_invite_that_became_a_leave(world: World, news: News) -> None:
    room_id = await world.homeserver.create_direct_room(world.bob, "n", False)
    await world.homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.caught_up()
    await world.bob_declines(room_id)

    def declined() -> list[MembershipChange]:
        contents = [event.content for event in news.events(room_id).values()]
        changes = [content for content in contents if isinstance(content, MembershipChange)]
        return [one for one in changes if one.member.membership is Membership.LEAVE]

    await news.until(declined)
    (change,) = declined()
    assert change.previous is Membership.INVITE
    assert change.member.user_id == change.member.sender == world.bob


async def test_room_that_i_am_banned_from_is_gone_and_lets_me_in_no_more(
    world: World, news: News
) -> None:
    room_id = await world.invite(True)
    await world.homeserver.join(room_id)
    await world.homeserver.set_account_data("m.direct", {world.bob: [room_id]})
    await news.caught_up()
    await world.bob_bans_me(room_id)
    await news.until(lambda: any(room_id in batch.gone for batch in news.batches))
    await news.until(
        lambda: (me := news.member(room_id, world.me)) and me.membership is Membership.BAN
    )
    with pytest.raises(Forbidden):
        await world.homeserver.join(room_id)


async def test_upgraded_room_names_its_successor_which_names_it(world: World, news: News) -> None:
    room_id = await world.have_direct_room("before")
    await news.caught_up()
    successor = await world.bob_upgrades(room_id)
    await news.until(lambda: any(u.successor == successor for u in news.updates(room_id)))
    server = world.bob.partition(":")[2]
    assert {u.successor_via for u in news.updates(room_id) if u.successor} == {server}
    await world.homeserver.join(successor, (server,))
    await world.homeserver.set_account_data("m.direct", {world.bob: [room_id, successor]})
    await news.until(lambda: any(u.predecessor == room_id for u in news.updates(successor)))


async def test_history_begins_at_the_newest_event_where_no_place_is_named(world: World) -> None:
    room_id = await world.have_direct_room("one", "two")
    page = await world.homeserver.history(room_id, "", 2)
    assert [e.content.body for e in page.events if isinstance(e.content, Line)] == ["two", "one"]
    with pytest.raises(Refused) as refusal:
        await world.homeserver.history(room_id, "no-place", 2)
    assert refusal.value.status == 400


async def test_history_of_a_left_room_goes_up_to_the_leaving(world: World) -> None:
    room_id = await world.have_direct_room("one", "two")
    await world.homeserver.leave(room_id)
    await world.bob_says(room_id, "behind my back")
    bodies: list[str] = []
    before: str | None = ""
    while before is not None:
        page = await world.homeserver.history(room_id, before, 2)
        bodies += [e.content.body for e in page.events if isinstance(e.content, Line)]
        before = page.end
    assert bodies == ["two", "one"]
    assert (await world.homeserver.history(room_id, "", 50)).end is None
    await world.homeserver.forget(room_id)
    with pytest.raises(Forbidden):
        await world.homeserver.history(room_id, "", 2)


# -- arranging and looking up -----------------------------------------------------------------


async def test_tags_are_set_and_taken_away_again_and_told(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    assert news.tags(room_id) == frozenset()
    homeserver = world.homeserver
    await homeserver.set_tag(room_id, FAVOURITE, True)
    await homeserver.set_tag(room_id, FAVOURITE, True)
    await news.until(lambda: news.tags(room_id) == frozenset({FAVOURITE}))
    await homeserver.set_tag(room_id, LOW_PRIORITY, True)
    await news.until(lambda: news.tags(room_id) == frozenset({FAVOURITE, LOW_PRIORITY}))
    await homeserver.set_tag(room_id, FAVOURITE, False)
    await homeserver.set_tag(room_id, FAVOURITE, False)
    await news.until(lambda: news.tags(room_id) == frozenset({LOW_PRIORITY}))


async def test_tag_of_another_client_is_told_and_is_part_of_a_snapshot(
    world: World, news: News
) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    await world.tag_elsewhere(room_id, FAVOURITE)
    await news.until(lambda: news.tags(room_id) == frozenset({FAVOURITE}))
    anew = News(world.homeserver)
    await anew.caught_up()
    assert anew.tags(room_id) == frozenset({FAVOURITE})


async def test_mark_of_unread_is_told_and_is_part_of_a_snapshot(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    assert not news.marked_unread(room_id)
    await world.homeserver.set_marked_unread(room_id, True)
    await news.until(lambda: news.marked_unread(room_id))
    anew = News(world.homeserver)
    await anew.caught_up()
    assert anew.marked_unread(room_id)
    await world.mark_elsewhere(room_id, False)
    await news.until(lambda: not news.marked_unread(room_id))
    await world.mark_elsewhere(room_id, True)
    await news.until(lambda: news.marked_unread(room_id))


async def test_mute_is_told_and_a_second_one_changes_nothing(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    assert not news.muted
    await world.homeserver.set_muted(room_id, True)
    await world.homeserver.set_muted(room_id, True)
    await news.until(lambda: news.muted == frozenset({room_id}))
    anew = News(world.homeserver)
    await anew.caught_up()
    assert anew.muted == frozenset({room_id})
    await world.homeserver.set_muted(room_id, False)
    await world.homeserver.set_muted(room_id, False)
    await news.until(lambda: news.muted == frozenset())


async def test_mute_by_another_client_is_told_and_can_be_ended(world: World, news: News) -> None:
    room_id = await world.have_direct_room()
    await news.caught_up()
    await world.mute_elsewhere(room_id)
    await news.until(lambda: news.muted == frozenset({room_id}))
    await world.homeserver.set_muted(room_id, False)
    await news.until(lambda: news.muted == frozenset())


async def test_people_and_blocked_invites_and_ignored_users_are_told(
    world: World, news: News
) -> None:
    await news.caught_up()
    people: JsonObject = {"people": {world.bob: {"petname": "Bobby"}}, "other": [1]}
    await world.homeserver.set_account_data(PEOPLE, people)
    await news.until(lambda: any(batch.contacts == people for batch in news.batches))
    blocking: JsonObject = {"default_action": "block"}
    await world.homeserver.set_account_data("m.invite_permission_config", blocking)
    await news.until(lambda: any(batch.invites_blocked is True for batch in news.batches))
    await world.homeserver.set_account_data("m.invite_permission_config", {})
    await news.until(lambda: news.batches[-1].invites_blocked is False)
    ignoring: JsonObject = {"ignored_users": {world.bob: {}}}
    await world.homeserver.set_account_data("m.ignored_user_list", ignoring)
    await news.until(lambda: any(batch.ignored == frozenset({world.bob}) for batch in news.batches))


async def test_shared_rooms_are_those_that_both_are_in(world: World) -> None:
    homeserver = world.homeserver
    assert await homeserver.shared_rooms(world.bob) == frozenset()
    shared = await world.have_direct_room()
    await homeserver.create_direct_room(world.bob, "only invited", False)
    assert await homeserver.shared_rooms(world.bob) == {shared}
    with pytest.raises(Refused):
        await homeserver.shared_rooms(world.me)


async def test_presence_is_told_of_whom_i_share_a_room_with(world: World) -> None:
    with pytest.raises(Refused):
        await world.homeserver.presence(world.bob)
    await world.have_direct_room()
    await world.bob_comes_online("at work")
    presence = await world.homeserver.presence(world.bob)
    assert presence.availability is Availability.ONLINE
    assert presence.status == "at work"
    assert presence.active_ago is not None


async def test_my_name_is_what_the_profile_tells(world: World) -> None:
    await world.homeserver.set_display_name("Somebody else")
    assert (await world.homeserver.profile(world.me)).name == "Somebody else"
    await world.homeserver.set_display_name("")
    with pytest.raises(NotFound):
        await world.homeserver.profile(world.me)


async def test_my_status_is_told_with_my_presence(world: World) -> None:
    await world.homeserver.set_presence(Availability.ONLINE, "at the sea")
    presence = await world.homeserver.presence(world.me)
    assert presence.status == "at the sea"
    assert presence.availability is Availability.ONLINE
    await world.homeserver.set_presence(Availability.UNAVAILABLE, "")
    presence = await world.homeserver.presence(world.me)
    assert (presence.availability, presence.status) == (Availability.UNAVAILABLE, "")


@pytest.mark.parametrize("seen", [Availability.ONLINE, Availability.UNAVAILABLE])
async def test_syncing_shows_me_as_i_wish_and_keeps_my_status(
    world: World, seen: Availability
) -> None:
    await world.homeserver.set_presence(Availability.OFFLINE, "at the sea")
    first = await world.homeserver.sync(None, frozenset(), 0.0)
    assert (await world.homeserver.presence(world.me)).availability is Availability.OFFLINE
    await world.homeserver.sync(first.token, frozenset(), 0.0, seen)
    presence = await world.homeserver.presence(world.me)
    assert (presence.availability, presence.status) == (seen, "at the sea")


async def test_my_picture_is_what_the_profile_tells(world: World, tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(b"any bytes")
    stored = await world.homeserver.upload(
        None, str(picture), Media("", mimetype="image/png"), False, lambda _, __: None
    )
    assert stored.key is None
    await world.homeserver.set_avatar(stored.uri)
    assert (await world.homeserver.profile(world.me)).avatar == stored.uri
    await world.homeserver.download(
        Media(stored.uri), str(tmp_path / "again"), 99, lambda _, __: None
    )
    assert (tmp_path / "again").read_bytes() == b"any bytes"
    await world.homeserver.set_display_name("Somebody")
    await world.homeserver.set_avatar("")
    assert await world.homeserver.profile(world.me) == Profile(world.me, Safe("Somebody"))


async def test_devices_of_a_person_are_those_with_keys(world: World) -> None:
    assert await world.homeserver.trust_of(world.bob) == Trust(IdentityState.NONE)
    device = await world.bob_gets_a_device()
    found = Trust(IdentityState.NONE, 0, (device,))
    assert await world.homeserver.trust_of(world.bob) == found
    assert device.signed is None


async def test_identity_of_a_person_vouches_for_their_device(world: World) -> None:
    device = await world.bob_gets_an_identity()
    trust = await world.homeserver.trust_of(world.bob)
    assert (trust.identity, trust.devices) == (IdentityState.FIRST_SEEN, (device,))
    assert trust.since > 0
    assert device.signed is True
    assert device.fingerprint


async def test_nothing_is_sent_where_nobody_has_a_confirmed_device(world: World) -> None:
    room_id, homeserver = await world.have_direct_room(), world.homeserver
    await world.bob_gets_a_device()
    transaction_id = TransactionId("psst")
    with pytest.raises(TrustAlarm) as alarm:
        await homeserver.send(room_id, transaction_id, said("psst"), encrypted=True)
    assert alarm.value.alarms == {world.bob: Alarm.DEVICES}
    await homeserver.except_devices(world.bob, True)
    assert (await homeserver.trust_of(world.bob)).excepted
    assert await homeserver.send(room_id, transaction_id, said("psst"), encrypted=True)
    await homeserver.except_devices(world.bob, False)
    await world.bob_gets_an_identity()
    assert not (await homeserver.trust_of(world.bob)).excepted


async def test_verification_that_does_not_exist_is_refused(world: World) -> None:
    homeserver = world.homeserver
    for act in (homeserver.accept_verification, homeserver.confirm_verification):
        with pytest.raises(NotFound):
            await act("verification-1")


async def test_this_device_knows_its_own_fingerprint(world: World) -> None:
    device = await world.homeserver.this_device()
    assert device.device_id
    assert len(device.fingerprint) == 43


async def test_device_that_signs_in_elsewhere_is_told_and_can_be_signed_out(
    world: World, news: News
) -> None:
    homeserver = world.homeserver
    this = (await homeserver.this_device()).device_id
    await news.until(lambda: [one.device_id for one in news.own_devices if one.this] == [this])
    device_id = await world.sign_in_elsewhere()
    await news.until(lambda: device_id in {one.device_id for one in news.own_devices})
    known = {one.device_id: one for one in await homeserver.own_devices()}
    assert known[this].this
    assert known[this].fingerprint == (await homeserver.this_device()).fingerprint
    assert known[device_id].confirmed is None
    with pytest.raises(PasswordNeeded):
        await homeserver.sign_out_device(device_id)
    with pytest.raises(PasswordNeeded):
        await homeserver.sign_out_device(device_id, "wrong")
    await homeserver.sign_out_device(device_id, world.password)
    await news.until(lambda: device_id not in {one.device_id for one in news.own_devices})
    assert device_id not in {one.device_id for one in await homeserver.own_devices()}


async def test_recovery_is_set_up_once_and_its_key_is_shown_until_it_is_kept(world: World) -> None:
    homeserver = world.homeserver
    fresh = await homeserver.encryption()
    assert fresh == Encryption(Identity.NONE, False, False, Backup.NONE, 0, False)
    text = await homeserver.set_up_recovery("")
    read_recovery_key(text)
    assert await homeserver.encryption() == Encryption(
        Identity.OURS, True, False, Backup.ON, 0, True
    )
    assert await homeserver.set_up_recovery("") == text
    assert await homeserver.recovery_key_kept()
    assert not (await homeserver.encryption()).unkept_key
    assert not await homeserver.recovery_key_kept()
    with pytest.raises(IdentityExists):
        await homeserver.set_up_recovery("")


@pytest.mark.parametrize("passphrase", ["", "correct horse"])
async def test_an_identity_from_elsewhere_is_unlocked(world: World, passphrase: str) -> None:
    homeserver = world.homeserver
    with pytest.raises(NotFound):
        await homeserver.unlock(recovery_key_text(bytes(32)))
    text = await world.set_up_recovery_elsewhere(passphrase)
    locked = await homeserver.encryption()
    assert locked == Encryption(Identity.LOCKED, True, bool(passphrase), Backup.LOCKED, 0, False)
    with pytest.raises(IdentityExists):
        await homeserver.set_up_recovery("")
    for wrong in (recovery_key_text(bytes(32)), text[:-1], "no passphrase"):
        with pytest.raises(BadRecoveryKey):
            await homeserver.unlock(wrong)
    await homeserver.unlock(passphrase or text)
    assert await homeserver.encryption() == replace(
        locked, identity=Identity.OURS, backup=Backup.ON
    )
    assert await homeserver.restore_keys(lambda done, of: None) == 0
    assert await homeserver.back_up() == 0


async def test_a_reset_gives_an_identity_up_for_a_new_one(world: World) -> None:
    homeserver = world.homeserver
    old = await world.set_up_recovery_elsewhere("correct horse")
    new = await homeserver.reset_identity("", PASSWORD)
    assert new != old
    assert await homeserver.encryption() == Encryption(
        Identity.OURS, True, False, Backup.ON, 0, True
    )
    assert await homeserver.set_up_recovery("") == new
    with pytest.raises(BadRecoveryKey):
        await homeserver.unlock(old)


async def test_reports_are_taken(world: World) -> None:
    room_id = await world.invite(True)
    await world.homeserver.report_user(world.bob, "spam")
    await world.homeserver.report_room(room_id, "")
    with pytest.raises(NotFound):
        await world.homeserver.report_room(RoomId("!never:example.org"), "spam")


async def test_logging_out_ends_the_session(world: World) -> None:
    logout: Callable[[], Awaitable[None]] = world.homeserver.logout
    await logout()
