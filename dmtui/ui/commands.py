"""The one registry of commands: key bindings, palette, help and hints are all read from it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


class Scope(StrEnum):
    """Where a command's keys work; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    PEOPLE = "People list"
    CONVERSATION = "Conversation"
    COMPOSER = "Composer"
    REQUEST = "Request"
    DOCTOR = "Doctor"


@dataclass(frozen=True, slots=True)
class Command:
    """Something a key does.

    ``keys`` is a comma-separated list for Textual; ``shown`` is how people read it. ``action`` is
    empty for keys that the focused widget handles by itself: they are in the help alone.
    ``hint`` is the short title in the line of hints; ``priority`` keys work while typing.
    """

    id: str
    keys: str
    shown: str
    title: str
    scope: Scope
    action: str = ""
    hint: str = ""
    priority: bool = False

    @property
    def numbered(self) -> bool:
        """Whether it is one of a row of digits, which lists name together."""
        return self.id.removeprefix("person.").isdigit()

    @property
    def offered(self) -> bool:
        """Whether the palette offers it."""
        of_screen = self.priority or self.action.startswith("screen.")
        return of_screen and self.id != "app.palette" and not self.numbered

    @property
    def shown_where(self) -> str:
        """Its keys, and the place where they work unless that is everywhere."""
        if self.shown and self.scope is not Scope.EVERYWHERE:
            return f"{self.shown} ({self.scope.value})"
        return self.shown


def _everywhere(
    name: str, keys: str, shown: str, title: str, action: str, hint: str = ""
) -> Command:
    return Command(name, keys, shown, title, Scope.EVERYWHERE, action, hint, priority=True)


def _of_person(
    name: str,
    title: str,
    act: str,
    keys: str = "",
    shown: str = "",
    scope: Scope = Scope.PEOPLE,
) -> Command:
    """For the highlighted person, else the one whose conversation is open."""
    return Command(name, keys, shown, title, scope, f"screen.person('{act}')")


def _general(name: str, title: str, act: str) -> Command:
    return _everywhere(name, "", "", title, f"general('{act}')")


COMMANDS: tuple[Command, ...] = (
    _everywhere("app.help", "f1", "F1", "Keys", "app.keys", "Keys"),
    _everywhere("chat.start", "ctrl+n", "Ctrl+N", "Start a chat", "start_chat", "Start Chat"),
    _everywhere("person.go", "ctrl+k", "Ctrl+K", "Go to a person", "go_to_person", "Go to"),
    _everywhere("app.palette", "ctrl+p", "Ctrl+P", "All commands", "app.command_palette"),
    _everywhere("person.next", "alt+down,ctrl+down", "Alt+↓ Ctrl+↓", "Next person", "go_by(1)"),
    _everywhere(
        "person.previous", "alt+up,ctrl+up", "Alt+↑ Ctrl+↑", "Previous person", "go_by(-1)"
    ),
    _everywhere("person.unread", "f3,alt+a", "F3 Alt+A", "Next unread", "go_to_unread"),
    *(
        _everywhere(f"person.{n}", f"alt+{n}", f"Alt+{n}", f"Person {n} of the list", f"go_to({n})")
        for n in range(1, 10)
    ),
    _everywhere("requests.open", "f6,ctrl+r", "F6 Ctrl+R", "Answer requests", "answer_requests"),
    _everywhere("direct.mend", "f8", "F8", "Put lost chats back", "mend_direct"),
    _everywhere("direct.leave", "", "", "Leave lost chats out for good", "leave_direct"),
    _everywhere("app.doctor", "", "", "Doctor: check the list of chats", "doctor"),
    _general("group.start", "Start a group, which is no direct chat", "start_group"),
    _general("requests.list", "All requests", "requests"),
    _general("requests.block", "Invites: let nobody invite you, or everybody", "block_invites"),
    _general("people.ignored", "Ignored people", "ignored"),
    _everywhere("people.toggle", "f4", "F4", "People list on or off", "toggle_people", "People"),
    Command(
        "focus.next",
        "tab",
        "Tab",
        "To the next part of the screen",
        Scope.EVERYWHERE,
        "app.focus_next",
    ),
    Command(
        "focus.previous",
        "shift+tab",
        "Shift+Tab",
        "To the part before",
        Scope.EVERYWHERE,
        "app.focus_previous",
    ),
    Command(
        "focus.back",
        "escape",
        "Esc",
        "Back, step by step, to the composer",
        Scope.EVERYWHERE,
        "back",
    ),
    Command("app.copy", "ctrl+c", "Ctrl+C", "Copy what is selected", Scope.EVERYWHERE),
    _everywhere("app.theme", "", "", "Colours", "app.change_theme"),
    _everywhere("app.quit", "ctrl+q", "Ctrl+Q", "Quit", "app.quit", "Quit"),
    Command("people.up", "up,k", "↑ k", "Person above", Scope.PEOPLE),
    Command("people.down", "down,j", "↓ j", "Person below", Scope.PEOPLE),
    Command("people.page-up", "pageup", "PgUp", "A page up", Scope.PEOPLE),
    Command("people.page-down", "pagedown", "PgDn", "A page down", Scope.PEOPLE),
    Command("people.first", "home", "Home", "First person", Scope.PEOPLE),
    Command("people.last", "end", "End", "Last person", Scope.PEOPLE),
    Command("people.open", "enter", "Enter", "Open", Scope.PEOPLE, hint="Open"),
    Command("people.filter", "slash", "/", "Filter by name", Scope.PEOPLE, "filter", "Filter"),
    _of_person("person.mute", "Mute, or hear again", "mute", "m", "m"),
    _of_person("person.pin", "Pin, or unpin", "pin", "p", "p"),
    _of_person("person.archive", "Archive, or bring back", "archive", "a", "a"),
    _of_person("person.rename", "Give a name of your own", "rename", "n", "n"),
    _of_person("person.card", "Person card", "card", "i", "i"),
    _of_person("person.leave", "Leave the chat", "leave", "delete", "Del"),
    _of_person("person.forget", "Forget the chat and its messages", "forget"),
    _of_person("person.unsend", "Take the invite back", "unsend"),
    _of_person("person.make_room", "Make the chat an ordinary room", "make_room"),
    _of_person("person.make_direct", "Make the room a direct chat", "make_direct"),
    _of_person("person.ignore", "Ignore the person", "ignore"),
    _of_person("person.why", "Why is this a direct chat?", "why"),
    Command("timeline.up", "up,k", "↑ k", "Older message", Scope.CONVERSATION, hint="Select"),
    Command("timeline.down", "down,j", "↓ j", "Newer message", Scope.CONVERSATION),
    Command("timeline.page-up", "pageup", "PgUp", "A page up", Scope.CONVERSATION),
    Command("timeline.page-down", "pagedown", "PgDn", "A page down", Scope.CONVERSATION),
    Command("timeline.oldest", "home", "Home", "Oldest, and load older", Scope.CONVERSATION),
    Command("timeline.newest", "end", "End", "Newest", Scope.CONVERSATION),
    Command(
        "timeline.choose",
        "enter",
        "Enter",
        "What can be done with it",
        Scope.CONVERSATION,
        hint="Actions",
    ),
    Command("timeline.copy", "y", "y", "Copy", Scope.CONVERSATION, hint="Copy"),
    Command("timeline.retry", "x", "x", "Failed message: send again", Scope.CONVERSATION),
    Command("timeline.discard", "d", "d", "Failed message: discard", Scope.CONVERSATION),
    Command(
        "timeline.edit", "e", "e", "Failed message: back into the composer", Scope.CONVERSATION
    ),
    _of_person(
        "person.invite_back",
        "They left: invite back or start anew",
        "invite_back",
        "i",
        "i",
        Scope.CONVERSATION,
    ),
    Command("composer.send", "", "Enter", "Send", Scope.COMPOSER, hint="Send"),
    Command(
        "composer.newline", "", "Ctrl+J Shift+Enter", "New line", Scope.COMPOSER, hint="New line"
    ),
    Command("composer.select", "", "↑", "When empty: the newest message", Scope.COMPOSER),
    Command(
        "composer.page-up", "pageup", "PgUp", "Messages a page up", Scope.COMPOSER, "scroll(-1)"
    ),
    Command(
        "composer.page-down",
        "pagedown",
        "PgDn",
        "Messages a page down",
        Scope.COMPOSER,
        "scroll(1)",
    ),
    Command(
        "composer.oldest", "ctrl+home", "Ctrl+Home", "Oldest message", Scope.COMPOSER, "oldest"
    ),
    Command("composer.newest", "ctrl+end", "Ctrl+End", "Newest message", Scope.COMPOSER, "newest"),
    Command("invite.chat", "a", "a", "Chat", Scope.REQUEST, hint="Chat"),
    Command("invite.room", "r", "r", "Accept as a room", Scope.REQUEST, hint="As a room"),
    Command("invite.decline", "d", "d", "Decline", Scope.REQUEST, hint="Decline"),
    Command("invite.ignore", "b", "b", "Decline and ignore", Scope.REQUEST, hint="Ignore"),
    Command("invite.later", "l,escape", "l Esc", "Later", Scope.REQUEST, hint="Later"),
    Command("invite.reveal", "m", "m", "Show what they wrote", Scope.REQUEST),
    Command("doctor.repair", "a", "a", "Repair in one write", Scope.DOCTOR, "repair"),
    Command("doctor.undo", "u", "u", "Take the last repair back", Scope.DOCTOR, "undo"),
    Command("doctor.versions", "v", "v", "Earlier versions", Scope.DOCTOR, "versions"),
)


def of_scope(scope: Scope) -> Iterator[Command]:
    """The commands of a scope, in the order of the registry."""
    return (command for command in COMMANDS if command.scope is scope)


def shown(name: str) -> str:
    """The keys of the command with this id, as people read them."""
    return next(command.shown for command in COMMANDS if command.id == name)


def bindings(scope: Scope, *, app: bool = False) -> list[Binding]:
    """Textual bindings of a scope, each with the command's id, so that keys can be remapped.

    ``app`` picks the commands that the app carries out, else those of the screen.
    """
    return [
        Binding(
            command.keys,
            command.action,
            command.title,
            show=False,
            priority=command.priority,
            id=command.id,
        )
        for command in of_scope(scope)
        if command.keys and command.action and command.action.startswith("app.") is app
    ]


class CommandProvider(Provider):
    """Offers the commands that work everywhere, and those for a person, in the palette."""

    def _offered(self) -> Iterator[tuple[str, str, str]]:
        for command in COMMANDS:
            if command.offered:
                yield command.title, command.shown_where, command.action.removeprefix("screen.")

    async def discover(self) -> Hits:
        """Everything there is, before anything is typed."""
        for title, shown, action in self._offered():
            yield DiscoveryHit(title, self._runner(action), help=shown)

    async def search(self, query: str) -> Hits:
        """Commands whose title matches loosely."""
        matcher = self.matcher(query)
        for title, shown, action in self._offered():
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), self._runner(action), help=shown)

    def _runner(self, action: str) -> Callable[[], Awaitable[object]]:
        return partial(self.app.run_action, action, self.screen)


_LAST_TO_GO = ("people.toggle", "app.quit", "app.help")
_FIRST_TO_GO = ("person.go", "composer.newline")


def hints(scope: Scope, width: int) -> Content:
    """One line, at most ``width`` cells, of the keys that matter most where the focus is."""
    kept = [c for c in (*of_scope(scope), *of_scope(Scope.EVERYWHERE)) if c.hint]
    ordinary = [c.id for c in reversed(kept) if c.id not in (*_FIRST_TO_GO, *_LAST_TO_GO)]
    for name in (*_FIRST_TO_GO, *ordinary, *reversed(_LAST_TO_GO)):
        if _line_of(kept).cell_length <= width:
            break
        kept = [command for command in kept if command.id != name]
    return _line_of(kept)


def _line_of(commands: list[Command]) -> Content:
    return Content("   ").join(
        Content.assemble((c.shown.split(" ")[0], "$accent"), f" {c.hint}") for c in commands
    )
