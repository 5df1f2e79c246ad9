"""The devices of my account to choose from: to verify one, or to sign it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import DmtuiError
from dmtui.core.own_devices import OwnDevice, called, confirmed_words
from dmtui.ui.screens.card_lines import spaced
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.device_lines import mark, row
from dmtui.ui.screens.proving import proved
from dmtui.ui.screens.verification import verify_own

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from textual.app import ComposeResult

    from dmtui.ui.screens.hands import Hands

_MEANS = (
    "It can't send or read anything of yours any more, and new messages are not encrypted for it."
    " What it has read by now, it may have kept."
)
_NOTHING = Choice("n", "Nothing", "")
_VERIFY = Choice("v", "Verify it: compare pictures", "verify")
_SIGN_OUT = Choice("s", "Sign it out", "out")


async def sign_out(hands: Hands, device: OwnDevice) -> bool:
    """Sign the device out, once asked; whether it is. Raises ``DmtuiError``."""
    question = Question(
        f"Sign out {called(device)}?",
        _MEANS,
        (Choice("n", "Leave it signed in", False), Choice("s", "Sign it out", True)),
    )
    if not await hands.ask(question):
        return False

    async def act(password: str) -> bool:
        await hands.messenger.own_devices.sign_out(device.device_id, password)
        return True

    return await proved(hands, f"signs out {called(device)}", act) is True


class Devices(ModalScreen[None]):
    """``new`` are the IDs of those to mark as new."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="devices.close")
    ]

    def __init__(self, hands: Hands, devices: Sequence[OwnDevice], new: Collection[str]):
        super().__init__()
        self._hands = hands
        self._devices = tuple(devices)
        self._new = frozenset(new)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="devices") as dialog:
            dialog.border_title = "Your devices"
            yield OptionList(markup=False, compact=True)
            yield Static(id="notice", markup=False)
            yield Static(
                "↑ ↓ Enter chooses · Esc closes",
                classes="hint",
                markup=False,
            )

    def on_mount(self) -> None:
        self._show()

    def _show(self) -> None:
        options = self.query_one(OptionList)
        here = options.highlighted or 0
        options.clear_options()
        for one in self._devices:
            label = Content.styled(*mark(one))
            options.add_option(
                Option(Content.assemble(label, row(one, one.device_id in self._new)))
            )
        options.highlighted = min(here, len(self._devices) - 1) if self._devices else None

    @on(OptionList.OptionSelected)
    @work(group="device", exclusive=True)
    async def choose(self, event: OptionList.OptionSelected) -> None:
        """Enter."""
        device = self._devices[event.option_index]
        if device.this:
            self._tell("This is the device that you are using: dmtui logout signs it out.")
            return
        fingerprint = f"\n\n{spaced(device.fingerprint)}" if device.fingerprint else ""
        verifiable = bool(device.fingerprint) and not device.confirmed
        choices = (_NOTHING, *([_VERIFY] if verifiable else []), _SIGN_OUT)
        question = Question(called(device), f"{confirmed_words(device)}{fingerprint}", choices)
        match await self._hands.ask(question):
            case "verify":
                await verify_own(self._hands)
                await self._look("")
            case "out":
                await self._sign_out(device)

    async def _sign_out(self, device: OwnDevice) -> None:
        try:
            self._tell(f"Signing out {called(device)}…")
            done = await sign_out(self._hands, device)
        except DmtuiError as error:
            self._tell(str(error))
            return
        await self._look(f"{called(device)} is signed out." if done else "")

    async def _look(self, notice: str) -> None:
        self._tell(notice)
        try:
            self._devices = await self._hands.messenger.own_devices.all()
        except DmtuiError as error:
            self._tell(" ".join(filter(None, (notice, str(error)))))
        self._show()

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
