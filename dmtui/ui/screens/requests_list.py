"""The list of all requests: answer one, or mark many and refuse them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.events import IntentsChanged, InvitesChanged, SettingsChanged
from dmtui.core.model import Invite, RoomId
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens.ignored import block_invites
from dmtui.ui.screens.requests import accept, refuse
from dmtui.ui.widgets.invite_prompt import Answer
from dmtui.ui.widgets.request_list import RequestList

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from dmtui.ui.screens.hands import Hands

BLOCKED = "Invites are blocked: nobody can ask to chat. {key} lets everybody."
ALLOWED = "Everybody may ask to chat. {key} blocks invites."


class RequestsList(ModalScreen[Invite | None]):
    """Dismissed with the request to accept as a chat; ``later`` is told what was put off."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings(Scope.REQUESTS)]

    def __init__(self, hands: Hands, later: Callable[[RoomId], None]):
        super().__init__()
        self._hands = hands
        self._messenger = hands.messenger
        self._later = later
        self._changes = hands.messenger.subscribe()
        self._under_way: set[RoomId] = set()  # requests whose answer is

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="requests") as dialog:
            dialog.border_title = "Requests"
            yield RequestList(id="list")
            yield Static(id="notice", markup=False)
            yield Static(self._keys(), id="keys", markup=False)

    @property
    def _list(self) -> RequestList:
        return self.query_one(RequestList)

    def _keys(self) -> Content:
        commands = registry_of(self.app).of_scope(Scope.REQUESTS)
        return Content(" · ").join(
            Content.assemble((c.first_key, "$text-accent"), f" {c.hint}")
            for c in commands
            if c.hint and c.first_key
        )

    def on_screen_resume(self) -> None:
        """A question is answered; the same key may ask it again."""
        self._list.listen_anew()

    def on_mount(self) -> None:
        self._list.focus()
        self._show()
        self._follow()

    @work(group="follow")
    async def _follow(self) -> None:
        try:
            while True:
                changes = await self._changes.next()
                if changes & {InvitesChanged(), IntentsChanged(), SettingsChanged()}:
                    self._show()
        finally:
            self._changes.close()

    def _show(self) -> None:
        self._list.update_rows(self._messenger.requests.invites())
        self._count()

    @on(RequestList.Marked)
    def _count(self) -> None:
        count, marked = len(self._list.invites), len(self._list.marked)
        title = f"{count} request{'' if count == 1 else 's'}"
        chosen = f", {marked} marked" if marked else ""
        self.query_one("#requests", Vertical).border_title = Content(title + chosen).markup
        notice = BLOCKED if self._messenger.requests.blocked else ALLOWED
        key = registry_of(self.app).press("requests.switch")
        self.query_one("#notice", Static).update(notice.format(key=key))

    @on(RequestList.Answered)
    def answer(self, event: RequestList.Answered) -> None:
        """A key in the list."""
        invites = tuple(i for i in event.invites if i.room_id not in self._under_way)
        if not invites:
            return
        first = invites[0]
        match event.answer:
            case Answer.CHAT:
                self.dismiss(first)
            case Answer.ROOM:
                self._answer([first], accept(self._hands, first, direct=False))
            case Answer.LATER:
                self._later(first.room_id)
                self._list.action_move(1)
                self._hands.tell("It stays listed, and you are not asked for it again.")
            case refusal:
                self._answer(invites, refuse(self._hands, invites, refusal))

    def action_switch(self) -> None:
        """i."""
        self._do(block_invites(self._hands))

    def _answer(self, invites: Sequence[Invite], act: Coroutine[None, None, object]) -> None:
        rooms = {invite.room_id for invite in invites}

        async def once() -> None:
            try:
                await act
            finally:
                self._under_way -= rooms

        self._under_way |= rooms
        self._do(once())

    def _do(self, act: Coroutine[None, None, object]) -> None:
        """It goes on, and is told of, if this screen is closed meanwhile."""
        self.app.run_worker(act, group="answer")
