"""Whole repairs of ``m.direct`` as functions: changes, merging, undoing, and what is different.

None of them changes its arguments, and all of them change nothing when done again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import groupby

from dmtui.core.direct import apply_edits, is_room_id
from dmtui.core.intents import DirectChange, DropDirect, EditDirect, TidyDirect
from dmtui.core.model import Json, JsonObject, Safe
from dmtui.core.names import clean

_LONGEST_LINE = 2000


def apply_changes(content: JsonObject, changes: Sequence[DirectChange]) -> JsonObject:
    """``content`` with every change made; what no change names stays verbatim."""
    changed = dict(content)
    for of_edits, some in groupby(changes, lambda change: isinstance(change, EditDirect)):
        if of_edits:
            edits = [change for change in some if isinstance(change, EditDirect)]
            changed = apply_edits(changed, edits)
            continue
        for change in some:
            match change:
                case TidyDirect(key) if key in changed:
                    _tidy(changed, key)
                case DropDirect(key, rooms) if key in changed:
                    if set(rooms_in(changed[key])) <= set(rooms):
                        del changed[key]
    return changed


def _tidy(content: JsonObject, key: str) -> None:
    rooms: list[Json] = [*dict.fromkeys(rooms_in(content[key]))]
    if rooms:
        content[key] = rooms
    elif content[key] != []:
        del content[key]


def rooms_in(value: Json) -> tuple[str, ...]:
    """The room IDs of a value of the map, as often as they are there; also of a lone string."""
    elements = value if isinstance(value, list) else [value]
    return tuple(e for e in elements if isinstance(e, str) and is_room_id(e))


def merged(content: JsonObject, former: JsonObject) -> JsonObject:
    """``content`` with what only ``former`` has; a room listed elsewhere by now stays there."""
    listed = {room for value in content.values() for room in rooms_in(value)}
    result = dict(content)
    for key, value in former.items():
        there = result.get(key)
        match there, value:
            case None, list() if value:
                if lacking := _lacking(value, [], listed):
                    result[key] = lacking
            case list(), list():
                result[key] = [*there, *_lacking(value, there, listed)]
            case _:
                result.setdefault(key, value)
    return result


def _lacking(value: list[Json], there: list[Json], listed: set[str]) -> list[Json]:
    return [
        element
        for element in value
        if element not in there and not (isinstance(element, str) and element in listed)
    ]


def undone(content: JsonObject, before: JsonObject, after: JsonObject) -> JsonObject:
    """``content`` without what changed from ``before`` to ``after``.

    That is ``before`` itself where nobody changed the map since; of a list that was changed, the
    elements that were removed come back, and those that were added go.
    """
    if content == after:
        return before
    result = dict(content)
    for key in dict.fromkeys((*before, *after)):
        if _same(before, after, key) or _same(content, before, key):
            continue
        if _same(content, after, key):
            _put(result, key, before)
        else:
            _merge_back(result, key, before.get(key), after.get(key))
    return result


def _same(one: JsonObject, other: JsonObject, key: str) -> bool:
    return (key in one) == (key in other) and one.get(key) == other.get(key)


def _put(result: JsonObject, key: str, source: JsonObject) -> None:
    if key in source:
        result[key] = source[key]
    else:
        result.pop(key, None)


def _merge_back(result: JsonObject, key: str, before: Json, after: Json) -> None:
    was, is_, there = (_elements(value) for value in (before, after, result.get(key)))
    if key in result and not isinstance(result[key], list):
        return  # somebody wrote what no merge is possible with
    kept = [element for element in there if element not in is_ or element in was]
    rest = [*kept, *(element for element in was if element not in is_ and element not in kept)]
    if rest:
        result[key] = rest
    else:
        result.pop(key, None)


def _elements(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def difference(before: JsonObject, after: JsonObject) -> tuple[Safe, ...]:
    """One line of JSON for each entry that goes (``-``) or comes (``+``); fit for a terminal."""
    return tuple(_lines(before, after))


def _lines(before: JsonObject, after: JsonObject) -> Iterator[Safe]:
    for key in dict.fromkeys((*before, *after)):
        if _same(before, after, key):
            continue
        for sign, content in (("-", before), ("+", after)):
            if key in content:
                entry = f"{json.dumps(key)}: {json.dumps(content[key])}"
                yield clean(f"{sign} {entry}", _LONGEST_LINE)
