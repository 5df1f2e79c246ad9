"""How the first frame looks: as the app paints it, so that nothing moves afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.faces import FACES_FROM, INITIALS_CELLS, hue, initials
from dmtui.core.hints import GAP, Hint, fitting
from dmtui.core.times import list_time
from dmtui.first_frame.cells import Part, clipped, padded, printable, width_of
from dmtui.ui.widgets.system_zone import SystemZone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dmtui.first_frame.stored import Person, Stored

NARROW = 80
HINTS = (
    Hint("people.open", "Enter", "Open"),
    Hint("people.filter", "/", "Filter"),
    Hint("app.help", "F1", "Keys"),
    Hint("chat.start", "Ctrl+N", "Start Chat"),
    Hint("person.go", "Ctrl+K", "Go to"),
    Hint("people.toggle", "F4", "People"),
    Hint("app.quit", "Ctrl+Q", "Quit"),
)
WELCOME = "Enter opens a chat. Ctrl+N starts one with somebody new."
CONNECTING = "◌ Connecting…"
_STATES = {"invited": "(invited)", "declined": "(declined)", "left": "(left)", "banned": "(banned)"}


def lines(stored: Stored, width: int, height: int, now: int) -> list[list[Part]]:
    """The whole screen; ``now`` is in milliseconds since 1970."""
    narrow = width < NARROW
    pane = width if narrow else max(26, min(int(width * 0.32), 44)) - 1
    rows = height - 2
    found: list[list[Part]] = []
    apart = any(person.peer == "group" for person in stored.people) + bool(stored.archived)
    scrolling = 2 * (len(stored.people) + bool(stored.asking) + apart) > rows
    column = pane - scrolling
    if stored.asking:
        found += _requests(stored.asking, column)
    grouped = False
    for number, person in enumerate(stored.people):
        if person.peer == "group" and not grouped:
            grouped = True
            found += _groups(column)
        found += _row(person, column, now, here=number == 0, faces=pane >= FACES_FROM)
    if stored.archived:
        found += _archive(stored.archived, column)
    found = [padded(line, pane) for line in found[:rows]] + [
        padded([], pane) for _ in range(rows - len(found))
    ]
    if not narrow:
        welcome = "" if stored.asking or width - pane - 5 < len(WELCOME) else WELCOME
        for number, line in enumerate(found):
            text = welcome if number == (rows - 1) // 2 else ""
            margin = (width - pane - 5 - len(text)) // 2 + 2
            line += [Part("▕", "border"), Part(" " * margin + text, "dim")]
            found[number] = padded(line, width)
    return [*found, _status(stored, width), _hints(width)]


def _requests(asking: Sequence[str], width: int) -> list[list[Part]]:
    count = len(asking)
    words = f" ✉ {count} request{'' if count == 1 else 's'}"
    wish = "wants to chat" if count == 1 else f"and {count - 1} more want to chat"
    who = clipped(f"   {printable(asking[0])} {wish}", width)
    return [padded([Part(words, "requests")], width), padded([Part(who, "dim")], width)]


def _groups(width: int) -> list[list[Part]]:
    whole = " Groups (not direct messages)"
    words = ("", whole) if len(whole) <= width else (" Groups", " (not direct messages)")
    return [padded([Part(line, "heading")], width) for line in words]


def _archive(count: int, width: int) -> list[list[Part]]:
    words = (Part(f" Archived ({count})", "heading"), Part("   Enter shows them", "dim"))
    return [padded([part], width) for part in words]


def _row(person: Person, width: int, now: int, here: bool, faces: bool) -> list[list[Part]]:
    """As :mod:`dmtui.ui.widgets.person_row` has it."""
    ground = "cursor" if here else ""
    face = _face(person) if faces else Part("", "face", "face 0")
    cells = width_of(face.text)
    first = [Part(" ", "dim"), face, *_first_line(person, width - cells, now)]
    second = [Part(" " * (1 + cells), "dim"), *_second_line(person, width - cells)]
    return [
        [
            (part._replace(style="name") if here and part.style == "dim" else part).on(ground)
            for part in padded(line, width)
        ]
        for line in (first, second)
    ]


def _face(person: Person) -> Part:
    letters = printable(initials(person.name, person.user_id))
    margin = " " * (INITIALS_CELLS - width_of(letters) + 1)
    return Part(f" {letters}{margin}", "face", f"face {hue(person.user_id)}")


def _first_line(person: Person, width: int, now: int) -> list[Part]:
    at = list_time(person.latest, now, SystemZone())
    states = [_STATES.get(person.peer, ""), "(flag pending)" if person.flag_pending else ""]
    state = " ".join(word for word in states if word)
    state = f" {state}" if state else ""
    name = clipped(person.name, max(width - 3 - len(at) - 2 - len(state), 4))
    gap = " " * max(1, width - 3 - width_of(name) - len(state) - len(at) - 1)
    return [
        Part("⚷" if person.encrypted else " ", "lock"),
        Part("!", "warning") if person.looks_like else Part("^" if person.pinned else " ", "pin"),
        Part(name, "unread" if _is_unread(person) and not person.muted else "name"),
        Part(f"{state}{gap}{at} ", "dim"),
    ]


def _second_line(person: Person, width: int) -> list[Part]:
    count = (str(person.unread) if person.unread < 1000 else "999+") if person.unread else "●"
    words = ["muted"] * bool(person.muted) + [count] * _is_unread(person)
    badge = f" {' '.join(words)} " if words else ""
    said = f"Draft: {person.draft}" if person.draft else person.preview
    warning = f"looks like {person.looks_like}" if person.looks_like else ""
    room = max(0, width - 4 - len(badge))
    warning = clipped(f"{warning}. " if warning and said else warning, room)
    said = clipped(said.replace("\n", " "), room - width_of(warning))
    space = " " * max(0, width - 3 - width_of(warning) - width_of(said) - len(badge))
    return [
        Part("  ", "dim"),
        Part(warning, "warning"),
        Part(said + space, "draft" if person.draft else "dim"),
        Part(badge, "dim" if person.muted else "badge"),
    ]


def _is_unread(person: Person) -> bool:
    return bool(person.unread or person.marked_unread)


def _status(stored: Stored, width: int) -> list[Part]:
    counts = ((len(stored.asking), "request"), (stored.rooms, "room invite"))
    words = [f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts if count]
    notice = f" {', '.join(words)}: F6 · " if words else " "
    line = padded([Part(notice, "notice"), Part(CONNECTING, "waiting")], width)
    return [part.on("surface") for part in line]


def _hints(width: int) -> list[Part]:
    line, shown = [Part(" ", "dim")], fitting(HINTS, width - 2)
    for number, hint in enumerate(shown):
        after = GAP if number + 1 < len(shown) else ""
        line += [Part(hint.key, "key"), Part(f" {hint.title}{after}", "dim")]
    return [*padded(line, width - 1, ellipsis=True), Part(" ", "dim")]
