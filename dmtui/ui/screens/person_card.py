"""The person card: everything known about one person, and why a chat with them is direct."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.events import ConversationsChanged, SettingsChanged
from dmtui.core.hints import Hint, in_rows
from dmtui.messenger.clock import milliseconds
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens import arranging, deciding, ending, verification
from dmtui.ui.screens.card_lines import Times, card_lines, laid_out, link_to, why_lines
from dmtui.ui.screens.face_lines import SIDE, face_of
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from dmtui.core.evidence import Evidence
    from dmtui.core.model import Conversation, Pixels, UserId
    from dmtui.messenger.cards import News
    from dmtui.ui.screens.hands import Hands, PersonAct

_ACTS: Mapping[str, PersonAct] = {
    "archive": arranging.archive,
    "except_devices": deciding.except_devices,
    "leave": ending.leave,
    "mute": arranging.mute,
    "pin": arranging.pin,
    "rename": arranging.rename,
    "verify": verification.verify,
}


async def card(hands: Hands, conversation: Conversation) -> None:
    """Show the card."""
    await _show(hands, PersonCard(hands, conversation.user_id))


async def why(hands: Hands, conversation: Conversation) -> None:
    """Show why the chat is a direct one, or is none."""
    await _show(hands, PersonCard(hands, conversation.user_id, why=True))


async def _show(hands: Hands, screen: PersonCard) -> None:
    chosen = await hands.ask(screen)
    if chosen is not None:
        hands.open(chosen)


class PersonCard(ModalScreen["UserId | None"]):
    """Two pages, the card and why it is a direct chat; dismissed with whom to write to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="card.close"),
        *bindings(Scope.CARD),
    ]

    def __init__(self, hands: Hands, user_id: UserId, why: bool = False):
        super().__init__()
        self._hands = hands
        self._user_id = user_id
        self._why = why
        self._news: News | None = None
        self._picture: Pixels | None = None
        self._evidences: tuple[Evidence, ...] = ()
        self._known: tuple[object, ...] = ()
        self._changes = hands.messenger.subscribe()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="card"):
            with VerticalScroll(id="page"):
                yield Static(id="lines", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._evidences = self._hands.messenger.cards.why(self._user_id)
        self.query_one("#page").focus()
        self.call_after_refresh(self._paint)
        self._ask()
        self._ask_why()
        self._follow()

    def on_unmount(self) -> None:
        self._changes.close()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self.call_after_refresh(self._paint)

    # -- painting --

    def _paint(self) -> None:
        if not (self.query("#page") and self.query("#lines") and self.query("#keys")):
            return  # not laid out yet, or closed meanwhile
        messenger = self._hands.messenger
        card = messenger.cards.card(self._user_id)
        zone = SystemZone()
        if self._why:
            lines = tuple(why_lines(self._evidences, zone))
        else:
            times = Times(milliseconds(messenger.clock), zone)
            lines = tuple(card_lines(card, self._news, times))
        page = self.query_one("#page")
        name = str(card.conversation.name) if card.conversation is not None else self._user_id
        face = () if self._why else face_of(page, name, self._user_id, self._picture)
        dialog = self.query_one("#card")
        title = f"{name}: why is this a direct chat?" if self._why else name
        dialog.border_title = Content(title).markup
        width = page.scrollable_content_region.width
        self.query_one("#lines", Static).update(laid_out(lines, width, face))
        self.query_one("#keys", Static).update(self._keys(width))

    def _keys(self, width: int) -> str:
        commands = registry_of(self.app).of_scope(Scope.CARD)
        undo = _undoing(self._conversation)
        hints = (
            Hint(c.id, c.first_key, undo.get(c.id, c.hint))
            for c in commands
            if c.hint and c.first_key
        )
        return "\n".join(in_rows(tuple(hints), width))

    @work(group="card")
    async def _ask(self) -> None:
        if self._hands.messenger.cards.card(self._user_id).group:
            return
        cards = self._hands.messenger.cards
        self._news = await cards.ask(self._user_id)
        self._paint()
        self._picture = await cards.face(self._user_id, self._news, SIDE)
        self._paint()

    def _standing(self) -> tuple[object, ...]:
        """What makes the reasons worth asking for again; a new message does not."""
        card = self._hands.messenger.cards.card(self._user_id)
        pending = card.conversation is not None and card.conversation.flag_pending
        return card.rooms, card.members, pending

    @work(group="card-why", exclusive=True)
    async def _ask_why(self) -> None:
        self._known = self._standing()
        self._evidences = await self._hands.messenger.cards.ask_why(self._user_id)
        self._paint()

    @work(group="card-follow")
    async def _follow(self) -> None:
        """Show what becomes different while the card is open."""
        while True:
            for change in await self._changes.next():
                match change:
                    case ConversationsChanged(user_ids) if self._user_id in user_ids:
                        self._paint()
                        if self._standing() != self._known:
                            self._ask_why()
                    case SettingsChanged():
                        self._paint()

    # -- keys --

    def action_turn(self) -> None:
        """w."""
        self._why = not self._why
        self.query_one("#page").scroll_home(animate=False)
        self._paint()

    def action_write(self) -> None:
        """Enter."""
        if self._conversation is None:
            start = registry_of(self.app).press("chat.start")
            self._hands.tell(f"There is no chat with them: {start} starts one.")
        else:
            self.dismiss(self._user_id)

    def action_copy_id(self) -> None:
        """y."""
        self.app.copy_to_clipboard(self._user_id)
        self._hands.tell("The ID is copied.")

    def action_copy_link(self) -> None:
        """l."""
        self.app.copy_to_clipboard(link_to(self._user_id))
        self._hands.tell("The link is copied.")

    @work(group="act")
    async def action_act(self, name: str) -> None:
        """One of the acts that the people list has, too."""
        conversation = self._conversation
        if conversation is None:
            self._hands.tell("There is no chat with them any more.")
        else:
            await _ACTS[name](self._hands, conversation)
            if name == "except_devices":
                self._ask()

    @property
    def _conversation(self) -> Conversation | None:
        return self._hands.messenger.cards.card(self._user_id).conversation


def _undoing(conversation: Conversation | None) -> dict[str, str]:
    """What keys do that take back what was done before, by the ids of their commands."""
    if conversation is None:
        return {}
    undo = {
        "card.pin": (conversation.pinned, "Unpin"),
        "card.mute": (conversation.muted, "Hear again"),
        "card.archive": (conversation.archived, "Unarchive"),
    }
    return {name: words for name, (done, words) in undo.items() if done}
