"""Below the messages: where the user writes, and what becomes of what is written."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Vertical
from textual.message import Message as Posted
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.model import NO_AIM, SendState
from dmtui.core.slash import spoken, typed_as
from dmtui.ui.commands import registry_of
from dmtui.ui.key_profiles import editing_keys
from dmtui.ui.paths import pasted_files
from dmtui.ui.screens.completing import Completing
from dmtui.ui.screens.editor import EditorTrouble, edited_outside
from dmtui.ui.screens.file_desk import QUEUING
from dmtui.ui.screens.recipient import Recipient
from dmtui.ui.screens.writing import Writing
from dmtui.ui.slash import slash_commands
from dmtui.ui.widgets.composer import Composer
from dmtui.ui.widgets.offers import Offers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult
    from textual.timer import Timer

    from dmtui.core.model import Aim, Conversation, Message, UserId
    from dmtui.ui.screens.drafts import Drafts
    from dmtui.ui.screens.file_desk import FileDesk
    from dmtui.ui.screens.hands import Hands

_SAVE_AFTER = 0.5  # seconds without a key


class WritingPane(Vertical):
    """The composer of the open conversation, what it is for, and its completions."""

    class Sent(Posted):
        """A new message to the open conversation is on its way."""

    def __init__(self, hands: Hands, drafts: Drafts, files: FileDesk):
        super().__init__(id="writing")
        self.composer = Composer(id="composer")
        self._offers = Offers(id="offers")
        self._line = Static(id="aim", markup=False)
        self._messenger = hands.messenger
        self._hands = hands
        self._drafts = drafts
        self._files = files
        self._writing = Writing(hands.messenger, drafts, self.composer, self._line)
        self.recipient = Recipient(hands, drafts, self.composer)
        self._saving: Timer | None = None
        self._moved: dict[UserId, UserId] = {}  # where the open room went, for late keys

    def compose(self) -> ComposeResult:
        yield self._line
        yield self._offers
        yield self.composer

    def on_mount(self) -> None:
        self.learn_keys()

    def learn_keys(self) -> None:
        """Those that the user has chosen."""
        registry, composer = registry_of(self.app), self.composer
        composer.orders = frozenset(slash_commands(registry.commands))
        composer.offers = self._offers
        composer.closing_keys = registry.keys("focus.back")
        composer.editing_keys = editing_keys(registry.profile, Composer.EDITING_KEYS)
        self._offers.source = Completing(
            self._messenger, registry, lambda: self.recipient.conversation
        )

    # -- to whom it goes --

    def open(self, conversation: Conversation) -> None:
        """Write to this conversation, going on with its draft."""
        self._stop_typing()
        self._moved.pop(conversation.user_id, None)
        self.composer.writing_to = conversation.user_id
        self._writing.load()
        self.recipient.open(conversation)

    def follow_room(self, former: Conversation, now: Conversation) -> None:
        """The open room belongs to another row now: what is half typed goes along."""
        text = self._writing.draft
        self._drafts.move(former.user_id, now.user_id, text, to_group=now.group)
        self._moved[former.user_id] = now.user_id

    # -- what it is for --

    def show(self) -> None:
        """Say above the composer what it is for: the message that is meant may have changed."""
        self._writing.show()

    @property
    def edited(self) -> Message | None:
        """The message that is being edited."""
        return self._writing.edited

    def answer(self, message: Message) -> None:
        """What is written is a reply to this message."""
        self._writing.answer(message)
        self.save_drafts()

    def edit(self, message: Message) -> str:
        """Take the message's text into the composer; else why that can't be done."""
        why = self._writing.edit(message)
        if not why:
            self.save_drafts()
        return why

    def answering(self, user_id: UserId) -> Message | None:
        """What the draft to the person is a reply to; ``None``, too, while a message is edited."""
        return self._writing.answering(user_id)

    def answered(self, user_id: UserId) -> None:
        """A file went out as the reply."""
        self._writing.answered(user_id)
        self.save_drafts()

    def end_aim(self) -> bool:
        """Esc in the composer: no reply or edit any more; false if it was neither."""
        ended = self._writing.cancel()
        if ended:
            self.save_drafts()
        return ended

    # -- sending --

    @on(Composer.Submitted)
    async def send(self, event: Composer.Submitted) -> None:
        """Queue the message; its echo comes with the next refresh."""
        event.stop()
        if event.to is None:
            return
        await self._send(event.to, event.text, self._writing.submitted(event.to))

    async def _send(self, to: UserId, text: str, aim: Aim) -> None:
        try:
            if aim.edits:
                await self._edit(to, text, aim)
                return
            await self._messenger.send(to, spoken(text), aim.answers)
        except (DmtuiError, LookupError) as error:
            self._give_back(to, text, aim)
            gone = f"Not sent: there is no chat with {to} now. Your text is kept."
            self._hands.tell(str(error) if isinstance(error, DmtuiError) else gone)
            return
        if self.recipient.still(to):
            self.post_message(self.Sent())

    async def _edit(self, to: UserId, text: str, aim: Aim) -> None:
        """Change the message; what was typed is kept if it has been deleted meanwhile."""
        message = self._messenger.relations.message(aim.edits)
        if message is None or not message.lives:
            self._give_back(to, text)
            self._hands.tell("Not edited: the message is deleted. Your text is kept.")
        elif typed_as(message.body, message.kind) != text or message.state is SendState.FAILED:
            await self._messenger.relations.edit(aim.edits, spoken(text))
        self.save_drafts()

    @on(Composer.Refused)
    @work(group="back", exclusive=True)
    async def offer_help(self, event: Composer.Refused) -> None:
        """Enter, where nothing can be sent."""
        await self.recipient.help(event.to, self.composer.text)

    @on(Composer.Held)
    def tell_who_reads(self, event: Composer.Held) -> None:
        """Enter, where more would read it than it was typed to."""
        event.stop()
        self.recipient.tell_readers(event.to)

    # -- files --

    def attach(self) -> None:
        """Have the user choose a file to send."""
        self._send_file(self._files.attach)

    def paste_picture(self) -> None:
        """Send what is in the clipboard."""
        self._send_file(self._files.paste)

    @on(Composer.PicturePasted)
    def offer_picture(self, event: Composer.PicturePasted) -> None:
        """A picture was pasted as text."""
        event.stop()
        if (conversation := self.recipient.still(event.to)) is not None:
            self._send_file(lambda: self._files.send_pasted(conversation, event.text))

    def _send_file(self, act: Callable[[], Awaitable[None]]) -> None:
        conversation = self.recipient.conversation
        if conversation is None:
            return
        if why := self.recipient.refusal(conversation):
            self._hands.tell(why)
        else:
            self._try(act)

    @work(group="attach", exclusive=True)
    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except DmtuiError as error:
            self._hands.tell(str(error))

    @on(Composer.Pasted)
    @work(group="attach", exclusive=True)
    async def offer_to_send(self, event: Composer.Pasted) -> None:
        """What was pasted is the path of a file, perhaps: the user may mean the file itself."""
        files = await asyncio.to_thread(pasted_files, event.text)
        conversation = self.recipient.still(event.to)
        if not files or conversation is None or self.recipient.refusal(conversation):
            return
        try:
            sent = await self._files.send(conversation, files)
        except DmtuiError as error:
            self._hands.tell(str(error))
            return
        if sent and self.recipient.still(event.to):
            self.composer.take_back(event.text)

    async def settle(self) -> None:
        """Before leaving: files that are to be sent are queued."""
        queuing = [each for each in self.workers if each.group == QUEUING]
        if queuing:
            self._hands.tell("A file is still being copied: dmtui ends once it is.")
            await asyncio.shield(self.workers.wait_for_complete(queuing))

    # -- other than typing --

    @on(Composer.Ordered)
    async def obey(self, event: Composer.Ordered) -> None:
        """A command was given after a slash."""
        event.stop()
        command = slash_commands(registry_of(self.app).commands)[event.name]
        await self.app.run_action(command.action.removeprefix("screen."), self.screen)

    @on(Composer.Objected)
    def tell_objection(self, event: Composer.Objected) -> None:
        """It can't be meant; what was typed is still there."""
        event.stop()
        self._hands.tell(event.reason)

    @on(Offers.Chosen)
    def take_offer(self, event: Offers.Chosen) -> None:
        """A completion was clicked."""
        event.stop()
        self.composer.take(event.offer)
        self.composer.focus()

    @work(group="editor", exclusive=True)
    async def edit_outside(self) -> None:
        """What is typed, into the user's editor and back."""
        try:
            text = await edited_outside(self.app, self.composer.text)
        except EditorTrouble as trouble:
            self._hands.tell(str(trouble))
        else:
            self.composer.rewrite(text)

    # -- the draft --

    def add_to_draft(self, user_id: UserId, text: str) -> None:
        """What was typed to the person before there was a composer to type it in."""
        if text:
            self._give_back(user_id, text)

    def _give_back(self, user_id: UserId, text: str, aim: Aim = NO_AIM) -> None:
        self._writing.give_back(self._moved.get(user_id, user_id), text, aim)
        self.save_drafts()

    @on(Composer.DraftChanged)
    def note_draft(self, event: Composer.DraftChanged) -> None:
        """Keep the draft, on disk as soon as typing pauses."""
        if event.to is None or event.submitted:
            return
        to = self._moved.get(event.to, event.to)
        text = self.composer.text if self.recipient.still(to) else event.text
        self._writing.note(to, text)  # text given back may have come before this event
        if self._saving is not None:
            self._saving.stop()
        self._saving = self.set_timer(_SAVE_AFTER, self.save_drafts)

    @work(group="drafts")
    async def save_drafts(self) -> None:
        """Write the drafts down."""
        try:
            await self._drafts.save()
        except DmtuiError as error:
            self._hands.tell(str(error))

    @on(Composer.Typing)
    def tell_typing(self, event: Composer.Typing) -> None:
        """Let the person know that the user is typing."""
        event.stop()
        if event.to is not None:
            self._messenger.set_typing(event.to, event.active)

    def _stop_typing(self) -> None:
        conversation = self.recipient.conversation
        if conversation is not None and self.composer.text:
            self._messenger.set_typing(conversation.user_id, False)
