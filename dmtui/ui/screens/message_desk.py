"""What is wanted of one message: answered, edited, reacted to, deleted, looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from dmtui.core.errors import DmtuiError
from dmtui.core.model import Kind, SendState
from dmtui.ui.clipboard import hand_to_tmux
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.links import follow_link
from dmtui.ui.screens.message_menu import about, choices
from dmtui.ui.screens.reaction import ReactionPicker
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.relation_lines import said

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from textual.app import App

    from dmtui.core.model import Conversation, Message
    from dmtui.ui.screens.file_desk import FileDesk
    from dmtui.ui.screens.hands import Hands
    from dmtui.ui.screens.reading_pane import ReadingPane
    from dmtui.ui.screens.writing_pane import WritingPane

_PAGES = 10
"""How often to ask the server for older messages while looking for the one that is answered."""


class Pane(Protocol):
    """The conversation that the message is in."""

    conversation: Conversation | None
    reading: ReadingPane
    writing: WritingPane

    @property
    def app(self) -> App[object]: ...
    def back_to_composer(self) -> None: ...


class MessageDesk:
    """Carries out what the timeline asks for."""

    def __init__(self, hands: Hands, files: FileDesk, pane: Pane):
        self._hands = hands
        self._files = files
        self._pane = pane

    def deed(self, wish: wishes.Wish) -> Coroutine[None, None, None] | None:
        """Do it now, or say what takes longer."""
        message = wish.message
        match wish:
            case wishes.Reply():
                self._reply(message)
            case wishes.Edit():
                self._edit(message)
            case wishes.Reveal():
                self._pane.reading.timeline.reveal(message)
            case _:
                return self._longer(wish)
        return None

    def _longer(self, wish: wishes.Wish) -> Coroutine[None, None, None]:
        message = wish.message
        match wish:
            case wishes.Copy():
                return self._copy(message.body)
            case wishes.Link():
                return follow_link(message, self._hands.ask, self._hands.tell, self._copy)
            case wishes.Save() | wishes.Open() | wishes.View() | wishes.End():
                return self._try(lambda: self._files.deal_with(wish))
            case wishes.React():
                return self._try(lambda: self._react(message))
            case wishes.Delete():
                return self._try(lambda: self._delete(message))
            case wishes.Original():
                return self._try(lambda: self._to_original(message))
            case wishes.Retry():
                return self._try(lambda: self._retry(message))
            case wishes.Discard():
                return self._try(lambda: self._discard(message))
            case _:
                return self._offer(message)

    async def _try(self, deed: Callable[[], Awaitable[None]]) -> None:
        try:
            await deed()
        except DmtuiError as error:
            self._hands.tell(str(error))

    # -- writing --

    def _reply(self, message: Message) -> None:
        conversation = self._pane.conversation
        if conversation is not None and message.room_id != conversation.room_id:
            self._hands.tell("It is from an earlier chat: it can't be quoted in this one.")
            return
        self._pane.writing.answer(message)
        self._pane.back_to_composer()

    def _edit(self, message: Message) -> None:
        if why := self._pane.writing.edit(message):
            self._hands.tell(why)
        else:
            self._pane.back_to_composer()

    # -- acting --

    async def _react(self, message: Message) -> None:
        given = tuple(each.emoji for each in message.reactions if each.mine)
        emoji = await self._hands.ask(ReactionPicker(given))
        if emoji is not None:
            await self._hands.messenger.relations.react(message.key, emoji)

    async def remove(self, message: Message) -> None:
        """Ask whether the message that is being edited is to go, and end the edit if it does."""
        unsent = message.state in (SendState.FAILED, SendState.QUEUED)
        await self._try(lambda: self._forget(message) if unsent else self._delete(message))
        now = self._hands.messenger.relations.message(message.key)
        if now is None or not now.lives:
            self._pane.writing.end_aim()

    async def _delete(self, message: Message) -> None:
        if await self._is_to_go(message, "Delete", "Delete it for everybody"):
            await self._hands.messenger.relations.delete(message.key)

    async def _forget(self, message: Message) -> None:
        if await self._is_to_go(message, "Discard", "Discard it: it was never sent"):
            await self._discard(message)

    async def _is_to_go(self, message: Message, verb: str, words: str) -> bool:
        text = f"{said(message.kind, message.body)}\n\nIt can't be brought back."
        answers = [Choice("k", "Keep it", False), Choice("d", words, True)]
        question = Question(f"{verb} your message?", text, answers)
        return await self._hands.ask(question) is True

    async def _retry(self, message: Message) -> None:
        transaction_id = message.transaction_id
        if message.state is not SendState.FAILED and message.failed_act is not None:
            transaction_id = message.failed_act.transaction_id
        if transaction_id is not None:
            await self._hands.messenger.retry(transaction_id)

    async def _discard(self, message: Message) -> None:
        transaction_id = message.transaction_id
        unsent = message.state in (SendState.FAILED, SendState.QUEUED)
        if not unsent and message.failed_act is not None:
            transaction_id = message.failed_act.transaction_id
        if transaction_id is not None:
            await self._hands.messenger.discard(transaction_id)

    async def _copy(self, text: str) -> None:
        """Into the terminal's clipboard (OSC 52), and tmux's."""
        self._pane.app.copy_to_clipboard(text)
        copied = await hand_to_tmux(text)
        self._hands.tell("Copied." if copied else "Not copied: tmux did not take the text.")

    # -- looking --

    async def _to_original(self, message: Message) -> None:
        timeline = self._pane.reading.timeline
        key = self._original_of(message)
        timeline.loading_older = not key
        try:
            for _ in range(_PAGES):
                if key or not await self._pane.reading.load_before():
                    break
                key = self._original_of(message)
        finally:
            timeline.loading_older = False
        if not key or not self._pane.reading.jump(key):
            self._hands.tell("The message that this one answers was not found.")

    def _original_of(self, message: Message) -> str:
        """The key of what it answers; empty while that is not in the store."""
        found = self._hands.messenger.relations.message(message.key)
        return found.quote.key if found is not None and found.quote is not None else ""

    async def _offer(self, message: Message) -> None:
        """Say what there is to know of the message, and ask what to do with it."""
        relations = self._hands.messenger.relations
        edits = relations.edit_times(message.key) if message.edited else ()
        text = about(message, edits, relations.readers(message.key) if message.own else ())
        title = "Deleted message" if message.kind is Kind.REDACTED else "This message"
        wanted = await self._hands.ask(Question(title, text, choices(message)))
        if wanted is not None and (deed := self.deed(wanted)) is not None:
            await deed
