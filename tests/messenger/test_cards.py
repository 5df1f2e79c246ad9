"""What there is to know about a person: the store's part at once, the server's on asking."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC
from typing import TypeVar

from dmtui.core.errors import Forbidden, ServerTrouble, Unreachable
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.evidence import Asked, Evidence
from dmtui.core.model import (
    Availability,
    JsonObject,
    Member,
    Membership,
    PeerState,
    PersonDevice,
    Presence,
    Profile,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.trust import IdentityState, Trust
from dmtui.core.why import explain
from dmtui.messenger.cards import News
from tests.fakes import BOB, CAROL, ME
from tests.messenger.conftest import Desk

T = TypeVar("T")
BOT = UserId("@bot:example.org")


async def finished(desk: Desk, act: Coroutine[None, None, T]) -> T:
    task = asyncio.ensure_future(act)
    await desk.until(task.done)
    return task.result()


async def started(desk: Desk, user_id: UserId = BOB) -> None:
    await desk.start()
    await desk.until(lambda: desk.conversation(user_id))


def verdicts(evidences: tuple[Evidence, ...]) -> list[str]:
    return [str(explain(evidence, UTC)[0].line) for evidence in evidences]


async def test_card_has_the_rooms_behind_the_person_the_serving_one_first(desk: Desk) -> None:
    plain = await desk.server.have_direct_room(BOB, "Bob", history=["hi"])
    sealed = await desk.server.have_direct_room(BOB, "Bob", encrypted=True)
    await started(desk)
    card = desk.messenger.cards.card(BOB)
    assert [(r.room_id, r.serving, r.encrypted) for r in card.rooms] == [
        (sealed, True, True),
        (plain, False, False),
    ]
    assert {(r.mine, r.peer) for r in card.rooms} == {(Membership.JOIN, PeerState.JOINED)}
    assert card.conversation == desk.conversation()
    assert not card.group
    assert not card.ignored


async def test_card_of_a_stranger_is_empty(desk: Desk) -> None:
    await desk.start()
    card = desk.messenger.cards.card(CAROL)
    assert (card.conversation, card.rooms, card.members) == (None, (), ())
    assert desk.messenger.cards.why(CAROL) == ()


async def test_server_tells_profile_presence_rooms_and_devices(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    desk.server.profiles[BOB] = Profile(BOB, Safe("Robert"))
    desk.server.presences[BOB] = Presence(Availability.ONLINE)
    desk.server.devices[BOB] = (PersonDevice("A", Safe("phone"), "key"),)
    await started(desk)
    assert await finished(desk, desk.messenger.cards.ask(BOB)) == News(
        Profile(BOB, Safe("Robert")),
        Presence(Availability.ONLINE),
        frozenset({room_id}),
        Trust(IdentityState.NONE, 0, (PersonDevice("A", Safe("phone"), "key"),)),
    )


async def test_what_the_server_does_not_tell_costs_nothing_else(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    desk.server.fail("presence", Forbidden("No.", 403, "M_FORBIDDEN"))
    desk.server.fail("trust_of", ServerTrouble("The homeserver is in trouble."))
    await started(desk)
    news = await finished(desk, desk.messenger.cards.ask(BOB))
    assert news.profile == "the homeserver knows nothing of it"
    assert news.presence == "it is not shared with you"
    assert news.trust == "The homeserver is in trouble."
    assert not isinstance(news.shared_rooms, str)


async def test_why_tells_all_keys_and_who_wrote_them_when(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.edit_direct({"[object Object]": room_id, BOB: [room_id, 5]})
    await started(desk)
    await desk.until(desk.messenger.care.versions)
    (evidence,) = desk.messenger.cards.why(BOB)
    assert evidence.keys == ("[object Object]", BOB)
    assert evidence.direct
    assert evidence.recorded is not None
    assert not evidence.recorded.ours
    assert evidence.written is not None
    assert verdicts((evidence,)) == ["This is a direct chat with Bob."]


async def test_why_asks_the_server_who_invited_whom(desk: Desk) -> None:
    room_id = await desk.server.invite(BOB, "Bob", direct=True)
    await desk.start()
    await desk.until(desk.messenger.invites)
    await finished(desk, desk.messenger.accept(room_id))
    await desk.until(desk.conversation)
    (evidence,) = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert evidence.invite == Asked(BOB, ME, direct=True)
    assert evidence.untold == ""
    desk.server.rooms[room_id].invited[ME] = (BOB, False)
    (evidence,) = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert evidence.invite == Asked(BOB, ME, direct=False)


async def test_why_knows_my_own_invite_without_the_server(desk: Desk) -> None:
    await desk.server.create_direct_room(BOB, "n", encrypted=False)
    await desk.start()
    (evidence,) = desk.messenger.cards.why(BOB)
    assert evidence.invite == Asked(ME, BOB, direct=True)
    assert "lacks it" in verdicts((evidence,))[0]


async def test_why_names_service_members_and_does_not_count_them(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    bot = Member(BOT, Membership.JOIN, Safe("Bridge"))
    update = RoomUpdate(room_id, members=(bot,), service_members=frozenset({BOT}))
    desk.server.rooms[room_id].members[BOT] = bot
    await desk.server.tell(SyncBatch("", rooms=(update,)))
    await started(desk)
    for evidence in (
        *desk.messenger.cards.why(BOB),
        *await finished(desk, desk.messenger.cards.ask_why(BOB)),
    ):
        assert (evidence.service, evidence.humans, evidence.direct) == ((BOT,), (BOB,), True)


async def test_group_says_whose_chat_it_was_and_who_is_there(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.bring(room_id, CAROL, "Carol")
    await desk.start()
    group = UserId(room_id)
    await desk.until(lambda: desk.conversation(group))
    card = desk.messenger.cards.card(group)
    assert card.group
    assert card.members == ((BOB, "Bob"), (CAROL, "Carol"))
    (evidence,) = desk.messenger.cards.why(group)
    assert verdicts((evidence,)) == [
        "This is not a direct chat: 2 other people are in it. It was one with Bob."
    ]


async def test_room_listed_that_i_never_was_in_is_explained(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    listed = desk.server.data["m.direct"][BOB]
    assert isinstance(listed, list)
    await desk.server.edit_direct({BOB: [*listed, "!never"]})
    await started(desk)
    evidences = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert [evidence.room_id for evidence in evidences] == [*listed, "!never"]
    assert verdicts(evidences)[1] == "This is no chat: you are not in the room."


async def test_why_without_the_server_says_that_it_is_as_last_seen(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await started(desk)
    desk.server.fail("members", Unreachable("The homeserver does not answer."))
    (evidence,) = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert evidence.direct
    assert evidence.untold == "The homeserver does not answer."
    desk.server.fail("account_data", Unreachable("No network."))
    (evidence,) = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert evidence.untold == "No network."


async def test_why_by_the_server_is_of_the_map_as_it_is_now(desk: Desk) -> None:
    await desk.server.have_direct_room(BOB, "Bob")
    await started(desk)
    content: JsonObject = {}
    desk.server.data["m.direct"] = content
    (evidence,) = await finished(desk, desk.messenger.cards.ask_why(BOB))
    assert evidence.keys == ()
    assert not evidence.direct
    assert desk.messenger.cards.why(BOB)[0].room_id == RoomId(evidence.room_id)
