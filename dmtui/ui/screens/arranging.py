"""Arranging people: pin, mute, archive, mark as unread, and a name of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.contacts import petname
from dmtui.core.errors import DmtuiError
from dmtui.core.model import Conversation, Milliseconds
from dmtui.core.privacy import Receipts
from dmtui.core.times import next_morning, until_time
from dmtui.messenger.clock import milliseconds
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.petname import Petname
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from datetime import tzinfo

    from dmtui.core.intents import Entry
    from dmtui.ui.screens.hands import Hands

HOUR: Milliseconds = 3_600_000
FOR_GOOD: Milliseconds = 0
UNMUTE: Milliseconds = -1


async def pin(hands: Hands, conversation: Conversation) -> None:
    """Keep the person at the top of the list, or no longer."""

    async def turn() -> tuple[Entry | None, str]:
        pinned, entry = await hands.messenger.contacts.turn_pin(conversation.user_id)
        words = "stays at the top" if pinned else "is no longer pinned"
        return entry, f"{conversation.name} {words}."

    await _carry_out(hands, turn())


async def mute(hands: Hands, conversation: Conversation) -> None:
    """Ask for how long to be told of nothing they write, or end that."""
    now = milliseconds(hands.messenger.clock)
    until = await hands.ask(mute_question(conversation, now, SystemZone()))
    if until is None:
        return
    muted = until != UNMUTE
    end = max(until, 0)
    change = hands.messenger.contacts.mute(conversation.user_id, muted, end)
    words = f"muted until {until_time(end, now, SystemZone())}" if end else "muted"
    done = f"{conversation.name} is {words}." if muted else f"{conversation.name} is heard again."
    await _carry_out(hands, _told(change, done))


async def archive(hands: Hands, conversation: Conversation) -> None:
    """Put the person away, or bring them back."""

    async def turn() -> tuple[Entry | None, str]:
        archived, entry = await hands.messenger.contacts.turn_archive(conversation.user_id)
        back = "" if conversation.muted else " until they write again"
        words = f"is archived{back}" if archived else "is back in the list"
        return entry, f"{conversation.name} {words}."

    await _carry_out(hands, turn())


async def mark_unread(hands: Hands, conversation: Conversation) -> None:
    """Have the chat stand out until it is read; one that does is read, without being opened."""
    private = hands.messenger.privacy.receipts is Receipts.PRIVATE

    async def turn() -> tuple[Entry | None, str]:
        unread, entry = await hands.messenger.contacts.turn_unread(conversation.user_id, private)
        return entry, f"{conversation.name} is marked as {'unread' if unread else 'read'}."

    await _carry_out(hands, turn())


async def rename(hands: Hands, conversation: Conversation) -> None:
    """Ask what to call the person."""
    if conversation.group:
        hands.tell("A group is called what its members call it; only people get petnames.")
        return
    current = hands.messenger.contacts.petname(conversation.user_id)
    name = await hands.ask(Petname(conversation.user_id, conversation.known_as, current))
    if name is None or petname(name) == current:
        return
    change = hands.messenger.contacts.rename(conversation.user_id, name)
    called = petname(name) or conversation.known_as
    await _carry_out(hands, _told(change, f"You see {conversation.user_id} as {called}."))


async def _told(change: Awaitable[Entry | None], done: str) -> tuple[Entry | None, str]:
    return await change, done


async def _carry_out(hands: Hands, change: Awaitable[tuple[Entry | None, str]]) -> None:
    """Say that it is done, which it is here, and later on if the server would not have it."""
    try:
        entry, done = await change
        hands.tell(done)
        outcome = await hands.messenger.outcome(entry) if entry is not None else None
    except DmtuiError as error:
        hands.tell(str(error))
        return
    if outcome is not None and not outcome.ok:
        hands.tell(outcome.message)


def mute_question(
    conversation: Conversation, now: Milliseconds, zone: tzinfo
) -> Question[Milliseconds]:
    """For how long; the answer is when it ends, :data:`FOR_GOOD` or :data:`UNMUTE`."""
    morning = next_morning(now, zone)
    choices = [
        Choice("1", "1 hour", now + HOUR),
        Choice("8", "8 hours", now + 8 * HOUR),
        Choice("t", f"Until the morning ({until_time(morning, now, zone)})", morning),
        Choice("w", "1 week", now + 7 * 24 * HOUR),
        Choice("f", "For good", FOR_GOOD),
    ]
    text = "You are told of nothing they write; it is here when you look."
    if conversation.muted:
        choices.insert(0, Choice("u", "Hear again", UNMUTE))
        text = f"{muted_words(conversation, now, zone).capitalize()}."
    return Question(f"Mute {conversation.name}", text, choices)


def muted_words(conversation: Conversation, now: Milliseconds, zone: tzinfo) -> str:
    """``muted``, ``muted until 14:05``, or nothing."""
    if not conversation.muted:
        return ""
    until = conversation.muted_until
    return f"muted until {until_time(until, now, zone)}" if until else "muted for good"
