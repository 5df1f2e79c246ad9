"""My profile: how others see me, with the keys to change it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.events import IntentsChanged
from dmtui.core.hints import Hint, in_rows
from dmtui.core.model import Availability
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens import introducing
from dmtui.ui.screens.card_lines import ASKING, Line, labelled, laid_out, link_to
from dmtui.ui.screens.face_lines import SIDE, face_of
from dmtui.ui.screens.introducing import SAID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.app import ComposeResult

    from dmtui.core.model import Pixels, UserId
    from dmtui.messenger.own_profile import Seen
    from dmtui.ui.screens.hands import GeneralAct, Hands

_ACTS: Mapping[str, GeneralAct] = {
    "picture": introducing.choose_picture,
    "presence": introducing.choose_presence,
    "no_picture": introducing.remove_picture,
}
_SEEN = {
    Availability.ONLINE: "online",
    Availability.UNAVAILABLE: "away",
    Availability.OFFLINE: "offline",
}


async def my_profile(hands: Hands) -> None:
    """Show what others see, and change it."""
    await hands.ask(MyProfile(hands))


class MyProfile(ModalScreen[None]):
    """As the homeserver has me; what is changed is told in passing, and asked for again."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="profile.close"),
        *bindings(Scope.PROFILE),
    ]

    def __init__(self, hands: Hands):
        super().__init__()
        self._hands = hands
        self._seen: Seen | None = None
        self._trouble = ""
        self._picture: Pixels | None = None
        self._changes = hands.messenger.subscribe()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="profile") as dialog:
            dialog.border_title = "My profile"
            with VerticalScroll(id="page"):
                yield Static(id="lines", markup=False)
            yield Static(id="notice", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#page").focus()
        self.call_after_refresh(self._paint)
        self._ask()
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
        page, messenger = self.query_one("#page"), self._hands.messenger
        width = page.scrollable_content_region.width
        name = str(self._seen.profile.name) if self._seen else ""
        face = face_of(page, name, messenger.me, self._picture)
        lines = tuple(_lines(messenger.me, self._seen, messenger.own_profile.presence))
        self.query_one("#lines", Static).update(laid_out(lines, width, face))
        notice = self.query_one("#notice", Static)
        notice.update(self._trouble)
        notice.display = bool(self._trouble)
        commands = registry_of(self.app).of_scope(Scope.PROFILE)
        hints = tuple(Hint(c.id, c.first_key, c.hint) for c in commands if c.first_key)
        self.query_one("#keys", Static).update("\n".join(in_rows(hints, width)))

    @work(group="profile", exclusive=True)
    async def _ask(self) -> None:
        messenger = self._hands.messenger
        try:
            self._seen, self._trouble = await messenger.own_profile.seen(), ""
        except DmtuiError as error:
            self._trouble = str(error)
            self._paint()
            return
        self._paint()
        self._picture = await messenger.faces.picture(self._seen.profile.avatar, SIDE)
        self._paint()

    @work(group="profile-follow")
    async def _follow(self) -> None:
        """What is wished here or elsewhere reaches the server."""
        while True:
            if IntentsChanged() in await self._changes.next():
                self._ask()

    # -- keys --

    @work(group="act")
    async def action_change(self, what: str) -> None:
        """n, s."""
        seen = self._seen
        if what == "name":
            await introducing.change_name(self._hands, str(seen.profile.name) if seen else "")
        else:
            status = str(seen.presence.status) if seen and seen.presence else ""
            await introducing.change_status(self._hands, status)

    @work(group="act")
    async def action_act(self, name: str) -> None:
        """p, i, d."""
        await _ACTS[name](self._hands)

    def action_copy_id(self) -> None:
        """y."""
        self.app.copy_to_clipboard(self._hands.messenger.me)
        self._hands.tell("The ID is copied.")

    def action_copy_link(self) -> None:
        """l."""
        self.app.copy_to_clipboard(link_to(self._hands.messenger.me))
        self._hands.tell("The link is copied.")


def _lines(me: UserId, seen: Seen | None, said: Availability | None) -> Iterator[Line]:
    known = "" if seen is None else str(seen.profile.name) or "none: others see your user ID"
    yield labelled("Name", known or ASKING, "" if known else "$text-muted")
    yield labelled("User ID", me)
    yield labelled("Link", link_to(me))
    if seen is not None:
        presence = seen.presence
        yield labelled("Status", (str(presence.status) if presence else "") or "none")
        yield labelled("Others see", _SEEN[presence.availability] if presence else "no presence")
        yield labelled("Picture", "yes" if seen.profile.avatar else "none: you are initials")
    else:
        for label in ("Status", "Others see", "Picture"):
            yield labelled(label, ASKING, "$text-muted")
    yield labelled("dmtui says", SAID[said])
