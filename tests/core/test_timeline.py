from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dmtui.core.model import (
    Cursor,
    DirectRoom,
    EventId,
    Kind,
    Membership,
    Message,
    PeerState,
    RoomId,
    Safe,
    UserId,
)
from dmtui.core.timeline import (
    DaySeparator,
    MessageRow,
    NewMessages,
    RoomChange,
    arrange,
    first_unread,
    room_change,
)
from dmtui.core.times import clock_time, day_name, full_time, list_time, local_time

TODAY = date(2026, 11, 22)
MINUTE = 60_000


def at(day: int, hour: int = 12, minute: int = 0, month: int = 11, year: int = 2026) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def message(
    number: int, sent_at: int, sender: str = "@bob:x", kind: Kind = Kind.TEXT, unread: bool = False
) -> Message:
    return Message(
        key=f"$e{number}",
        room_id=RoomId("!r"),
        cursor=Cursor(number),
        event_id=EventId(f"$e{number}"),
        sender=UserId(sender),
        sender_name=Safe(sender),
        own=False,
        sent_at=sent_at,
        kind=kind,
        body=Safe("hello"),
        unread=unread,
    )


def outline(messages: list[Message], first: str | None = None) -> list[str]:
    lines = []
    for row in arrange(messages, TODAY, UTC, first):
        match row:
            case DaySeparator(text=text):
                lines.append(text)
            case NewMessages():
                lines.append("new")
            case MessageRow(key=key, header=header):
                lines.append(f"{key}+" if header else key)
    return lines


def test_an_empty_conversation_has_no_rows() -> None:
    assert outline([]) == []


def test_each_day_is_named_once() -> None:
    messages = [message(1, at(16)), message(2, at(21)), message(3, at(22)), message(4, at(22))]
    assert outline(messages) == [
        "Monday, 16 November 2026", "$e1+", "Yesterday", "$e2+", "Today", "$e3+", "$e4",
    ]  # fmt: skip


def test_days_begin_at_midnight_of_the_readers_zone() -> None:
    east = timezone(timedelta(hours=9))
    messages = [message(1, at(21, 14, 59)), message(2, at(21, 15, 0))]
    texts = [r.text for r in arrange(messages, TODAY, east) if isinstance(r, DaySeparator)]
    assert texts == ["Yesterday", "Today"]


def test_one_sender_within_five_minutes_has_one_header() -> None:
    start = at(22)
    messages = [
        message(1, start),
        message(2, start + 5 * MINUTE),
        message(3, start + 10 * MINUTE + 1),
        message(4, start + 11 * MINUTE, "@me:x"),
        message(5, start + 11 * MINUTE, "@bob:x"),
    ]
    assert outline(messages) == ["Today", "$e1+", "$e2", "$e3+", "$e4+", "$e5+"]


@pytest.mark.parametrize("kind", [Kind.EMOTE, Kind.MEMBERSHIP])
def test_lines_that_name_their_sender_have_no_header_and_end_a_group(kind: Kind) -> None:
    start = at(22)
    messages = [message(1, start), message(2, start, kind=kind), message(3, start)]
    assert outline(messages) == ["Today", "$e1+", "$e2", "$e3+"]


def test_the_new_messages_line_stands_before_the_first_unread() -> None:
    messages = [
        message(1, at(22)),
        message(2, at(22), unread=True),
        message(3, at(22), unread=True),
    ]
    assert first_unread(messages) == "$e2"
    assert outline(messages, "$e2") == ["Today", "$e1+", "new", "$e2+", "$e3"]


def test_nothing_unread_has_no_line() -> None:
    assert first_unread([message(1, at(22))]) is None


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63), st.sampled_from(["@a:x", "@b:x"]), st.sampled_from(Kind)
        )
    )
)
def test_any_timestamps_are_arranged_and_every_key_is_unique(
    items: list[tuple[int, str, Kind]],
) -> None:
    messages = [message(n, sent_at, who, kind) for n, (sent_at, who, kind) in enumerate(items)]
    rows = arrange(messages, TODAY, UTC, "$e1")
    assert [row.message for row in rows if isinstance(row, MessageRow)] == messages
    assert len({row.key for row in rows}) == len(rows)


@given(st.lists(st.integers(0, 10_000_000_000), min_size=2).map(sorted))
def test_a_messages_key_stays_when_older_ones_are_loaded(times: list[int]) -> None:
    messages = [message(n, sent_at) for n, sent_at in enumerate(times)]
    whole = {row.key for row in arrange(messages, TODAY, UTC) if isinstance(row, MessageRow)}
    later = {row.key for row in arrange(messages[1:], TODAY, UTC) if isinstance(row, MessageRow)}
    assert whole - later == {"$e0"}


NOW = at(22, 18)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (at(22, 14, 5), "14:05"),
        (at(21, 23, 59), "Sat"),
        (at(16), "Mon"),
        (at(15), "15 Nov"),
        (at(1, month=2), "1 Feb"),
        (at(31, month=12, year=2025), "2025-12-31"),
        (at(23), "23 Nov"),
        (0, ""),
    ],
)
def test_the_people_list_shows_short_times(moment: int, expected: str) -> None:
    assert list_time(moment, NOW, UTC) == expected


@given(st.integers())
def test_no_timestamp_of_a_server_breaks_a_time(moment: int) -> None:
    assert len(list_time(moment, NOW, UTC)) <= 10
    assert local_time(moment, timezone(timedelta(hours=14))).year < 10_000
    assert local_time(moment, timezone(-timedelta(hours=12))).year >= 1969


def test_times_are_written_out_in_the_readers_zone() -> None:
    west = timezone(-timedelta(hours=5))
    assert clock_time(at(22, 3, 7), west) == "22:07"
    assert full_time(at(22, 3, 7), west) == "Saturday, 21 November 2026, 22:07:00"
    assert day_name(date(2026, 11, 23), TODAY) == "Monday, 23 November 2026"


OLD, NEW = RoomId("!old"), RoomId("!new")


def room(room_id: RoomId = OLD, **facts: object) -> DirectRoom:
    values = {"mine": Membership.JOIN, "peer": PeerState.JOINED, "serving": False}
    return DirectRoom(room_id, **{**values, "encrypted": False, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (room(), room(NEW), "The chat goes on in another room"),
        (
            room(successor=NEW),
            room(NEW),
            "Upgraded: the chat goes on in a new room",
        ),
        (
            room(mine=Membership.LEAVE),
            room(NEW),
            "You left the chat above: this is a new one",
        ),
        (
            room(peer=PeerState.LEFT),
            room(NEW),
            "They left the chat above: this is a new one",
        ),
        (
            room(peer=PeerState.DECLINED),
            room(NEW, encrypted=True),
            "They declined the chat above: this is a new one · encrypted",
        ),
        (room(encrypted=True), room(NEW), "The chat goes on in another room · not encrypted"),
    ],
)
def test_change_of_room_says_what_happened(old: DirectRoom, new: DirectRoom, words: str) -> None:
    assert room_change(OLD, NEW, {OLD: old, NEW: new}) == words


@pytest.mark.parametrize(
    ("old", "words"),
    [
        (room(), "From an earlier chat"),
        (room(mine=Membership.LEAVE), "From an earlier chat, which you left"),
        (room(successor=NEW), "From the room before the upgrade"),
    ],
)
def test_late_message_of_an_earlier_room_is_marked(old: DirectRoom, words: str) -> None:
    assert room_change(NEW, OLD, {OLD: old, NEW: room(NEW)}) == words


def test_room_that_is_not_known_is_another_one() -> None:
    assert room_change(OLD, NEW, {}) == "In another room"


def test_marker_stands_where_the_room_changes_and_nowhere_else() -> None:
    messages = [replace(message(n, at(22)), room_id=OLD if n < 3 else NEW) for n in range(6)]
    rows = arrange(messages, TODAY, UTC, rooms=(room(), room(NEW)))
    (marker,) = (row for row in rows if isinstance(row, RoomChange))
    place = rows.index(marker)
    following = rows[place + 1]
    assert isinstance(following, MessageRow)
    assert following.key == messages[3].key
    assert following.header
    later = arrange(messages[3:], TODAY, UTC, rooms=(room(), room(NEW)))
    assert not any(isinstance(row, RoomChange) for row in later)
    assert len({row.key for row in rows}) == len(rows)


@given(
    st.lists(st.integers(-MINUTE, 70 * 365 * 24 * 60 * MINUTE) | st.integers(1, 4).map(at)),
    st.sampled_from([UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("America/Sao_Paulo")]),
)
def test_every_message_stands_below_the_day_on_which_it_was_sent(
    times: list[int], zone: tzinfo
) -> None:
    rows = arrange([message(n, time) for n, time in enumerate(times)], TODAY, zone)
    days = [day_name(local_time(time, zone).date(), TODAY) for time in times]
    told = [row.text for row in rows if isinstance(row, DaySeparator)]
    assert told == [day for day, _ in groupby(days)]
