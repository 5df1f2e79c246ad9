"""Every command with its keys, and a key pressed for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import ConfigTrouble
from dmtui.core.keys import keys_of
from dmtui.core.roster import folded
from dmtui.core.settings import KEY_PROFILE, KEYS
from dmtui.ui.commands import TAKES_EVERY_KEY, Registry, Scope
from dmtui.ui.key_profiles import PROFILES
from dmtui.ui.screens.confirm import Choice, Question
from dmtui.ui.screens.setting_list import ListScreen, heading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from textual import events
    from textual.app import ComposeResult

    from dmtui.ui.commands import Command
    from dmtui.ui.screens.setting_desk import SettingDesk

_COLUMN = 19  # for keys
_FIXED = "Its keys can't be others."


class CommandKeys(ListScreen[None]):
    """What is typed narrows the list; Enter changes the keys of a command."""

    def __init__(self, desk: SettingDesk):
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="command-keys") as dialog:
            dialog.border_title = "Single keys"
            yield Input(placeholder="A command, or a key as it is listed")
            yield OptionList(markup=False, compact=True)
            yield Static(id="notice", markup=False)
            yield Static("↑ ↓ · Enter or a click changes · Esc closes", classes="hint")

    def on_mount(self) -> None:
        self.rows.can_focus = False
        self.narrow()

    @on(Input.Changed)
    def narrow(self) -> None:
        """Show the commands that have what is typed in title, name or keys."""
        self._tell("")
        self.show_rows(list(self._options(folded(self.query_one(Input).value.strip()))))

    def _options(self, term: str) -> Iterator[Option]:
        registry = self._desk.registry
        for scope in Scope:
            found = [
                command
                for command in registry.of_scope(scope)
                if term in folded(f"{command.title} {command.id} {command.shown}")
            ]
            if found:
                yield heading(scope)
            yield from (Option(self._row(command), id=command.id) for command in found)

    def _row(self, command: Command) -> Content:
        own = command.id in self._desk.config.own_keys
        style = "$text-muted" if command.fixed else "$accent"
        return Content.assemble(
            (command.shown.ljust(_COLUMN), style),
            f" {command.title}",
            ("  changed", "$text-warning") if own else "",
        )

    @on(Input.Submitted)
    def enter(self) -> None:
        """Enter where one types, too."""
        self.rows.action_select()

    @on(OptionList.OptionSelected)
    @work(group="keys", exclusive=True)
    async def change(self, event: OptionList.OptionSelected) -> None:
        """Ask what to do with the keys of the command, and do it."""
        command = next(c for c in self._desk.registry.commands if c.id == event.option.id)
        if command.fixed:
            self._tell(_FIXED)
            return
        usual = next(c for c in _usual(self._desk).commands if c.id == command.id)
        match await self.app.push_screen_wait(_question(command, usual)):
            case "other":
                await self._take(command, lambda key: key)
            case "more":
                await self._take(command, lambda key: ",".join(_with(command, key)))
            case "none":
                await self._save(command, "")
            case "usual":
                await self._save(command, None)

    async def _take(self, command: Command, keys: Callable[[str], str]) -> None:
        screen = NewKey(command.title, lambda key: self._desk.objection(command.id, keys(key)))
        key = await self.app.push_screen_wait(screen)
        if key is not None:
            await self._save(command, keys(key))

    async def _save(self, command: Command, keys: str | None) -> None:
        if keys is None and (problem := self._objection_to_usual(command)):
            self._tell(problem)
            return
        try:
            await self._desk.change(lambda _: {f"{KEYS}.{command.id}": keys})
        except ConfigTrouble as trouble:
            self._tell(str(trouble))
            return
        self.narrow()
        now = next(c.shown for c in self._desk.registry.commands if c.id == command.id)
        self._tell(f"{command.title}: {now or 'no key'}")

    def _objection_to_usual(self, command: Command) -> str:
        usual = next(c for c in _usual(self._desk).commands if c.id == command.id)
        return self._desk.objection(command.id, usual.keys)

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)


def _usual(desk: SettingDesk) -> Registry:
    profile = desk.config[KEY_PROFILE]
    return Registry(PROFILES[profile], profile)


def _with(command: Command, key: str) -> tuple[str, ...]:
    had = keys_of(command.keys)
    return had if key in had else (*had, key)


def _question(command: Command, usual: Command) -> Question[str]:
    choices = [
        Choice("l", "Leave them", "leave"),
        Choice("k", "Another key in place of these", "other"),
        Choice("m", "One more key", "more"),
        Choice("n", "No key", "none"),
        Choice("u", f"The usual: {usual.shown or 'no key'}", "usual"),
    ]
    where = f"{command.scope.value}; {command.id} in the file."
    return Question(command.title, f"{command.shown or 'No key'}. {where}", choices)


class NewKey(ModalScreen[str | None]):
    """Dismissed with the name of the key pressed, whatever else it does; Esc is ``None``.

    ``objection`` says why a key can't be taken, and is empty where it can.
    """

    def __init__(self, title: str, objection: Callable[[str], str]):
        super().__init__(classes=TAKES_EVERY_KEY)
        self._title = title
        self._objection = objection

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog step") as dialog:
            dialog.border_title = "A new key"
            yield Static(f"Press the key for “{self._title}”.", markup=False, id="question")
            yield Static(id="notice", markup=False)
            yield Static("Esc or a click leaves it", classes="hint", markup=False)

    def on_key(self, event: events.Key) -> None:
        """Take it before anything else does."""
        event.stop()
        event.prevent_default()
        if event.key == "escape":
            self.dismiss(None)
            return
        problem = self._problem(key := _name_of(event))
        if problem:
            self.query_one("#notice", Static).update(f"{problem} Press another one.")
        else:
            self.dismiss(key)

    def _problem(self, key: str) -> str:
        try:
            keys_of(key)
        except ValueError:
            return "The terminal has no name for this key that the settings could keep."
        return self._objection(key)

    def on_click(self) -> None:
        """As Esc."""
        self.dismiss(None)


def _name_of(event: events.Key) -> str:
    letter = event.character or ""
    return letter if len(letter) == 1 and letter.isalnum() else event.key
