"""The main screen: people left, the conversation right, the status below."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.events import (
    Change,
    ConnectionChanged,
    ConversationsChanged,
    DirectTroubleChanged,
    IntentsChanged,
    InvitesChanged,
    TimelineChanged,
    TypingChanged,
)
from dmtui.core.model import Phase, UserId
from dmtui.core.names import display_name
from dmtui.core.roster import Roster
from dmtui.ui.commands import Scope, bindings, hints
from dmtui.ui.screens.chat_flow import begin_chat
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.conversation import ConversationPane
from dmtui.ui.screens.doctor import Doctor
from dmtui.ui.screens.drafts import Drafts
from dmtui.ui.screens.go_to_person import GoToPerson
from dmtui.ui.screens.people import PeoplePane
from dmtui.ui.screens.requests import Requests, carry_out, which
from dmtui.ui.screens.start_chat import StartChat
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.invite_prompt import Answer, InvitePrompt
from dmtui.ui.widgets.people_list import PeopleList
from dmtui.ui.widgets.status_line import StatusLine
from dmtui.ui.widgets.timeline import Timeline

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.widget import Widget

    from dmtui.messenger.messenger import Messenger

AT_FIRST = 100  # people; more than fit on a screen, read before anything is painted
CHUNK = 500  # people to take in before looking after keys again
NARROW = 80  # columns; below, the list gives way to the conversation
DEMO = "Demo: a real homeserver on this machine; everything vanishes when you quit"


class MainScreen(Screen[None]):
    """Paints what the store has at once, then follows what the messenger says."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.EVERYWHERE)]

    class SignInWanted(Message):
        """The session has ended and the user wants to sign in again."""

    def __init__(self, messenger: Messenger, demo: bool = False):
        super().__init__()
        self._messenger = messenger
        self._demo = demo
        self._drafts = Drafts(messenger)
        self._requests = Requests()
        self._changes = messenger.subscribe()
        self._roster = Roster(messenger.people(AT_FIRST))
        self._list_wanted = True  # where there is room for one side
        self._list_hidden = False  # where there is room for both
        self._asked_to_sign_in = False
        self._opening: UserId | None = None  # a chat accepted that is not here yet
        self._trouble = ""

    def compose(self) -> ComposeResult:
        if self._demo:
            yield Static(DEMO, id="demo", markup=False)
        with Horizontal():
            yield PeoplePane(self._roster)
            yield ConversationPane(self._messenger, self._drafts)
        yield StatusLine(id="status")
        yield Static(id="hints", markup=False)

    def on_mount(self) -> None:
        self._prompt.focus_key = "F6"
        self._prompt.display = False
        self.watch(self, "focused", self._hint)
        self._people.refresh_rows()
        self._show_connection()
        self._show_requests()
        self._show_trouble()
        self._people.list.focus()
        self.call_after_refresh(self._begin)

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
        self._people.refresh_rows()

    async def settle(self) -> None:
        """Before leaving: what was typed goes to disk. Raises ``StoreTrouble``."""
        await self._drafts.save()

    @property
    def looked_at(self) -> UserId | None:
        """Whose newest message the user has before them, the terminal in focus."""
        return self._conversation.looked_at if self.is_mounted else None

    @property
    def _people(self) -> PeoplePane:
        return self.query_one(PeoplePane)

    @property
    def _conversation(self) -> ConversationPane:
        return self.query_one(ConversationPane)

    @property
    def _prompt(self) -> InvitePrompt:
        return self.query_one(InvitePrompt)

    @property
    def _status(self) -> StatusLine:
        return self.query_one(StatusLine)

    # -- what changed --

    def _apply(self, changes: frozenset[Change]) -> None:
        person = self._conversation.person
        kinds = {type(change) for change in changes}
        if person is not None and TimelineChanged(person) in changes:
            self._conversation.refresh_messages()
        if people := [c.user_ids for c in changes if isinstance(c, ConversationsChanged)]:
            self._show_people(frozenset[UserId]().union(*people))
        if person is not None and TypingChanged(person) in changes:
            self._conversation.show_typing()
        if InvitesChanged in kinds:
            self._show_requests()
        if ConnectionChanged in kinds or IntentsChanged in kinds:
            self._show_connection()
        if DirectTroubleChanged in kinds or IntentsChanged in kinds:
            self._show_trouble()

    def _show_people(self, user_ids: frozenset[UserId]) -> None:
        found = self._messenger.conversations(user_ids)
        gone = user_ids - {conversation.user_id for conversation in found}
        self._roster.update(found, gone)
        self._people.refresh_rows()
        self._welcome()
        if self._opening is not None and self._roster.get(self._opening) is not None:
            self.open(self._opening)
        person = self._conversation.person
        if person is None or person not in user_ids:
            return
        conversation = self._roster.get(person)
        if conversation is not None:
            self._conversation.update(conversation)
            self._show_connection()
        else:
            self._close()

    def _close(self) -> None:
        self._conversation.close()
        self._people.list.opened = None
        self._list_wanted, self._list_hidden = True, False
        self._lay_out()
        self._people.list.focus()

    def _show_connection(self) -> None:
        self._status.connection = self._messenger.connection
        self._status.pending = self._messenger.pending()
        conversation = self._conversation.conversation
        words = {True: "encrypted", False: "not encrypted"}
        self._status.encryption = words[conversation.encrypted] if conversation else ""
        self._welcome()
        if self._messenger.connection.phase is Phase.SIGNED_OUT and not self._asked_to_sign_in:
            self._asked_to_sign_in = True
            self._ask_to_sign_in()

    @work(group="signed out")
    async def _ask_to_sign_in(self) -> None:
        reason = self._messenger.connection.reason or "The homeserver ended this session."
        question = Question(
            "You are signed out",
            f"{reason} Your messages and drafts are still here to read.",
            (Choice("s", "Sign in again", True), Choice("n", "Not now", False)),
        )
        if await self.app.push_screen_wait(question):
            self.post_message(self.SignInWanted())

    def _welcome(self) -> None:
        if len(self._roster):
            line = Content("Enter opens a chat. Ctrl+N starts one with somebody new.")
        elif self._messenger.synced:
            line = Content(
                "Press Ctrl+N to start your first chat.\n\n"
                "Have a user ID at hand, like @name:server, or a name to search for."
            )
        else:
            line = Content("Looking for your people…\n\nCtrl+N starts a chat meanwhile.")
        self._conversation.welcome(line)

    def _hint(self, focused: Widget | None) -> None:
        match focused:
            case Composer():
                scope = Scope.COMPOSER
            case Timeline():
                scope = Scope.CONVERSATION
            case InvitePrompt():
                scope = Scope.REQUEST
            case _:
                scope = Scope.PEOPLE
        self.query_one("#hints", Static).update(hints(scope, self.size.width - 2))

    # -- layout --

    @property
    def narrow(self) -> bool:
        """Whether there is room for only one of the list and the conversation."""
        return self.size.width < NARROW

    def on_resize(self, event: events.Resize) -> None:
        """Decide whether both sides fit; where not, keep the side that is in use."""
        narrow = event.size.width < NARROW
        if narrow and not self.has_class("narrow") and self._conversation.person is not None:
            self._list_wanted = self.focused is self._people.list
        self._lay_out(narrow)
        self._hint(self.focused)

    def _lay_out(self, narrow: bool | None = None) -> None:
        narrow = self.narrow if narrow is None else narrow
        self.set_class(narrow, "narrow")
        listed = self._list_wanted if narrow else not self._list_hidden
        if narrow and self._conversation.person is None:
            listed = not self._prompt.has_focus
        self._people.display = listed
        self._conversation.display = not (narrow and listed)
        if self.focused is None:
            (self._people.list if listed else self._conversation.composer).focus()

    def action_toggle_people(self) -> None:
        """F4: the list on or off; in a narrow terminal, the list or the conversation."""
        listed = not self._people.display
        if self.narrow:
            self._list_wanted = listed
        else:
            self._list_hidden = not listed
        self._lay_out()
        if listed and (self.narrow or self._conversation.person is None):
            self._people.list.focus()
        elif self._conversation.person is not None:
            self._conversation.composer.focus()

    def action_back(self) -> None:
        """Esc: one step back, and in the end to the composer."""
        composer = self._conversation.composer
        if self._people.filtering:
            self._people.end_filter()
        elif self.narrow and self.focused is composer:
            self.action_toggle_people()
        elif self._conversation.person is not None:
            if self.narrow:
                self._list_wanted = False
                self._lay_out()
            self._conversation.back_to_composer()

    # -- going to people --

    def open(self, user_id: UserId) -> None:
        """Show the conversation with this person, ready to type."""
        conversation = self._roster.get(user_id)
        if conversation is None:
            self._roster.update(self._messenger.conversations(frozenset({user_id})))
            conversation = self._roster.get(user_id)
            self._people.refresh_rows()
        if conversation is None:
            self._opening = user_id
            self.notify("The chat opens here as soon as it is ready.", markup=False)
            return
        self._opening = None
        self._conversation.save_drafts()
        self._conversation.open(conversation)
        self._people.list.opened = user_id
        self._people.list.highlight(user_id)
        if self.narrow:
            self._list_wanted = False
        self._lay_out()
        self._show_connection()
        self._show_requests()
        self._conversation.composer.focus()

    def _open_in_order(self, user_id: UserId) -> None:
        """Open once the composer has taken the keys typed so far, before those that follow."""
        self._conversation.composer.call_later(self.open, user_id)

    @on(PeopleList.Selected)
    def open_selected(self, event: PeopleList.Selected) -> None:
        """Enter or a click in the list."""
        self.open(event.user_id)

    def action_go_by(self, step: int) -> None:
        """The next or previous person of the list."""
        rows = self._people.list.rows
        if not rows:
            return
        person = self._conversation.person
        here = next((n for n, row in enumerate(rows) if row.user_id == person), None)
        there = 0 if here is None else max(0, min(len(rows) - 1, here + step))
        if there != here:
            self._open_in_order(rows[there].user_id)

    def action_go_to(self, number: int) -> None:
        """The nth person of the list, from 1."""
        rows = self._people.list.rows
        if number <= len(rows):
            self._open_in_order(rows[number - 1].user_id)

    def action_go_to_unread(self) -> None:
        """The next person with unread messages, after the open one and around."""
        rows = self._roster.rows()
        person = self._conversation.person
        here = next((n for n, row in enumerate(rows) if row.user_id == person), -1)
        after = [*rows[here + 1 :], *rows[: max(here, 0)]]
        unread = next((row.user_id for row in after if row.unread), None)
        if unread is not None:
            self._open_in_order(unread)
        else:
            self.notify("Nothing unread.", markup=False)

    @work(group="dialog", exclusive=True)
    async def action_go_to_person(self) -> None:
        """Ctrl+K."""
        person = await self.app.push_screen_wait(GoToPerson(self._roster))
        if person is not None:
            self.open(person)

    @work(group="dialog", exclusive=True)
    async def action_start_chat(self) -> None:
        """Ctrl+N."""
        person = await self.app.push_screen_wait(StartChat(self._messenger, self._roster))
        if person is not None:
            self.open(person)

    @on(ConversationPane.BackWanted)
    @work(group="dialog", exclusive=True)
    async def begin_again(self, event: ConversationPane.BackWanted) -> None:
        """The person left: invite back, or a new chat."""
        person = await begin_chat(
            self._messenger, event.user_id, self.app.push_screen_wait, self._tell
        )
        if person is not None:
            self.open(person)

    # -- the list of direct messages --

    def _show_trouble(self) -> None:
        """What another client has done to it, once in passing and then in the status line."""
        trouble = self._messenger.care.trouble()
        before, self._trouble = self._trouble, trouble.short if trouble else ""
        if trouble is not None and self._trouble != before:
            line = f"{trouble.words}. F8 puts it back; Ctrl+P offers to leave it so."
            self.notify(line, severity="warning", timeout=20, markup=False)
        self._show_notice()

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

    @work(group="dialog", exclusive=True)
    async def action_doctor(self) -> None:
        """Check the list of direct messages."""
        await self.app.push_screen_wait(Doctor(self._messenger.care, self._messenger.me))

    # -- requests --

    def _show_requests(self) -> None:
        self._requests.update(self._messenger.invites())
        direct = self._requests.direct
        self._people.list.requests = tuple(display_name(i.inviter, i.inviter_name) for i in direct)
        prompt, invite = self._prompt, self._requests.current
        writing = bool(self._conversation.composer.text) and not self._requests.asked_for
        had_focus = self.focused is prompt
        prompt.invite = invite
        prompt.waiting = len(direct)
        prompt.display = invite is not None and not writing
        if had_focus and not prompt.display:
            self._after_prompt()
        self._show_notice()

    def _show_notice(self) -> None:
        trouble = f"{self._trouble}: F8" if self._trouble else ""
        requests = self._requests_notice()
        self._status.notice = " · ".join(notice for notice in (trouble, requests) if notice)

    def _requests_notice(self) -> str:
        direct = len(self._requests.direct)
        rooms = len(self._requests.invites) - direct
        words = [
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in ((direct, "request"), (rooms, "room invite"))
            if count
        ]
        return f"{', '.join(words)}: F6" if words else ""

    def _after_prompt(self) -> None:
        if self._conversation.person is not None:
            self._conversation.composer.focus()
        else:
            self._list_wanted, self._list_hidden = True, False
            self._lay_out()
            self._people.list.focus()

    @on(Composer.DraftChanged)
    def prompt_when_done(self, event: Composer.DraftChanged) -> None:
        """A prompt held back by a half-typed message comes when the composer is empty."""
        if not event.text and self._requests.current is not None:
            self._show_requests()

    @on(PeopleList.RequestsSelected)
    @work(group="dialog", exclusive=True)
    async def action_answer_requests(self) -> None:
        """F6: the prompt gets the keyboard; with room invites about, choose one first."""
        invites = self._requests.invites
        if not invites:
            self.notify("No requests.", markup=False)
            return
        chosen = invites[0].room_id
        if len(invites) > 1 and len(self._requests.direct) != len(invites):
            answer = await self.app.push_screen_wait(which(invites))
            if answer is None:
                return
            chosen = answer
        elif self._requests.current is not None:
            chosen = self._requests.current.room_id
        self._requests.want(chosen)
        self._show_requests()
        if self.narrow:
            self._people.display = False
            self._conversation.display = True
        self._prompt.focus()

    @on(InvitePrompt.Answered)
    @work(group="answer")
    async def answer(self, event: InvitePrompt.Answered) -> None:
        """Carry out what the user chose; the prompt goes on to the next one."""
        invite = self._requests.find(event.room_id)
        self._requests.put_off(event.room_id)
        if event.answer is Answer.CHAT:
            self.set_focus(None)  # what is typed until the chat opens is for nobody else
        else:
            self._after_prompt()
        self._show_requests()
        if invite is None or event.answer is Answer.LATER:
            return
        person, line = await carry_out(self._messenger, invite, event.answer)
        if line:
            self._tell(line)
        if person is not None:
            self.open(person)
        elif self.focused is None:
            self._after_prompt()

    def _tell(self, line: str) -> None:
        self.notify(line, markup=False)
