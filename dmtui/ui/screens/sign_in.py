"""The first screen without an account: user ID, password, homeserver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, Static

from dmtui.core.errors import DmtuiError, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.worker import Worker

    from dmtui.core import ports
    from dmtui.core.model import Session


class SignInScreen(Screen[None]):
    """Signs in with a password and says what went wrong in one line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel or quit", show=False, id="sign_in.cancel")
    ]

    @dataclass
    class SignedIn(Message):
        """The homeserver accepted the password."""

        session: Session

    def __init__(self, sign_in: ports.SignIn, user_id: str = "", notice: str = ""):
        super().__init__()
        self._sign_in = sign_in
        self._user_id = user_id
        self._notice = notice
        self._attempt: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="sign-in"):
            yield Static("dmtui", id="name", markup=False)
            yield Static("Your direct messages, in your terminal", id="motto", markup=False)
            go = self.move_on_or_sign_in
            yield Field("User ID", "@you:example.org", go, self._user_id, id="user-id")
            yield Field("Password", "", go, password=True, id="password")
            yield Field("Homeserver", "found by the user ID", go, id="homeserver")
            yield Static(self._notice, id="notice", markup=False)
            yield Static("Enter signs in · Tab moves on · Esc quits", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._field("password" if self._user_id else "user-id").focus()

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    @property
    def busy(self) -> bool:
        """Whether the homeserver is being asked."""
        return self._attempt is not None and not self._attempt.is_finished

    def tell(self, line: str, *, problem: bool = True) -> None:
        """Show one line below the fields."""
        notice = self.query_one("#notice", Static)
        notice.update(line)
        notice.set_class(problem, "problem")

    def move_on_or_sign_in(self) -> None:
        """Enter goes to the first empty field that is needed, else signs in."""
        if self.busy:
            return
        if not self._field("user-id").value.strip():
            self.tell("Type your user ID, like @you:example.org.")
            self._field("user-id").focus()
        elif not self._field("password").value:
            if self._field("password").has_focus:
                self.tell("Type your password.")
            self._field("password").focus()
        else:
            self._attempt = self._try()

    @work(exclusive=True)
    async def _try(self) -> None:
        self.tell("Signing in…", problem=False)
        self.add_class("busy")
        try:
            session = await self._sign_in(
                self._field("user-id").value.strip(),
                self._field("password").value,
                self._field("homeserver").value.strip(),
            )
        except DmtuiError as error:
            self.tell(str(error))
            if isinstance(error, Refused):
                self._field("password").clear()
                self._field("password").focus()
        else:
            self._field("password").clear()
            self.tell("Signed in.", problem=False)
            self.post_message(self.SignedIn(session))
        finally:
            self.remove_class("busy")

    def action_cancel(self) -> None:
        """Give up the attempt under way, else quit."""
        if self.busy and self._attempt is not None:
            self._attempt.cancel()
            self.tell("Cancelled.", problem=False)
        else:
            self.app.exit()


class Field(Input):
    """A line to fill in that never gets what is typed, however quickly, after moving on.

    Textual hands keys out before it acts on them: a burst would leave a password in the field
    before it, for everybody to see.
    """

    def __init__(
        self,
        title: str,
        placeholder: str,
        submit: Callable[[], None],
        value: str = "",
        *,
        password: bool = False,
        id: str,  # noqa: A002 (as Textual names it)
    ):
        super().__init__(value, placeholder=placeholder, password=password, id=id)
        self.border_title = title
        self._submit = submit

    async def _on_key(self, event: Key) -> None:
        focused = self.screen.focused
        if isinstance(focused, Field) and focused is not self:
            event.stop().prevent_default()
            focused.post_message(Key(event.key, event.character))
            return
        match event.key:
            case "tab":
                self.screen.focus_next()
            case "shift+tab":
                self.screen.focus_previous()
            case "enter":
                self._submit()
            case _:
                await super()._on_key(event)
                return
        event.stop().prevent_default()
