"""What is wanted of files: saved, opened, looked at, and sent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from textual.worker import get_current_worker

from dmtui.core.attachments import VIEWABLE, size_words
from dmtui.core.data_uris import picture_of
from dmtui.core.errors import DmtuiError, FileTrouble, GivenUp
from dmtui.core.images import Canvas, Drawing
from dmtui.core.names import clean_line
from dmtui.ui.graphics import Graphic, cell_size
from dmtui.ui.opening import open_file
from dmtui.ui.screens.attach_file import AttachFile
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.deciding import decided
from dmtui.ui.screens.image_viewer import AROUND, ImageViewer
from dmtui.ui.widgets import wishes
from dmtui.ui.widgets.relation_lines import said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App

    from dmtui.core.model import Conversation, Message, UserId
    from dmtui.messenger.attaching import Offer
    from dmtui.ui.screens.hands import Hands

CONFIRMED, QUEUING = "confirmed", "queuing"
"""Groups of workers: what the user has agreed to send is not ended by what is wanted next."""

OPENED_BY_OTHERS = "Another program will open it, and does what the file makes it do."


class Draft(Protocol):
    """What is being written, which a file may be the reply of."""

    def answering(self, user_id: UserId) -> Message | None: ...
    def answered(self, user_id: UserId) -> None: ...


class Pane(Protocol):
    """The conversation that the files belong to."""

    conversation: Conversation | None

    @property
    def writing(self) -> Draft: ...
    @property
    def app(self) -> App[object]: ...


class FileDesk:
    """Carries out what is asked of files; raises ``DmtuiError``."""

    def __init__(self, hands: Hands, pane: Pane, drawing: Drawing):
        self._hands = hands
        self._pane = pane
        self._drawing = drawing

    async def deal_with(self, wish: wishes.Wish) -> None:
        """What a key on a message asks for."""
        message = wish.message
        match wish:
            case wishes.End():
                self._end(message)
            case wishes.Open():
                await self._open(message)
            case wishes.View() if _is_viewable(message):
                await self._view(message)
            case _:
                await self._save(message)

    def _end(self, message: Message) -> None:
        for name in (message.key, message.transaction_id):
            if name is not None:
                self._hands.messenger.transfers.give_up(name)

    async def _save(self, message: Message) -> Path | None:
        conversation = self._pane.conversation
        if conversation is None:
            return None
        try:
            path = await self._hands.messenger.saving.save(conversation.user_id, message)
        except GivenUp as end:
            self._hands.tell(f"Not saved. {end}")
            return None
        self._hands.tell(f"Saved as {_shown(path)}")
        return path

    async def _open(self, message: Message) -> None:
        path = await self._hands.messenger.saving.saved(message) or await self._save(message)
        if path is None:
            return
        answers = [Choice("k", "Leave it closed", False), Choice("o", "Open it", True)]
        text = f"{_shown(path)}\n\n{OPENED_BY_OTHERS}"
        if await self._hands.ask(Question("Open this file?", text, answers)):
            await open_file(path)

    async def _view(self, message: Message) -> None:
        conversation, saving = self._pane.conversation, self._hands.messenger.saving
        if conversation is None or message.attachment is None:
            return
        if self._drawing is Drawing.OFF:
            raise FileTrouble("Images are turned off in the settings: save it with s.")
        cell = cell_size()
        try:
            found = await saving.look(conversation.user_id, message, self._canvas(cell))
        except GivenUp:
            return
        if found is None:
            raise FileTrouble("The image can't be shown: it is damaged, too large, or no image.")
        pixels, drawn = found
        graphic = None
        if drawn is not None and cell is not None:
            graphic = await asyncio.to_thread(Graphic.of, drawn, cell)
        await self._hands.ask(ImageViewer(message.attachment.name, pixels, graphic))

    def _canvas(self, cell: tuple[int, int] | None) -> Canvas | None:
        """What the terminal can draw on, if it draws at all."""
        if cell is None or self._drawing not in (Drawing.KITTY, Drawing.SIXEL):
            return None
        columns, rows = self._pane.app.size
        return Canvas(self._drawing, columns * cell[0], (rows - AROUND) * cell[1])

    # -- sending --

    async def attach(self) -> None:
        """Ask for a file and a caption, and send it."""
        if (conversation := self._pane.conversation) is None:
            return
        wanted = await self._hands.ask(AttachFile(f"Send a file to {conversation.name}"))
        if wanted is not None:
            path, caption = wanted
            offer = await self._hands.messenger.attaching.offer(path)
            await self._send(conversation, [offer], caption, chosen=True)

    async def paste(self) -> None:
        """Send the picture that is in the clipboard."""
        if (conversation := self._pane.conversation) is not None:
            offer = await self._hands.messenger.attaching.grab()
            await self._send_picture(conversation, offer)

    async def send_pasted(self, conversation: Conversation, text: str) -> None:
        """Send the picture that was pasted as a ``data`` URI."""
        found = await asyncio.to_thread(picture_of, text)
        if found is None:
            raise FileTrouble("The picture that was pasted is not whole.")
        offer = await self._hands.messenger.attaching.pasted(*found)
        await self._send_picture(conversation, offer)

    async def _send_picture(self, conversation: Conversation, offer: Offer) -> None:
        try:
            await self._send(conversation, [offer])
        finally:
            await self._hands.messenger.attaching.let_go(offer)

    async def send(self, conversation: Conversation, paths: Sequence[Path]) -> bool:
        """Send the files once the user has seen what they are; whether they are queued."""
        attaching = self._hands.messenger.attaching
        offers = [await attaching.offer(path) for path in paths]
        return await self._send(conversation, offers)

    async def _send(
        self,
        conversation: Conversation,
        offers: Sequence[Offer],
        caption: str = "",
        *,
        chosen: bool = False,
    ) -> bool:
        """The first of them is the reply, if one is being written; called in a worker.

        Enter sends what was ``chosen`` by name, and keeps what was only pasted.
        """
        worker = get_current_worker()
        messenger, to = self._hands.messenger, conversation.user_id
        title = "Send this file?" if len(offers) == 1 else f"Send these {len(offers)} files?"
        keep, go = Choice("k", "Keep it here", False), Choice("s", "Send", True)
        answers = [go, keep] if chosen else [keep, go]
        answered = self._pane.writing.answering(to)
        text = _description(conversation, offers, caption, answered)
        if not await self._hands.ask(Question(title, text, answers)):
            return False
        worker.group = CONFIRMED
        if not await decided(self._hands.ask, messenger, to):
            return False
        worker.group = QUEUING
        try:
            for number, offer in enumerate(offers):
                key = answered.key if answered is not None and number == 0 else ""
                await messenger.attach(to, offer, caption, key)
        except LookupError:
            raise DmtuiError(f"Not sent: there is no chat with {clean_line(to)} now.") from None
        if answered is not None:
            self._pane.writing.answered(to)
        return True


def _is_viewable(message: Message) -> bool:
    return message.attachment is not None and message.attachment.kind in VIEWABLE


def _description(
    conversation: Conversation, offers: Sequence[Offer], caption: str, answered: Message | None
) -> str:
    lines = [f"{each.name}\n{size_words(each.size)}, {each.mimetype}" for each in offers]
    if caption:
        lines.append(clean_line(caption))
    if answered is not None:
        lines.append(f"In reply to {said(answered.kind, answered.body)}")
    how = "encrypted" if conversation.encrypted else "NOT encrypted"
    return "\n\n".join([*lines, f"To {conversation.name}, {how}."])


def _shown(path: Path) -> str:
    """The path as people write it."""
    home = Path.home()
    short = Path("~", path.relative_to(home)) if path.is_relative_to(home) else path
    return clean_line(str(short))
