"""Forgotten rooms: known by their ID alone, so that late news of them don't revive them."""

from __future__ import annotations

from dmtui.core.events import RoomUpdate
from dmtui.core.model import Membership, UserId
from dmtui.store.database import number
from dmtui.store.work import Work


def stays_forgotten(work: Work, update: RoomUpdate) -> bool:
    """Whether the update is late news of a forgotten room, and no return to it."""
    room = work.room(update.room_id)
    if room is None or not is_forgotten(work, room):
        return False
    if update.membership is not Membership.JOIN or not _joins(work.me, update):
        return True
    remember(work, room)
    return False


def is_forgotten(work: Work, room: int) -> bool:
    return bool(number(work.connection, "SELECT forgotten FROM room WHERE number = ?", (room,)))


def remember(work: Work, room: int) -> None:
    """I am in the room again."""
    work.connection.execute("UPDATE room SET forgotten = 0 WHERE number = ?", (room,))


def _joins(me: UserId, update: RoomUpdate) -> bool:
    if update.initial:
        return True
    return any(m.user_id == me and m.membership is Membership.JOIN for m in update.members)
