from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY, Part, Wish
from dmtui.core.events import (
    ConversationsChanged,
    IntentsChanged,
    RoomUpdate,
    SyncBatch,
    TimelineChanged,
    TimelineEvent,
)
from dmtui.core.intents import ArrangeContact, Outcome
from dmtui.core.model import Contact, Conversation, Invite, JsonObject, Kind, RoomId, Safe, UserId
from dmtui.store.store import Store
from tests.store.conftest import (
    BOB,
    CAROL,
    ME,
    OTHER,
    ROOM,
    T0,
    batch,
    first_sync,
    joins,
    line,
    members,
    news,
)

DAVE = UserId("@dave:test")


@pytest.fixture
def store(store: Store) -> Store:
    """Bob in a room, everything read."""
    store.apply(first_sync(line("1", 1)))
    store.mark_read_here(BOB)
    for entry in store.pending_intents():
        store.settle_intent(entry.number, Outcome(ok=True))
    return store


def bob(store: Store) -> Conversation:
    return store.conversations([BOB])[0]


def wish(store: Store, user_id: UserId = BOB) -> Wish:
    found = store.contacts.wish(user_id)
    assert found is not None
    return found


def publish(store: Store, user_id: UserId = BOB) -> None:
    """As the act does once the server has it."""
    store.contacts.published(wish(store, user_id))
    for entry in store.pending_intents():
        if entry.intent == ArrangeContact(user_id):
            store.settle_intent(entry.number, Outcome(ok=True))


def wishes(store: Store) -> list[ArrangeContact]:
    intents = (entry.intent for entry in store.pending_intents())
    return [intent for intent in intents if isinstance(intent, ArrangeContact)]


def people(content: dict[str, object]) -> SyncBatch:
    return batch(contacts={"people": content})


def tagged(*tags: str, room: RoomId = ROOM) -> SyncBatch:
    return batch(RoomUpdate(room, tags=frozenset(tags)))


# -- my own changes -------------------------------------------------------------------------


def test_a_change_is_seen_at_once_and_written_down_in_the_same_breath(store: Store) -> None:
    changes = store.contacts.pin(BOB, pinned=True)
    assert changes == {ConversationsChanged(frozenset({BOB})), IntentsChanged()}
    assert bob(store).pinned
    assert wishes(store) == [ArrangeContact(BOB)]


def test_several_changes_are_one_wish(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    store.contacts.mute(BOB, muted=True, until=T0)
    store.contacts.rename(BOB, " Al \n")
    assert wishes(store) == [ArrangeContact(BOB)]
    one = wish(store)
    assert one.parts == Part.PIN | Part.MUTE | Part.NAME
    assert one.contact == Contact(BOB, Safe("Al"), pinned=True, muted=True, muted_until=T0)
    assert [room.room_id for room in one.rooms] == [ROOM]


def test_a_wish_outlives_a_crash(path: Path) -> None:
    first = Store.open(path, ME)
    first.apply(first_sync(line("1", 1)))
    first.contacts.archive(BOB, archived=True)
    first.close()
    second = Store.open(path, ME)
    assert second.people()[0].archived
    assert wish(second).parts == Part.ARCHIVE
    assert wishes(second) == [ArrangeContact(BOB)]
    second.close()


def test_a_wish_wins_over_older_news_until_it_is_published(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    store.contacts.rename(BOB, "Al")
    store.apply(tagged())
    store.apply(people({BOB: {"petname": "Robert"}}))
    assert bob(store).pinned
    assert bob(store).name == "Al"
    publish(store)
    assert bob(store).pinned
    assert bob(store).name == "Al"
    store.apply(tagged())
    store.apply(people({BOB: {"petname": "Robert"}}))
    assert not bob(store).pinned
    assert bob(store).name == "Robert"


def test_a_wish_of_one_part_leaves_the_others_to_the_server(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    store.apply(people({BOB: {"petname": "Robert"}}))
    store.apply(batch(muted=frozenset({ROOM})))
    assert bob(store).name == "Robert"
    assert bob(store).muted
    assert wish(store).parts == Part.PIN


def test_what_is_wished_while_publishing_is_not_lost(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    under_way = wish(store)
    store.contacts.pin(BOB, pinned=False)
    store.contacts.published(under_way)
    (entry,) = store.pending_intents()
    store.settle_intent(entry.number, Outcome(ok=True))
    assert not bob(store).pinned
    assert wishes(store) == [ArrangeContact(BOB)]
    publish(store)
    assert wishes(store) == []
    assert store.contacts.wish(BOB) is None


def test_what_the_server_refuses_is_as_it_was(store: Store) -> None:
    store.apply(people({BOB: {"petname": "Robert"}}))
    store.contacts.rename(BOB, "Al")
    store.contacts.pin(BOB, pinned=True)
    store.contacts.refused(wish(store))
    assert bob(store).name == "Robert"
    assert not bob(store).pinned


def test_pinned_and_archived_exclude_each_other(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    store.contacts.archive(BOB, archived=True)
    assert (bob(store).pinned, bob(store).archived) == (False, True)
    store.contacts.pin(BOB, pinned=True)
    assert (bob(store).pinned, bob(store).archived) == (True, False)


def test_people_stand_pinned_first_and_archived_last(store: Store) -> None:
    other = RoomUpdate(OTHER, timeline=(line("2", 9, CAROL),), members=members(CAROL))
    third = RoomUpdate(RoomId("!d"), timeline=(line("3", 5, DAVE),), members=members(DAVE))
    direct: JsonObject = {BOB: [ROOM], CAROL: [OTHER], DAVE: ["!d"]}
    store.apply(batch(other, third, direct=direct))
    store.contacts.pin(BOB, pinned=True)
    store.contacts.archive(CAROL, archived=True)
    assert [row.user_id for row in store.people()] == [BOB, DAVE, CAROL]
    assert [row.user_id for row in store.people(limit=1)] == [BOB]


def test_a_petname_stands_over_messages_too(store: Store) -> None:
    assert TimelineChanged(BOB) in store.contacts.rename(BOB, "Al")
    assert store.messages(BOB, None, 1).messages[0].sender_name == "Al"
    changes = store.contacts.rename(BOB, "")
    assert TimelineChanged(BOB) in changes
    assert store.messages(BOB, None, 1).messages[0].sender_name == "Bob"


# -- marks of unread ------------------------------------------------------------------------


def test_a_mark_of_unread_outlives_a_crash_and_goes_when_the_chat_is_read(path: Path) -> None:
    first = Store.open(path, ME)
    first.apply(first_sync(line("1", 1, ME)))
    first.contacts.mark_unread(BOB)
    first.close()
    second = Store.open(path, ME)
    assert (bob(second).marked_unread, bob(second).unread) == (True, 0)
    assert wish(second).parts == Part.UNREAD
    assert second.mark_read_here(BOB) >= {ConversationsChanged(frozenset({BOB}))}
    assert not bob(second).marked_unread
    assert wishes(second) == [ArrangeContact(BOB)]
    assert second.mark_read_here(BOB) == frozenset()
    second.close()


def test_only_the_serving_room_is_marked_and_every_marked_one_is_read(store: Store) -> None:
    store.apply(second_room())
    store.apply(batch(RoomUpdate(OTHER, marked_unread=True)))
    assert bob(store).marked_unread
    assert wishes(store) == []
    store.contacts.mark_unread(BOB)
    serving = bob(store).room_id
    assert {room.room_id for room in wish(store).rooms if wish(store).marks(room)} == {serving}
    store.mark_read_here(BOB)
    assert not any(wish(store).marks(room) for room in wish(store).rooms)
    publish(store)
    assert not bob(store).marked_unread


def test_a_mark_by_another_client_shows_and_goes(store: Store) -> None:
    store.apply(news(marked_unread=True))
    assert bob(store).is_unread
    store.apply(news(tags=frozenset()))
    assert bob(store).marked_unread
    store.apply(news(marked_unread=False))
    assert not bob(store).is_unread


def test_a_wish_to_read_wins_over_an_older_mark(store: Store) -> None:
    store.apply(news(marked_unread=True))
    store.mark_read_here(BOB)
    store.apply(news(marked_unread=True))
    assert not bob(store).marked_unread
    publish(store)
    assert not bob(store).marked_unread


# -- what other clients do ------------------------------------------------------------------


def test_a_petname_stands_in_lines_about_who_came_and_went(store: Store) -> None:
    long = "R" * 200
    store.apply(news(joins(BOB, 5, "Bob"), joins(CAROL, 6, long)))
    store.contacts.rename(BOB, "Mum")
    lines = [m.body for m in store.messages(store.person_of(ROOM) or BOB, None, 9).messages]
    assert "Mum joined" in lines
    assert f"{'R' * 59}… joined" in lines
    store.contacts.rename(BOB, "")
    lines = [m.body for m in store.messages(store.person_of(ROOM) or BOB, None, 9).messages]
    assert "Bob joined" in lines


def test_tags_push_rules_and_names_of_another_client_show(store: Store) -> None:
    store.apply(tagged(FAVOURITE, "u.work"))
    assert bob(store).pinned
    store.apply(tagged(LOW_PRIORITY))
    assert (bob(store).pinned, bob(store).archived) == (False, True)
    store.apply(people({BOB: {"petname": "Al", "muted_until": T0}}))
    assert (bob(store).name, bob(store).known_as) == ("Al", "Bob")
    assert (bob(store).muted, bob(store).muted_until) == (False, 0)
    store.apply(batch(muted=frozenset({ROOM, RoomId("!elsewhere")})))
    assert (bob(store).muted, bob(store).muted_until) == (True, T0)
    store.apply(batch(muted=frozenset(), contacts={}))
    assert (bob(store).muted, bob(store).name) == (False, "Bob")
    assert wishes(store) == []


def test_rules_told_before_the_room_count(store: Store) -> None:
    update = RoomUpdate(OTHER, members=members(CAROL), tags=frozenset({FAVOURITE}))
    store.apply(batch(muted=frozenset({OTHER})))
    store.apply(batch(update, direct={BOB: [ROOM], CAROL: [OTHER]}))
    (carol,) = store.conversations([CAROL])
    assert carol.muted
    assert carol.pinned


@pytest.mark.parametrize("content", [{"people": []}, {"people": None}])
def test_unreadable_content_takes_no_petname_away(store: Store, content: JsonObject) -> None:
    store.apply(people({BOB: {"petname": "Al"}}))
    store.apply(batch(contacts=content))
    assert bob(store).name == "Al"


def test_a_petname_of_somebody_without_a_chat_waits_for_one(store: Store) -> None:
    store.apply(people({CAROL: {"petname": "C"}}))
    assert store.contacts.contact(CAROL).petname == "C"
    store.apply(batch(RoomUpdate(OTHER, members=members(CAROL)), direct={CAROL: [OTHER]}))
    assert store.conversations([CAROL])[0].name == "C"


# -- further rooms --------------------------------------------------------------------------


def second_room() -> SyncBatch:
    update = RoomUpdate(OTHER, members=members(BOB), created_at=T0)
    return batch(update, direct={BOB: [ROOM, OTHER]})


def test_a_new_room_of_a_muted_and_pinned_person_is_given_the_same(store: Store) -> None:
    store.contacts.pin(BOB, pinned=True)
    store.contacts.mute(BOB, muted=True, until=T0)
    publish(store)
    store.apply(second_room())
    assert bob(store).muted
    assert wishes(store) == [ArrangeContact(BOB)]
    one = wish(store)
    assert one.parts == Part.PIN | Part.MUTE
    assert one.contact.muted_until == T0
    assert {room.room_id for room in one.rooms} == {ROOM, OTHER}


def test_a_new_room_of_somebody_ordinary_asks_for_nothing(store: Store) -> None:
    store.apply(second_room())
    assert wishes(store) == []


def test_nothing_is_wished_of_rooms_before_the_first_sync_is_complete(path: Path) -> None:
    store = Store.open(path, ME)
    update = RoomUpdate(ROOM, members=members(BOB), tags=frozenset({FAVOURITE}))
    direct: JsonObject = {BOB: [ROOM, OTHER]}
    store.apply(batch(update, direct=direct, complete=False))
    store.apply(batch(RoomUpdate(OTHER, members=members(BOB))))
    assert store.people()[0].pinned
    assert wishes(store) == []
    store.close()


# -- archived people come back --------------------------------------------------------------


def test_an_archived_person_who_writes_comes_back(store: Store) -> None:
    store.contacts.archive(BOB, archived=True)
    publish(store)
    assert bob(store).archived
    store.apply(news(line("2", 2)))
    assert not bob(store).archived
    assert wish(store).parts == Part.ARCHIVE
    assert not wish(store).contact.archived


def test_a_message_read_elsewhere_meanwhile_does_not_hide_a_new_one(store: Store) -> None:
    store.apply(news(line("2", 2), line("3", 3)))
    store.contacts.archive(BOB, archived=True)
    publish(store)
    assert bob(store).unread == 2
    assert bob(store).archived
    store.mark_read_here(BOB)
    assert bob(store).archived
    store.apply(news(line("4", 4)))
    assert not bob(store).archived


@pytest.mark.parametrize("event", [line("2", 2, ME), joins(BOB, 2, "Bobby")], ids=["mine", "name"])
def test_nothing_but_their_messages_brings_them_back(store: Store, event: TimelineEvent) -> None:
    store.contacts.archive(BOB, archived=True)
    publish(store)
    store.apply(news(event))
    assert bob(store).archived


def test_a_muted_archived_person_stays_away(store: Store) -> None:
    store.contacts.mute(BOB, muted=True)
    store.contacts.archive(BOB, archived=True)
    publish(store)
    store.apply(news(line("2", 2)))
    assert bob(store).archived
    assert bob(store).unread == 1


def test_the_message_that_comes_with_the_tag_is_what_was_archived(store: Store) -> None:
    store.apply(news(line("2", 2), tags=frozenset({LOW_PRIORITY})))
    assert bob(store).archived


# -- mutes ----------------------------------------------------------------------------------


def test_muted_people_do_not_count(store: Store) -> None:
    store.apply(news(line("2", 2)))
    assert store.told.unread() == 1
    store.contacts.mute(BOB, muted=True)
    assert store.told.unread() == 0
    assert bob(store).unread == 1


def test_a_timed_mute_ends_when_its_time_is_over(store: Store) -> None:
    assert store.contacts.next_end() is None
    store.contacts.mute(BOB, muted=True, until=T0 + 5)
    publish(store)
    assert store.contacts.next_end() == T0 + 5
    assert store.contacts.end_mutes(T0 + 4) == frozenset()
    assert bob(store).muted
    store.contacts.end_mutes(T0 + 5)
    assert not bob(store).muted
    assert store.contacts.next_end() is None
    assert wish(store).parts == Part.MUTE


def test_renaming_does_not_touch_a_mute_that_is_half_told(store: Store) -> None:
    store.apply(people({BOB: {"muted_until": T0}}))
    store.contacts.rename(BOB, "Al")
    store.apply(batch(muted=frozenset({ROOM})))
    assert bob(store).muted_until == T0


# -- names ----------------------------------------------------------------------------------


def twin(name: str, user_id: UserId = CAROL, room: RoomId = OTHER) -> RoomUpdate:
    me, other = members(user_id)
    return RoomUpdate(room, members=(me, replace(other, name=Safe(name))), created_at=T0 - 9000)


def meet(store: Store, update: RoomUpdate, user_id: UserId) -> Conversation:
    direct: JsonObject = {**(store.direct() or {}), user_id: [update.room_id]}
    store.apply(batch(update, direct=direct))
    return store.conversations([user_id])[0]


def test_the_newer_of_two_who_read_alike_carries_the_warning(store: Store) -> None:
    carol = meet(store, twin("B\u043eb"), CAROL)
    assert carol.looks_like == "Bob"
    assert carol.name == f"B\u043eb ({CAROL})"
    assert bob(store).looks_like == ""
    assert bob(store).name == f"Bob ({BOB})"


def test_two_of_the_same_name_both_show_their_user_ids(store: Store) -> None:
    carol = meet(store, twin("Bob"), CAROL)
    assert (bob(store).name, carol.name) == (f"Bob ({BOB})", f"Bob ({CAROL})")


def test_of_those_in_the_first_sync_the_older_chat_is_the_older_contact(path: Path) -> None:
    store = Store.open(path, ME)
    first = RoomUpdate(ROOM, members=members(BOB), created_at=T0)
    direct: JsonObject = {BOB: [ROOM], CAROL: [OTHER]}
    store.apply(batch(first, twin("bob"), direct=direct))
    assert [row.looks_like for row in store.conversations([BOB, CAROL])] == ["bob", ""]
    store.close()


def test_a_petname_is_never_warned_of(store: Store) -> None:
    meet(store, twin("B\u043eb"), CAROL)
    store.contacts.rename(CAROL, "Bob")
    carol = store.conversations([CAROL])[0]
    assert carol.looks_like == ""
    assert bob(store).looks_like == "Bob"
    store.contacts.rename(CAROL, "Caroline")
    assert bob(store).looks_like == ""
    assert bob(store).name == "Bob"


def test_a_stranger_who_looks_like_a_petname_is_warned_of(store: Store) -> None:
    store.contacts.rename(BOB, "Mum")
    assert meet(store, twin("M\u03c5m"), CAROL).looks_like == "Mum"
    assert (bob(store).looks_like, bob(store).known_as) == ("", "Bob")


def test_a_stranger_called_like_somebody_whom_i_call_otherwise_is_warned_of(store: Store) -> None:
    store.contacts.rename(BOB, "Dad")
    assert asking(store, "B\u043eb").looks_like == "Dad (Bob)"
    carol = meet(store, twin("B\u043eb"), CAROL)
    assert carol.looks_like == "Dad (Bob)"
    assert CAROL in carol.name
    assert (bob(store).name, bob(store).looks_like) == ("Dad", "")
    store.contacts.rename(BOB, "")
    assert store.conversations([CAROL])[0].looks_like.startswith("Bob")
    assert BOB in bob(store).name


def test_groups_and_emotes_go_by_petnames(store: Store) -> None:
    store.apply(news(joins(CAROL, 2, "Carol")))
    store.apply(news(line("waves", 3, CAROL, kind=Kind.EMOTE)))
    (group,) = store.people()
    assert (group.name, group.preview) == ("Bob and Carol", "* Carol waves")
    changes = store.contacts.rename(CAROL, "Mum")
    (group,) = store.people()
    assert (group.name, group.preview) == ("Bob and Mum", "* Mum waves")
    assert TimelineChanged(group.user_id) in changes
    store.apply(people({CAROL: {"petname": "Ma"}}))
    assert store.people()[0].name == "Bob and Mum"  # what I wish wins until it is published


def test_my_own_emote_is_not_called_by_my_notes(store: Store) -> None:
    store.apply(news(line("waves", 3, ME, kind=Kind.EMOTE)))
    assert "Notes to self" not in bob(store).preview


def test_a_name_given_that_is_the_profiles_own_stops_the_warning(store: Store) -> None:
    assert meet(store, twin("Bob"), CAROL).looks_like == "Bob"
    store.contacts.rename(CAROL, "Bob")
    assert store.conversations([CAROL])[0].looks_like == ""


def test_the_warning_follows_the_older_contacts_name(store: Store) -> None:
    meet(store, twin("BOB"), CAROL)
    renamed = members(BOB)[1]
    store.apply(news(members=(replace(renamed, name=Safe("bob")),)))
    assert store.conversations([CAROL])[0].looks_like == "bob"


def test_somebody_called_like_my_notes_is_warned_of(store: Store) -> None:
    meet(store, twin("Notes to self"), CAROL)
    note = RoomUpdate(RoomId("!notes"), members=members(), created_at=T0)
    meet(store, note, ME)
    assert store.conversations([CAROL])[0].looks_like == "Notes to self"


def test_pinning_one_of_ten_thousand_people_changes_one_row(path: Path) -> None:
    store = Store.open(path, ME)
    users = [UserId(f"@u{n}:test") for n in range(10_000)]
    rooms = tuple(
        RoomUpdate(RoomId(f"!{n}"), members=members(user)) for n, user in enumerate(users)
    )
    direct: JsonObject = {user: [f"!{n}"] for n, user in enumerate(users)}
    store.apply(batch(*rooms, direct=direct))
    assert store.contacts.pin(users[5], pinned=True) == {
        ConversationsChanged(frozenset({users[5]})),
        IntentsChanged(),
    }
    assert len(store.people()) == 10_000
    store.close()


# -- requests -------------------------------------------------------------------------------


def asking(store: Store, name: str, user_id: UserId = CAROL) -> Invite:
    store.apply(batch(invites=(Invite(OTHER, user_id, Safe(name), direct=True, received=T0),)))
    return store.invites()[0]


def test_a_request_by_somebody_who_reads_like_a_contact_says_so(store: Store) -> None:
    assert asking(store, "B\u043eb").looks_like == "Bob"
    assert asking(store, "Robert").looks_like == ""
    store.contacts.rename(BOB, "Rob\u0435rt")
    assert store.invites()[0].looks_like == "Rob\u0435rt"


def test_a_contact_who_asks_again_is_not_warned_of(store: Store) -> None:
    assert asking(store, "Bob", BOB).looks_like == ""


def test_a_request_shows_the_petname_and_is_not_warned_of(store: Store) -> None:
    store.contacts.rename(CAROL, "Bob")
    request = asking(store, "Carol")
    assert (request.inviter_name, request.looks_like) == ("Bob", "")
