"""Direct messages between dmtui and Element's own stack."""

from __future__ import annotations

from dmtui.core.model import PeerState, RoomId, SendState
from dmtui.messenger.results import Consent, Opened, PersonLeft
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.synapse import SynapseServer
from tests.interop.peer import Element
from tests.interop.setting import OpenElement, another_element, chat, either_way, on_one_worker

pytestmark = on_one_worker


async def read_by_both(dmtui: DmtuiAccount, bob: Element, room_id: str) -> None:
    """What each of them says is read by the other, encrypted."""
    await dmtui.messenger.send(user(bob.account), "from dmtui")
    heard = await bob.message(room_id, body="from dmtui", readable=True)
    assert (heard.sender, heard.encrypted) == (dmtui.me, True)
    await bob.send(room_id, "from Element")
    await dmtui.until(lambda: dmtui.bodies(bob.account)[-1:] == ["from Element"])
    assert dmtui.messages(bob.account)[-1].encrypted
    await dmtui.until(lambda: set(dmtui.states(bob.account)) == {SendState.SENT})


async def seen_typing_by_both(dmtui: DmtuiAccount, bob: Element, room_id: str) -> None:
    """Each sees the other begin, and dmtui's end; Element's is the message that follows."""
    dmtui.messenger.set_typing(user(bob.account), True)
    await bob.room(room_id, typing=[dmtui.me])
    dmtui.messenger.set_typing(user(bob.account), False)
    await bob.room(room_id, typing=[])
    await bob.set_typing(room_id, True)
    await dmtui.until(lambda: dmtui.messenger.typing() == {user(bob.account): ("Bob",)})


@either_way
async def test_chat_started_here_is_a_direct_chat_in_element(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    opened = await dmtui.messenger.start_chat(user(bob.account))
    assert isinstance(opened, Opened)
    invite = await bob.room(opened.room_id, membership="invite", inviter=dmtui.me)
    assert invite.encrypted
    assert await bob.accept(opened.room_id)
    assert await bob.direct() == {dmtui.me: [opened.room_id]}
    await dmtui.until_peer(bob.account, PeerState.JOINED)
    await dmtui.until_recorded({bob.me: [opened.room_id]})
    await seen_typing_by_both(dmtui, bob, opened.room_id)
    await read_by_both(dmtui, bob, opened.room_id)
    await dmtui.until(lambda: not dmtui.messenger.typing())


@either_way
async def test_chat_started_in_element_is_offered_and_recorded_here(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    room_id = await bob.create_direct(dmtui.account)
    await bob.send(room_id, "before you came")
    await dmtui.until(dmtui.messenger.invites)
    (invite,) = dmtui.messenger.invites()
    assert (invite.room_id, invite.inviter, invite.inviter_name) == (room_id, bob.me, "Bob")
    await dmtui.accept(room_id)
    await dmtui.until_recorded({bob.me: [room_id]})
    await bob.room(room_id, members={dmtui.me: "join"})
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["before you came"])
    await read_by_both(dmtui, bob, room_id)


async def test_element_user_who_left_is_invited_back_to_a_direct_chat(
    dmtui: DmtuiAccount, bob: Element
) -> None:
    room_id = await chat(dmtui, bob)
    await bob.leave(room_id)
    await dmtui.until_peer(bob.account, PeerState.LEFT)
    person = user(bob.account)
    assert await dmtui.messenger.start_chat(person) == PersonLeft(person, room_id)
    back = await dmtui.messenger.start_chat(person, Consent(invite_back=True))
    assert back == Opened(person, room_id)
    await bob.room(room_id, membership="invite", inviter=dmtui.me)
    assert await bob.accept(room_id)
    await dmtui.until_peer(bob.account, PeerState.JOINED)
    await read_by_both(dmtui, bob, room_id)


async def test_chat_upgraded_in_element_is_followed(dmtui: DmtuiAccount, bob: Element) -> None:
    old = RoomId(await bob.create_direct(dmtui.account))
    await dmtui.accept(old)
    await bob.room(old, members={dmtui.me: "join"})
    await bob.send(old, "in the old room")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["in the old room"])
    new = RoomId(await bob.upgrade(old))
    await dmtui.until(lambda: (c := dmtui.conversation(bob.account)) and c.room_id == new)
    await dmtui.until_recorded({bob.me: [old, new]})
    await bob.room(new, members={dmtui.me: "join"})
    await read_by_both(dmtui, bob, new)
    assert dmtui.bodies(bob.account) == ["in the old room", "from dmtui", "from Element"]


async def test_message_edited_in_element_is_edited_here(dmtui: DmtuiAccount, bob: Element) -> None:
    room_id = await chat(dmtui, bob)
    event_id = await bob.send(room_id, "tpyo")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["tpyo"])
    await bob.edit(room_id, event_id, "typo")
    await dmtui.until(lambda: dmtui.bodies(bob.account) == ["typo"])
    assert dmtui.messages(bob.account)[-1].edited


async def test_my_own_element_has_the_same_chats_and_reads_what_i_send_here(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    mine = await another_element(dmtui, synapse, open_element)
    room_id = await chat(dmtui, bob)
    await dmtui.until_recorded({bob.me: [room_id]})
    assert await mine.direct() == {bob.me: [room_id]}
    await read_by_both(dmtui, bob, room_id)
    for body in ("from dmtui", "from Element"):
        assert (await mine.message(room_id, body=body, readable=True)).encrypted
    await mine.send(room_id, "from my Element")
    await dmtui.until(lambda: dmtui.bodies(bob.account)[-1:] == ["from my Element"])
    assert dmtui.messages(bob.account)[-1].own
    await bob.message(room_id, body="from my Element", readable=True)
    await unread_on_both(dmtui, bob, mine, room_id)


async def unread_on_both(dmtui: DmtuiAccount, bob: Element, mine: Element, room_id: str) -> None:
    """What one of my clients marks as unread is so on the other, until it is read there."""
    person = user(bob.account)
    await dmtui.messenger.mark_read(person)
    await dmtui.messenger.contacts.turn_unread(person, False)
    await mine.room(room_id, marked_unread=True)
    await mine.mark_unread(room_id, False)
    await dmtui.until(lambda: (c := dmtui.conversation(bob.account)) and not c.marked_unread)
    await mine.mark_unread(room_id, True)
    await dmtui.until(lambda: (c := dmtui.conversation(bob.account)) and c.marked_unread)
    await dmtui.messenger.mark_read(person)
    await mine.room(room_id, marked_unread=False)


async def test_mark_that_my_element_takes_away_and_gives_back_is_followed(
    dmtui: DmtuiAccount, bob: Element, synapse: SynapseServer, open_element: OpenElement
) -> None:
    mine = await another_element(dmtui, synapse, open_element)
    room_id = await mine.create_direct(bob.account)
    assert await bob.accept(room_id)
    await dmtui.until_peer(bob.account, PeerState.JOINED)
    await mine.set_direct({})
    await dmtui.until(lambda: dmtui.conversation(bob.account) is None)
    await mine.set_direct({bob.me: [room_id]})
    await dmtui.until(lambda: (c := dmtui.conversation(bob.account)) and c.room_id == room_id)
    assert await dmtui.direct_map() == {bob.me: [room_id]}
