"""The encryption screen: where identity, recovery and backup stand, and the next step of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.events import EncryptionChanged, OwnDevicesChanged
from dmtui.core.recovery import Identity
from dmtui.ui.clipboard import hand_to_tmux
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens.card_lines import laid_out, spaced
from dmtui.ui.screens.device_lines import device_lines
from dmtui.ui.screens.devices import Devices
from dmtui.ui.screens.encryption_lines import Step, state_lines, steps_of
from dmtui.ui.screens.keep_key import KeepKey
from dmtui.ui.screens.proving import proved
from dmtui.ui.screens.recovery_steps import NewPassphrase
from dmtui.ui.screens.unlock import Unlock
from dmtui.ui.screens.verification import verify_own

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from dmtui.core.own_devices import OwnDevice
    from dmtui.ui.screens.hands import Hands

_NOT_OFFERED = {
    Step.SET_UP: "There is nothing to set up.",
    Step.UNLOCK: "There is nothing to unlock.",
    Step.KEEP: "The recovery key is shown once only, and it was kept.",
    Step.RESTORE: "There is no backup that could be restored now.",
}
_PHRASES = {
    Step.SET_UP: "sets up",
    Step.UNLOCK: "unlocks",
    Step.KEEP: "shows the key",
    Step.RESTORE: "restores",
    Step.COPY: "copies the fingerprint",
}
_VERIFIABLE = (Identity.LOCKED, Identity.OURS)


async def encryption(hands: Hands) -> None:
    """Show it."""
    await hands.ask(EncryptionScreen(hands))


class EncryptionScreen(ModalScreen[None]):
    """Asks the server anew when it opens; what it begins goes on when it is closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="encryption.close"),
        *bindings(Scope.ENCRYPTION),
    ]

    def __init__(self, hands: Hands):
        super().__init__()
        self._hands = hands
        self._messenger = hands.messenger
        self._care = hands.messenger.encryption
        self._doing = ""  # what is under way, in one line
        self._notice = ""
        self._devices: tuple[OwnDevice, ...] | None = None
        self._new: frozenset[str] = frozenset()  # that the user sees for the first time
        self._changes = hands.messenger.subscribe()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="encryption") as dialog:
            dialog.border_title = "Encryption"
            with VerticalScroll(id="page"):
                yield Static(id="lines", markup=False)
            yield Static(id="notice", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#page").focus()
        self.call_after_refresh(self._paint)
        self._follow()
        self._look()
        self._look_at_devices()

    def on_unmount(self) -> None:
        self._changes.close()

    def on_resize(self) -> None:
        """Lay the lines out anew."""
        self.call_after_refresh(self._paint)

    # -- painting --

    @property
    def _steps(self) -> tuple[Step, ...]:
        return steps_of(self._care.known, self._care.restoring is not None)

    def _press(self, step: Step) -> str:
        return registry_of(self.app).press(f"encryption.{step}")

    def _paint(self) -> None:
        if not self.query("#keys"):
            return  # closed meanwhile
        care = self._care
        page = self.query_one("#page")
        states = (care.known, care.device, care.restoring)
        state = tuple(state_lines(*states, self._press, care.key_place))
        press = registry_of(self.app).press
        listed = (press("encryption.devices"), press("encryption.verify"))
        devices = tuple(device_lines(self._devices, self._new, *listed))
        lines = (*devices, *state) if self._new else (*state, *devices)
        width = page.scrollable_content_region.width
        self.query_one("#lines", Static).update(laid_out(lines, width))
        notice = care.trouble or self._doing or self._notice or care.ended
        self.query_one("#notice", Static).update(notice)
        keys = [f"{self._press(step)} {_PHRASES[step]}" for step in self._steps]
        if self._care.known is not None and self._care.known.identity in _VERIFIABLE:
            keys.append(f"{press('encryption.verify')} verifies")
        if self._devices:
            keys.append(f"{press('encryption.devices')} devices")
        self.query_one("#keys", Static).update(" · ".join([*keys, "Esc closes"]))

    def _tell(self, line: str) -> None:
        self._notice = line
        self._paint()

    @work(group="follow")
    async def _follow(self) -> None:
        while True:
            changes = await self._changes.next()
            if EncryptionChanged() in changes:
                self._paint()
            if OwnDevicesChanged() in changes:
                self._look_at_devices()

    @work(group="devices", exclusive=True)
    async def _look_at_devices(self) -> None:
        """All of them; what the user was told of is looked at now."""
        own = self._messenger.own_devices
        try:
            self._new |= {device.device_id for device in own.waiting()}
            self._devices = await own.all()
            self._paint()
            await own.looked(self._devices)
        except DmtuiError as error:
            self._tell(str(error))

    @work(group="look")
    async def _look(self) -> None:
        try:
            await self._care.look()
            await self._care.hint_seen()
        except DmtuiError as error:
            self._tell(str(error))

    # -- keys --

    def action_next(self) -> None:
        """Enter: what is to be done next."""
        step = self._steps[0]
        if step in (Step.RESTORE, Step.COPY):
            self._tell("There is nothing that you have to do.")
        else:
            self._begin(step)

    @work(group="verify", exclusive=True)
    async def action_verify(self) -> None:
        """v: compare with my other devices."""
        await verify_own(self._hands)

    @work(group="list", exclusive=True)
    async def action_devices(self) -> None:
        """d: choose one to verify or to sign out."""
        if self._devices is None:
            self._tell("It is not known yet which devices there are.")
        else:
            await self._hands.ask(Devices(self._hands, self._devices, self._new))
            self._look_at_devices()

    def action_do(self, name: str) -> None:
        """The key of a step."""
        self._begin(Step(name))

    def _begin(self, step: Step) -> None:
        acts: dict[Step, Callable[[], Awaitable[None]]] = {
            Step.SET_UP: self._set_up,
            Step.UNLOCK: self._unlock,
            Step.KEEP: self._keep,
            Step.RESTORE: self._restore,
            Step.COPY: self._copy,
        }
        if self._doing:
            return
        if self._care.known is None and step is not Step.COPY:
            self._tell("It is not known yet where things stand.")
        elif step in self._steps:
            self._carry_out(acts[step])
        else:
            self._tell(_NOT_OFFERED[step])

    @work(group="act")
    async def _carry_out(self, act: Callable[[], Awaitable[None]]) -> None:
        self._notice = ""
        try:
            await act()
        except DmtuiError as error:
            self._tell(str(error))
        finally:
            self._doing = ""
            self._paint()

    async def _set_up(self) -> None:
        known = self._care.known
        again = known is not None and known.identity is Identity.UNFINISHED
        passphrase = await self._hands.ask(NewPassphrase(again))
        if passphrase is None:
            return

        async def act(password: str) -> str:
            self._work_on("Setting up…")
            return await self._care.set_up(passphrase, password)

        key = await proved(self._hands, "takes a new identity", act)
        if key is not None:
            await self._keep_key(key)

    async def _keep(self) -> None:
        """The key that was made before a crash, or before the user went away."""
        self._work_on("Getting the key…")
        await self._keep_key(await self._care.set_up(""))

    async def _keep_key(self, key: str) -> None:
        self._doing = ""
        if await self._hands.ask(KeepKey(key, self._messenger.me)):
            await self._care.kept()
            self._tell("Set up: other devices of yours are confirmed with this recovery key.")
        else:
            self._tell(f"The key is not kept yet: {self._press(Step.KEEP)} shows it again.")

    async def _unlock(self) -> None:
        if (known := self._care.known) is None:
            return
        if await self._hands.ask(Unlock(self._messenger, known)):
            self._tell("This device is confirmed.")

    async def _restore(self) -> None:
        await self._care.restore()

    async def _copy(self) -> None:
        device = self._care.device
        if device is None:
            self._tell("It is not known yet.")
            return
        text = spaced(device.fingerprint)
        self.app.copy_to_clipboard(text)
        copied = await hand_to_tmux(text)
        self._tell("Copied." if copied else "Not copied: tmux did not take the text.")

    def _work_on(self, line: str) -> None:
        self._doing, self._notice = line, ""
        self._paint()
