"""The person card on real homeservers: what is asked, and why a chat is direct or is none."""

from __future__ import annotations

import asyncio
from datetime import UTC

from dmtui.core.evidence import Asked
from dmtui.core.model import Availability, Presence, Profile, RoomId, Safe, UserId
from dmtui.core.trust import Trust
from dmtui.core.why import Bearing, explain
from tests.homeserver.account import Account
from tests.homeserver.dmtui_account import DmtuiAccount
from tests.homeserver.setting import Setting


def direct_chat(me: Account, bob: Account) -> RoomId:
    room_id = bob.create_dm(me)
    me.join(room_id)
    me.record_direct(bob, room_id)
    return RoomId(room_id)


async def reasons(dmtui: DmtuiAccount, user_id: str) -> list[str]:
    """All lines about the first room, as far as they say something for or against."""
    first = (await dmtui.messenger.cards.ask_why(UserId(user_id)))[0]
    assert first.untold == ""
    return [str(r.line) for r in explain(first, UTC) if r.bearing is not Bearing.FACT]


async def test_card_of_a_person_is_told_by_the_homeserver(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    room_id = await asyncio.to_thread(direct_chat, dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))
    user_id = UserId(bob.user_id)
    card = dmtui.messenger.cards.card(user_id)
    assert [(room.room_id, room.serving) for room in card.rooms] == [(room_id, True)]
    news = await dmtui.messenger.cards.ask(user_id)
    assert news.profile == Profile(user_id, Safe("Bob"))
    assert news.shared_rooms == frozenset({room_id})
    assert isinstance(news.trust, Trust)
    assert news.trust.devices == ()
    assert isinstance(news.presence, Presence)
    assert news.presence.availability in Availability


async def test_invite_behind_changes_of_profile_is_evidence_for_a_direct_chat(
    dmtui: DmtuiAccount, bob: Account
) -> None:
    await asyncio.to_thread(direct_chat, dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))
    await asyncio.to_thread(dmtui.account.set_name, "Renamed")
    (evidence,) = await dmtui.messenger.cards.ask_why(UserId(bob.user_id))
    assert evidence.invite == Asked(UserId(bob.user_id), UserId(dmtui.me), direct=True)
    told = await reasons(dmtui, bob.user_id)
    assert told[0].startswith("This is a direct chat with ")
    assert told[-1].endswith("invited you to a direct chat (is_direct).")


async def test_third_human_makes_it_no_direct_chat_and_that_is_said(
    dmtui: DmtuiAccount, bob: Account, setting: Setting
) -> None:
    room_id = await asyncio.to_thread(direct_chat, dmtui.account, bob)
    await dmtui.until(lambda: dmtui.conversation(bob))
    carol = await asyncio.to_thread(setting.there.register)
    await asyncio.to_thread(bob.invite, room_id, carol)
    await asyncio.to_thread(carol.join, room_id)
    card = dmtui.messenger.cards.card
    await dmtui.until(lambda: len(card(UserId(room_id)).members) == 2)
    told = await reasons(dmtui, room_id)
    assert told[0].startswith("This is not a direct chat: 2 other people are in it.")
    assert any(carol.user_id in line and bob.user_id in line for line in told)
