"""The doctor: what is wrong with the list of direct messages, what a repair changes, and undo."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from dmtui.core.direct import read_direct
from dmtui.core.doctor import examine, repair_of
from dmtui.core.errors import DmtuiError
from dmtui.core.repairs import apply_changes, difference
from dmtui.core.times import list_time
from dmtui.ui.commands import Scope, bindings
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from textual.app import ComposeResult

    from dmtui.core.doctor import Finding, Survey
    from dmtui.core.guard import DirectVersion
    from dmtui.core.intents import Outcome
    from dmtui.core.model import UserId
    from dmtui.messenger.care import DirectCare

LATER = "The homeserver can't be asked now; it is done as soon as it answers."
_COLOURS = {"+": "$text-success", "-": "$text-error"}


class Doctor(ModalScreen[None]):
    """Examines at once; writes only when told to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", show=False, id="doctor.close"),
        *bindings(Scope.DOCTOR),
    ]

    def __init__(self, care: DirectCare, me: UserId):
        super().__init__()
        self._care = care
        self._me = me
        self._findings: tuple[Finding, ...] = ()
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="doctor") as dialog:
            dialog.border_title = "Doctor: your list of direct messages"
            with VerticalScroll(id="findings"):
                yield Static(id="report", markup=False)
            yield Static(id="notice", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#findings").focus()
        self._begin(self._examine)

    def action_repair(self) -> None:
        """a."""
        self._begin(self._repair)

    def action_undo(self) -> None:
        """u."""
        self._begin(self._undo)

    def action_versions(self) -> None:
        """v."""
        self._begin(self._merge_version)

    def _begin(self, act: Callable[[], Awaitable[None]]) -> None:
        """One thing at a time: keys pressed meanwhile do nothing."""
        if not self._busy:
            self._busy = True
            self._carry_out(act)

    @work(group="doctor")
    async def _carry_out(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except DmtuiError as error:
            self._tell(str(error))
        finally:
            self._busy = False

    async def _examine(self, notice: str = "") -> None:
        self._tell("Examining every chat that the list names, and every room you are in…")
        survey = await self._care.examine()
        if survey is None:
            self._tell(LATER)
            return
        self._findings = examine(survey, self._me)
        self.query_one("#report", Static).update(_report(survey, self._findings))
        self._tell(notice)

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
        keys = []
        if repair_of(self._findings):
            keys.append("a repairs in one write")
        if self._care.can_undo:
            keys.append("u takes the last repair back")
        keys += ["v earlier versions", "Esc closes"]
        self.query_one("#keys", Static).update(" · ".join(keys))

    async def _repair(self) -> None:
        changes = repair_of(self._findings)
        if not changes:
            self._tell("There is nothing to repair.")
            return
        self._tell("Repairing…")
        await self._after(await self._care.repair(changes), "Repaired.")

    async def _undo(self) -> None:
        if not self._care.can_undo:
            self._tell("There is no repair to take back.")
            return
        self._tell("Taking the repair back…")
        await self._after(await self._care.undo(), "The repair was taken back.")

    async def _merge_version(self) -> None:
        now, zone = int(time.time() * 1000), SystemZone()
        choices = [
            Choice(
                str(n) if n < 10 else "",
                _described(version, list_time(version.seen_at, now, zone)),
                version.number,
            )
            for n, version in enumerate(self._care.versions(), 1)
        ]
        question = Question("Earlier versions", "Merge which one into the list as it is?", choices)
        number = await self.app.push_screen_wait(question)
        if number is not None:
            done = "Merged: nothing that is there now was taken out."
            await self._after(await self._care.restore(number), done)

    async def _after(self, outcome: Outcome | None, done: str) -> None:
        if outcome is None:
            self._tell(LATER)
        elif not outcome.ok:
            await self._examine(outcome.message)
        else:
            await self._examine(done)


def _described(version: DirectVersion, when: str) -> str:
    people = read_direct(version.content)
    rooms = sum(len(listed) for listed in people.values())
    who = "written by dmtui" if version.ours else "as another client wrote it"
    return f"{when}  {len(people)} people, {rooms} rooms, {who}"


def _report(survey: Survey, findings: Sequence[Finding]) -> Content:
    if not findings:
        return Content("Your list of direct messages is in order.")
    lines = []
    for finding in findings:
        mark = ("✓ ", "$text-success") if finding.changes else ("· ", "$text-muted")
        lines.append(Content.assemble(mark, finding.line))
    after = apply_changes(survey.content, repair_of(findings))
    changes = difference(survey.content, after)
    if changes:
        lines += [Content(""), Content.styled("A repair changes", "bold $text-primary")]
        lines += [Content.styled(line, _COLOURS[line[0]]) for line in changes]
    else:
        lines += [Content(""), Content("Nothing of this can be repaired without guessing.")]
    return Content("\n").join(lines)
