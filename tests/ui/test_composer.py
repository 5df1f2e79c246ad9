from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message

from dmtui.ui.widgets.composer import Composer
from tests.ui.hosting import painted


class Host(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.posted: list[Message] = []
        self.gone_up: list[str] = []
        self.pressed: list[str] = []

    def compose(self) -> ComposeResult:
        composer = Composer("Message Bob", clock=lambda: self.seconds)
        composer.go_up = lambda: self.gone_up.append(composer.text)
        yield composer

    @property
    def composer(self) -> Composer:
        return self.query_one(Composer)

    def on_composer_submitted(self, message: Composer.Submitted) -> None:
        self.posted.append(message)

    def on_composer_draft_changed(self, message: Composer.DraftChanged) -> None:
        self.posted.append(message)

    def on_composer_typing(self, message: Composer.Typing) -> None:
        self.posted.append(message)

    def on_key(self, event: events.Key) -> None:
        self.pressed.append(event.key)

    @property
    def sent(self) -> list[str]:
        return [m.text for m in self.posted if isinstance(m, Composer.Submitted)]

    @property
    def drafts(self) -> list[str]:
        return [m.text for m in self.posted if isinstance(m, Composer.DraftChanged)]

    @property
    def typing(self) -> list[bool]:
        return [m.active for m in self.posted if isinstance(m, Composer.Typing)]

    def burst(self, *keys: str) -> None:
        """Post keys as one read of the terminal does: all before the first is handled."""
        for key in keys:
            self.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_enter_sends_and_empties() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert app.sent == ["hello"]
        assert app.composer.text == ""
        assert app.drafts[-1] == ""


async def test_blank_text_is_not_sent() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("space", "ctrl+j", "space", "enter", "enter")
        await pilot.pause()
        assert app.sent == []


@pytest.mark.parametrize("key", ["ctrl+j", "shift+enter", "alt+enter"])
async def test_newline_keys_insert_a_line(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", key, "b")
        assert app.sent == []
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == ["a\nb"]


async def test_burst_of_typing_and_editing_keys_keeps_its_order() -> None:
    app = Host()
    async with app.run_test() as pilot:
        for _ in range(5):
            app.burst("a", "b", "c", "left", "d", "home", "x", "end", "backspace", "e", "enter")
        await pilot.pause()
        assert app.sent == ["xabde"] * 5


async def test_burst_with_enter_between_sends_each_line_once() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.burst("1", "enter", "2", "enter", "3")
        await pilot.pause()
        assert app.sent == ["1", "2"]
        assert app.composer.text == "3"


async def test_pasted_lines_are_inserted_and_never_sent() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.composer.post_message(events.Paste("one\r\ntwo\rthree\n\x1b[31m\x07"))
        await pilot.pause()
        assert app.sent == []
        assert app.composer.text == "one\ntwo\nthree\n[31m"


async def test_paste_of_a_whole_event_is_taken() -> None:
    app = Host()
    async with app.run_test() as pilot:
        text = "line of a log\n" * 4600
        app.composer.post_message(events.Paste(text))
        await pilot.pause()
        await pilot.press("enter")
        await pilot.pause()
        assert app.sent == [text.strip()]


async def test_it_grows_with_the_text_up_to_eight_lines() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert app.composer.size.height == 1
        await pilot.press("a", "ctrl+j", "b", "ctrl+j", "c")
        await pilot.pause()
        assert app.composer.size.height == 3
        await pilot.press(*["ctrl+j"] * 12)
        await pilot.pause()
        assert app.composer.size.height == 8
        await pilot.press("x", "enter")
        await pilot.pause()
        assert app.composer.size.height == 1


async def test_draft_is_reported_while_typing_but_not_when_loaded() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.composer.load_draft("earlier")
        await pilot.pause()
        assert app.posted == []
        await pilot.press("!")
        await pilot.pause()
        assert app.drafts == ["earlier!"]


async def test_typing_is_told_at_once_then_every_few_seconds_and_ends() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "b")
        await pilot.pause()
        assert app.typing == [True]
        app.seconds = 5.0
        await pilot.press("c")
        await pilot.pause()
        assert app.typing == [True, True]
        await pilot.press("enter")
        await pilot.pause()
        assert app.typing == [True, True, False]


async def test_leaving_the_composer_ends_typing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a")
        app.set_focus(None)
        await pilot.pause()
        assert app.typing == [True, False]


@pytest.mark.parametrize("text", [" ", "/", "/mute", "/me"])
async def test_blanks_and_commands_are_no_typing(text: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("x", *("space" if c == " " else c for c in text))
        app.composer.rewrite(text)
        await pilot.pause()
        assert app.typing == [True, False]


async def test_text_that_is_held_back_or_refused_is_no_typing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        app.composer.held = True
        await pilot.press("a")
        app.composer.held = False
        app.composer.refuse("Nothing is sent for now.")
        await pilot.press("b")
        await pilot.pause()
        assert app.typing == []


async def test_deleting_everything_ends_typing() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", "backspace")
        await pilot.pause()
        assert app.typing == [True, False]
        assert app.drafts == ["a", ""]


async def test_up_in_an_empty_composer_goes_to_what_is_above() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("up")
        assert app.gone_up == [""]
        await pilot.press("a", "up", "b")
        await pilot.pause()
        assert app.composer.text in ("ab", "ba")
        assert app.gone_up == [""]


async def test_undo_brings_back_what_was_deleted_and_sent() -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press(*"word", "ctrl+w")
        assert app.composer.text == ""
        await pilot.press("ctrl+z")
        assert app.composer.text == "word"
        await pilot.press("enter", "ctrl+z")
        assert app.composer.text == "word"


async def test_refused_composer_says_why_and_keeps_what_is_typed() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.composer.load_draft("kept")
        app.composer.refuse("Bob left [/x]. Enter offers to invite back")
        await pilot.press("i", "enter")
        app.composer.post_message(events.Paste("pasted"))
        await pilot.pause()
        assert app.pressed == []
        assert app.sent == []
        assert app.composer.text == "keptipasted"
        assert "Bob left [/x]. Enter offers to invite back" in painted(app.composer)[-1]
        app.composer.refuse("")
        await pilot.press("!", "enter")
        await pilot.pause()
        assert app.sent == ["keptipasted!"]


@pytest.mark.parametrize("key", ["escape", "ctrl+f", "f6", "f1"])
async def test_keys_of_the_screen_pass_through(key: str) -> None:
    app = Host()
    async with app.run_test() as pilot:
        await pilot.press("a", key)
        assert app.pressed == [key]
        assert app.composer.text == "a"


async def test_names_in_hint_and_note_are_not_markup() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.composer.hint("Message [/x][@click=app.quit]Bob[/]")
        app.composer.note("Replying to [/x]")
        await pilot.pause()
        shown = "".join(painted(app.composer))
        assert "Message [/x][@click=app.quit]Bob[/]" in shown
        assert "Replying to [/x]" in shown
