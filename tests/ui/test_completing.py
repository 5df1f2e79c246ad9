from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from textual import events

from dmtui.core.model import Kind
from dmtui.core.slash import SHRUG
from dmtui.ui.commands import COMMANDS, Registry
from dmtui.ui.screens.confirm import Question
from dmtui.ui.slash import slash_commands, slash_name
from dmtui.ui.widgets.offers import Offers
from tests.fakes import BOB

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from textual.pilot import Pilot

    from tests.ui.stage import Stage


@asynccontextmanager
async def talking(stage: Stage, size: tuple[int, int] = (100, 30)) -> AsyncIterator[Pilot[None]]:
    """In the composer of an open conversation."""
    await stage.server.have_direct_room(BOB, "Bob", history=["hello"])
    async with stage.open(size, toasts=True) as pilot:
        await stage.until(lambda: stage.people.rows)
        await pilot.press("enter")
        await stage.until(lambda: stage.focus_is(stage.composer))
        yield pilot


def offers(stage: Stage) -> Offers:
    return stage.main.query_one(Offers)


def test_every_command_of_the_palette_has_a_short_name_of_its_own() -> None:
    offered = [command for command in COMMANDS if command.offered]
    named = slash_commands(offered)
    assert len(named) == len(offered)
    assert {"mute", "pin", "archive", "verify", "leave", "chat", "help"} <= named.keys()
    assert all(name == slash_name(command.id) for name, command in named.items())


async def test_tab_completes_an_emoji(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("well :tada")
        await stage.until(stage.shows("🎉"))
        await pilot.press("tab", "!")
        assert stage.composer.text == "well 🎉!"
        assert not offers(stage).display
        assert stage.focus_is(stage.composer)


async def test_tab_right_behind_what_is_typed_does_not_wait_for_the_rows(stage: Stage) -> None:
    async with talking(stage):
        for key in (*"x", "space", *":heart", "tab", "enter"):
            stage.app.post_message(events.Key(key, " " if key == "space" else key))
        await stage.until(lambda: stage.messages()[-1].own)
        assert stage.messages()[-1].body == "x ❤️"


async def test_enter_sends_while_rows_are_on_show(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("so :heart")
        await stage.until(lambda: offers(stage).display)
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].own)
        assert stage.messages()[-1].body == "so :heart"
        assert not offers(stage).display


async def test_row_that_was_gone_to_is_taken_by_enter(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type(":heart")
        await stage.until(lambda: offers(stage).display)
        second = offers(stage)._offers[1].text
        await pilot.press("down", "down", "enter")
        assert stage.composer.text == second
        assert not stage.messages()[-1].own


async def test_typing_on_after_going_to_a_row_types(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type(":hear")
        await stage.until(lambda: offers(stage).display)
        for key in ("down", "t", "s", "enter"):
            stage.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await stage.until(lambda: stage.messages()[-1].own)
        assert stage.messages()[-1].body == ":hearts"
        await pilot.pause()


async def test_escape_puts_the_rows_away_and_nothing_else(stage: Stage) -> None:
    async with talking(stage, (60, 20)) as pilot:
        await stage.type("see :heart")
        await stage.until(lambda: offers(stage).display)
        await pilot.press("escape")
        assert not offers(stage).display
        await stage.type("s")
        await pilot.pause()
        assert not offers(stage).display
        assert stage.composer.text == "see :hearts"
        assert stage.focus_is(stage.composer)
        await stage.type(" :cat")
        await stage.until(lambda: offers(stage).display)


async def test_people_of_the_conversation_are_completed_to_their_ids(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("ask @bo")
        await stage.until(lambda: offers(stage).display)
        await pilot.press("tab")
        assert stage.composer.text == f"ask {BOB} "


async def test_rows_do_not_move_the_messages(stage: Stage) -> None:
    async with talking(stage) as pilot:
        before = stage.timeline.size
        await stage.type("/")
        await stage.until(stage.shows("Say what you do"))
        await pilot.pause()
        assert stage.timeline.size == before
        assert offers(stage).region.bottom == stage.composer.region.y


async def test_command_is_completed_and_carried_out(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("/pi")
        await stage.until(stage.shows("Pin, or unpin"))
        await pilot.press("tab", "enter")
        await stage.until(lambda: (row := stage.row()) and row.pinned)
        assert stage.composer.text == ""
        assert not stage.messages()[-1].own


async def test_command_that_asks_shows_its_question(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("/mute")
        await pilot.press("enter")
        await stage.until(lambda: isinstance(stage.app.screen, Question))
        await stage.until(stage.shows("Mute Bob"))


@pytest.mark.parametrize("typed", ["/mutt", "/pin now", "/me"])
async def test_command_that_can_not_be_meant_is_told_and_kept(stage: Stage, typed: str) -> None:
    async with talking(stage) as pilot:
        await stage.type(typed)
        await pilot.press("escape", "enter")
        await stage.until(lambda: any(typed.split()[0] in line for line in stage.notices()))
        assert stage.composer.text == typed
        assert not stage.messages()[-1].own


async def test_doubled_slash_is_sent_with_one(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("//mute")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].own)
        assert stage.messages()[-1].body == "/mute"


async def test_what_i_do_is_sent_as_an_emote_and_stays_one_when_edited(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("/me waves")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].event_id)
        assert stage.messages()[-1].kind is Kind.EMOTE
        assert stage.messages()[-1].body == "waves"
        await pilot.press("up", "e")
        await stage.until(lambda: stage.composer.text == "/me waves")
        await stage.type(" twice")
        await pilot.press("enter")
        await stage.until(lambda: stage.messages()[-1].body == "waves twice")
        assert stage.messages()[-1].kind is Kind.EMOTE


async def test_markdown_is_sent_as_typed_when_it_is_to_be_plain(stage: Stage) -> None:
    async with talking(stage) as pilot:
        for text in ("*loud*", "/plain *quiet*", "/shrug"):
            await stage.type(text)
            await pilot.press("escape", "enter")
        await stage.until(lambda: len([m for m in stage.messages() if m.own]) == 3)
        loud, quiet, shrug = stage.messages()[-3:]
        assert loud.formatted
        assert (quiet.body, quiet.formatted) == ("*quiet*", "")
        assert (shrug.body, shrug.formatted) == (SHRUG, "")


async def test_command_typed_in_full_needs_no_row(stage: Stage) -> None:
    async with talking(stage) as pilot:
        await stage.type("/mut")
        await stage.until(lambda: offers(stage).display)
        await stage.type("e")
        await stage.until(lambda: not offers(stage).display)
        await pilot.press("tab")
        assert stage.composer.text == "/mute"


async def test_command_works_where_nobody_would_read_a_text(stage: Stage) -> None:
    async with talking(stage) as pilot:
        assert stage.conversation.conversation is not None
        await stage.server.abandon(stage.conversation.conversation.room_id, BOB)
        await stage.until(stage.shows("left"))
        await stage.type("/archive")
        await pilot.press("enter")
        await stage.until(lambda: any("is archived" in line for line in stage.notices()))


def test_commands_follow_the_registry() -> None:
    assert slash_commands(Registry().commands)["help"].id == "app.help"
