"""Upgraded direct rooms: found in the store, followed, and folded into their conversation."""

from __future__ import annotations

import contextlib
from dataclasses import replace

from dmtui.core.errors import Forbidden, NotFound, Refused
from dmtui.core.events import ConnectionChanged, ConversationsChanged, InvitesChanged
from dmtui.core.intents import DirectAction, EditDirect, Entry, FollowUpgrade, Outcome
from dmtui.core.model import Membership
from dmtui.core.ports import Homeserver
from dmtui.messenger.journal import Journal, Settlement
from dmtui.messenger.ledger import Ledger
from dmtui.store.upgrades import Successor

OVER = Outcome(False, "the chat has changed, and its upgrade was not followed")
NOT_LET_IN = Outcome(False, "the new room of the chat does not let you in")
NOT_FOR_TWO = Outcome(False, "the new room is not for the two of you, and you were not moved to it")


_TELLING = (ConversationsChanged, InvitesChanged, ConnectionChanged)
"""Changes that may be of an upgrade: an invite to a successor is no request, so both are told."""


class Upgrades:
    """Writes down :class:`FollowUpgrade` for each direct room with a successor I am not in."""

    def __init__(self, ledger: Ledger, journal: Journal):
        self._ledger = ledger
        self._journal = journal

    async def run(self) -> None:
        """Watch for ever."""
        changes = self._ledger.subscribe()
        try:
            while True:
                await self._write_down()
                while not any(isinstance(change, _TELLING) for change in await changes.next()):
                    pass
        finally:
            changes.close()

    async def _write_down(self) -> None:
        """What is wanted and not yet pending; nothing before the whole account is known."""
        store = self._ledger.store
        if not await self._ledger.run(store.synced):
            return
        wanted = await self._ledger.run(store.upgrades.wanted)
        if not wanted:
            return
        pending = {_key(e.intent) for e in await self._ledger.run(store.pending_intents)}
        for intent in wanted:
            if _key(intent) not in pending:
                await self._journal.add(intent)


def _key(intent: object) -> tuple[str, str] | None:
    match intent:
        case FollowUpgrade(room_id=room_id, successor=successor):
            return room_id, successor
        case _:
            return None


async def follow_upgrade(entry: Entry, homeserver: Homeserver, ledger: Ledger) -> Settlement:
    """Join the successor, ask the person in with the flag, and list it once.

    A successor that is a space, is none of this room, or has other people in it is left again:
    whoever may upgrade a chat could lead me into a crowd by it.
    """
    intent = entry.intent
    assert isinstance(intent, FollowUpgrade)  # noqa: S101 (the caller has looked)
    store = ledger.store
    if not store.upgrades.is_open(intent):
        return OVER, ()
    known = store.upgrades.successor(intent)
    if known is None or known.mine is not Membership.JOIN:
        if not intent.entering:
            intent = replace(intent, entering=True)
            await ledger.run(store.replace_intent, entry.number, intent)
        if (refusal := await _enter(intent, homeserver, ledger)) is not None:
            return refusal, ()
    successor = await _shown(intent, homeserver, ledger)
    if not _is_for_two(intent, successor):
        if intent.entering:
            with contextlib.suppress(Refused):
                await homeserver.leave(intent.successor)
        return NOT_FOR_TWO, ()
    await _ask_in(intent, successor, homeserver, ledger)
    outcome = Outcome(ok=True, room_id=intent.successor)
    return outcome, (EditDirect(DirectAction.ADD, intent.user_id, intent.successor),)


async def _enter(intent: FollowUpgrade, homeserver: Homeserver, ledger: Ledger) -> Outcome | None:
    """Join; refused, wait until somebody of the old room has asked me in, or it is no matter."""
    upgrades = ledger.store.upgrades
    with contextlib.suppress(Forbidden, NotFound):
        await homeserver.join(intent.successor, intent.via)
        return None

    def asked() -> bool | None:
        known = upgrades.successor(intent)
        if upgrades.is_invited(intent.successor) or (known and known.mine is Membership.JOIN):
            return True
        return None if upgrades.is_open(intent) else False

    if not await ledger.wait_until(asked):
        return OVER
    try:
        await homeserver.join(intent.successor, intent.via)
    except (Forbidden, NotFound):
        return NOT_LET_IN
    return None


async def _shown(intent: FollowUpgrade, homeserver: Homeserver, ledger: Ledger) -> Successor:
    """The successor as sync has shown it, with all of its members."""
    store = ledger.store

    def seen() -> Successor | None:
        known = store.upgrades.successor(intent)
        joined = known is not None and known.mine is Membership.JOIN
        return known if known is not None and joined and known.seen else None

    await ledger.wait_until(seen)
    members = await homeserver.members(intent.successor)
    await ledger.write(store.apply_members, intent.successor, members)
    return await ledger.wait_until(seen)


def _is_for_two(intent: FollowUpgrade, successor: Successor) -> bool:
    return (
        successor.predecessor == intent.room_id
        and not successor.space
        and successor.others.known <= {intent.user_id}
    )


async def _ask_in(
    intent: FollowUpgrade, successor: Successor, homeserver: Homeserver, ledger: Ledger
) -> None:
    """Ask the person in who was in the old room and never in the new one."""
    me = ledger.store.me
    there = ledger.store.upgrades.peer_is_there(intent)
    if intent.user_id == me or successor.peer is not None or not there:
        return
    with contextlib.suppress(Refused):  # only they may ask people in, and they have left
        await homeserver.invite_back(intent.successor, intent.user_id)
