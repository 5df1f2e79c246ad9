"""Requests on the main screen: the row, the prompt, the notice, and what an answer does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.invites import shown_name
from dmtui.ui.screens.requests import Requests, accept, refuse
from dmtui.ui.screens.requests_list import RequestsList
from dmtui.ui.widgets.invite_prompt import Answer, InvitePrompt

if TYPE_CHECKING:
    from collections.abc import Callable

    from dmtui.core.model import Invite, RoomId
    from dmtui.ui.screens.hands import Hands
    from dmtui.ui.screens.sides import Sides


class RequestDesk:
    """Shows who asks to chat; never takes the keyboard from a half-typed message.

    ``shown`` is called after every change, for the notice to be shown.
    """

    def __init__(self, screen: Sides, hands: Hands, shown: Callable[[], None]):
        self._screen = screen
        self._hands = hands
        self._shown = shown
        self._requests = Requests()
        self._under_way: set[RoomId] = set()  # requests whose answer is

    def show(self) -> None:
        """Bring the row and the prompt to what the store has."""
        screen = self._screen
        self._requests.update(self._hands.messenger.invites())
        direct = self._requests.direct
        screen.people.list.requests = tuple(map(shown_name, direct))
        prompt, invite = screen.prompt, self._requests.current
        writing = bool(screen.conversation.composer.text) and not self._requests.asked_for
        had_focus = screen.focused is prompt
        prompt.invite = invite
        prompt.waiting = len(direct)
        prompt.display = invite is not None and not writing
        if had_focus and not prompt.display:
            screen.after_prompt()
        self._shown()

    def notice(self) -> str:
        """A few words for the status line; empty without requests."""
        direct = len(self._requests.direct)
        rooms = len(self._requests.invites) - direct
        words = [
            f"{count} {word}{'' if count == 1 else 's'}"
            for count, word in ((direct, "request"), (rooms, "room invite"))
            if count
        ]
        key = self._screen.commands.press("requests.open")
        return f"{', '.join(words)}: {key}" if words else ""

    async def choose(self) -> None:
        """The prompt gets the keyboard; of several requests, all are listed."""
        self.show()  # what came a moment ago counts
        invites = self._requests.invites
        if not invites:
            self._hands.tell("No requests.")
            return
        if len(invites) > 1:
            await self.list_all()
            return
        self._requests.want(invites[0].room_id)
        self.show()
        self._screen.to_prompt()

    async def list_all(self) -> None:
        """All requests at once; the one to chat about is accepted."""
        chosen = await self._hands.ask(RequestsList(self._hands, self._put_off))
        if chosen is not None:
            self._screen.set_focus(None)
            self._requests.put_off([chosen.room_id])
            await self._accept(chosen, direct=True)

    def _put_off(self, room_id: RoomId) -> None:
        self._requests.put_off([room_id])
        self.show()

    async def answer(self, event: InvitePrompt.Answered) -> None:
        """Carry out what the user chose; the prompt goes on to the next one."""
        if event.room_id in self._under_way:
            return
        screen = self._screen
        invite = self._requests.find(event.room_id)
        self._requests.put_off([event.room_id])
        if event.answer is Answer.CHAT:
            screen.set_focus(None)  # what is typed until the chat opens is for nobody else
        else:
            screen.after_prompt()
        self.show()
        if invite is None or event.answer is Answer.LATER:
            return
        self._under_way.add(event.room_id)
        try:
            if event.answer in (Answer.CHAT, Answer.ROOM):
                await self._accept(invite, event.answer is Answer.CHAT)
            else:
                await refuse(self._hands, [invite], event.answer)
        finally:
            self._under_way.discard(event.room_id)

    async def _accept(self, invite: Invite, direct: bool) -> None:
        person = await accept(self._hands, invite, direct)
        if person is not None:
            self._hands.open(person)
        elif self._screen.focused is None:
            self._screen.after_prompt()
