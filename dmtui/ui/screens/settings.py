"""The settings: each with its value and what it means, changed in place and saved at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from dmtui.core.errors import ConfigTrouble
from dmtui.core.names import clean_line
from dmtui.core.setting_kinds import Among, Directory, Number, OneOf, Switch, Written
from dmtui.core.settings import KEYS, SECTIONS, THEME, Config, Setting
from dmtui.ui.commands import registry_of
from dmtui.ui.screens.command_keys import CommandKeys
from dmtui.ui.screens.setting_list import ListScreen, heading
from dmtui.ui.screens.setting_values import ChooseValue, TypeValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from textual.app import ComposeResult

    from dmtui.ui.screens.setting_desk import SettingDesk

_TITLES = 22  # columns
_KEYS = "Single keys"
_ABOUT_KEYS = "Every command with its keys, to give it other ones."


class SettingsScreen(ListScreen[None]):
    """Nothing to confirm at the end: what is changed is saved, or one line says why not."""

    def __init__(self, desk: SettingDesk):
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-wide")]
        self._desk = desk

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="settings") as dialog:
            dialog.border_title = "Settings"
            yield OptionList(markup=False, compact=True)
            yield Static(id="about", markup=False)
            yield Static(id="notice", markup=False)
            yield Static(id="keys", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._show_keys()
        self._read()

    def on_resize(self) -> None:
        self.call_after_refresh(self.rows.scroll_to_highlight)

    @work(group="settings")
    async def _read(self) -> None:
        try:
            await self._desk.look()
        except ConfigTrouble as trouble:
            self._tell(f"{trouble} Until that is put right, nothing can be changed here.")
            return
        self._show()

    def _show(self) -> None:
        self.show_rows(list(self._options()))
        self._explain()
        self._show_keys()

    def _show_keys(self) -> None:
        press = registry_of(self.app).press
        keys = (("change", "changes"), ("next", "next value"), ("reset", "usual value"))
        told = [f"{press(f'settings.{name}')} {words}" for name, words in keys]
        told.append(f"{press('settings.close')} closes")
        self.query_one("#keys", Static).update(" · ".join(told))

    def _options(self) -> Iterator[Option]:
        settings = self._desk.settings.values()
        for section, title in SECTIONS.items():
            yield heading(title)
            for setting in settings:
                if setting.section == section:
                    yield Option(_row(setting.title, self._value(setting)), id=setting.name)
            if section == KEYS:
                changed = len(self._desk.config.own_keys)
                words = f"{changed} changed by you" if changed else "as the set has them"
                yield Option(_row(_KEYS, words), id=KEYS)

    def _value(self, setting: Setting[object]) -> str:
        value = self._desk.written(setting)
        if value is None:
            return setting.unset
        if isinstance(value, bool):
            return "on" if value else "off"
        if isinstance(setting.kind, Number):
            return f"{value} {setting.kind.unit}".rstrip()
        return clean_line(str(value), 200)

    # -- the highlighted setting --

    @property
    def _here(self) -> Setting[object] | None:
        option = self.rows.highlighted_option
        return self._desk.settings.get(option.id or "") if option else None

    @on(OptionList.OptionHighlighted)
    def explain(self) -> None:
        """Say what the highlighted one means."""
        self._tell("")
        self._explain()

    def _explain(self) -> None:
        setting = self._here
        lines = [_ABOUT_KEYS] if setting is None else list(self._about(setting))
        self.query_one("#about", Static).update(Content("\n").join(map(Content, lines)))

    def _about(self, setting: Setting[object]) -> Iterator[str]:
        yield setting.help
        value = self._desk.written(setting)
        meaning = dict(_choices(setting)).get(value, "") if value is not None else ""
        if meaning and not isinstance(value, bool):
            yield f"{value}: {meaning}"
        effect = "takes effect at once" if setting.at_once else "takes effect at the next start"
        yield f"{setting.name} in the file; {effect}"

    @on(OptionList.OptionSelected)
    @work(group="settings", exclusive=True)
    async def change(self, event: OptionList.OptionSelected) -> None:
        """Enter, or a click: ask for the value."""
        if event.option.id == KEYS:
            await self.app.push_screen_wait(CommandKeys(self._desk))
            self._show()
            return
        setting = self._desk.settings[event.option.id or ""]
        value = self._desk.written(setting)
        match setting.kind:
            case Switch():
                await self._save(setting, lambda now: not now)
            case Directory() | Number() as kind:
                typed = await self.app.push_screen_wait(TypeValue(setting, kind, value))
                if typed is not None:
                    await self._save(setting, lambda _: typed.value)
            case _:
                await self._choose(setting, value)

    async def _choose(self, setting: Setting[object], value: Written | None) -> None:
        before = self.app.theme
        preview = self._paint if setting.name == THEME.name else _show_nothing
        screen = ChooseValue(setting, _choices(setting), value, preview)
        chosen = await self.app.push_screen_wait(screen)
        if chosen is None or not await self._save(setting, lambda _: chosen):
            self.app.theme = before

    def _paint(self, theme: Written) -> None:
        self.app.theme = str(theme)

    @work(group="step")
    async def action_step(self, by: int) -> None:
        """Space, ← and →: the next value, or the one before."""
        setting = self._here
        if setting is None or not (values := [value for value, _ in _choices(setting)]):
            return

        def other(now: Written | None) -> Written:
            here = values.index(now) if now in values else 0
            return values[(here + by) % len(values)]

        await self._save(setting, other)

    @work(group="step")
    async def action_reset(self) -> None:
        """Delete: as if it had never been set."""
        if (setting := self._here) is not None:
            await self._save(setting, lambda _: None)

    async def _save(
        self, setting: Setting[object], decide: Callable[[Written | None], Written | None]
    ) -> bool:
        """Set what ``decide`` makes of the value; whether that went well."""

        def changes(config: Config) -> Mapping[str, Written | None]:
            wanted = decide(self._desk.written(setting))
            if wanted is None and setting.name not in config.chosen:
                return {}
            return {setting.name: wanted}

        try:
            await self._desk.change(changes)
        except ConfigTrouble as trouble:
            self._tell(str(trouble))
            return False
        self._show()
        self._tell("" if setting.at_once else "Saved; it takes effect at the next start.")
        return True

    def _tell(self, line: str) -> None:
        self.query_one("#notice", Static).update(line)
        self.call_after_refresh(self.rows.scroll_to_highlight)  # it may take room from the list


def _show_nothing(value: Written) -> None:
    """Only colours are seen before they are chosen."""


def _choices(setting: Setting[object]) -> Sequence[tuple[Written, str]]:
    kind = setting.kind
    return tuple(kind.choices()) if isinstance(kind, Switch | OneOf | Among) else ()


def _row(title: str, value: str) -> Content:
    return Content.assemble(f"  {title.ljust(_TITLES)}", (value, "bold"))
