"""What has been said: a window of the open conversation's messages, and the ways about in it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Vertical

from dmtui.core.errors import DmtuiError
from dmtui.core.search import Query
from dmtui.core.timeline import first_unread
from dmtui.ui.screens.find_bar import FindBar
from dmtui.ui.screens.places import Places
from dmtui.ui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from dmtui.core.model import Conversation, DirectRoom, Message, Page, UserId
    from dmtui.ui.screens.hands import Hands

_PAGE = 50  # messages
_UNREAD_LIMIT = 1000  # messages to load for the "new messages" line
_LONGEST = 1500  # messages in the window, all of which are read again when one changes


class ReadingPane(Vertical):
    """The timeline over what the store has, which gets what is missing from the server."""

    def __init__(self, hands: Hands, *, plain: bool = False, previews: bool = False):
        super().__init__(id="reading")
        self.timeline = Timeline(plain=plain, previews=previews, id="timeline")
        self.finding = FindBar(hands.messenger)
        self.places = Places(hands, self)
        self._hands = hands
        self._messenger = hands.messenger
        self._conversation: Conversation | None = None
        self.messages: tuple[Message, ...] = ()
        """Those of the window, oldest first."""
        self.rooms: tuple[DirectRoom, ...] = ()
        """Where the conversation takes place and took place before."""
        self.first_unread: str | None = None
        """The key of the message that the "new messages" line is above."""
        self._came_marked = False  # as unread, and has not been looked at since
        self._more = False  # the store has older ones
        self._complete = False  # the oldest one of the store is the first that there is
        self._newer = False  # the window ends before the newest message
        self._apart = False  # between the window and the newest message some may be missing

    def compose(self) -> ComposeResult:
        yield self.finding
        yield self.timeline

    def on_mount(self) -> None:
        self.watch(self.timeline, "scroll_y", self.mark_read, init=False)
        self.watch(self.app, "app_focus", self.mark_read, init=False)

    @property
    def person(self) -> UserId | None:
        """Whose conversation is on show."""
        return self._conversation.user_id if self._conversation else None

    # -- what is on show --

    def open(self, conversation: Conversation) -> None:
        """Show this conversation's newest messages."""
        self._end_finding()
        self._conversation = conversation
        self._came_marked = conversation.marked_unread
        self.rooms = self._messenger.rooms_of(conversation.user_id)
        self._load_window(conversation.user_id)
        self.timeline.loading_older = False
        self.timeline.open(
            self.messages,
            complete=self.at_beginning,
            first_unread=self.first_unread,
            rooms=self.rooms,
        )
        self.mark_read()

    def _load_window(self, user_id: UserId) -> None:
        """The newest messages, back to the first unread one so that the line stands before it."""
        page = self._messenger.messages(user_id, limit=_PAGE)
        if page.more and page.messages[0].unread:
            page = self._messenger.messages(user_id, limit=_UNREAD_LIMIT)
        self._take(page)
        self.first_unread = first_unread(page.messages)
        if page.more and page.messages[0].unread:
            self.first_unread = None  # further up there are unread ones too

    def update(self, conversation: Conversation) -> None:
        """The open conversation's row changed."""
        self._conversation = conversation
        self._came_marked = self._came_marked and conversation.marked_unread
        rooms = self._messenger.rooms_of(conversation.user_id)
        if rooms != self.rooms:
            self.rooms = rooms
            self._show()
        self.mark_read()

    def close(self) -> None:
        """Show no conversation: it is gone."""
        self._conversation, self.messages, self._newer = None, (), False
        self._end_finding()

    def read_again(self) -> None:
        """Messages have come, gone or changed."""
        if self.person is None:
            return
        page = None
        if self.messages:
            last = self.messages[-1].cursor if self._newer else None
            page = self._messenger.messages_from(self.person, self.messages[0].cursor, last)
        if page is None or not page.messages:
            page = self._messenger.messages(self.person)
        self._take(page)
        if self.first_unread is None and not self.looking:
            self.first_unread = first_unread(page.messages)
        self._show()
        self.mark_read()
        self.finding.again()

    @property
    def at_beginning(self) -> bool:
        """Whether the oldest message on show is the first that there is."""
        return self._complete and not self._more

    def _take(self, page: Page) -> None:
        self.messages, self._newer = page.messages, page.newer
        self._more, self._complete = page.more, page.complete
        self._apart = self._apart and page.newer

    def _show(self, at: str | None = None) -> None:
        self.timeline.show(
            self.messages,
            complete=self.at_beginning,
            first_unread=self.first_unread,
            rooms=self.rooms,
            newer=self._newer,
            at=at,
        )

    # -- reading --

    @property
    def looking(self) -> bool:
        """Whether the user has the newest message before them, the terminal in focus."""
        return (
            self.app.app_focus
            and self.screen.is_current
            and all(node.display for node in self.ancestors)
            and self.timeline.following
        )

    def mark_read(self) -> None:
        """Everything is read, if it is on screen and the terminal is looked at.

        So is a mark of unread that was there before; one made since the chat was opened stays.
        """
        here = self._conversation
        if here is not None and (here.unread or self._came_marked) and self.looking:
            self._mark_read(here.user_id)

    @work(group="read", exclusive=True)
    async def _mark_read(self, user_id: UserId) -> None:
        with contextlib.suppress(DmtuiError):  # it is tried again with the next message or key
            await self._messenger.mark_read(user_id)

    @on(Timeline.CameOnScreen)
    def preview(self, event: Timeline.CameOnScreen) -> None:
        """Have images made small for the conversation."""
        event.stop()
        if self._conversation is not None:
            self._messenger.previews.want(self._conversation, event.messages)

    # -- further back, and on again --

    @on(Timeline.ReachedTop)
    def show_older(self) -> None:
        """Older messages from the store, else from the server."""
        if self.person is None or self.timeline.loading_older:
            return
        if self._more:
            self._prepend(across=self._apart)
        elif not self._complete:
            self.timeline.loading_older = True
            self._load_older(self.person)

    @on(Timeline.ReachedEnd)
    def show_newer(self) -> None:
        """What follows a window of old messages."""
        if self.person is not None and self._newer and self.messages:
            page = self._messenger.messages_after(self.person, self.messages[-1].cursor)
            self.messages, self._newer = self.messages + page.messages, page.newer
            self._apart = self._apart and page.newer
            if len(self.messages) > _LONGEST:
                self.messages, self._more = self.messages[-_LONGEST:], True
            self._show()

    def _prepend(self, *, across: bool = False) -> None:
        """Older messages of the store; ``across``: those too before which some are missing."""
        if self.person is None:
            return
        before = self.messages[0].cursor if self.messages else None
        page = self._messenger.messages(self.person, before, across=across)
        self.messages = page.messages + self.messages
        self._more, self._complete = page.more, page.complete
        if len(self.messages) > _LONGEST:
            self.messages, self._newer = self.messages[:_LONGEST], True
        self._show()

    @work(group="older", exclusive=True)
    async def _load_older(self, user_id: UserId) -> None:
        before = self.messages[0].cursor if self.messages else None
        try:
            got = await self._messenger.load_older(user_id, before)
        except DmtuiError as error:
            if user_id == self.person:
                self.timeline.loading_older = False
                self._hands.tell(f"Older messages could not be loaded: {error}")
                self._prepend(across=True)
            return
        if user_id == self.person:
            self.timeline.loading_older = False
            if got:
                self._prepend(across=self._apart)
            else:
                self._complete = True
                self._show()

    async def load_before(self) -> bool:
        """Older messages from the server; false where there are none. Raises ``DmtuiError``."""
        if self.person is None:
            return False
        before = self.messages[0].cursor if self.messages else None
        if not await self._messenger.load_older(self.person, before):
            return False
        self._prepend(across=self._apart)
        return True

    # -- going about --

    def jump(self, key: str) -> bool:
        """Select the message of this key, what was said around it on show; false if it is gone."""
        if self.person is None:
            return False
        if all(message.key != key for message in self.messages):
            page = self._messenger.around(self.person, key)
            if page is None:
                return False
            self._take(page)
            self._apart = page.newer
            self._show(at=key)
        else:
            self.timeline.jump(key)
        return True

    @on(Timeline.NewestWanted)
    def show_newest(self) -> None:
        """To the newest message."""
        if self._newer and self.person is not None:
            self._take(self._messenger.messages(self.person))
            self._show()
            self.mark_read()
        self.timeline.action_newest()

    def show_sent(self) -> None:
        """To what the user has just sent, which ends what is new to them."""
        if self.first_unread is not None:
            self.first_unread = None
            self._show()
        self.show_newest()

    # -- finding --

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

    @on(FindBar.Closed)
    def _end_finding(self) -> None:
        """The place in the conversation stays as it is."""
        self.finding.close()
        self.timeline.mark(Query(), ())
