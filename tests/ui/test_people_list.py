from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.color import Color
from textual.geometry import Region
from textual.message import Message

from dmtui.core.model import Conversation, PeerState, Safe, UserId
from dmtui.core.names import clean_line
from dmtui.ui.widgets.people_list import PeopleList
from dmtui.ui.widgets.person_row import LOCK
from tests.ui.hosting import FAMILY, HOSTILE, STEERING, line_of, now, painted, people, person


class Host(App[None]):
    CSS = "PeopleList { width: 34; height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Message] = []

    def compose(self) -> ComposeResult:
        yield PeopleList(now=now)

    @property
    def people(self) -> PeopleList:
        return self.query_one(PeopleList)

    def on_people_list_selected(self, message: PeopleList.Selected) -> None:
        self.posted.append(message)

    def on_people_list_requests_selected(self, message: PeopleList.RequestsSelected) -> None:
        self.posted.append(message)

    def on_people_list_archive_selected(self, message: PeopleList.ArchiveSelected) -> None:
        self.posted.append(message)

    @property
    def selected(self) -> list[UserId]:
        return [m.user_id for m in self.posted if isinstance(m, PeopleList.Selected)]


async def test_person_takes_two_lines_with_name_and_preview() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([replace(person(0), unread=3, encrypted=True), person(1)])
        await pilot.pause()
        lines = painted(app.people)
        assert "Person 0" in lines[0]
        assert LOCK in lines[0]
        assert "preview 0" in lines[1]
        assert lines[1].rstrip().endswith("3")
        assert "Person 1" in lines[2]
        assert LOCK not in lines[2]


class Wide(Host):
    CSS = "PeopleList { width: 1fr; height: 1fr; }"


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light"])
async def test_initials_stand_on_the_persons_own_colour_in_every_theme(theme: str) -> None:
    app = Wide()
    async with app.run_test(size=(60, 20)) as pilot:
        app.theme = theme
        app.people.update_rows([person(0, "Ann Bold"), person(1, FAMILY), person(4, "Ann Bold")])
        await pilot.pause()
        strips = app.people.render_lines(Region(0, 0, 60, 6))
        faces = [list(strips[line])[1] for line in (0, 2, 4)]
        assert [face.text for face in faces] == [" AB ", " \U0001f469 ", " AB "]
        grounds = [face.style.bgcolor for face in faces if face.style is not None]
        assert len({*grounds}) == 3
        for colour in grounds:
            assert colour is not None
            assert (colour.triplet is None) is theme.startswith("ansi")
        assert [cell_len(strip.text) for strip in strips] == [60] * 6


@pytest.mark.parametrize(("width", "shown"), [(60, True), (32, True), (26, False)])
async def test_initials_are_shown_where_there_is_room(width: int, shown: bool) -> None:
    app = Wide()
    async with app.run_test(size=(width, 20)) as pilot:
        app.people.update_rows([person(0, "Ann Bold"), person(1)])
        await pilot.pause()
        assert ("AB" in painted(app.people)[0]) is shown
        assert "Ann Bold" in painted(app.people)[0]
        assert "preview 0" in painted(app.people)[1]


async def test_names_from_everywhere_keep_lines_as_wide_as_the_list() -> None:
    names = ["山田 太郎", "שלום כהן", "e\u0301lan", "\U0001f1e9\U0001f1ea", HOSTILE, "क्षिति", "!"]
    app = Wide()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([person(n, clean_line(name)) for n, name in enumerate(names)])
        await pilot.pause()
        lines = painted(app.people)[: 2 * len(names)]
        assert [cell_len(line) for line in lines] == [60] * len(lines)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: replace(c, peer=PeerState.LEFT), "(left)"),
        (lambda c: replace(c, peer=PeerState.BANNED), "(banned)"),
        (lambda c: replace(c, peer=PeerState.INVITED), "(invited)"),
        (lambda c: replace(c, peer=PeerState.DECLINED), "(declined)"),
        (lambda c: replace(c, peer=PeerState.GROUP), "Groups (not direct messages)"),
        (lambda c: replace(c, archived=True), "(archived)"),
        (lambda c: replace(c, flag_pending=True), "(flag pending)"),
        (lambda c: replace(c, draft="half a line"), "Draft: half a line"),
        (lambda c: replace(c, marked_unread=True), "●"),
        (lambda c: replace(c, marked_unread=True, muted=True), "muted ●"),
    ],
)
async def test_state_is_said_in_words(
    change: Callable[[Conversation], Conversation], words: str
) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([change(person(0, "A person with a very long name indeed"))])
        await pilot.pause()
        assert line_of(app.people, words) is not None


async def test_keys_move_the_cursor_and_enter_selects() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows(people(100))
        app.people.focus()
        for keys, expected in (
            (("down", "j", "k", "enter"), 1),
            (("end", "enter"), 99),
            (("up", "enter"), 98),
            (("home", "enter"), 0),
            (("pagedown", "enter"), 9),
            (("pageup", "enter"), 0),
        ):
            await pilot.press(*keys)
            await pilot.pause()
            assert app.selected[-1] == f"@p{expected}:example.org"
            assert line_of(app.people, f"Person {expected}") is not None


async def test_cursor_stays_with_its_person_when_the_order_changes() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = people(50)
        app.people.update_rows(rows)
        app.people.focus()
        await pilot.press("down", "down", "down")
        app.people.update_rows([rows[30], *rows[:30], *rows[31:]])
        assert app.people.cursor_person == rows[3].user_id
        app.people.update_rows([rows[3], *rows[:3], *rows[4:]])
        await pilot.press("enter")
        assert app.selected == [rows[3].user_id]


async def test_vanished_person_leaves_the_cursor_on_a_neighbour() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)):
        rows = people(3)
        app.people.update_rows(rows)
        app.people.highlight(rows[2].user_id)
        app.people.update_rows(rows[:2])
        assert app.people.cursor_person == rows[1].user_id


async def test_cursor_goes_along_when_a_chat_becomes_a_group() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = people(3)
        app.people.update_rows(rows)
        app.people.highlight(rows[1].user_id)
        now_a_group = replace(group(7), room_id=rows[1].room_id)
        app.people.update_rows([rows[0], rows[2], now_a_group])
        assert app.people.cursor_person == now_a_group.user_id
        await pilot.press("up")
        assert app.people.cursor_person == rows[2].user_id


@pytest.mark.parametrize("archived", [0, 2])
async def test_cursor_leaves_the_last_person_for_a_neighbour_and_no_other_row(
    archived: int,
) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)):
        app.people.requests = (Safe("Fred"),)
        app.people.update_rows([person(0), person(1)], archived)
        app.people.highlight(person(1).user_id)
        app.people.update_rows([person(0)], archived)
        assert app.people.cursor_person == person(0).user_id
        app.people.update_rows([person(0), group(1)], archived)
        app.people.highlight(group(1).user_id)
        app.people.update_rows([person(0)], archived)
        assert app.people.cursor_person == person(0).user_id


async def test_filtered_list_scrolls_back_into_what_is_left() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = people(1000)
        app.people.update_rows(rows)
        app.people.focus()
        await pilot.press("end")
        app.people.update_rows(rows[500:503])
        await pilot.pause()
        assert "Person 500" in painted(app.people)[0]
        app.people.highlight_first()
        await pilot.press("enter")
        assert app.selected == [rows[500].user_id]


async def test_requests_row_comes_and_goes_without_moving_the_cursor() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = people(5)
        app.people.update_rows(rows)
        app.people.focus()
        app.people.highlight(rows[2].user_id)
        app.people.requests = (Safe("Dave"), Safe("Erin"))
        await pilot.pause()
        assert "2 requests" in painted(app.people)[0]
        assert "Dave and 1 more want to chat" in painted(app.people)[1]
        assert app.people.cursor_person == rows[2].user_id
        app.people.requests = ()
        assert app.people.cursor_person == rows[2].user_id
        await pilot.pause()
        assert line_of(app.people, "request") is None


async def test_enter_on_the_requests_row_asks_for_the_requests() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows(people(5))
        app.people.requests = (Safe("Dave"),)
        app.people.focus()
        await pilot.press("home", "enter")
        assert [type(m) for m in app.posted] == [PeopleList.RequestsSelected]
        assert "1 request " in painted(app.people)[0]
        assert "Dave wants to chat" in painted(app.people)[1]


async def test_requests_alone_are_selectable() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.requests = (Safe("Dave"),)
        app.people.update_rows([])
        app.people.focus()
        await pilot.press("enter")
        assert [type(m) for m in app.posted] == [PeopleList.RequestsSelected]


async def test_click_and_wheel_reach_people_below() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows(people(100))
        await pilot.click(PeopleList, offset=(5, 5))
        await pilot.pause()
        assert app.selected == ["@p2:example.org"]
        app.people.scroll_to(y=40, animate=False)
        await pilot.click(PeopleList, offset=(5, 1))
        await pilot.pause()
        assert app.selected[-1] == "@p20:example.org"


async def test_empty_list_says_what_to_press() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert line_of(app.people, "Ctrl+N") is not None
        app.people.focus()
        await pilot.press("up", "down", "end", "enter")
        assert app.posted == []


async def test_opened_conversation_is_marked_apart_from_the_cursor() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = people(5)
        app.people.update_rows(rows)
        app.people.opened = rows[3].user_id
        await pilot.pause()
        assert [y for y, line in enumerate(painted(app.people)) if line.startswith("▌")] == [6, 7]


@pytest.mark.parametrize("width", [60, 200])
async def test_hostile_text_is_shown_literally_without_steering_bytes(width: int) -> None:
    app = Host()
    async with app.run_test(size=(width, 20)) as pilot:
        hostile = replace(person(0, HOSTILE), preview=Safe(HOSTILE))
        app.people.styles.width = width
        app.people.update_rows([hostile, replace(hostile, user_id=UserId("@q:x"), draft=HOSTILE)])
        await pilot.pause()
        lines = painted(app.people)
        assert not any(byte in line for byte in STEERING for line in lines)
        assert "[/x]" in lines[0]
        assert "[/x]" in lines[1]
        assert {cell_len(line) for line in lines} == {app.people.size.width}


@pytest.mark.parametrize(
    "name", ["日本語の名前がとても長い人です確かに", FAMILY * 12, "e\u0301" * 40, "❤\ufe0f Ann"]
)
async def test_wide_names_keep_the_time_aligned(name: str) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([person(0, name), person(0)])
        await pilot.pause()
        wide, plain = painted(app.people)[0:3:2]
        assert cell_len(wide) == cell_len(plain)
        assert cell_len(wide.rstrip()) == cell_len(plain.rstrip())


# -- pins, mutes, archive, groups, look-alikes ----------------------------------------------


def group(number: int) -> Conversation:
    return replace(person(number), peer=PeerState.GROUP, name=Safe(f"Group {number}"))


def archive_chosen(app: Host) -> bool:
    return any(isinstance(m, PeopleList.ArchiveSelected) for m in app.posted)


async def test_a_pinned_muted_and_mistakable_person_is_marked_without_colour() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = [
            replace(person(0), pinned=True),
            replace(person(1), muted=True, unread=4),
            replace(person(2), muted=True),
            replace(person(3), looks_like=Safe("Anna"), pinned=True),
        ]
        app.people.update_rows(rows)
        await pilot.pause()
        lines = painted(app.people)
        assert "^Person 0" in lines[0]
        assert lines[3].rstrip().endswith("muted 4")
        assert lines[5].rstrip().endswith("muted")
        assert "!Person 3" in lines[6]
        assert "looks like Anna. preview 3"[:29] in lines[7]
        assert not app.people.style_of("people--name").bold


async def test_unread_messages_of_the_muted_do_not_shout() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows(
            [replace(person(0), unread=1), replace(person(1), unread=1, muted=True)]
        )
        await pilot.pause()
        bold = [
            any(s.style is not None and s.style.bold and "Person" in s.text for s in strip)
            for strip in app.people.render_lines(app.people.size.region)[0:3:2]
        ]
        assert bold == [True, False]


async def test_groups_stand_under_a_heading_that_the_cursor_passes_over() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = [person(0), person(1), group(2), group(3)]
        app.people.update_rows(rows)
        app.people.focus()
        await pilot.pause()
        assert "Groups (not direct messages)" in painted(app.people)[5]
        assert "Group 2" in painted(app.people)[6]
        seen = []
        for key in ("home", "down", "down", "down", "down", "up", "up", "up"):
            await pilot.press(key)
            seen.append(app.people.cursor_person)
        order = [0, 1, 2, 3, 3, 2, 1, 0]
        assert seen == [rows[n].user_id for n in order]


async def test_groups_alone_leave_the_heading_in_sight() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        rows = [group(n) for n in range(30)]
        app.people.update_rows(rows)
        app.people.focus()
        assert app.people.cursor_person == rows[0].user_id
        await pilot.press("end", "home")
        await pilot.pause()
        assert app.people.cursor_person == rows[0].user_id
        assert "Groups" in painted(app.people)[1]


async def test_a_click_on_the_heading_opens_nobody() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([person(0), group(1)])
        await pilot.click(PeopleList, offset=(5, 3))
        assert app.posted == []
        await pilot.click(PeopleList, offset=(5, 4))
        await pilot.pause()
        assert app.selected == [group(1).user_id]


async def test_the_archive_is_one_row_at_the_end() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([person(0), group(1)], archived=3)
        app.people.focus()
        await pilot.pause()
        assert "Archived (3)" in painted(app.people)[6]
        await pilot.press("end")
        assert app.people.cursor_person is None
        assert not archive_chosen(app)
        await pilot.press("enter")
        assert archive_chosen(app)
        assert app.selected == []


async def test_inside_the_archive_the_first_row_leads_back() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.requests = (Safe("Dave"),)
        app.people.update_rows([person(5)], archived=2)
        app.people.focus()
        app.people.update_rows([replace(person(n), archived=True) for n in (0, 1)], in_archive=True)
        await pilot.pause()
        assert "Everybody" in painted(app.people)[0]
        assert line_of(app.people, "(archived)") is None
        assert line_of(app.people, "request") is None
        assert app.people.cursor_person == person(0).user_id
        await pilot.press("home", "enter")
        assert archive_chosen(app)
        app.people.update_rows([person(5)], archived=2)
        await pilot.press("enter")
        assert app.selected == []  # the cursor is on the row of the archive


async def test_the_cursor_stays_on_the_archive_while_people_come() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.people.update_rows([person(0)], archived=1)
        app.people.focus()
        await pilot.press("end")
        app.people.update_rows([person(0), person(1)], archived=1)
        await pilot.press("enter")
        assert archive_chosen(app)


@pytest.mark.parametrize("width", [26, 34, 60])
async def test_every_line_has_the_width_of_the_list(width: int) -> None:
    app = Host()
    async with app.run_test(size=(80, 30)) as pilot:
        app.people.styles.width = width
        wide = replace(
            person(0, "日本語の名前がとても長い人です"), pinned=True, unread=1200, muted=True
        )
        rows = [
            wide,
            replace(wide, user_id=UserId("@x:y"), looks_like=Safe("日本語" * 9)),
            group(3),
        ]
        app.people.update_rows(rows, archived=12)
        await pilot.pause()
        assert {cell_len(line) for line in painted(app.people)} == {app.people.size.width}


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light"])
async def test_everything_on_the_highlighted_row_can_be_read(theme: str) -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        app.theme = theme
        app.people.update_rows([person(0)])
        app.people.focus()
        await pilot.pause()
        for strip in app.people.render_lines(app.people.size.region)[0:2]:
            for text, style, _ in strip:
                if not text.strip() or style is None or style.color is None:
                    continue
                assert style.bgcolor is not None
                inks = (Color.from_rich_color(color) for color in (style.color, style.bgcolor))
                dark, light = sorted(map(luminance, inks))
                assert (light + 0.05) / (dark + 0.05) >= 4.5, text


def luminance(color: Color) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_typing_stands_in_place_of_the_last_message_but_not_of_a_draft() -> None:
    app = Host()
    async with app.run_test(size=(60, 20)) as pilot:
        group = replace(person(3), peer=PeerState.GROUP)
        rows = [person(0), replace(person(1), draft="half a line"), person(2), group]
        app.people.update_rows(rows)
        app.people.opened = rows[2].user_id
        before = painted(app.people)
        app.people.typing = {row.user_id: (Safe("Dan"), Safe("Eve")) for row in rows}
        await pilot.pause()
        after = painted(app.people)
        changed = [n for n, line in enumerate(before) if line != after[n]]
        assert [after[n].strip() for n in changed] == ["typing…", "Dan and Eve are typing…"]
        app.people.typing = {}
        await pilot.pause()
        assert painted(app.people) == before
