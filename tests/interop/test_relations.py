"""Replies, edits, reactions, deletions and threads between dmtui and Element."""

from __future__ import annotations

from dmtui.core.model import Kind, Message
from tests.homeserver.dmtui_account import DmtuiAccount, user
from tests.interop.peer import Element
from tests.interop.setting import both, chat_as, on_one_worker

pytestmark = on_one_worker

MORE_THAN_SYNC_TELLS = 25


async def got(dmtui: DmtuiAccount, bob: Element, body: str) -> Message:
    """The message with this text, once it is here."""
    await dmtui.until(lambda: body in dmtui.bodies(bob.account))
    return next(m for m in dmtui.messages(bob.account) if m.body == body)


@both
async def test_what_is_done_here_is_seen_in_element(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    question = await bob.send(room_id, "question")
    theirs = await got(dmtui, bob, "question")
    relations = dmtui.messenger.relations
    await dmtui.messenger.send(user(bob.account), "anser", answers=theirs.key)
    seen = await bob.message(room_id, body="anser", reply=question)
    assert (seen.encrypted, seen.edited) == (encrypted, False)
    mine = await got(dmtui, bob, "anser")
    await relations.edit(mine.key, "answer")
    edited = await bob.message(room_id, event_id=seen.id, body="answer", edited=True)
    assert edited.reply == question
    await relations.react(theirs.key, "👍")
    await bob.message(room_id, event_id=question, reactions=["👍"])
    await dmtui.until(lambda: not any(m.acts for m in dmtui.messages(bob.account)))
    await relations.react(theirs.key, "👍")
    await bob.message(room_id, event_id=question, reactions=[])
    await relations.delete(mine.key)
    await bob.message(room_id, event_id=seen.id, deleted=True)


@both
async def test_what_is_done_in_element_is_seen_here(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    await dmtui.messenger.send(user(bob.account), "question")
    asked = await bob.message(room_id, body="question", readable=True)
    answer = await bob.reply(room_id, asked.id, "anser")
    quote = (await got(dmtui, bob, "anser")).quote
    assert quote is not None
    assert (quote.body, quote.own, quote.thread) == ("question", True, False)
    await bob.edit(room_id, answer, "answer")
    assert (await got(dmtui, bob, "answer")).edited
    reaction = await bob.react(room_id, asked.id, "❤️")
    await dmtui.until(lambda: dmtui.messages(bob.account)[-2].reactions)
    (reactions,) = (await got(dmtui, bob, "question")).reactions
    assert (reactions.names, reactions.mine) == (("Bob",), False)
    await bob.redact(room_id, reaction)
    await dmtui.until(lambda: not dmtui.messages(bob.account)[-2].reactions)
    await bob.redact(room_id, answer)
    await dmtui.until(lambda: dmtui.messages(bob.account)[-1].kind is Kind.REDACTED)


@both
async def test_thread_of_element_is_answered_in_the_thread(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    root = await bob.send(room_id, "root")
    deeper = await bob.thread(room_id, root, root, "deeper")
    message = await got(dmtui, bob, "deeper")
    assert message.quote is not None
    assert (message.quote.body, message.quote.thread) == ("root", True)
    await dmtui.messenger.send(user(bob.account), "even deeper", answers=message.key)
    await bob.message(room_id, body="even deeper", thread=root, reply=deeper)


@both
async def test_what_happened_while_away_is_right_whatever_is_told_first(
    dmtui: DmtuiAccount, bob: Element, encrypted: bool
) -> None:
    room_id = await chat_as(dmtui, bob, encrypted)
    await bob.send(room_id, "before")
    await got(dmtui, bob, "before")
    await dmtui.stop()
    original = await bob.send(room_id, "tpyo")
    regretted = await bob.send(room_id, "regretted")
    for number in range(MORE_THAN_SYNC_TELLS):
        await bob.send(room_id, f"line {number}")
    await bob.edit(room_id, original, "typo")
    await bob.react(room_id, original, "👍")
    await bob.redact(room_id, await bob.react(room_id, original, "❤️"))
    await bob.redact(room_id, regretted)
    await bob.reply(room_id, original, "my answer")
    await dmtui.start()
    quote = (await got(dmtui, bob, "my answer")).quote
    message = await got(dmtui, bob, "typo")
    assert message.edited
    assert [(one.emoji, one.names) for one in message.reactions] == [("👍", ("Bob",))]
    assert dmtui.bodies(bob.account) == [
        *("before", "typo"),
        *(f"line {number}" for number in range(MORE_THAN_SYNC_TELLS)),
        "my answer",
    ]
    assert quote is not None
    await dmtui.until(lambda: (q := dmtui.messages(bob.account)[-1].quote) and q.body == "typo")
