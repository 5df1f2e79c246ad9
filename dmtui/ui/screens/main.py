"""The main screen: follows what the messenger says, and carries out what the user asks for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.content import Content
from textual.message import Message

from dmtui.core.errors import DmtuiError
from dmtui.core.events import (
    Change,
    ConnectionChanged,
    ConversationsChanged,
    IntentsChanged,
    InvitesChanged,
    TimelineChanged,
    TypingChanged,
)
from dmtui.core.images import BLOCKS_ALONE, Settings
from dmtui.core.model import Conversation, Phase, UserId
from dmtui.core.roster import Roster
from dmtui.messenger.clock import milliseconds
from dmtui.ui.commands import Scope, bindings
from dmtui.ui.screens.confirm import Choice, Question, is_asked
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.doctor import Doctor
from dmtui.ui.screens.drafts import Drafts
from dmtui.ui.screens.go_to_date import GoToDate
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.hands import Hands
from dmtui.ui.screens.heading import moved, stayed
from dmtui.ui.screens.news import News
from dmtui.ui.screens.people import PeoplePane
from dmtui.ui.screens.person_acts import GENERAL_ACTS, PERSON_ACTS
from dmtui.ui.screens.request_desk import RequestDesk
from dmtui.ui.screens.search import SearchScreen
from dmtui.ui.screens.sides import Sides
from dmtui.ui.screens.start_chat import StartChat
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList

if TYPE_CHECKING:
    from textual.binding import BindingType
    from textual.screen import Screen

    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Result

AT_FIRST = 100  # people; more than fit on a screen, read before anything is painted
CHUNK = 500  # people to take in before looking after keys again
DEMO = "Demo: a real homeserver on this machine; everything vanishes when you quit"


class MainScreen(Sides):
    """Paints what the store has at once, then follows what the messenger says."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.EVERYWHERE)]

    class SignInWanted(Message):
        """The session has ended and the user wants to sign in again."""

    def __init__(
        self,
        messenger: Messenger,
        demo: bool = False,
        *,
        plain: bool = False,
        images: Settings = BLOCKS_ALONE,
    ):
        self._messenger = messenger
        self._hands = Hands(messenger, self._ask, self._tell, self.open)
        self._drafts = Drafts(messenger)
        self._roster = Roster(messenger.people(AT_FIRST))
        super().__init__(
            PeoplePane(self._roster, plain=plain),
            ConversationPane(self._hands, self._drafts, plain=plain, images=images),
            DEMO if demo else "",
            alone=plain,
        )
        self._requests = RequestDesk(self, self._hands, lambda: self._news.show_notice())
        self._news = News(self, self._hands, self._roster, self._requests.notice)
        self._changes = messenger.subscribe()
        self._asked_to_sign_in = False
        self._opening: UserId | None = None  # a chat accepted that is not here yet
        self._searched = ""

    def on_mount(self) -> None:
        self._name_keys()
        self.prompt.display = False
        self.watch(self, "focused", self.hint)
        timeline = self.conversation.timeline
        self.watch(timeline, "cursor_key", lambda: self.hint(self.focused), init=False)
        self.people.refresh_rows()
        self._show_connection()
        self._requests.show()
        self._news.show_trouble()
        self.people.list.focus()
        self.call_after_refresh(self._begin)

    def _name_keys(self) -> None:
        self.prompt.focus_key = self.commands.press("requests.open")
        self.prompt.keys = {name: self.commands.press(name) for name in self.prompt.keys}

    def learn_keys(self) -> None:
        """The user has chosen other ones."""
        self._name_keys()
        self.conversation.learn_keys()
        self.people.refresh_rows()
        self.hint(self.focused)
        self._welcome()
        self._news.show_notice()

    @work(group="follow")
    async def _begin(self) -> None:
        try:
            await self._show_everybody()
            await self._messenger.start()
            while True:
                self._apply(await self._changes.next())
        finally:
            self._changes.close()

    async def _show_everybody(self) -> None:
        """The rest of a long list, once its beginning is on screen."""
        if len(self._roster) < AT_FIRST:
            return
        everybody = await asyncio.to_thread(self._messenger.people)
        for start in range(AT_FIRST, len(everybody), CHUNK):
            self._roster.update(everybody[start : start + CHUNK])
            await asyncio.sleep(0)
        self.people.refresh_rows()

    async def settle(self) -> None:
        """Before leaving: what was typed and what is sent goes to disk. ``StoreTrouble``."""
        await self.conversation.writing.settle()
        await self._drafts.save()

    @property
    def looked_at(self) -> UserId | None:
        """Whose newest message the user has before them, the terminal in focus."""
        return self.conversation.looked_at if self.is_mounted else None

    # -- what changed --

    def _apply(self, changes: frozenset[Change]) -> None:
        person = self.conversation.person
        kinds = {type(change) for change in changes}
        if person is not None and TimelineChanged(person) in changes:
            self.conversation.refresh_messages()
            self.hint(self.focused)
        if people := [c.user_ids for c in changes if isinstance(c, ConversationsChanged)]:
            self._show_people(frozenset[UserId]().union(*people))
        if TypingChanged in kinds:
            self.people.list.typing = self._messenger.typing()
            self.conversation.show_typing()
        if InvitesChanged in kinds:
            self._requests.show()
        if ConnectionChanged in kinds or IntentsChanged in kinds:
            self._show_connection()
        self._news.follow(changes)

    def _show_people(self, user_ids: frozenset[UserId]) -> None:
        found = self._messenger.conversations(user_ids)
        gone = user_ids - {conversation.user_id for conversation in found}
        self._roster.update(found, gone)
        self.people.refresh_rows()
        self._welcome()
        if self._opening is not None and self._roster.get(self._opening) is not None:
            self.open(self._opening)
        person = self.conversation.person
        if person is None or person not in user_ids:
            return
        now = self.conversation.moved_to()
        conversation = self._roster.get(person)
        if now is not None and conversation is None:
            self._follow_room(now)
            return
        if now is not None and now.group and conversation is not None:
            self._tell(stayed(conversation))
        if conversation is not None:
            self.conversation.update(conversation)
            self._show_connection()
        else:
            self._close()

    def _follow_room(self, now: Conversation) -> None:
        """A third person came into the open chat, or the last of them went."""
        before = self.conversation.conversation
        self.conversation.follow_room(now)
        self.people.list.opened = now.user_id
        self._show_connection()
        if before is not None:
            self._tell(moved(before, now, self.conversation.instead))

    def _close(self) -> None:
        self.conversation.close()
        self.people.list.opened = None
        self.to_people()

    def _show_connection(self) -> None:
        self.status.connection = self._messenger.connection
        self.status.pending = self._messenger.pending()
        conversation = self.conversation.conversation
        words = {True: "encrypted", False: "not encrypted"}
        self.status.encryption = words[conversation.encrypted] if conversation else ""
        self._welcome()
        if self._messenger.connection.phase is Phase.SIGNED_OUT and not self._asked_to_sign_in:
            self._asked_to_sign_in = True
            self._ask_to_sign_in()
        self._news.tell_end(self._messenger.connection)

    @work(group="signed out")
    async def _ask_to_sign_in(self) -> None:
        reason = self._messenger.connection.reason or "The homeserver ended this session."
        question = Question(
            "You are signed out",
            f"{reason} Your messages and drafts are still here to read.",
            (Choice("n", "Not now", False), Choice("s", "Sign in again", True)),
            unasked=True,
        )
        if await self._ask(question):
            self.post_message(self.SignInWanted())

    def _welcome(self) -> None:
        start = self.commands.press("chat.start")
        if len(self._roster):
            opening = self.commands.press("people.open")
            line = f"{opening} opens a chat. {start} starts one with somebody new."
        elif self._messenger.synced:
            line = (
                f"Press {start} to start your first chat.\n\n"
                "Have a user ID at hand, like @name:server, or a name to search for."
            )
        else:
            line = f"Looking for your people…\n\n{start} starts a chat meanwhile."
        self.conversation.welcome(Content(line))

    # -- going to people --

    def open(self, user_id: UserId) -> None:
        """Show the conversation with this person, ready to type."""
        conversation = self._roster.get(user_id)
        if conversation is None:
            self._roster.update(self._messenger.conversations(frozenset({user_id})))
            conversation = self._roster.get(user_id)
            self.people.refresh_rows()
        if conversation is None:
            self._opening = user_id
            self.notify("The chat opens here as soon as it is ready.", markup=False)
            return
        self._opening = None
        self.conversation.writing.save_drafts()
        self.conversation.open(conversation)
        self.people.list.opened = user_id
        self.people.list.highlight(user_id)
        self.to_conversation()
        self._show_connection()
        self._requests.show()
        self.conversation.composer.focus()

    def _open_in_order(self, user_id: UserId) -> None:
        """Open once the composer has taken the keys typed so far, before those that follow."""
        self.conversation.composer.call_later(self.open, user_id)

    @on(PeopleList.Selected)
    def open_selected(self, event: PeopleList.Selected) -> None:
        """Enter or a click in the list."""
        self.open(event.user_id)

    def action_go_by(self, step: int) -> None:
        """The next or previous person of the list."""
        rows = self.people.list.rows
        if not rows:
            return
        person = self.conversation.person
        here = next((n for n, row in enumerate(rows) if row.user_id == person), None)
        there = 0 if here is None else max(0, min(len(rows) - 1, here + step))
        if there != here:
            self._open_in_order(rows[there].user_id)

    def action_go_to(self, number: int) -> None:
        """The nth person of the list, from 1."""
        rows = self.people.list.rows
        if number <= len(rows):
            self._open_in_order(rows[number - 1].user_id)

    def action_go_to_unread(self) -> None:
        """The next person with something unread, after the open one and around."""
        rows = self._roster.rows()
        person = self.conversation.person
        here = next((n for n, row in enumerate(rows) if row.user_id == person), -1)
        after = [*rows[here + 1 :], *rows[: max(here, 0)]]
        unread = next((row.user_id for row in after if row.is_unread), None)
        if unread is not None:
            self._open_in_order(unread)
        else:
            self.notify("Nothing unread.", markup=False)

    @work(group="dialog")
    async def action_go_to_person(self) -> None:
        """Ctrl+K."""
        person = await self._ask(GoToPerson(self._roster))
        if person is not None:
            self.open(person)

    @work(group="dialog")
    async def action_start_chat(self) -> None:
        """Ctrl+N."""
        dialog = StartChat(self._messenger, self._roster)
        person = await self._ask(dialog)
        if person is not None:
            self.open(person)
            self.conversation.writing.add_to_draft(person, dialog.typed_ahead)

    def action_paste_picture(self) -> None:
        """Ctrl+G."""
        if self.conversation.person is None:
            self._tell("Open a chat first.")
        else:
            self.conversation.writing.paste_picture()

    def action_find(self) -> None:
        """Ctrl+F."""
        if self.conversation.person is None:
            self._tell("Open a chat first.")
            return
        self.to_conversation()
        self.conversation.reading.find()

    @work(group="dialog")
    async def action_search(self) -> None:
        """F5."""
        screen = SearchScreen(self._messenger, self._searched)
        hit = await self._ask(screen)
        self._searched = screen.typed
        if hit is None:
            return
        self.open(hit.person)
        pane = self.conversation
        if pane.person == hit.person and pane.reading.jump(hit.message.key):
            pane.timeline.focus()
        else:
            self._tell("That message is not there any more.")

    @work(group="dialog")
    async def action_go_to_date(self) -> None:
        """Ask for a day, and show what was said then."""
        if self.conversation.person is None:
            self._tell("Open a chat first.")
            return
        day = await self._ask(GoToDate(milliseconds(self._messenger.clock)))
        if day is not None:
            self.to_conversation()
            self.conversation.reading.places.to_date(day)

    # -- the list of direct messages --

    @work(group="mend", exclusive=True)
    async def action_mend_direct(self) -> None:
        """F8: merge back what another client took out."""
        if self._messenger.care.trouble() is None:
            self._tell("Nothing is lost.")
            return
        try:
            outcome = await self._messenger.care.mend()
        except DmtuiError as error:
            self._tell(str(error))
            return
        if outcome is None:
            self._tell("It is put back as soon as the homeserver can be reached.")
        else:
            self._tell(outcome.message if not outcome.ok else "Put back.")

    @work(group="mend", exclusive=True)
    async def action_leave_direct(self) -> None:
        """The list is as the user wants it."""
        try:
            await self._messenger.care.leave_so()
        except DmtuiError as error:
            self._tell(str(error))

    @work(group="dialog")
    async def action_doctor(self) -> None:
        """Check the list of direct messages."""
        await self._ask(Doctor(self._messenger.care, self._messenger.me))

    # -- requests --

    @on(Composer.DraftChanged)
    def prompt_when_done(self, event: Composer.DraftChanged) -> None:
        """A prompt held back by a half-typed message comes when the composer is empty."""
        if not event.text:
            self._requests.show()

    @on(PeopleList.RequestsSelected)
    @work(group="dialog")
    async def action_answer_requests(self) -> None:
        """F6."""
        await self._requests.choose()

    @work(group="dialog")
    async def action_list_requests(self) -> None:
        """All of them, however few."""
        await self._requests.list_all()

    @on(InvitePrompt.Answered)
    @work(group="answer")
    async def answer(self, event: InvitePrompt.Answered) -> None:
        """A key in the prompt."""
        await self._requests.answer(event)

    # -- acts --

    @work(group="act")
    async def action_person(self, name: str) -> None:
        """Do this to the highlighted person, else to the one whose conversation is open."""
        listed = self.focused is self.people.list
        person = self.people.list.cursor_person if listed else self.conversation.person
        await self._do_to(person, name, "Choose a person first.")

    @work(group="act")
    async def action_from_palette(self, name: str) -> None:
        """The same, but never to a neighbour whom the cursor came to because somebody went."""
        listed = self.focused is self.people.list
        person = self.people.list.chosen_person if listed else None
        await self._do_to(person or self.conversation.person, name, "Open a chat first.")

    async def _do_to(self, person: UserId | None, name: str, otherwise: str) -> None:
        conversation = self._roster.get(person) if person is not None else None
        if conversation is None:
            self._tell(otherwise)
        else:
            await PERSON_ACTS[name](self._hands, conversation)

    @work(group="act")
    async def action_general(self, name: str) -> None:
        """Do this, which concerns nobody in particular."""
        await GENERAL_ACTS[name](self._hands)

    async def _ask(self, screen: Screen[Result]) -> Result:
        """Show the screen until it is answered; what a key pressed twice asks is asked once."""
        if is_asked(self.app.screen, screen):
            raise asyncio.CancelledError
        return await self.app.push_screen_wait(screen)

    def _tell(self, line: str) -> None:
        self.notify(line, markup=False)
