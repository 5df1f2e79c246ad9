from __future__ import annotations

from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from dmtui.core.model import Invite, RoomId, Safe, Standing, UserId
from dmtui.ui.widgets.invite_prompt import Answer, InvitePrompt
from tests.ui.hosting import HOSTILE, STEERING, painted

INVITE = Invite(
    room_id=RoomId("!inv"),
    inviter=UserId("@mallory:example.org"),
    inviter_name=Safe("Mallory"),
    direct=True,
    received=1,
    room_name=Safe("Lottery room"),
    reason=Safe("you won"),
)


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[RoomId, Answer]] = []

    def compose(self) -> ComposeResult:
        yield Input()
        yield InvitePrompt()

    @property
    def prompt(self) -> InvitePrompt:
        return self.query_one(InvitePrompt)

    @property
    def shown(self) -> str:
        return "\n".join(painted(self.prompt))

    def on_invite_prompt_answered(self, message: InvitePrompt.Answered) -> None:
        self.answers.append((message.room_id, message.answer))


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("a", Answer.CHAT),
        ("r", Answer.ROOM),
        ("d", Answer.DECLINE),
        ("b", Answer.IGNORE),
        ("p", Answer.REPORT),
        ("l", Answer.LATER),
        ("escape", Answer.LATER),
    ],
)
async def test_each_key_gives_its_answer(key: str, answer: Answer) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = INVITE
        app.prompt.focus()
        await pilot.press(key)
        await pilot.pause()
        assert app.answers == [(RoomId("!inv"), answer)]


async def test_new_invite_leaves_the_keyboard_where_it_is() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.query_one(Input).focus()
        app.prompt.focus_key = "F6"
        app.prompt.invite = INVITE
        await pilot.press("a", "d")
        await pilot.pause()
        assert app.answers == []
        assert app.query_one(Input).value == "ad"
        assert "Press F6 to answer" in app.shown


async def test_name_of_a_stranger_is_hidden_behind_a_key() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = replace(INVITE, reason=Safe(""), room_name=Safe(""))
        app.prompt.focus()
        await pilot.pause()
        assert "Mallory" not in app.shown
        assert "@mallory:example.org" in app.shown
        assert "Nobody you know" in app.shown
        await pilot.press("m")
        assert "Mallory" in app.shown


async def test_inviter_is_named_with_user_id_and_encryption_said() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = replace(INVITE, standing=Standing.SHARES_ROOMS, shared_rooms=3)
        await pilot.pause()
        assert "3 rooms in common" in app.shown
        assert "Mallory" in app.shown
        assert "@mallory:example.org" in app.shown
        assert "not encrypted" in app.shown
        app.prompt.invite = replace(INVITE, encrypted=True, direct=False, warning="Public room")
        await pilot.pause()
        assert "not encrypted" not in app.shown
        assert "encrypted" in app.shown
        assert "invites you to a room" in app.shown
        assert "! Public room" in app.shown


async def test_message_and_room_name_stay_hidden_until_asked_for() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = INVITE
        app.prompt.focus()
        await pilot.pause()
        assert "you won" not in app.shown
        assert "Lottery" not in app.shown
        await pilot.press("m")
        await pilot.pause()
        assert "Message: you won" in app.shown
        assert "Room name: Lottery room" in app.shown
        app.prompt.invite = replace(INVITE, room_id=RoomId("!next"))
        await pilot.pause()
        assert "you won" not in app.shown


async def test_all_keys_are_named_on_a_small_screen() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = INVITE
        app.prompt.focus()
        await pilot.pause()
        for words in ("a chat", "r accept as room", "d decline", "b decline and ignore", "l later"):
            assert words in app.shown


async def test_no_key_is_parted_from_its_words_in_a_narrow_conversation() -> None:
    app = Host()
    async with app.run_test(size=(50, 20)) as pilot:
        app.prompt.invite = replace(INVITE, reason=Safe("hello"))
        app.prompt.focus()
        await pilot.pause()
        for words in ("b decline and ignore", "p report as well", "l later", "m show what they"):
            assert words in app.shown


async def test_hostile_invite_is_shown_literally_without_steering_bytes() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.prompt.invite = replace(
            INVITE, inviter_name=Safe(HOSTILE), reason=Safe(HOSTILE), inviter=UserId(HOSTILE + "x")
        )
        app.prompt.focus()
        await pilot.press("m")
        await pilot.pause()
        assert "[@click=app.quit]quit[/]" in app.shown
        assert not any(byte in app.shown for byte in STEERING)


async def test_somebody_who_reads_like_a_contact_is_warned_of_before_the_name_is_shown() -> None:
    app = Host()
    async with app.run_test(size=(80, 20)) as pilot:
        app.prompt.invite = replace(INVITE, looks_like=Safe("Anna"))
        await pilot.pause()
        assert "Calls themselves like Anna, and is somebody else" in app.shown
        assert "Mallory" not in app.shown
