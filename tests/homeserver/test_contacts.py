"""People as I have arranged them, on a real homeserver, seen by my other clients."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import quote

from dmtui.core.contacts import FAVOURITE, LOW_PRIORITY, PEOPLE
from dmtui.core.model import Conversation, RoomId
from tests.homeserver.account import Account, Json, MatrixError
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.homeserver.setting import Open, Setting, locally

pytestmark = locally


def tags(account: Account, room_id: str) -> set[str]:
    """As another client of mine sees them."""
    path = f"v3/user/{quote(account.user_id)}/rooms/{quote(room_id)}/tags"
    return set(account.api("GET", path)["tags"])


def set_tag(account: Account, room_id: str, tag: str, content: Json) -> None:
    path = f"v3/user/{quote(account.user_id)}/rooms/{quote(room_id)}/tags/{tag}"
    account.api("PUT", path, content)


def rule_of(account: Account, room_id: str) -> Json | None:
    """The override rule that is named as the room."""
    try:
        return account.api("GET", f"v3/pushrules/global/override/{quote(room_id)}")
    except MatrixError as error:
        if error.status == 404:
            return None
        raise


def mute(account: Account, room_id: str) -> None:
    condition = {"kind": "event_match", "key": "room_id", "pattern": room_id}
    rule = {"conditions": [condition], "actions": []}
    account.api("PUT", f"v3/pushrules/global/override/{quote(room_id)}", rule)


def row(dmtui: DmtuiAccount, person: Account) -> Conversation:
    found = dmtui.conversation(person)
    assert found is not None
    return found


async def published(dmtui: DmtuiAccount) -> None:
    """Wait until nothing is on its way."""
    await dmtui.until(lambda: dmtui.store.pending_intents() == ())


async def test_my_other_client_sees_pin_archive_mute_and_petname(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room = await dmtui.befriend(bob)
    contacts, me = dmtui.messenger.contacts, dmtui.account
    await contacts.turn_pin(user(bob))
    await contacts.mute(user(bob), True)
    await contacts.rename(user(bob), "Bobby")
    await published(dmtui)
    assert await asyncio.to_thread(tags, me, room) == {FAVOURITE}
    rule = await asyncio.to_thread(rule_of, me, room)
    assert rule is not None
    assert rule["enabled"]
    assert "notify" not in rule["actions"]
    assert await asyncio.to_thread(me.account_data, PEOPLE) == {
        "people": {bob.user_id: {"petname": "Bobby"}}
    }
    await contacts.turn_archive(user(bob))
    await contacts.mute(user(bob), False)
    await contacts.rename(user(bob), "")
    await published(dmtui)
    assert await asyncio.to_thread(tags, me, room) == {LOW_PRIORITY}
    assert await asyncio.to_thread(rule_of, me, room) is None
    assert await asyncio.to_thread(me.account_data, PEOPLE) == {"people": {}}


async def test_what_my_other_client_sets_appears_here(dmtui: DmtuiAccount, bob: Account) -> None:
    room, me = await dmtui.befriend(bob), dmtui.account
    await asyncio.to_thread(set_tag, me, room, FAVOURITE, {"order": 0.25})
    await dmtui.until(lambda: row(dmtui, bob).pinned)
    await asyncio.to_thread(mute, me, room)
    await dmtui.until(lambda: row(dmtui, bob).muted)
    petnames = {"people": {bob.user_id: {"petname": "Bobby"}, "junk": 5}}
    await asyncio.to_thread(me.set_account_data, PEOPLE, petnames)
    await dmtui.until(lambda: row(dmtui, bob).name == "Bobby")
    assert row(dmtui, bob).known_as == "Bob"
    path = f"v3/user/{quote(me.user_id)}/rooms/{quote(room)}/tags/{FAVOURITE}"
    await asyncio.to_thread(me.api, "DELETE", path)
    await dmtui.until(lambda: not row(dmtui, bob).pinned)
    path = f"v3/pushrules/global/override/{quote(room)}"
    await asyncio.to_thread(me.api, "DELETE", path)
    await dmtui.until(lambda: not row(dmtui, bob).muted)
    assert dmtui.store.pending_intents() == ()


async def test_what_another_client_wrote_beside_stays_verbatim(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    await dmtui.befriend(bob)
    before = {"people": {"junk": 5, bob.user_id: {"colour": "red"}}, "theme": ["dark"]}
    await asyncio.to_thread(dmtui.account.set_account_data, PEOPLE, before)
    await dmtui.messenger.contacts.rename(user(bob), "Bobby")
    await published(dmtui)
    after = await asyncio.to_thread(dmtui.account.account_data, PEOPLE)
    entry = {"colour": "red", "petname": "Bobby"}
    assert after == {"people": {"junk": 5, bob.user_id: entry}, "theme": ["dark"]}


async def test_two_dmtui_of_mine_agree(
    dmtui: DmtuiAccount, bob: Account, setting: Setting, open_dmtui: Open
) -> None:
    await dmtui.befriend(bob)
    other = await open_dmtui(setting.here.login(dmtui.account.localpart))
    await dmtui.messenger.contacts.mute(user(bob), True, int(time.time() * 1000) + 3_600_000)
    await other.until(lambda: row(other, bob).muted and row(other, bob).muted_until)
    await other.messenger.contacts.turn_pin(user(bob))
    await other.messenger.contacts.rename(user(bob), "Bobby")
    await dmtui.until(lambda: row(dmtui, bob).pinned and row(dmtui, bob).name == "Bobby")
    assert row(dmtui, bob).muted_until == row(other, bob).muted_until


async def test_killed_between_wish_and_server_it_is_done_at_the_next_start(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room = await dmtui.befriend(bob)
    setting.proxy.refuse()
    setting.proxy.cut()
    await dmtui.messenger.contacts.turn_pin(user(bob))
    await dmtui.messenger.contacts.rename(user(bob), "Bobby")
    assert (row(dmtui, bob).pinned, row(dmtui, bob).name) == (True, "Bobby")
    await dmtui.stop()
    assert await asyncio.to_thread(tags, dmtui.account, room) == set()
    setting.proxy.accept()
    await dmtui.start()
    assert (row(dmtui, bob).pinned, row(dmtui, bob).name) == (True, "Bobby")
    await published(dmtui)
    assert await asyncio.to_thread(tags, dmtui.account, room) == {FAVOURITE}
    content = await asyncio.to_thread(dmtui.account.account_data, PEOPLE)
    assert content == {"people": {bob.user_id: {"petname": "Bobby"}}}


async def test_a_timed_mute_ends_everywhere(dmtui: DmtuiAccount, bob: Account) -> None:
    room = await dmtui.befriend(bob)
    await dmtui.messenger.contacts.mute(user(bob), True, int(time.time() * 1000) + 1500)
    assert row(dmtui, bob).muted
    await dmtui.until(lambda: not row(dmtui, bob).muted)
    await published(dmtui)
    assert await asyncio.to_thread(rule_of, dmtui.account, room) is None
    assert await asyncio.to_thread(dmtui.account.account_data, PEOPLE) == {"people": {}}


async def test_an_archived_person_who_writes_comes_back_unless_muted(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room = await dmtui.befriend(bob)
    contacts = dmtui.messenger.contacts
    await contacts.turn_archive(user(bob))
    await contacts.mute(user(bob), True)
    await published(dmtui)
    await asyncio.to_thread(bob.send_text, room, "psst")
    await dmtui.until(lambda: row(dmtui, bob).unread)
    assert row(dmtui, bob).archived
    await contacts.mute(user(bob), False)
    await published(dmtui)
    await asyncio.to_thread(bob.send_text, room, "hello?")
    await dmtui.until(lambda: not row(dmtui, bob).archived)
    await published(dmtui)
    assert await asyncio.to_thread(tags, dmtui.account, room) == set()


async def test_a_second_room_of_a_muted_person_is_muted_and_keeps_them_muted(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    first = await dmtui.befriend(bob)
    await dmtui.messenger.contacts.mute(user(bob), True)
    await published(dmtui)
    second = await dmtui.befriend(bob)
    await dmtui.until(lambda: dmtui.store.person_of(RoomId(second)) == user(bob))
    await published(dmtui)
    assert row(dmtui, bob).muted
    for room in (first, second):
        assert await asyncio.to_thread(rule_of, dmtui.account, room) is not None


async def test_arrangements_are_there_at_the_first_sign_in(
    bob: Account, setting: Setting, open_dmtui: Open
) -> None:
    def before() -> tuple[Account, str]:
        me = setting.here.register()
        room = bob.create_dm(me)
        me.join(room)
        me.record_direct(bob, room)
        mute(me, room)
        set_tag(me, room, LOW_PRIORITY, {})
        end = int(time.time() * 1000) + 3_600_000
        entry = {"petname": "Bobby", "muted_until": end}
        me.set_account_data(PEOPLE, {"people": {bob.user_id: entry}})
        return me, room

    me, room = await asyncio.to_thread(before)
    dmtui = await open_dmtui(me)
    found = row(dmtui, bob)
    assert (found.name, found.archived, found.muted) == ("Bobby", True, True)
    assert found.muted_until > 0
    assert dmtui.store.pending_intents() == ()
    assert await asyncio.to_thread(tags, me, room) == {LOW_PRIORITY}
