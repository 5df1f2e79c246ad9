from __future__ import annotations

import pytest

from dmtui.core.lookalikes import skeleton
from dmtui.demo.cast import CAST, GROUP, Role, reply

ALICE = CAST[0]


def test_questions_are_answered_in_turn() -> None:
    said = [reply(ALICE, "Does it rain?", turn) for turn in range(len(ALICE.answers) + 1)]
    assert said == [*ALICE.answers, ALICE.answers[0]]


@pytest.mark.parametrize("said", ["help", "Help!", " HELP? ", "/help"])
def test_help_says_what_can_be_tried(said: str) -> None:
    assert "Ctrl+N" in reply(ALICE, said, 0)


def test_greeting_is_returned_by_name() -> None:
    assert "Alice" in reply(ALICE, "hello there", 0)


def test_farewell_is_returned() -> None:
    assert reply(ALICE, "ok, bye now", 0).startswith("See you!")


def test_statement_is_quoted_and_a_long_one_cut() -> None:
    assert "“I like tea”" in reply(ALICE, "I like\n tea", 0)
    assert len(reply(ALICE, "word " * 500, 0)) < 120


def test_every_way_of_meeting_somebody_is_in_the_cast() -> None:
    assert {character.role for character in CAST} == set(Role)


def test_unread_lines_are_the_contacts_own() -> None:
    for character in CAST:
        unread = character.history[len(character.history) - character.unread :]
        assert not any(line.mine for line in unread)


def test_one_name_reads_like_another() -> None:
    names = [character.name for character in CAST]
    assert len(set(names)) == len(names)
    assert len({skeleton(name) for name in names}) == len(names) - 1


def test_group_is_made_of_the_cast() -> None:
    present = {GROUP.owner, *GROUP.others}
    assert present <= {character.localpart for character in CAST}
    assert {speaker for speaker, _ in GROUP.history} <= present
