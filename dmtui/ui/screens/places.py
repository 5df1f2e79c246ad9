"""Going about in a conversation: to what was unread, by days, to a date."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from dmtui.core.times import full_date, local_time, midnight
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from datetime import date

    from dmtui.core.model import Cursor, Message, UserId
    from dmtui.ui.screens.hands import Hands
    from dmtui.ui.widgets.timeline import Timeline


class Pane(Protocol):
    """The conversation on show."""

    timeline: Timeline
    messages: tuple[Message, ...]
    first_unread: str | None

    @property
    def person(self) -> UserId | None: ...
    @property
    def at_beginning(self) -> bool: ...
    def jump(self, key: str) -> bool: ...
    def show_newest(self) -> None: ...


class Places:
    """Looks in the store: what the server alone has is not gone to."""

    def __init__(self, hands: Hands, pane: Pane):
        self._messenger = hands.messenger
        self._tell = hands.tell
        self._pane = pane
        self._zone = SystemZone()

    def unread(self) -> None:
        """To the first unread message, which keeps its line above it once it is read."""
        first = self._pane.first_unread
        if first is None:
            first = next((m.key for m in self._pane.messages if m.unread), None)
        if first is None or not self._pane.jump(first):
            self._tell("Nothing was unread here.")
        else:
            self._pane.timeline.focus()

    def day(self, step: int) -> None:
        """From the selected message: to the beginning of its day, or of the next one."""
        messages = self._pane.messages
        here = self._pane.timeline.cursor_message or (messages[-1] if messages else None)
        if here is None:
            return
        today = self._day_of(here)
        if step > 0:
            self._go(self._first_since(today + timedelta(days=1)))
            return
        first = self._first_since(today)
        if first is None or first.cursor >= here.cursor:
            before = self._last_before(min(self._start_of(today), here.cursor))
            first = before and (self._first_since(self._day_of(before)) or before)
        if first is not None and first.cursor < here.cursor:
            self._go(first)
        else:
            begins = self._pane.at_beginning
            older = "Nothing older is here: scroll up to load it."
            self._tell("The conversation begins here." if begins else older)

    def to_date(self, day: date) -> None:
        """To the first message of the day, or of the first day after it that has any."""
        found = self._first_since(day)
        self._go(found)
        if found is None:
            self._tell(f"Nothing was said here since {full_date(day)}.")
        elif self._day_of(found) != day:
            self._tell(f"The first message here since then is of {full_date(self._day_of(found))}.")

    def _go(self, message: Message | None) -> None:
        if message is None:
            self._pane.show_newest()
        else:
            self._pane.jump(message.key)
        self._pane.timeline.focus()

    def _first_since(self, day: date) -> Message | None:
        person = self._pane.person
        if person is None:
            return None
        found = self._messenger.messages_after(person, self._start_of(day), 1).messages
        return found[0] if found else None

    def _last_before(self, place: Cursor) -> Message | None:
        person = self._pane.person
        if person is None:
            return None
        found = self._messenger.messages(person, place, 1, across=True).messages
        return found[-1] if found else None

    def _start_of(self, day: date) -> Cursor:
        return self._messenger.cursor_at(midnight(day, self._zone))

    def _day_of(self, message: Message) -> date:
        return local_time(message.sent_at, self._zone).date()
