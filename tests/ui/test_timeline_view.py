from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC

import pytest
from rich.cells import cell_len
from textual import on
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from dmtui.core.model import Doubt, Kind, Message, Safe, SendState
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.timeline import Timeline
from tests.ui.hosting import FAMILY, HOSTILE, STEERING, line_of, message, messages, now, painted


class Host(App[None]):
    CSS = "Timeline { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[wishes.Wish] = []
        self.reached_top = 0
        self.passed_end = 0

    def compose(self) -> ComposeResult:
        yield Timeline(now=now, zone=UTC)

    @property
    def timeline(self) -> Timeline:
        return self.query_one(Timeline)

    def on_timeline_reached_top(self) -> None:
        self.reached_top += 1

    def on_timeline_passed_end(self) -> None:
        self.passed_end += 1

    @on(wishes.Wish)
    def keep(self, posted: wishes.Wish) -> None:
        self.posted.append(posted)

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(type(p).__name__, p.message.key) for p in self.posted]


async def opened(
    app: Host, pilot: Pilot[None], rows: Sequence[Message], complete: bool = True
) -> Timeline:
    timeline = app.timeline
    timeline.open(rows, complete=complete)
    timeline.focus()
    await pilot.pause()
    return timeline


async def test_conversation_opens_at_its_newest_message() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99))
        assert "message 99" in painted(timeline)[-1]
        assert timeline.following


async def test_short_conversation_stands_at_the_bottom_below_its_beginning() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, [message(1), message(2)])
        lines = painted(timeline)
        assert "message 2" in lines[-1]
        assert "message 1" in lines[-2]
        assert line_of(timeline, "Beginning of the conversation") is not None
        assert lines[0].strip() == ""


async def test_conversation_opens_at_its_first_unread_message() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = app.timeline
        timeline.open(messages(0, 99), complete=True, first_unread="m40")
        await pilot.pause()
        line, unread = line_of(timeline, "new messages"), line_of(timeline, "message 40")
        assert line is not None
        assert unread is not None
        assert line < unread
        assert not timeline.following


async def test_conversation_opened_out_of_sight_opens_at_its_first_unread_message() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.timeline.display = False
        await pilot.pause()
        app.timeline.open(messages(0, 99), complete=True, first_unread="m40")
        app.timeline.display = True
        await pilot.pause()
        assert line_of(app.timeline, "message 40") is not None


async def test_appended_message_scrolls_in_when_the_end_is_on_screen() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 50))
        timeline.show(messages(0, 51), complete=True)
        await pilot.pause()
        assert "message 51" in painted(timeline)[-1]
        assert timeline.new_below == 0


async def test_appended_messages_leave_a_reader_above_where_he_is_and_are_counted() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 50))
        await pilot.press("pageup")
        before = painted(timeline)
        timeline.show([*messages(0, 50), message(51), message(52, own=True), message(53)])
        await pilot.pause()
        after = painted(timeline)
        assert after[:-1] == before[:-1]
        assert "↓ 2 new" in after[-1]
        await pilot.press("end")
        await pilot.pause()
        assert "message 53" in painted(timeline)[-1]
        assert line_of(timeline, "↓") is None


async def test_click_on_the_new_messages_pill_goes_to_the_end() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 50))
        await pilot.press("home")
        timeline.show(messages(0, 51), complete=True)
        await pilot.pause()
        await pilot.click(Timeline, offset=(52, 19))
        await pilot.pause()
        assert "message 51" in painted(timeline)[-1]


@pytest.mark.parametrize("size", [(60, 20), (200, 50)])
@pytest.mark.parametrize("first", [0, 3, 7])
async def test_prepended_messages_leave_the_readers_lines_unmoved(
    size: tuple[int, int], first: int
) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        timeline = await opened(app, pilot, messages(50, 149), complete=False)
        await pilot.press("home")
        timeline.scroll_to(y=first, animate=False)
        await pilot.pause()
        place = line_of(timeline, "message 54")
        assert place is not None
        below = painted(timeline)[place:]
        timeline.show(messages(0, 149), complete=False)
        await pilot.pause()
        assert line_of(timeline, "message 54") == place
        assert painted(timeline)[place:] == below


async def test_changed_message_above_leaves_the_readers_lines_unmoved() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = list(messages(0, 99))
        timeline = await opened(app, pilot, rows)
        await pilot.press("pageup", "pageup")
        before = painted(timeline)
        rows[0] = replace(rows[0], body=Safe("much longer now\n" * 9), edited=True)
        timeline.show(rows, complete=True)
        await pilot.pause()
        assert painted(timeline) == before


async def test_resize_wraps_anew_and_keeps_the_first_message_on_screen() -> None:
    app = Host()
    async with app.run_test(size=(100, 30)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99))
        timeline.show_message("m50", select=True)
        await pilot.pause()
        place = next(y for y, line in enumerate(painted(timeline)) if "message" in line)
        first = painted(timeline)[place]
        number = first.split("message ")[1].split(" ")[0]
        await pilot.resize_terminal(60, 20)
        await pilot.pause()
        assert line_of(timeline, f"message {number} ") == place
        assert {cell_len(line) for line in painted(timeline)} == {timeline.size.width}


async def test_resize_at_the_end_stays_at_the_end() -> None:
    app = Host()
    async with app.run_test(size=(100, 30)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99))
        for size in ((60, 20), (200, 50), (60, 12)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert "message 99" in painted(timeline)[-1]


async def test_shrinking_at_the_end_shows_the_newest_message_in_the_very_next_frame() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99))
        frames: list[str] = []
        render_lines = timeline.render_lines

        def watched(crop: Region) -> list[Strip]:
            strips = render_lines(crop)
            frames.append(strips[-1].text)
            return strips

        timeline.render_lines = watched  # type: ignore[method-assign]
        timeline.styles.height = 12
        await pilot.pause()
        assert timeline.size.height == 12
        assert frames
        assert all("message 99" in frame for frame in frames)


async def test_reaching_the_top_asks_for_older_messages_once() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(50, 99), complete=False)
        assert app.reached_top == 0
        await pilot.press("home")
        await pilot.pause()
        assert app.reached_top == 1
        timeline.loading_older = True
        await pilot.press("pageup", "home")
        await pilot.pause()
        assert app.reached_top == 1
        assert "Loading older messages…" in painted(timeline)[0]


async def test_window_smaller_than_the_screen_asks_for_older_messages_by_itself() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(98, 99), complete=False)
        assert app.reached_top == 1
        timeline.loading_older = True
        timeline.loading_older = False
        timeline.show(messages(98, 99), complete=False)
        await pilot.pause()
        assert app.reached_top == 1
        timeline.show(messages(97, 99), complete=False)
        await pilot.pause()
        assert app.reached_top == 2


async def test_beginning_of_the_conversation_asks_for_nothing() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99), complete=True)
        await pilot.press("home")
        await pilot.pause()
        assert app.reached_top == 0
        assert "Beginning of the conversation" in painted(timeline)[0]


async def test_arrows_select_messages_and_enter_chooses() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 99))
        await pilot.press("up", "up", "k", "j", "enter")
        await pilot.pause()
        assert app.asked == [("Choose", "m98")]
        for _ in range(40):
            await pilot.press("up")
        assert timeline.cursor_message is not None
        assert line_of(timeline, timeline.cursor_message.body[:10]) is not None
        await pilot.press("escape")
        assert timeline.cursor_message is None


async def test_down_on_the_newest_message_leaves_for_the_composer() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 9))
        timeline.select_newest()
        await pilot.press("down")
        await pilot.pause()
        assert app.passed_end == 1


async def test_click_selects_the_message_under_the_mouse() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 9))
        y = line_of(timeline, "message 7")
        assert y is not None
        await pilot.click(Timeline, offset=(6, y))
        assert timeline.cursor_message is not None
        assert timeline.cursor_message.key == "m7"


async def test_failed_message_says_why_and_can_be_retried_discarded_or_edited() -> None:
    app = Host()
    async with app.run_test(size=(80, 20)) as pilot:
        failed = replace(
            message(2, own=True), state=SendState.FAILED, failure="the server refused it"
        )
        timeline = await opened(app, pilot, [message(1), failed])
        assert line_of(timeline, "✗ not sent: the server refused it") is not None
        await pilot.press("up", "x", "d", "e", "y")
        await pilot.pause()
        assert app.asked == [
            ("Retry", "m2"),
            ("Discard", "m2"),
            ("Edit", "m2"),
            ("Copy", "m2"),
        ]


async def test_received_message_cannot_be_retried_discarded_or_edited() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        await opened(app, pilot, [message(1)])
        await pilot.press("up", "x", "d", "e")
        await pilot.pause()
        assert app.asked == []


async def test_delivery_is_marked_and_changes_in_place() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        mine = message(1, "mine", own=True)
        timeline = await opened(app, pilot, [mine])
        for state, read, mark in (
            (SendState.QUEUED, False, "queued"),
            (SendState.SENDING, False, "sending"),
            (SendState.SENT, False, "✓"),
            (SendState.SENT, True, "✓✓"),
        ):
            timeline.show([replace(mine, state=state, read_by_peer=read)], complete=True)
            await pilot.pause()
            assert painted(timeline)[-1].rstrip().split()[0] == "mine"
            assert mark in painted(timeline)[-1]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (message(1, "no key", kind=Kind.UNDECRYPTABLE), "Cannot be decrypted yet: no key"),
        (message(1, "", kind=Kind.REDACTED), "Message deleted"),
        (message(1, "waves", kind=Kind.EMOTE), "* Bob waves"),
        (message(1, "Bob left", kind=Kind.MEMBERSHIP), "Bob left"),
        (message(1, "cat.jpg", kind=Kind.ATTACHMENT), "▤ cat.jpg"),
        (replace(message(1, "now"), edited=True), "now (edited)"),
    ],
)
async def test_every_kind_is_said_in_words(row: Message, words: str) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, [row])
        assert words in painted(timeline)[-1]


async def test_doubt_about_a_message_stands_below_it_in_words() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        row = replace(message(1, "pay him"), doubt=Doubt.UNSIGNED_DEVICE)
        timeline = await opened(app, pilot, [row])
        assert "pay him" in painted(timeline)[-2]
        assert "⚠ device not confirmed by its owner" in painted(timeline)[-1]


@pytest.mark.parametrize("width", [60, 200])
async def test_hostile_text_is_shown_literally_without_steering_bytes(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 20)) as pilot:
        row = replace(message(1, HOSTILE), sender_name=Safe(HOSTILE))
        failed = replace(message(2, HOSTILE, own=True), state=SendState.FAILED, failure=HOSTILE)
        timeline = await opened(app, pilot, [row, failed])
        lines = painted(timeline)
        assert not any(byte in line for byte in STEERING for line in lines)
        assert "[@click=app.quit]quit[/]" in "".join(lines)
        assert {cell_len(line) for line in lines} == {timeline.size.width}


async def test_wide_and_combined_characters_fill_their_lines_exactly() -> None:
    app = Host()
    async with app.run_test(size=(60, 30)) as pilot:
        bodies = [
            "日本語" * 40,
            FAMILY * 50,
            "e\u0301" * 130,
            "❤\ufe0f" * 70,
            "a\tb" * 40,
            "x" * 500,
        ]
        rows = [message(number, body) for number, body in enumerate(bodies)]
        timeline = await opened(app, pilot, rows)
        lines = painted(timeline)
        assert {cell_len(line) for line in lines} == {timeline.size.width}
        assert not any("\ufe0f" in line for line in lines)


async def test_theme_change_repaints_with_the_new_colours() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(app, pilot, messages(0, 9))
        dark = timeline.render_lines(timeline.size.region)
        app.theme = "textual-light"
        await pilot.pause()
        light = timeline.render_lines(timeline.size.region)
        assert [strip.text for strip in dark] == [strip.text for strip in light]
        assert dark != light


def styled(number: int, html: str, body: str = "plain") -> Message:
    return replace(message(number, body), formatted=html)


async def test_formatted_text_is_drawn_in_place_of_the_body() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        timeline = await opened(
            app, pilot, [styled(1, "<p>so <b>bold</b></p><ul><li>one</li></ul>")]
        )
        assert line_of(timeline, "so bold") is not None
        assert line_of(timeline, "• one") is not None
        assert line_of(timeline, "plain") is None
        strip = timeline.render_lines(Region(0, line_of(timeline, "so bold") or 0, 60, 1))[0]
        assert {s.text for s in strip if s.style and s.style.bold} == {"bold"}


async def test_body_is_drawn_where_the_formatted_text_is_empty_or_broken() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = [styled(1, "<p></p>", "first"), styled(2, "<b x", "second")]
        timeline = await opened(app, pilot, rows)
        assert line_of(timeline, "first") is not None
        assert line_of(timeline, "second") is not None


async def test_formatted_emote_names_its_sender_and_edited_text_says_so() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        emote = replace(styled(1, "<i>waves</i>"), kind=Kind.EMOTE)
        edited = replace(styled(2, "<b>new</b>"), edited=True)
        timeline = await opened(app, pilot, [emote, edited])
        assert line_of(timeline, "* Bob waves") is not None
        assert line_of(timeline, "new (edited)") is not None


async def test_spoiler_shows_and_hides_with_a_key() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = [styled(1, "<span data-mx-spoiler='film'>he dies</span>"), message(2)]
        timeline = await opened(app, pilot, rows)
        assert line_of(timeline, "(film) ███████") is not None
        await pilot.press("up", "up", "s")
        assert line_of(timeline, "(film) he dies") is not None
        await pilot.press("down")
        assert line_of(timeline, "he dies") is not None
        await pilot.press("up", "s")
        assert line_of(timeline, "he dies") is None


async def test_links_are_asked_for_with_a_key() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        await opened(app, pilot, [message(1, "see https://a.example")])
        await pilot.press("up", "o")
        await pilot.pause()
        assert app.asked == [("Link", "m1")]


@pytest.mark.parametrize("width", [20, 33, 80, 130])
async def test_formatted_messages_fill_every_line_at_any_width(width: int) -> None:
    app = Host()
    html = (
        "<h2>日本</h2><blockquote><p>q 👩\u200d👧 e\u0301</p></blockquote><pre>x = '日'</pre>"
        f"<ol><li>{'words ' * 20}</li></ol>{HOSTILE}<table><tr><td>a</td><td>b</td></tr></table>"
    )
    async with app.run_test(size=(width, 30)) as pilot:
        timeline = await opened(app, pilot, [styled(1, html)])
        strips = timeline.render_lines(Region(0, 0, timeline.size.width, timeline.size.height))
        assert {strip.cell_length for strip in strips} == {timeline.size.width}
        assert all(cell_len(strip.text) == timeline.size.width for strip in strips)
        assert not any(c in strip.text for strip in strips for c in STEERING)
