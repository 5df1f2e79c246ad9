"""The right-hand side: one person's messages, who is typing, and the composer."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from dmtui.core.images import BLOCKS_ALONE, Settings
from dmtui.messenger.clock import milliseconds
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens.arranging import muted_words
from dmtui.ui.screens.file_desk import FileDesk
from dmtui.ui.screens.find_bar import FindBar
from dmtui.ui.screens.heading import heading
from dmtui.ui.screens.message_desk import MessageDesk
from dmtui.ui.screens.reading_pane import ReadingPane
from dmtui.ui.screens.writing_pane import WritingPane
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.face import face_tag
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.system_zone import SystemZone
from dmtui.ui.widgets.timeline import Timeline
from dmtui.ui.widgets.typing_line import TypingLine

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from dmtui.core.model import Conversation, UserId
    from dmtui.ui.screens.drafts import Drafts
    from dmtui.ui.screens.hands import Hands


class ConversationPane(Vertical):
    """Shows one conversation and acts for it; :attr:`person` is ``None`` before one is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings(Scope.CONVERSATION),
        *bindings(Scope.COMPOSER),
    ]

    def __init__(
        self,
        hands: Hands,
        drafts: Drafts,
        *,
        plain: bool = False,
        images: Settings = BLOCKS_ALONE,
    ):
        super().__init__(id="conversation")
        self._messenger = hands.messenger
        self.conversation: Conversation | None = None
        files = FileDesk(hands, self, images.drawing)
        self._plain = plain
        self.reading = ReadingPane(hands, plain=plain, previews=images.previews and not plain)
        self.writing = WritingPane(hands, drafts, files)
        self._desk = MessageDesk(hands, files, self)

    def compose(self) -> ComposeResult:
        yield InvitePrompt(id="prompt")
        yield Static(id="header", markup=False)
        yield Static(id="welcome", markup=False)
        yield self.reading
        yield TypingLine(id="typing")
        yield self.writing

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, self._describe_anew)
        self._name_keys()
        self.composer.go_up = self.select_newest
        self.add_class("closed")

    def _name_keys(self) -> None:
        self.timeline.newest_key = registry_of(self.app).press("composer.newest")

    def learn_keys(self) -> None:
        """The user has chosen other ones."""
        self._name_keys()
        self.writing.learn_keys()
        if self.conversation is not None:
            self._describe(self.conversation)

    @property
    def timeline(self) -> Timeline:
        """The messages."""
        return self.reading.timeline

    @property
    def composer(self) -> Composer:
        """Where the user types."""
        return self.writing.composer

    @property
    def person(self) -> UserId | None:
        """Whose conversation is on show."""
        return self.conversation.user_id if self.conversation else None

    @property
    def looked_at(self) -> UserId | None:
        """Whose newest message the user has before them, the terminal in focus."""
        return self.person if self.reading.looking else None

    # -- what is on show --

    def welcome(self, text: Content) -> None:
        """Show this while no conversation is open."""
        self.query_one("#welcome", Static).update(text)

    def open(self, conversation: Conversation) -> None:
        """Show this conversation's newest messages and its draft."""
        self.conversation = conversation
        self.remove_class("closed")
        self.reading.open(conversation)
        self.writing.open(conversation)
        self._describe(conversation)
        self.show_typing()

    def close(self) -> None:
        """Show no conversation: it is gone."""
        self.conversation = None
        self.reading.close()
        self.writing.recipient.close()
        self.add_class("closed")

    def update(self, conversation: Conversation) -> None:
        """The open conversation's row changed."""
        self.conversation = conversation
        self.writing.recipient.update(conversation)
        self.reading.update(conversation)
        self._describe(conversation)

    def refresh_messages(self) -> None:
        """Read again what is on show."""
        self.reading.read_again()
        self.writing.show()

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

    def show_typing(self) -> None:
        """Say who is typing to me here."""
        if self.person is not None:
            self.query_one(TypingLine).names = self._messenger.typing().get(self.person, ())

    def _describe_anew(self, _: object) -> None:
        """The colours are others."""
        if self.conversation is not None:
            self._describe(self.conversation)

    def _describe(self, conversation: Conversation) -> None:
        now = milliseconds(self._messenger.clock)
        was_with, instead = self._was_with(conversation), self.instead
        line = heading(
            conversation,
            self.reading.rooms,
            was_with,
            instead,
            muted_words(conversation, now, SystemZone()),
            registry_of(self.app).press,
            self._messenger.alarms_of(conversation.user_id),
        )
        if not self._plain:
            ansi = self.app.native_ansi_color
            tag = face_tag(conversation.name, conversation.user_id, ansi)
            line = Content.assemble(tag, "  ", line)
        self.query_one("#header", Static).update(line)
        self.writing.recipient.describe(conversation, was_with, instead)

    @property
    def instead(self) -> str:
        """Who alone is in the open room that is listed under somebody else; empty otherwise."""
        conversation = self.conversation
        if conversation is None or conversation.was_with is None:
            return ""
        here = next((room.alone_with for room in self.reading.rooms if room.serving), None)
        members = self._messenger.cards.card(conversation.user_id).members if here else ()
        return next((str(name) for user_id, name in members if user_id == here), "")

    def _was_with(self, conversation: Conversation) -> str:
        if conversation.was_with is None:
            return ""
        found = self._messenger.conversations(frozenset({conversation.was_with}))
        return found[0].name if found else conversation.was_with

    # -- keys --

    def action_attach(self) -> None:
        """Ctrl+T: choose a file to send."""
        self.writing.attach()

    def action_edit_outside(self) -> None:
        """Ctrl+O: what is typed, into the user's editor and back."""
        self.writing.edit_outside()

    def action_scroll(self, step: int) -> None:
        """A page up or down, the focus staying in the composer."""
        self.timeline.action_page(step)

    def action_oldest(self) -> None:
        """To the oldest message that is loaded."""
        self.timeline.action_oldest()

    def action_newest(self) -> None:
        """To the newest message."""
        self.reading.show_newest()

    def action_first_unread(self) -> None:
        """To the first message that was unread when the conversation was opened."""
        self.reading.places.unread()

    def action_day(self, step: int) -> None:
        """To the beginning of the day, the day before or the day after."""
        self.reading.places.day(step)

    def action_hit(self, by: int) -> None:
        """n and N."""
        self.reading.finding.action_step(by)

    # -- between reading and writing --

    @on(WritingPane.Sent)
    def show_sent(self) -> None:
        """What was sent is at the end of the conversation."""
        self.reading.show_sent()

    def select_newest(self) -> None:
        """↑ in the empty composer."""
        self.screen.set_focus(self.timeline)
        self.timeline.select_newest()

    @on(Timeline.PassedEnd)
    def back_to_composer(self) -> None:
        """↓ on the newest message, and Esc."""
        self.timeline.clear_selection()
        self.composer.focus()

    @on(FindBar.Closed)
    def write_on(self) -> None:
        """The user has done with finding."""
        self.composer.focus()

    @on(Composer.Emptied)
    def offer_to_remove(self, event: Composer.Emptied) -> None:
        """Enter on an edit that leaves nothing: the message itself may be meant to go."""
        event.stop()
        if (message := self.writing.edited) is not None:
            self.run_worker(self._desk.remove(message), group="message")

    @on(wishes.Wish)
    def deal_with(self, event: wishes.Wish) -> None:
        """Something is wanted of a message."""
        event.stop()
        if (deed := self._desk.deed(event)) is not None:
            self.run_worker(deed, group="message")
