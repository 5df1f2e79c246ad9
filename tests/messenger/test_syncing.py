from __future__ import annotations

import asyncio

import pytest

from dmtui.core.errors import Forbidden, Refused, SignedOut, StoreTrouble, Unreachable
from dmtui.core.events import (
    Change,
    Line,
    RoomUpdate,
    SyncBatch,
    TimelineEvent,
    TypingChanged,
    Undecryptable,
)
from dmtui.core.model import EventId, Kind, Member, Membership, Phase, Safe, SendState, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.messenger import Messenger
from tests.core.test_roster import fastest
from tests.fakes import BOB, CAROL, ME
from tests.messenger.conftest import Desk
from tests.waiting import PATIENCE

DAVE = UserId("@dave:example.org")


async def test_people_and_messages_are_there_before_the_network_answers(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.say(room_id, BOB, "hello")
    await desk.start()
    await desk.until(lambda: desk.bodies() == ["hello"])
    desk.server.fail("sync", Unreachable("no network"), times=1000)
    await desk.restart_offline()
    assert [person.name for person in desk.messenger.people()] == ["Bob"]
    assert desk.bodies() == ["hello"]


async def test_sync_resumes_from_the_stored_token(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.server.say(room_id, BOB, "one")
    await desk.start()
    token = desk.store.token()
    before = desk.server.count("sync")
    await desk.restart()
    await desk.server.called("sync", before + 1)
    tokens = [call.arguments[0] for call in desk.server.calls if call.name == "sync"]
    assert tokens[before] == token
    assert tokens.count(None) == 1


async def test_connection_goes_offline_and_comes_back(desk: Desk) -> None:
    await desk.start()
    await desk.until(lambda: desk.messenger.connection.phase is Phase.ONLINE)
    desk.server.fail("sync", Unreachable("The homeserver does not answer."), times=1)
    await desk.server.have_direct_room(BOB)  # wakes the waiting sync; the next one fails
    await desk.until(lambda: desk.messenger.connection.phase is Phase.OFFLINE)
    connection = desk.messenger.connection
    assert connection.reason == "The homeserver does not answer."
    assert connection.retry_at is not None
    await desk.until(lambda: desk.messenger.connection.phase is Phase.ONLINE)


async def test_end_of_the_session_is_shown_and_nothing_is_retried(desk: Desk) -> None:
    desk.server.fail("sync", SignedOut("You were signed out."), times=1)
    await desk.messenger.start()
    await desk.until(lambda: desk.messenger.connection.phase is Phase.SIGNED_OUT)
    assert desk.server.count("sync") == 1


async def test_typing_comes_and_goes(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    await desk.server.show_typing(room_id, BOB)
    await desk.until(lambda: BOB in desk.messenger.typing())
    await desk.server.show_typing(room_id)
    await desk.until(lambda: not desk.messenger.typing())


async def test_who_has_written_types_no_more(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    await desk.server.show_typing(room_id, BOB)
    await desk.until(lambda: BOB in desk.messenger.typing())
    await desk.server.say(room_id, BOB, "there")
    await desk.until(lambda: desk.bodies() == ["there"])
    await desk.until(lambda: not desk.messenger.typing())


async def test_nobody_types_while_the_server_can_not_tell(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()
    await desk.server.show_typing(room_id, BOB)
    await desk.until(lambda: BOB in desk.messenger.typing())
    changes = desk.messenger.subscribe()
    desk.server.fail("sync", Unreachable("no network"), times=1000)
    await desk.server.tell(SyncBatch(""))  # ends the waiting sync; the next one fails
    await desk.until(lambda: desk.messenger.connection.phase is Phase.OFFLINE)
    assert not desk.messenger.typing()
    assert TypingChanged(BOB) in changes.take()


async def test_only_members_who_are_not_ignored_are_seen_typing(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.bring(room_id, CAROL, "Carol")
    await desk.server.bring(room_id, DAVE, "Dave")
    await desk.start()
    group = UserId(room_id)
    await desk.server.show_typing(room_id, BOB, CAROL, UserId("@stranger:example.org"), ME)
    await desk.until(lambda: group in desk.messenger.typing())
    assert desk.messenger.typing() == {group: ("Bob", "Carol")}
    await desk.server.edit_account_data("m.ignored_user_list", {"ignored_users": {BOB: {}}})
    await desk.until(lambda: desk.messenger.typing() == {group: ("Carol",)})


async def test_bot_of_a_group_is_not_seen_typing(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.server.bring(room_id, CAROL, "Carol")
    await desk.server.bring(room_id, DAVE, "Dave")
    await desk.start()
    await desk.server.tell(
        SyncBatch("", rooms=(RoomUpdate(room_id, service_members=frozenset({DAVE})),))
    )
    await desk.server.show_typing(room_id, DAVE, CAROL)
    await desk.until(desk.messenger.typing)
    assert desk.messenger.typing() == {UserId(room_id): ("Carol",)}


async def test_who_types_in_a_large_group_is_known_within_a_frame(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    others = [UserId(f"@user{n}:example.org") for n in range(2000)]
    members = tuple(Member(user_id, Membership.JOIN) for user_id in others)
    await desk.server.tell(SyncBatch("", rooms=(RoomUpdate(room_id, members=members),)))
    await desk.server.show_typing(room_id, BOB)
    await desk.until(desk.messenger.typing)
    assert desk.messenger.typing() == {UserId(room_id): ("Bob",)}
    assert fastest(desk.messenger.typing) < 0.016


async def test_message_heals_when_its_key_arrives(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob", encrypted=True)
    await desk.start()
    lost = TimelineEvent(
        EventId("$lost"), BOB, 1_790_000_000_500, Undecryptable("session", '{"raw": 1}'), True
    )
    await desk.server.tell(SyncBatch("", rooms=(RoomUpdate(room_id, timeline=(lost,)),)))
    await desk.until(lambda: [m.kind for m in desk.messages()] == [Kind.UNDECRYPTABLE])
    desk.server.decrypted[EventId("$lost")] = TimelineEvent(
        EventId("$lost"), BOB, 1_790_000_000_500, Line(Kind.TEXT, Safe("found")), True
    )
    await desk.server.tell(SyncBatch("", room_keys=((room_id, "session"),)))
    await desk.until(lambda: desk.bodies() == ["found"])


async def test_gap_of_a_limited_timeline_is_filled(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.server.say(room_id, BOB, "0")
    await desk.start()
    await desk.until(lambda: desk.bodies() == ["0"])
    await desk.server.say_while_away(room_id, BOB, [str(number) for number in range(1, 250)])
    await desk.until(lambda: len(desk.messenger.messages(BOB, limit=300).messages) == 250)
    bodies = [m.body for m in desk.messenger.messages(BOB, limit=300).messages]
    assert bodies == [str(number) for number in range(250)]


async def test_older_messages_are_paged_back_from_the_server(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, history=[str(n) for n in range(150)], shown=5)
    await desk.start()
    await desk.until(lambda: len(desk.bodies()) == 5)
    assert room_id
    while not (page := desk.messenger.messages(BOB, limit=200)).complete:
        assert await desk.messenger.load_older(BOB, page.messages[0].cursor)
    assert [m.body for m in page.messages] == [str(n) for n in range(150)]
    assert not await desk.messenger.load_older(BOB, page.messages[0].cursor)


async def test_reading_is_told_to_the_server_and_survives_restart(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB, "Bob")
    await desk.start()
    event_id = await desk.server.say(room_id, BOB, "read me")
    await desk.until(lambda: (c := desk.conversation()) and c.unread == 1)
    desk.server.fail("mark_read", Unreachable("no network"), times=1000)
    await desk.messenger.mark_read(BOB)
    conversation = desk.conversation()
    assert conversation is not None
    assert conversation.unread == 0
    desk.server.heal("mark_read")
    await desk.restart()
    await desk.until(lambda: desk.store.pending_intents() == ())
    reads = [call.arguments for call in desk.server.calls if call.name == "mark_read"]
    assert reads[-1] == (room_id, event_id, False)


async def test_full_disk_is_said_and_everything_goes_on_when_there_is_room_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.start()

    def full(*_: object) -> frozenset[Change]:
        raise StoreTrouble("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr(desk.store, "apply", full)
        patch.setattr(desk.store, "mark_sending", full)
        await desk.messenger.send(BOB, "typed meanwhile")
        await desk.server.say(room_id, BOB, "said meanwhile")
        await desk.until(lambda: desk.messenger.connection.reason == "The disk is full.")
    await desk.until(lambda: sorted(desk.bodies()) == ["said meanwhile", "typed meanwhile"])
    await desk.until(lambda: desk.states() == [SendState.SENT])
    await desk.until(lambda: desk.messenger.connection.phase is Phase.ONLINE)


async def test_trouble_with_one_rooms_history_does_not_hold_up_anothers(desk: Desk) -> None:
    bobs = await desk.server.have_direct_room(BOB)
    carols = await desk.server.have_direct_room(CAROL)
    await desk.server.say(bobs, BOB, "0")
    await desk.server.say(carols, CAROL, "0")
    await desk.start()
    desk.server.broken_history.add(bobs)
    gate = desk.server.hold("history")
    desk.server.fail("history", Unreachable("no answer"))
    await desk.server.say_while_away(carols, CAROL, ["1", "2", "3"])
    await desk.server.say_while_away(bobs, BOB, ["1", "2", "3"])
    await desk.until(lambda: {hole.room_id for hole in desk.store.holes()} == {bobs, carols})
    gate.set()
    await desk.until(lambda: desk.bodies(CAROL) == ["0", "1", "2", "3"])
    desk.server.broken_history.clear()
    await desk.until(lambda: desk.bodies(BOB) == ["0", "1", "2", "3"])


async def test_page_that_leads_to_itself_ends_the_search(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.server.say(room_id, BOB, "0")
    await desk.start()
    await desk.until(lambda: desk.bodies() == ["0"])
    desk.server.stuck_history.add(room_id)
    await desk.server.say_while_away(room_id, BOB, ["1", "2", "3"])
    await desk.until(lambda: desk.server.count("history"))
    await desk.until(lambda: desk.store.holes() == ())
    assert desk.server.count("history") < 5


async def test_place_that_the_server_has_forgotten_is_found_again_from_the_newest(
    desk: Desk,
) -> None:
    await desk.server.have_direct_room(BOB, history=[str(n) for n in range(150)], shown=5)
    await desk.start()
    await desk.until(lambda: len(desk.bodies()) == 5)
    desk.server.fail("history", Refused("No such place.", 400, "M_UNKNOWN"))
    while not (page := desk.messenger.messages(BOB, limit=200)).complete:
        assert await desk.messenger.load_older(BOB, page.messages[0].cursor)
    assert [m.body for m in page.messages] == [str(n) for n in range(150)]


async def test_hole_stays_open_while_the_server_refuses_every_place(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.server.say(room_id, BOB, "0")
    await desk.start()
    await desk.until(lambda: desk.bodies() == ["0"])
    desk.server.fail("history", Refused("No such place.", 400, "M_UNKNOWN"), times=1000)
    await desk.server.say_while_away(room_id, BOB, ["1", "2", "3"])
    await desk.until(lambda: desk.server.count("history") >= 3)
    assert desk.store.holes()
    assert desk.bodies() == ["3"]
    desk.server.heal("history")
    await desk.until(lambda: desk.bodies() == list("0123"))


async def test_hole_of_a_room_that_is_not_ours_to_see_is_closed(desk: Desk) -> None:
    room_id = await desk.server.have_direct_room(BOB)
    await desk.server.say(room_id, BOB, "0")
    await desk.start()
    await desk.until(lambda: desk.bodies() == ["0"])
    desk.server.fail("history", Forbidden("Not yours.", 403, "M_FORBIDDEN"), times=1000)
    await desk.server.say_while_away(room_id, BOB, ["1", "2", "3"])
    await desk.until(lambda: desk.bodies() == ["0", "3"])
    assert desk.store.holes() == ()


async def test_nobody_waits_for_a_homeserver_that_can_not_be_opened(desk: Desk) -> None:
    async def connect() -> Homeserver:
        raise StoreTrouble("The keys can't be read.")

    messenger = Messenger(ME, desk.store, connect, desk.clock)
    await messenger.start()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(StoreTrouble, match="keys"):
            await messenger.search_people("bob")
    with pytest.raises(StoreTrouble):
        await messenger.stop()
