"""The doctor: what is wrong with the list of direct messages, what a repair changes, and undo."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.direct import read_direct
from dmtui.core.doctor import examine, repair_of
from dmtui.core.errors import DmtuiError
from dmtui.core.repairs import apply_changes, difference
from dmtui.core.times import list_time
from dmtui.ui.commands import Scope, bindings, registry_of
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.app import ComposeResult

    from dmtui.core.doctor import Finding, Survey
    from dmtui.core.guard import DirectVersion
    from dmtui.core.intents import DirectChange, Outcome
    from dmtui.core.model import UserId
    from dmtui.messenger.care import DirectCare

LATER = "The homeserver can't be asked now; it is done as soon as it answers."
IN_ORDER = "Your list of direct messages is in order."
CANDIDATES = "Never marked as direct chats, and not part of a repair unless you choose them:"
_COLOURS = {"+": "$text-success", "-": "$text-error"}


class Doctor(ModalScreen[None]):
    """Examines at once; writes only when told to, and only what is chosen.

    Every fault that can be mended is chosen at first, and no candidate.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Close", show=False, id="doctor.close"),
        *bindings(Scope.DOCTOR),
    ]

    def __init__(self, care: DirectCare, me: UserId):
        super().__init__()
        self._care = care
        self._me = me
        self._survey: Survey | None = None
        self._findings: tuple[Finding, ...] = ()
        self._chosen: set[int] = set()  # places among the findings
        self._busy = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="doctor") as dialog:
            dialog.border_title = "Doctor: your list of direct messages"
            yield OptionList(id="findings", markup=False)
            with VerticalScroll(id="difference"):
                yield Static(id="report", markup=False)
            yield Static(id="notice", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#findings").focus()
        self._begin(self._examine)

    def action_repair(self) -> None:
        """a."""
        self._begin(self._repair)

    @on(OptionList.OptionSelected, "#findings")
    def action_choose(self) -> None:
        """Space or Enter: have the highlighted finding repaired, or not."""
        findings = self.query_one("#findings", OptionList)
        option = findings.highlighted_option
        if option is None or option.id is None or not self._findings[int(option.id)].changes:
            return
        self._chosen ^= {int(option.id)}
        findings.replace_option_prompt(option.id, self._prompt(int(option.id)))
        self._show_difference()
        self._tell("")

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
        self._survey = survey
        self._findings = examine(survey, self._me)
        self._chosen = {
            n for n, one in enumerate(self._findings) if one.changes and not one.candidate
        }
        self._show_findings()
        self._show_difference()
        self._tell(notice)

    def _show_findings(self) -> None:
        findings = self.query_one("#findings", OptionList)
        findings.clear_options()
        headed = False
        for number, finding in enumerate(self._findings):
            if finding.candidate and not headed:
                headed = True
                heading = Content.styled(CANDIDATES, "bold $text-primary")
                findings.add_option(Option(heading, disabled=True))
            findings.add_option(Option(self._prompt(number), id=str(number)))
        findings.display = bool(self._findings)
        if self._findings:
            findings.action_first()
            findings.focus()

    def _prompt(self, number: int) -> Content:
        finding = self._findings[number]
        if not finding.changes:
            return Content.assemble(("  · ", "$text-muted"), finding.line)
        mark = ("[✓] ", "$text-success") if number in self._chosen else ("[ ] ", "$text-muted")
        return Content.assemble(mark, finding.line)

    def _changes(self) -> tuple[DirectChange, ...]:
        """Those of the chosen findings."""
        chosen = [finding for n, finding in enumerate(self._findings) if n in self._chosen]
        return repair_of(chosen, candidates=True)

    def _show_difference(self) -> None:
        lines = Content("\n").join(self._difference())
        self.query_one("#report", Static).update(lines)

    def _difference(self) -> Iterator[Content]:
        if self._survey is None:
            return
        content = self._survey.content
        changes = difference(content, apply_changes(content, self._changes()))
        if changes:
            yield Content.styled("A repair changes", "bold $text-primary")
            for line in changes:
                yield Content.styled(line, _COLOURS[line[0]])
        elif not self._findings:
            yield Content(IN_ORDER)
        elif any(finding.changes for finding in self._findings):
            yield Content("Nothing is chosen, so a repair changes nothing.")
        else:
            yield Content("Nothing of this can be repaired without guessing.")

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
        press, keys = registry_of(self.app).press, []
        if any(finding.changes for finding in self._findings):
            keys.append(f"{press('doctor.choose')} chooses")
        if self._chosen:
            keys.append(f"{press('doctor.repair')} repairs")
        if self._care.can_undo:
            keys.append(f"{press('doctor.undo')} undoes")
        keys += [f"{press('doctor.versions')} versions", "Esc closes"]
        self.query_one("#keys", Static).update(" · ".join(keys))

    async def _repair(self) -> None:
        changes = self._changes()
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
    persons = "1 person" if len(people) == 1 else f"{len(people)} people"
    return f"{when}  {persons}, {rooms} room{'' if rooms == 1 else 's'}, {who}"
