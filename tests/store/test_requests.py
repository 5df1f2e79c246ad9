from __future__ import annotations

from dmtui.core.events import ConversationsChanged, InvitesChanged, SettingsChanged
from dmtui.core.intents import Accept, BlockInvites, Ignore, Outcome, StopIgnoring
from dmtui.core.model import Invite, Milliseconds, RoomId, Safe, Standing, UserId
from dmtui.store.store import Store
from tests.store.conftest import BOB, CAROL, OTHER, T0, batch, first_sync, line

DAVE = UserId("@dave:far")
ERIN = UserId("@erin:far")


def asks(
    inviter: UserId, room: str, at: Milliseconds = 0, *, direct: bool = True, name: str = ""
) -> Invite:
    return Invite(RoomId(room), inviter, Safe(name), direct, T0 + at)


def standings(store: Store) -> list[tuple[UserId, Standing]]:
    return [(invite.inviter, invite.standing) for invite in store.invites()]


def test_requests_are_ordered_by_standing_and_then_newest_first(store: Store) -> None:
    store.apply(first_sync(line("hi", 1)))
    store.apply(
        batch(
            invites=(
                asks(DAVE, "!old", 1),
                asks(UserId("@frank:far"), "!new", 9),
                asks(ERIN, "!shares", 2),
                asks(CAROL, "!near", 3),
                asks(BOB, "!known", 4),
                asks(BOB, "!project", 5, direct=False),
            )
        )
    )
    assert store.requests.weigh({ERIN: 2, DAVE: 0}) == {InvitesChanged()}
    assert standings(store) == [
        (BOB, Standing.CONTACT),
        (ERIN, Standing.SHARES_ROOMS),
        (CAROL, Standing.SAME_SERVER),
        (UserId("@frank:far"), Standing.STRANGER),
        (DAVE, Standing.STRANGER),
        (BOB, Standing.CONTACT),
    ]
    assert [invite.shared_rooms for invite in store.invites()] == [None, 2, None, None, 0, None]


def test_whoever_was_verified_comes_before_those_who_share_rooms(store: Store) -> None:
    store.apply(batch(invites=(asks(ERIN, "!shares", 2), asks(DAVE, "!sure", 1))))
    store.requests.weigh({ERIN: 2})
    assert InvitesChanged() in store.apply(batch(verified=frozenset({DAVE})))
    assert standings(store) == [(DAVE, Standing.VERIFIED), (ERIN, Standing.SHARES_ROOMS)]
    assert InvitesChanged() not in store.apply(batch(verified=frozenset({DAVE})))
    store.apply(batch(verified=frozenset()))
    assert standings(store)[0] == (ERIN, Standing.SHARES_ROOMS)


def test_who_was_verified_is_read_once_for_all_batches(store: Store) -> None:
    store.apply(batch(verified=frozenset({DAVE})))
    said: list[str] = []
    with store._database.write() as connection:
        connection.set_trace_callback(said.append)
    store.apply(batch(verified=frozenset({DAVE})))
    assert "COMMIT" in said
    assert not [sql for sql in said if "verified" in sql]


def test_people_are_weighed_once_newest_first(store: Store) -> None:
    store.apply(batch(invites=(asks(DAVE, "!1", 1), asks(ERIN, "!2", 2), asks(DAVE, "!3", 3))))
    assert store.requests.unweighed() == (DAVE, ERIN)
    store.requests.weigh({DAVE: 0})
    assert store.requests.unweighed() == (ERIN,)
    store.apply(batch(invites=(asks(DAVE, "!1", 1),)))
    assert store.requests.unweighed() == (ERIN,)


def test_people_who_are_ignored_or_answered_are_not_weighed(store: Store) -> None:
    store.apply(batch(invites=(asks(DAVE, "!1"), asks(ERIN, "!2")), ignored=frozenset({ERIN})))
    store.drop_invite(RoomId("!1"))
    assert store.requests.unweighed() == ()
    assert store.requests.weigh({DAVE: 3}) == frozenset()


def test_invites_of_the_ignored_are_still_known_by_person(store: Store) -> None:
    invites = (asks(DAVE, "!1"), asks(DAVE, "!2", direct=False), asks(ERIN, "!3"))
    store.apply(batch(invites=invites))
    store.apply(batch(ignored=frozenset({DAVE})))
    store.drop_invite(RoomId("!1"))
    assert store.requests.invited_by(DAVE) == ("!2",)
    assert store.requests.ignored() == (DAVE,)


def test_ignored_person_leaves_the_list_and_comes_back(store: Store) -> None:
    store.apply(first_sync(line("hi", 1)))
    changes = store.apply(batch(ignored=frozenset({BOB})))
    assert ConversationsChanged(frozenset({BOB})) in changes
    assert store.people() == ()
    store.apply(batch(ignored=frozenset()))
    assert [person.user_id for person in store.people()] == [BOB]


def test_switch_for_invites_is_remembered_and_told_of_once(store: Store) -> None:
    assert not store.requests.blocked()
    assert store.apply(batch(invites_blocked=True)) == {SettingsChanged()}
    assert store.requests.blocked()
    assert store.apply(batch(invites_blocked=True)) == frozenset()
    store.apply(batch())
    assert store.requests.blocked()
    assert store.apply(batch(invites_blocked=False)) == {SettingsChanged()}
    assert not store.requests.blocked()


def test_wish_for_the_contrary_ends_the_one_that_waits(store: Store) -> None:
    first = store.add_intent(BlockInvites(True))
    store.add_intent(BlockInvites(False))
    last = store.add_intent(BlockInvites(True))
    assert last != first
    store.add_intent(Ignore(BOB))
    store.add_intent(Ignore(CAROL))
    store.add_intent(StopIgnoring(BOB))
    waiting = [entry.intent for entry in store.pending_intents()]
    assert waiting == [BlockInvites(True), Ignore(CAROL), StopIgnoring(BOB)]


def test_what_was_changed_shows_before_sync_tells_of_it(store: Store) -> None:
    store.apply(first_sync(line("hi", 1)))
    done = Outcome(True)
    store.settle_intent(store.add_intent(BlockInvites(True)), done)
    store.settle_intent(store.add_intent(Ignore(BOB)), done)
    assert store.requests.blocked()
    assert store.ignores(BOB)
    assert store.people() == ()
    store.settle_intent(store.add_intent(StopIgnoring(BOB)), done)
    store.settle_intent(store.add_intent(Ignore(CAROL)), Outcome(False, "no"))
    assert store.requests.ignored() == ()
    assert [person.user_id for person in store.people()] == [BOB]


def test_invite_accepted_as_a_room_is_kept_as_one(store: Store) -> None:
    store.apply(batch(invites=(asks(CAROL, OTHER),)))
    number = store.add_intent(Accept(OTHER, CAROL, direct=False))
    store.settle_intent(number, Outcome(True, room_id=OTHER))
    with store._database.read() as connection:
        kept = connection.execute("SELECT room_id FROM room WHERE kept = 1").fetchall()
    assert kept == [(OTHER,)]
