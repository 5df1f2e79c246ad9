from __future__ import annotations

from dmtui.core.events import (
    ConversationsChanged,
    InvitesChanged,
    MembershipChange,
    RoomUpdate,
    SettingsChanged,
    TimelineChanged,
)
from dmtui.core.intents import Accept, CreateRoom, DirectAction, EditDirect, Outcome
from dmtui.core.model import (
    Invite,
    JsonObject,
    Kind,
    Member,
    Membership,
    PeerState,
    RoomId,
    Safe,
    Standing,
    UserId,
)
from dmtui.store.store import Store
from tests.store.conftest import (
    BOB,
    CAROL,
    ME,
    OTHER,
    ROOM,
    T0,
    batch,
    bodies,
    event,
    first_sync,
    joins,
    line,
    members,
    news,
)


def invite(room: RoomId = OTHER, inviter: UserId = CAROL, direct: bool = True) -> Invite:
    standing = Standing.SAME_SERVER
    return Invite(room, inviter, Safe("Carol"), direct, T0, encrypted=True, standing=standing)


def names(store: Store) -> list[str]:
    return [conversation.name for conversation in store.people()]


def test_first_sync_makes_a_conversation(store: Store) -> None:
    changes = store.apply(first_sync(line("one", 1), line("two", 2)))
    assert changes == {ConversationsChanged(frozenset({BOB})), TimelineChanged(BOB)}
    (bob,) = store.people()
    assert (bob.user_id, bob.name, bob.room_id) == (BOB, "Bob", ROOM)
    assert (bob.latest, bob.preview, bob.unread) == (T0 + 2000, "two", 2)
    assert bob.peer is PeerState.JOINED
    assert bodies(store) == ["one", "two"]
    assert store.synced()


def test_people_are_ordered_by_the_newest_message_not_by_state(store: Store) -> None:
    store.apply(first_sync(line("1", 5)))
    other = RoomUpdate(OTHER, timeline=(line("2", 4, CAROL),), members=members(CAROL))
    store.apply(batch(other, direct={BOB: [ROOM], CAROL: [OTHER]}))
    assert names(store) == ["Bob", "Carol"]
    store.apply(news(joins(CAROL, 9, "Carol"), room=OTHER))
    assert names(store) == ["Bob", "Carol"]
    store.apply(news(line("3", 8, ME), room=OTHER))
    assert names(store) == ["Carol", "Bob"]
    assert store.people(limit=1) == store.people()[:1]
    assert store.people()[0].preview == "You: 3"


def test_person_without_messages_stands_at_the_rooms_creation(store: Store) -> None:
    store.apply(first_sync())
    assert store.people()[0].latest == T0 - 5000


def test_direct_map_of_another_client_changes_the_list(store: Store) -> None:
    store.apply(batch(RoomUpdate(ROOM, timeline=(line("1", 1),), members=members(BOB))))
    assert store.people() == ()
    assert store.apply(batch(direct={BOB: [ROOM]})) >= {ConversationsChanged(frozenset({BOB}))}
    assert names(store) == ["Bob"]
    store.apply(batch(direct={}))
    assert store.people() == ()


def test_direct_map_is_kept_verbatim(store: Store) -> None:
    content: JsonObject = {
        "b": None,
        "[object Object]": ["!z"],
        BOB: ["!r", "!r", 5],
        "a": {"x": 1},
    }
    assert store.direct() is None
    store.apply(batch(direct=content))
    assert store.direct() == content
    assert list(store.direct() or {}) == list(content)
    assert store.followed_rooms() == {"!r"}


def test_person_who_left_keeps_the_last_name(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    leave = MembershipChange(Member(BOB, Membership.LEAVE), Membership.JOIN)
    store.apply(news(event("leave", 2, leave)))
    (bob,) = store.people()
    assert (bob.name, bob.peer) == ("Bob", PeerState.LEFT)
    assert bodies(store) == ["1", "Bob left"]


def test_room_with_a_third_human_is_a_group(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(joins(CAROL, 2, "Carol")))
    assert store.people()[0].peer is PeerState.GROUP
    store.apply(news(service_members=frozenset({CAROL})))
    assert store.people()[0].peer is PeerState.JOINED


def test_person_who_left_is_counted_no_more_where_the_server_does_not_count(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(joined_count=2, invited_count=0))
    gone = Member(BOB, Membership.LEAVE)
    leave = event("leave", 2, MembershipChange(gone, Membership.JOIN))
    store.apply(news(leave, members=(gone,)))
    assert store.people()[0].peer is PeerState.LEFT


def test_name_loaded_late_does_not_replace_the_count(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(joined_count=4, invited_count=0))
    store.apply(news(line("2", 2, CAROL), members=(Member(CAROL, Membership.JOIN),)))
    store.apply(news(service_members=frozenset({CAROL})))
    assert store.people()[0].peer is PeerState.GROUP


def test_counts_tell_of_humans_whose_names_are_not_loaded(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(joined_count=3, invited_count=0))
    assert store.people()[0].peer is PeerState.GROUP
    store.apply_members(ROOM, members(BOB))
    assert store.people()[0].peer is PeerState.JOINED


def test_space_in_the_map_is_no_conversation(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(news(is_space=True))
    assert store.people() == ()


def test_room_that_i_left_is_gone_and_comes_back_with_its_messages(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    store.apply(batch(gone=(ROOM,)))
    assert store.people() == ()
    store.apply(news(line("2", 2)))
    assert bodies(store) == ["1", "2"]


def test_names_that_read_alike_carry_the_user_id_while_they_clash(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    twin = (Member(ME, Membership.JOIN), Member(CAROL, Membership.JOIN, Safe("B\u043eb")))
    both: JsonObject = {BOB: [ROOM], CAROL: [OTHER]}
    changes = store.apply(batch(RoomUpdate(OTHER, members=twin), direct=both))
    assert ConversationsChanged(frozenset({BOB, CAROL})) in changes
    assert set(names(store)) == {f"Bob ({BOB})", f"B\u043eb ({CAROL})"}
    store.apply(news(members=(Member(CAROL, Membership.JOIN, Safe("Carol")),), room=OTHER))
    assert set(names(store)) == {"Bob", "Carol"}


def test_notes_to_self(store: Store) -> None:
    note = line("note", 1, ME)
    store.apply(batch(RoomUpdate(ROOM, timeline=(note,), members=members()), direct={ME: [ROOM]}))
    (mine,) = store.people()
    assert (mine.user_id, mine.name, mine.peer) == (ME, "Notes to self", PeerState.JOINED)
    assert mine.unread == 0


def test_draft_is_kept_and_told(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    assert store.set_draft(BOB, "hm") == {ConversationsChanged(frozenset({BOB}))}
    assert store.conversations([BOB, CAROL])[0].draft == "hm"
    assert store.set_draft(BOB, "hm") == frozenset()


def test_attachment_and_emote_previews(store: Store) -> None:
    store.apply(first_sync(line("1", 1, body="waves", kind=Kind.EMOTE)))
    assert store.people()[0].preview == "* Bob waves"
    store.apply(news(line("2", 2, body="cat.png", kind=Kind.ATTACHMENT)))
    assert store.people()[0].preview == "cat.png"


# -- invites --------------------------------------------------------------------------------


def test_invite_is_listed_until_it_is_joined(store: Store) -> None:
    assert store.apply(batch(invites=(invite(),))) == {InvitesChanged()}
    assert store.invites() == (invite(),)
    assert store.apply(batch(invites=(invite(),))) == frozenset()
    assert InvitesChanged() in store.apply(batch(RoomUpdate(OTHER, members=members(CAROL))))
    assert store.invites() == ()


def test_revoked_invite_disappears(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    assert store.apply(batch(gone=(OTHER,))) == {InvitesChanged()}
    store.apply(batch(invites=(invite(),)))
    assert store.apply(batch(all_invites=frozenset())) == {InvitesChanged()}
    assert store.invites() == ()


def test_invite_of_an_ignored_person_is_not_listed(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    changes = store.apply(batch(ignored=frozenset({CAROL})))
    assert changes == {InvitesChanged(), SettingsChanged()}
    assert store.invites() == ()


def test_dropped_invite_stays_away_though_the_server_tells_of_it(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    assert store.drop_invite(OTHER) == {InvitesChanged()}
    store.apply(batch(invites=(invite(),), all_invites=frozenset({OTHER})))
    assert store.invites() == ()
    store.apply(batch(gone=(OTHER,)))
    store.apply(batch(invites=(invite(),)))
    assert store.invites() == (invite(),)


def test_direct_invites_come_first(store: Store) -> None:
    plain = invite(RoomId("!plain"), direct=False)
    store.apply(batch(invites=(plain, invite())))
    assert store.invites() == (invite(), plain)


def test_accepted_invite_is_a_conversation_before_the_map_says_so(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    number = store.add_intent(Accept(OTHER, CAROL, direct=True))
    assert OTHER in store.followed_rooms()
    changes = store.settle_intent(
        number,
        Outcome(True, room_id=OTHER),
        then=[EditDirect(DirectAction.ADD, CAROL, OTHER)],
    )
    assert ConversationsChanged(frozenset({CAROL})) in changes
    (carol,) = store.people()
    assert (carol.name, carol.encrypted, carol.flag_pending) == ("Carol", True, True)
    assert OTHER in store.followed_rooms()
    (edit,) = store.pending_intents()
    store.settle_intent(edit.number, Outcome(True))
    assert [(p.name, p.flag_pending) for p in store.people()] == [("Carol", False)]
    store.apply(batch(direct={CAROL: [OTHER]}))
    assert not store.people()[0].flag_pending


def test_chat_stays_once_it_is_recorded_though_sync_is_late_to_tell(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    number = store.add_intent(CreateRoom(CAROL, "n1", encrypted=True))
    record = EditDirect(DirectAction.ADD, CAROL, OTHER)
    store.settle_intent(number, Outcome(True, room_id=OTHER), then=[record])
    (edit,) = store.pending_intents()
    store.settle_intent(edit.number, Outcome(True))
    assert {person.user_id for person in store.people()} == {BOB, CAROL}
    assert OTHER in store.followed_rooms()
    take_out = store.add_intent(EditDirect(DirectAction.REMOVE, CAROL, OTHER))
    store.settle_intent(take_out, Outcome(True))
    assert {person.user_id for person in store.people()} == {BOB}


def test_late_word_of_an_accepted_invite_does_not_bring_it_back(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    number = store.add_intent(Accept(OTHER, CAROL, direct=True))
    edit = EditDirect(DirectAction.ADD, CAROL, OTHER)
    store.settle_intent(number, Outcome(True, room_id=OTHER), then=[edit])
    store.apply(batch(invites=(invite(),)))
    assert store.invites() == ()
    assert names(store) == ["Carol"]
    store.apply(batch(RoomUpdate(OTHER, members=members(CAROL)), gone=(OTHER,)))
    store.apply(batch(invites=(invite(),)))
    assert store.invites() == (invite(),)


def test_invite_after_an_accepted_one_that_sync_never_showed_is_listed(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    number = store.add_intent(Accept(OTHER, CAROL, direct=True))
    store.settle_intent(number, Outcome(True, room_id=OTHER))
    store.apply(batch(gone=(OTHER,)))  # removed before the next answer
    store.apply(batch(invites=(invite(),)))
    assert store.invites() == (invite(),)


def test_created_room_can_be_talked_in_before_sync_shows_it(store: Store) -> None:
    number = store.add_intent(CreateRoom(BOB, "n1", encrypted=True))
    assert store.room_of_nonce("n1") is None
    store.settle_intent(
        number, Outcome(True, room_id=ROOM), then=[EditDirect(DirectAction.ADD, BOB, ROOM)]
    )
    (bob,) = store.people()
    assert (bob.room_id, bob.peer, bob.encrypted) == (ROOM, PeerState.INVITED, True)
    assert store.room_of_nonce("n1") == ROOM
    assert store.person_of(ROOM) == BOB


# -- candidates -----------------------------------------------------------------------------


def test_candidates_are_listed_flagged_or_inviting(store: Store) -> None:
    store.apply(first_sync(line("1", 1)))
    flagged = (
        Member(ME, Membership.JOIN),
        Member(BOB, Membership.INVITE, is_direct=True, sender=ME),
    )
    room = RoomId("!flagged")
    store.apply(batch(RoomUpdate(room, members=flagged), invites=(invite(inviter=BOB),)))
    found = {c.room_id: (c.mine, c.peer, c.humans) for c in store.candidates(BOB)}
    assert found == {
        ROOM: (Membership.JOIN, Membership.JOIN, 1),
        room: (Membership.JOIN, Membership.INVITE, 1),
        OTHER: (Membership.INVITE, Membership.JOIN, 1),
    }
    assert store.candidates(CAROL) == ()


def test_flag_of_an_invite_outlives_the_join(store: Store) -> None:
    store.apply(batch(invites=(invite(),)))
    store.apply(batch(RoomUpdate(OTHER, members=members(CAROL))))
    (candidate,) = store.candidates(CAROL)
    assert candidate.flagged
    assert candidate.encrypted
    assert candidate.peer_invited_me


def test_newest_event_is_what_a_receipt_points_at(store: Store) -> None:
    assert store.newest_event(BOB) is None
    store.apply(first_sync(line("1", 1), line("2", 2)))
    assert store.newest_event(BOB) == (ROOM, "$2")
