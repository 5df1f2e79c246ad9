"""Verifying a person or an own device: what to compare or to scan, and the answers to it.

A request only shows in the status line: the keyboard goes to this screen when the user asks.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.errors import DmtuiError
from dmtui.core.events import VerificationChanged
from dmtui.core.model import Safe
from dmtui.core.names import with_user_id
from dmtui.core.verification import EMOJI, Phase, Verification
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.widgets.qr_code import QUIET, Modules, QrCode, modules_of, size_with

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from textual.app import ComposeResult

    from dmtui.core.model import Conversation
    from dmtui.messenger.messenger import Messenger
    from dmtui.ui.screens.hands import Hands

_KEYS: dict[Phase, tuple[str, ...]] = {
    Phase.ASKED: ("accept", "cancel"),
    Phase.ASKING: ("cancel",),
    Phase.READY: ("start", "cancel"),
    Phase.AGREEING: ("cancel",),
    Phase.COMPARING: ("match", "mismatch", "cancel"),
    Phase.CONFIRMED: ("cancel",),
    Phase.SCANNED: ("worked", "failed", "cancel"),
    Phase.DONE: (),
    Phase.ENDED: (),
}
"""Which commands there are, by what a verification waits for."""

BESIDE_CODE = 31
"""Cells for the words beside a code, as the style sheet has it."""


async def verify(hands: Hands, conversation: Conversation) -> None:
    """Ask the person to verify each other, or go on where that is under way."""
    messenger = hands.messenger
    if conversation.group:
        hands.tell("People are verified one by one, in the chat with them.")
        return
    current = messenger.verification.current()
    if current is not None and current.user_id == conversation.user_id:
        await hands.ask(VerificationScreen(hands, current.id))
        return
    try:
        identifier = await messenger.verification.request(conversation.user_id)
    except (DmtuiError, LookupError) as error:
        hands.tell(str(error))
        return
    await hands.ask(VerificationScreen(hands, identifier))


async def verify_own(hands: Hands) -> None:
    """Ask my other devices."""
    try:
        identifier = await hands.messenger.verification.request(hands.messenger.me)
    except DmtuiError as error:
        hands.tell(str(error))
        return
    await hands.ask(VerificationScreen(hands, identifier))


async def verification(hands: Hands) -> None:
    """Answer whoever asks, or go on with what is under way."""
    current = hands.messenger.verification.current()
    if current is None:
        hands.tell("Nobody asks to verify.")
    else:
        await hands.ask(VerificationScreen(hands, current.id))


def notice(messenger: Messenger, key: str) -> str:
    """A few words for the status line; empty when nothing is under way."""
    current = messenger.verification.current()
    if current is None:
        return ""
    if current.phase is Phase.ASKED:
        return f"{who(messenger, current)} asks to verify: {key}"
    if current.phase is Phase.COMPARING:
        return f"Compare with {who(messenger, current)}: {key}"
    if current.phase is Phase.SCANNED:
        return f"Confirm the scan of {who(messenger, current)}: {key}"
    return f"Verifying {who(messenger, current)}: {key}"


def outcome(messenger: Messenger, one: Verification) -> str:
    """How it ended, in one line."""
    if one.phase is not Phase.DONE:
        return f"Not verified: {who(messenger, one)}. {one.reason}"
    if one.own:
        return one.reason
    return f"Verified: {with_user_id(one.user_id, Safe(who(messenger, one)))}."


def who(messenger: Messenger, one: Verification) -> str:
    """The other side, as the user knows it."""
    if one.own:
        return f"your device {one.device_id}".strip() if one.device_id else "your other device"
    found = messenger.conversations(frozenset({one.user_id}))
    return str(found[0].name) if found else str(one.user_id)


def compared_lines(one: Verification) -> str:
    """Seven rows of number, name and sign, and the numbers that say the same."""
    rows = [
        f"  {number}  {EMOJI[index][1]:<11} {EMOJI[index][0]}"
        for number, index in enumerate(one.emoji, 1)
    ]
    numbers = "  ".join(map(str, one.decimals))
    return "\n".join([*rows, "", f"  Or as numbers:  {numbers}"])


def _asked(one: Verification, other: str) -> str:
    asks = f"{other} ({one.user_id}) asks to verify each other"
    if one.own:
        return f"{asks}. Accept only if you have it at hand and have just begun this there."
    return f"{asks}: both of you compare seven pictures, best in person or on a call."


class VerificationScreen(ModalScreen[None]):
    """Follows one verification; closing it cancels nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", show=False, id="verification.close"),
        *bindings(Scope.VERIFICATION),
    ]

    def __init__(self, hands: Hands, identifier: str):
        super().__init__()
        self._hands = hands
        self._messenger = hands.messenger
        self._identifier = identifier
        self._trouble = ""
        self._modules: Modules = ()
        self._changes = hands.messenger.subscribe()

    def compose(self) -> ComposeResult:
        with Horizontal(classes="dialog", id="verification"):
            yield QrCode()
            with Vertical(id="words"):
                with VerticalScroll(id="page"):
                    yield Static(id="lines", markup=False)
                yield Static(id="notice", markup=False)
                yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#page").focus()
        self._paint()
        self._follow()

    def on_resize(self) -> None:
        self._paint()

    def on_unmount(self) -> None:
        self._changes.close()

    @property
    def _one(self) -> Verification | None:
        return self._messenger.verification.find(self._identifier)

    def _paint(self) -> None:
        if not self.query("#keys"):
            return  # closed meanwhile
        one = self._one
        title = f"Verify {who(self._messenger, one)}" if one else "Verify"
        self.query_one("#verification").border_title = Content(title).markup
        code = self._shows_code(one)
        self.set_class(code, "-code")
        self.query_one("#lines", Static).update(self._words(one, code))
        self.query_one("#notice", Static).update(self._trouble)
        registry = registry_of(self.app)
        titles = {c.id: c.hint for c in registry.of_scope(Scope.VERIFICATION)}
        names = [f"verification.{name}" for name in _KEYS[one.phase]] if one else []
        keys = [f"{registry.press(name)} {titles[name]}" for name in names]
        separator = "\n" if code else " · "
        self.query_one("#keys", Static).update(separator.join([*keys, "Esc closes"]))

    def _shows_code(self, one: Verification | None) -> bool:
        if one is None or not one.qr or not self._modules:
            return False
        room = Size(self.size.width - BESIDE_CODE, self.size.height)
        return self.query_one(QrCode).fit(self._modules, room)

    def _words(self, one: Verification | None, code: bool) -> str:
        if one is None:
            return "Asking…"
        other = who(self._messenger, one)
        match one.phase:
            case Phase.ASKED:
                text = _asked(one, other)
            case Phase.ASKING:
                text = f"Waiting for {other} to accept."
            case Phase.READY:
                text = self._ready(one, other, code)
            case Phase.AGREEING:
                text = "The two devices agree on what to compare…"
            case Phase.COMPARING:
                text = f"Does {other} show the same, in the same order?\n\n{compared_lines(one)}"
            case Phase.SCANNED:
                text = (
                    f"{other} has scanned the code. Does {'its' if one.own else 'their'} screen"
                    " show that it worked, with a tick or a shield? Look, or ask them: only then is"
                    " nobody in between."
                )
            case Phase.CONFIRMED:
                text = f"Waiting for {other} to say the same.\n\n{compared_lines(one)}"
            case _:
                text = outcome(self._messenger, one)
        return text[:1].upper() + text[1:]

    def _ready(self, one: Verification, other: str, code: bool) -> str:
        if code:
            scan = f"Scan this with {other}" if one.own else f"Let {other} scan this with their app"
            return f"Verify {other}\n\n{scan}. Without a camera, compare pictures."
        if not one.qr:
            return f"Waiting for {other} to begin; you can begin as well."
        if not self._modules:
            return "Drawing a code to be scanned…"
        size = size_with(QUIET[-1], self._modules)
        return (
            f"{other} could scan a code, but this terminal is too small for it: it takes"
            f" {size.width + BESIDE_CODE}×{size.height}. Comparing pictures is as good."
        )

    @work(group="follow")
    async def _follow(self) -> None:
        while True:
            one = self._one
            if one is not None and one.qr and not self._modules:
                self._modules = await asyncio.to_thread(modules_of, one.qr)
            self._paint()
            while VerificationChanged() not in await self._changes.next():
                pass

    # -- keys --

    def action_answer(self, name: str) -> None:
        """A key; nothing where it does not apply now."""
        one = self._one
        if one is None or name not in _KEYS[one.phase]:
            return
        desk = self._messenger.verification
        acts: dict[str, Callable[[str], Awaitable[None]]] = {
            "accept": desk.accept,
            "start": desk.start,
            "match": desk.confirm,
            "mismatch": desk.mismatch,
            "worked": desk.confirm,
            "failed": desk.mismatch,
            "cancel": desk.cancel,
        }
        self._carry_out(acts[name])

    @work(group="answer")
    async def _carry_out(self, act: Callable[[str], Awaitable[None]]) -> None:
        self._trouble = ""
        try:
            await act(self._identifier)
        except DmtuiError as error:
            self._trouble = str(error)
        self._paint()
