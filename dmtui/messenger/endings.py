"""How the end of a chat is carried out; every act can be repeated after a crash."""

from __future__ import annotations

from collections.abc import Collection

from dmtui.core.direct import M_DIRECT, apply_edits, read_direct
from dmtui.core.errors import Forbidden
from dmtui.core.intents import (
    DirectAction,
    EditDirect,
    ForgetRoom,
    LeaveRoom,
    MakeRoom,
    Outcome,
    TakeInviteBack,
)
from dmtui.core.model import Membership, RoomId, UserId
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.messenger.once import leave, leave_for_good


async def leave_room(intent: LeaveRoom, homeserver: Homeserver) -> Settlement:
    """Leave; not being in the room any more is just as well."""
    await leave(homeserver, intent.room_id)
    return Outcome(ok=True, room_id=intent.room_id), ()


async def forget_room(intent: ForgetRoom, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Leave, forget and unlist the room."""
    unlisting = await _unlisting(homeserver, ledger, {intent.room_id})
    await leave_for_good(homeserver, intent.room_id)
    return Outcome(ok=True, room_id=intent.room_id), unlisting


async def make_room(intent: MakeRoom, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Keep the room listed as a group, and have ``m.direct`` name it no more.

    Nor those that were upgraded to it: they would stay behind as a chat in a room that is closed.
    """
    before = await ledger.run(ledger.store.upgrades.before, intent.room_id)
    unlisting = await _unlisting(homeserver, ledger, {intent.room_id, *before})
    return Outcome(ok=True, room_id=intent.room_id), unlisting


async def _unlisting(
    homeserver: Homeserver, ledger: Ledger, room_ids: Collection[RoomId]
) -> tuple[EditDirect, ...]:
    """What takes the rooms out of ``m.direct``, whomever they stand under or are about to."""
    content = await homeserver.account_data(M_DIRECT) or {}
    wishes = (entry.intent for entry in ledger.store.pending_intents())
    edits = [wish for wish in wishes if isinstance(wish, EditDirect)]
    return tuple(
        EditDirect(DirectAction.REMOVE, user_id, room_id)
        for user_id, rooms in read_direct(apply_edits(content, edits)).items()
        for room_id in rooms
        if room_id in room_ids
    )


async def take_invite_back(
    intent: TakeInviteBack, homeserver: Homeserver, ledger: Ledger
) -> Settlement:
    """Remove the person, unless they have come meanwhile; a room that nobody came to is forgotten.

    One with a past stays, like any that a person left.
    """
    user_id, room_id = intent.user_id, intent.room_id
    standing = await _standing(homeserver, room_id, user_id)
    if standing is Membership.INVITE:
        try:
            await homeserver.remove(room_id, user_id)
        except Forbidden:
            standing = await _standing(homeserver, room_id, user_id)
            if standing is Membership.INVITE:
                why = f"You have too little say in this room to take the invite to {user_id} back."
                return Outcome(ok=False, message=why), ()
    if standing is Membership.JOIN:
        why = f"{user_id} has accepted meanwhile: the chat stays as it is."
        return Outcome(ok=False, message=why, room_id=room_id), ()
    life = ledger.store.life
    if life.has_been_in(room_id, user_id) or life.humans(room_id) - {user_id}:
        return Outcome(ok=True, room_id=room_id), ()
    return Outcome(ok=True, room_id=room_id), (ForgetRoom(user_id, room_id),)


async def _standing(homeserver: Homeserver, room_id: RoomId, user_id: UserId) -> Membership | None:
    members = await homeserver.members(room_id)
    return next((m.membership for m in members if m.user_id == user_id), None)
