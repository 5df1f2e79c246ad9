"""The right-hand side: one person's messages, who is typing, and the composer."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.model import (
    Conversation,
    DirectRoom,
    Message,
    Page,
    UserId,
)
from dmtui.core.search import Query
from dmtui.core.timeline import first_unread
from dmtui.messenger.clock import milliseconds
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens.arranging import muted_words
from dmtui.ui.screens.file_desk import FileDesk
from dmtui.ui.screens.find_bar import FindBar
from dmtui.ui.screens.heading import heading
from dmtui.ui.screens.message_desk import MessageDesk
from dmtui.ui.screens.places import Places
from dmtui.ui.screens.writing_pane import WritingPane
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.system_zone import SystemZone
from dmtui.ui.widgets.timeline import Timeline
from dmtui.ui.widgets.typing_line import TypingLine

if TYPE_CHECKING:
    from datetime import date

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from dmtui.ui.screens.drafts import Drafts
    from dmtui.ui.screens.hands import Hands

_PAGE = 50  # messages
_UNREAD_LIMIT = 1000  # messages to load for the "new messages" line


class ConversationPane(Vertical):
    """Shows one conversation and acts for it; :attr:`person` is ``None`` before one is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONVERSATION),
        *bindings(Scope.COMPOSER),
    ]

    def __init__(self, hands: Hands, drafts: Drafts, *, plain: bool = False):
        super().__init__(id="conversation")
        self.conversation: Conversation | None = None
        files = FileDesk(hands, self)
        self.writing = WritingPane(hands, drafts, files)
        self._desk = MessageDesk(hands, files, self)
        self._places = Places(hands.messenger, self)
        self._plain = plain
        self._messenger = hands.messenger
        self._messages: tuple[Message, ...] = ()
        self._rooms: tuple[DirectRoom, ...] = ()
        self._more = False
        self._complete = False
        self._newer = False  # what is on show ends before the newest message
        self._new: str | None = None

    def compose(self) -> ComposeResult:
        yield InvitePrompt(id="prompt")
        yield Static(id="header", markup=False)
        yield FindBar(self._messenger)
        yield Static(id="welcome", markup=False)
        yield Timeline(plain=self._plain, id="timeline")
        yield TypingLine(id="typing")
        yield self.writing

    def on_mount(self) -> None:
        self.watch(self.timeline, "scroll_y", self.mark_read, init=False)
        self.watch(self.app, "app_focus", self.mark_read, init=False)
        self.timeline.newest_key = registry_of(self.app).press("composer.newest")
        self.add_class("closed")

    @property
    def timeline(self) -> Timeline:
        """The messages."""
        return self.query_one(Timeline)

    @property
    def person(self) -> UserId | None:
        """Whose conversation is on show."""
        return self.conversation.user_id if self.conversation else None

    @property
    def timeline_messages(self) -> tuple[Message, ...]:
        """The messages on show, oldest first."""
        return self._messages

    # -- what is on show --

    def welcome(self, text: Content) -> None:
        """Show this while no conversation is open."""
        self.query_one("#welcome", Static).update(text)

    def open(self, conversation: Conversation) -> None:
        """Show this conversation's newest messages and its draft."""
        self._end_finding()
        self.conversation = conversation
        self._rooms = self._messenger.rooms_of(conversation.user_id)
        self._load_window(conversation.user_id)
        self.set_class(False, "closed")
        self.timeline.loading_older = False
        self.timeline.open(
            self._messages,
            complete=self._at_beginning,
            first_unread=self._new,
            rooms=self._rooms,
        )
        self.writing.open(conversation)
        self._describe(conversation)
        self.show_typing()
        self.mark_read()

    def _load_window(self, user_id: UserId) -> None:
        """The newest messages, back to the first unread one so that the line stands before it."""
        page = self._messenger.messages(user_id, limit=_PAGE)
        if page.more and page.messages[0].unread:
            page = self._messenger.messages(user_id, limit=_UNREAD_LIMIT)
        self._take(page)
        self._new = first_unread(page.messages)
        if page.more and page.messages[0].unread:
            self._new = None  # further up there are unread ones too

    def _take(self, page: Page) -> None:
        self._messages, self._newer = page.messages, page.newer
        self._more, self._complete = page.more, page.complete

    def jump(self, key: str) -> bool:
        """Select the message of this key, what was said around it on show; false if it is gone."""
        if self.person is None:
            return False
        if all(message.key != key for message in self._messages):
            page = self._messenger.around(self.person, key)
            if page is None:
                return False
            self._take(page)
            self._show(at=key)
        else:
            self.timeline.jump(key)
        return True

    def close(self) -> None:
        """Show no conversation: it is gone."""
        self.conversation, self._messages, self._newer = None, (), False
        self.writing.recipient.close()
        self._end_finding()
        self.set_class(True, "closed")

    def update(self, conversation: Conversation) -> None:
        """The open conversation's row changed."""
        self.conversation = conversation
        self.writing.recipient.update(conversation)
        rooms = self._messenger.rooms_of(conversation.user_id)
        if rooms != self._rooms:
            self._rooms = rooms
            self._show()
        self._describe(conversation)
        self.mark_read()

    def moved_to(self) -> Conversation | None:
        """The row that the open room belongs to now: a group's, or a person's again."""
        if self.conversation is None:
            return None
        owner = self._messenger.person_of(self.conversation.room_id)
        if owner is None or owner == self.conversation.user_id:
            return None
        return next(iter(self._messenger.conversations(frozenset({owner}))), None)

    def follow_room(self, now: Conversation) -> None:
        """Stay in the open room, which belongs to this row now, with what is half typed."""
        if self.conversation is not None:
            self.writing.follow_room(self.conversation, now)
        self.open(now)
        self.writing.save_drafts()

    def refresh_messages(self) -> None:
        """Read again what is on show."""
        if self.person is None:
            return
        page = None
        if self._messages:
            last = self._messages[-1].cursor if self._newer else None
            page = self._messenger.messages_from(self.person, self._messages[0].cursor, last)
        if page is None or not page.messages:
            page = self._messenger.messages(self.person)
        self._take(page)
        if self._new is None and not self._looking:
            self._new = first_unread(page.messages)
        self._show()
        self.writing.show()
        self.mark_read()
        self.finding.again()

    def show_typing(self) -> None:
        """Say whether the person is typing."""
        person = self.conversation
        typing = person is not None and self._messenger.is_typing(person.user_id)
        self.query_one(TypingLine).names = (person.name,) if person and typing else ()

    @property
    def _at_beginning(self) -> bool:
        return self._complete and not self._more

    def _show(self, at: str | None = None) -> None:
        self.timeline.show(
            self._messages,
            complete=self._at_beginning,
            first_unread=self._new,
            rooms=self._rooms,
            newer=self._newer,
            at=at,
        )

    def _describe(self, conversation: Conversation) -> None:
        now = milliseconds(self._messenger.clock)
        was_with, instead = self._was_with(conversation), self.instead
        line = heading(
            conversation,
            self._rooms,
            was_with,
            instead,
            muted_words(conversation, now, SystemZone()),
            registry_of(self.app).press,
            self._messenger.alarms_of(conversation.user_id),
        )
        self.query_one("#header", Static).update(line)
        self.writing.recipient.describe(conversation, was_with, instead)

    @property
    def instead(self) -> str:
        """Who alone is in the open room that is listed under somebody else; empty otherwise."""
        conversation = self.conversation
        if conversation is None or conversation.was_with is None:
            return ""
        here = next((room.alone_with for room in self._rooms if room.serving), None)
        members = self._messenger.cards.card(conversation.user_id).members if here else ()
        return next((str(name) for user_id, name in members if user_id == here), "")

    def _was_with(self, conversation: Conversation) -> str:
        if conversation.was_with is None:
            return ""
        found = self._messenger.conversations(frozenset({conversation.was_with}))
        return found[0].name if found else conversation.was_with

    # -- reading --

    @property
    def _looking(self) -> bool:
        return (
            self.app.app_focus
            and self.screen.is_current
            and self.display
            and not self.has_class("hidden")
            and self.timeline.following
        )

    @property
    def looked_at(self) -> UserId | None:
        """Whose newest message the user has before them, the terminal in focus."""
        return self.person if self._looking else None

    def mark_read(self) -> None:
        """Everything is read, if it is on screen and the terminal is looked at."""
        if self.conversation is not None and self.conversation.unread and self._looking:
            self._mark_read(self.conversation.user_id)

    @work(group="read", exclusive=True)
    async def _mark_read(self, user_id: UserId) -> None:
        with contextlib.suppress(DmtuiError):  # it is tried again with the next message or key
            await self._messenger.mark_read(user_id)

    @on(Timeline.ReachedTop)
    def show_older(self) -> None:
        """Older messages from the store, else from the server."""
        if self.person is None or self.timeline.loading_older:
            return
        if self._more:
            self._prepend(across=self._newer)
        elif not self._complete:
            self.timeline.loading_older = True
            self._load_older(self.person)

    @on(Timeline.ReachedEnd)
    def show_newer(self) -> None:
        """What follows a window of old messages."""
        if self.person is not None and self._newer and self._messages:
            page = self._messenger.messages_after(self.person, self._messages[-1].cursor)
            self._messages, self._newer = self._messages + page.messages, page.newer
            self._show()

    def _prepend(self, *, across: bool = False) -> None:
        """Older messages of the store; ``across``: those too before which some are missing."""
        if self.person is None:
            return
        before = self._messages[0].cursor if self._messages else None
        page = self._messenger.messages(self.person, before, across=across)
        self._messages = page.messages + self._messages
        self._more, self._complete = page.more, page.complete
        self._show()

    @work(group="older", exclusive=True)
    async def _load_older(self, user_id: UserId) -> None:
        before = self._messages[0].cursor if self._messages else None
        try:
            got = await self._messenger.load_older(user_id, before)
        except DmtuiError as error:
            if user_id == self.person:
                self.timeline.loading_older = False
                self.tell(f"Older messages could not be loaded: {error}")
                self._prepend(across=True)
            return
        if user_id == self.person:
            self.timeline.loading_older = False
            if got:
                self._prepend(across=self._newer)
            else:
                self._complete = True
                self._show()

    # -- finding --

    @property
    def finding(self) -> FindBar:
        """Where the user finds in this conversation."""
        return self.query_one(FindBar)

    def find(self) -> None:
        """Have the user say what to find."""
        if self.person is not None:
            self.finding.open(self.person)

    @on(FindBar.Found)
    def show_hit(self, event: FindBar.Found) -> None:
        """Mark what was found, and go to one of it."""
        event.stop()
        self.timeline.mark(event.query, event.keys)
        if event.at is not None:
            self.jump(event.at)

    def action_hit(self, by: int) -> None:
        """n and N."""
        self.finding.action_step(by)

    @on(FindBar.Closed)
    def stop_finding(self) -> None:
        """The place in the conversation stays as it is."""
        self._end_finding()
        self.composer.focus()

    def _end_finding(self) -> None:
        self.finding.close()
        self.timeline.mark(Query(), ())

    # -- writing --

    @property
    def composer(self) -> Composer:
        """Where the user types."""
        return self.writing.composer

    @on(WritingPane.Sent)
    def show_sent(self) -> None:
        """What the user sends ends what is new to them."""
        if self._new is not None:
            self._new = None
            self._show()
        self.action_newest()

    def action_attach(self) -> None:
        """Ctrl+T: choose a file to send."""
        self.writing.attach()

    def action_edit_outside(self) -> None:
        """Ctrl+O: what is typed, into the user's editor and back."""
        self.writing.edit_outside()

    # -- going about --

    def action_scroll(self, step: int) -> None:
        """A page up or down, the focus staying in the composer."""
        self.timeline.action_page(step)

    def action_oldest(self) -> None:
        """To the oldest message that is loaded."""
        self.timeline.action_oldest()

    @on(Timeline.NewestWanted)
    def action_newest(self) -> None:
        """To the newest message."""
        if self._newer and self.person is not None:
            self._take(self._messenger.messages(self.person))
            self._show()
            self.mark_read()
        self.timeline.action_newest()

    def action_first_unread(self) -> None:
        """To the first message that was unread when the conversation was opened."""
        self._places.unread(self._new)

    def action_day(self, step: int) -> None:
        """To the beginning of the day, the day before or the day after."""
        self._places.day(step)

    def go_to(self, day: date) -> None:
        """To the first message of the day, else of what came later."""
        self._places.to_date(day)

    # -- one message --

    @on(Composer.HistoryWanted)
    def select_newest(self) -> None:
        """↑ in the empty composer."""
        self.timeline.focus()
        self.timeline.select_newest()

    @on(Timeline.PassedEnd)
    def back_to_composer(self) -> None:
        """↓ on the newest message, and Esc."""
        self.timeline.clear_selection()
        self.composer.focus()

    @on(Timeline.OfMessage)
    def deal_with(self, event: Timeline.OfMessage) -> None:
        """Something is wanted of a message."""
        event.stop()
        if (deed := self._desk.deed(event)) is not None:
            self.run_worker(deed, group="message")

    async def load_before(self) -> bool:
        """Older messages from the server; false where there are none. Raises ``DmtuiError``."""
        if self.person is None:
            return False
        before = self._messages[0].cursor if self._messages else None
        if not await self._messenger.load_older(self.person, before):
            return False
        self._prepend(across=self._newer)
        return True

    def tell(self, line: str) -> None:
        """Show one line in passing."""
        self.notify(line, markup=False)
