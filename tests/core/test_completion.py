from __future__ import annotations

import pytest

from dmtui.core.completion import Sign, Word, word_before


@pytest.mark.parametrize(
    ("line", "word"),
    [
        (":he", Word(Sign.EMOJI, 0, "he")),
        ("so (:tada", Word(Sign.EMOJI, 4, "tada")),
        ("good :+1", Word(Sign.EMOJI, 5, "+1")),
        ("@", Word(Sign.PERSON, 0, "")),
        ("hello @Bo", Word(Sign.PERSON, 6, "Bo")),
        ("@bob:exa", Word(Sign.PERSON, 0, "bob:exa")),
        ("/", Word(Sign.COMMAND, 0, "")),
        ("/mu", Word(Sign.COMMAND, 0, "mu")),
    ],
)
def test_word_before_the_cursor_is_found_by_its_sign(line: str, word: Word) -> None:
    assert word_before(line, first=True) == word


@pytest.mark.parametrize(
    "line",
    [
        "", "at 12:30", "https://example.org", "C::std", ":D", ":) ", "bob@example.org",
        "@bob hello", "/mute now", "/etc/fstab", " /mute", "//mute", "and/or", "one: two",
    ],
)  # fmt: skip
def test_ordinary_writing_completes_to_nothing(line: str) -> None:
    assert word_before(line, first=True) is None


def test_only_the_first_line_has_commands() -> None:
    assert word_before("/mu", first=False) is None
    assert word_before("@bo", first=False) == Word(Sign.PERSON, 0, "bo")
