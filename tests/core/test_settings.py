"""The description of the settings, which the file and the screen go by."""

from __future__ import annotations

import pytest

from dmtui.core.setting_kinds import Among, Directory, Number, OneOf, WrongValue
from dmtui.core.settings import SECTIONS, SETTINGS, described


def test_every_setting_has_a_section_words_and_a_default_that_it_accepts() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    for setting in described(("textual-dark",), ("standard",)):
        assert setting.section in SECTIONS
        assert setting.title
        assert setting.help.endswith(".")
        if setting.default is None:
            assert setting.unset
        else:
            assert setting.kind.read(setting.default) == setting.default


def test_every_word_that_can_be_chosen_says_what_it_means() -> None:
    for setting in SETTINGS:
        if isinstance(setting.kind, OneOf):
            assert all(meaning for _, meaning in setting.kind.choices()), setting.name


def test_themes_and_sets_of_keys_are_those_of_the_app() -> None:
    kinds = [one.kind for one in described(("nord",), ("standard", "vim"))]
    named = [list(kind.names) for kind in kinds if isinstance(kind, Among)]
    assert named == [["nord"], ["standard", "vim"]]


@pytest.mark.parametrize("value", [-1, 11, True, 1.5, "5"])
def test_number_out_of_its_bounds_is_refused(value: object) -> None:
    with pytest.raises(WrongValue, match="must be a number of kilobytes from 0 to 10"):
        Number(0, 10, "kilobytes").read(value)


@pytest.mark.parametrize("text", ["", "-1", "11", "5 kB", "²", "9" * 5000])
def test_number_that_is_typed_is_as_strict(text: str) -> None:
    assert Number(0, 10).typed(f"{' ' * 30}5 ") == 5
    with pytest.raises(WrongValue, match="must be a number from 0 to 10"):
        Number(0, 10).typed(text)


@pytest.mark.parametrize("text", ["", "here", "./here", "/a\0b"])
def test_directory_is_a_whole_path(text: str) -> None:
    assert Directory().typed(" ~/Saved ") == "~/Saved"
    with pytest.raises(WrongValue, match="whole path of a directory"):
        Directory().typed(text)
