"""The one registry of commands: key bindings, palette, help and hints are all read from it.

A :class:`Registry` is the same with the keys that a user has chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from dmtui.core.hints import GAP, Hint, fitting
from dmtui.core.keymap import Keyed
from dmtui.core.keys import keys_of, readable
from dmtui.ui.key_profiles import STANDARD, dialog_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping

TAKES_EVERY_KEY = "takes-every-key"
"""A class of screens: no command is carried out while one is on show."""


class Scope(StrEnum):
    """Where a command's keys work; the value is the heading in the help."""

    EVERYWHERE = "Everywhere"
    PEOPLE = "People list"
    CONVERSATION = "Conversation"
    FIND = "Find in the chat"
    COMPOSER = "Composer"
    REQUEST = "Request"
    REQUESTS = "All requests"
    DOCTOR = "Doctor"
    CARD = "Person card"
    PROFILE = "My profile"
    VERIFICATION = "Verification"
    ENCRYPTION = "Encryption"
    SETTINGS = "Settings"


@dataclass(frozen=True, slots=True)
class Command:
    """Something a key does.

    ``keys`` is a comma-separated list for Textual. ``action`` is empty where the focused widget
    binds the keys by itself, and ``fixed`` says that they can't be others. ``hint`` is the
    short title in the line of hints; ``priority`` keys work while typing.
    """

    id: str
    keys: str
    title: str
    scope: Scope
    action: str = ""
    hint: str = ""
    priority: bool = False
    fixed: bool = False

    @property
    def keyed(self) -> Keyed:
        """Its part in the question which keys it can have."""
        return Keyed(self.id, self.scope, self.keys, self.priority, self.fixed)

    @property
    def shown(self) -> str:
        """Its keys as people read them, the first one first; empty without any."""
        return " ".join(readable(key) for key in keys_of(self.keys))

    @property
    def first_key(self) -> str:
        """The first of them."""
        return self.shown.split(" ")[0]

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


def _everywhere(name: str, keys: str, title: str, action: str, hint: str = "") -> Command:
    return Command(name, keys, title, Scope.EVERYWHERE, action, hint, priority=True)


def _of_person(
    name: str, title: str, act: str, keys: str = "", scope: Scope = Scope.PEOPLE
) -> Command:
    """For the highlighted person, else the one whose conversation is open."""
    return Command(name, keys, title, scope, f"screen.person('{act}')")


def _general(name: str, title: str, act: str) -> Command:
    return _everywhere(name, "", title, f"general('{act}')")


COMMANDS: tuple[Command, ...] = (
    _everywhere("app.help", "f1", "Keys", "app.keys", "Keys"),
    _everywhere("app.settings", "f2", "Settings", "app.settings"),
    _everywhere("chat.start", "ctrl+n", "Start a chat", "start_chat", "Start Chat"),
    _everywhere("person.go", "ctrl+k", "Go to a person", "go_to_person", "Go to"),
    _everywhere("search.here", "ctrl+f", "Find in this chat", "find"),
    _everywhere("search.everywhere", "f5,alt+f", "Search all chats", "search"),
    _everywhere("app.palette", "ctrl+p", "All commands", "app.command_palette"),
    _everywhere("person.next", "alt+down,ctrl+down", "Next person", "go_by(1)"),
    _everywhere("person.previous", "alt+up,ctrl+up", "Previous person", "go_by(-1)"),
    _everywhere("person.unread", "f3,alt+a", "Next unread", "go_to_unread"),
    *(
        _everywhere(f"person.{n}", f"alt+{n}", f"Person {n} of the list", f"go_to({n})")
        for n in range(1, 10)
    ),
    _everywhere("chat.date", "", "Go to a date in the chat", "go_to_date"),
    _everywhere(
        "picture.paste", "ctrl+g,alt+v", "Paste a picture from the clipboard", "paste_picture"
    ),
    _everywhere("requests.open", "f6,ctrl+r", "Answer requests", "answer_requests"),
    _everywhere("direct.mend", "f8", "Put lost chats back", "mend_direct"),
    _everywhere("direct.leave", "", "Leave lost chats out for good", "leave_direct"),
    _everywhere("app.doctor", "", "Doctor: check the list of chats", "doctor"),
    _general("app.encryption", "Encryption", "encryption"),
    _general("app.profile", "My profile", "profile"),
    _general("app.avatar", "My picture: choose another one", "picture"),
    _general("app.no-avatar", "My picture: remove it", "no_picture"),
    _general("app.presence", "My presence: online, away, invisible", "presence"),
    _general("group.start", "Start a group, which is no direct chat", "start_group"),
    _everywhere("requests.list", "", "All requests", "list_requests"),
    _general("requests.block", "Invites from nobody, or from everybody", "block_invites"),
    _everywhere("verification.open", "f7", "Verify: answer, or go on", "general('verification')"),
    _general("verification.own", "Verify my other devices", "verify_own"),
    _general("people.ignored", "Ignored people", "ignored"),
    _everywhere("people.toggle", "f4", "People list on or off", "toggle_people", "People"),
    Command(
        "focus.next",
        "tab",
        "To the next part of the screen",
        Scope.EVERYWHERE,
        "app.focus_next",
    ),
    Command(
        "focus.previous",
        "shift+tab",
        "To the part before",
        Scope.EVERYWHERE,
        "app.focus_previous",
    ),
    Command(
        "focus.back",
        "escape",
        "Back, step by step, to the composer",
        Scope.EVERYWHERE,
        "back",
    ),
    Command("search.sign", "", "Find, where one does not type", Scope.EVERYWHERE, "find"),
    Command("focus.composer", "", "To the composer", Scope.EVERYWHERE, "to_composer"),
    Command(
        "app.commands",
        "",
        "All commands, where one does not type",
        Scope.EVERYWHERE,
        "app.command_palette",
    ),
    _everywhere("app.copy", "ctrl+c", "Copy what is selected", "app.copy_selection"),
    _everywhere("app.theme", "", "Colours", "app.change_theme"),
    _everywhere("app.quit", "ctrl+q", "Quit", "app.quit", "Quit"),
    Command("people.up", "up,k", "Person above", Scope.PEOPLE),
    Command("people.down", "down,j", "Person below", Scope.PEOPLE),
    Command("people.page-up", "pageup", "A page up", Scope.PEOPLE),
    Command("people.page-down", "pagedown", "A page down", Scope.PEOPLE),
    Command("people.first", "home", "First person", Scope.PEOPLE),
    Command("people.last", "end", "Last person", Scope.PEOPLE),
    Command("people.open", "enter", "Open", Scope.PEOPLE, hint="Open"),
    Command("people.filter", "slash", "Filter by name", Scope.PEOPLE, "filter", "Filter"),
    _of_person("person.mute", "Mute, or hear again", "mute", "m"),
    _of_person("person.pin", "Pin, or unpin", "pin", "p"),
    _of_person("person.archive", "Archive, or bring back", "archive", "a"),
    _of_person("person.mark_unread", "Mark as unread, or as read", "mark_unread", "u"),
    _of_person("person.rename", "Give a name of your own", "rename", "n"),
    _of_person("person.card", "Person card", "card", "i"),
    _of_person("person.verify", "Verify each other", "verify", "v"),
    _of_person("person.devices", "Which of their devices get keys", "except_devices"),
    _of_person("person.leave", "Leave the chat", "leave", "delete"),
    _of_person("person.forget", "Forget the chat and its messages", "forget"),
    _of_person("person.unsend", "Take the invite back", "unsend"),
    _of_person("person.group", "Start a group with this person", "group"),
    _of_person("person.make_room", "Make the chat an ordinary room", "make_room"),
    _of_person("person.make_direct", "Make the room a direct chat", "make_direct"),
    _of_person("person.ignore", "Ignore the person", "ignore"),
    _of_person("person.export", "Save the conversation to a file", "export"),
    _of_person("person.why", "Why is this a direct chat?", "why"),
    Command("timeline.up", "up,k", "Older message", Scope.CONVERSATION, hint="Select"),
    Command("timeline.down", "down,j", "Newer message", Scope.CONVERSATION),
    Command("timeline.page-up", "pageup", "A page up", Scope.CONVERSATION),
    Command("timeline.page-down", "pagedown", "A page down", Scope.CONVERSATION),
    Command("timeline.oldest", "home", "Oldest, and load older", Scope.CONVERSATION),
    Command("timeline.newest", "end", "Newest", Scope.CONVERSATION),
    Command(
        "timeline.choose",
        "enter",
        "What can be done with it",
        Scope.CONVERSATION,
        hint="Actions",
    ),
    Command("timeline.view", "v", "Look at the image", Scope.CONVERSATION, hint="Look"),
    Command("timeline.reveal", "s", "Save a file; show a spoiler", Scope.CONVERSATION, hint="Save"),
    Command("timeline.edit", "e", "Edit a message of yours", Scope.CONVERSATION, hint="Edit"),
    Command(
        "timeline.discard",
        "d",
        "Delete; not sent: discard; a file: stop",
        Scope.CONVERSATION,
        hint="Delete",
    ),
    Command("timeline.reply", "r", "Reply", Scope.CONVERSATION, hint="Reply"),
    Command("timeline.react", "plus", "React, or take it back", Scope.CONVERSATION, hint="React"),
    Command("timeline.original", "g", "Go to what it answers", Scope.CONVERSATION),
    Command("timeline.unread", "U", "First unread message", Scope.CONVERSATION, "first_unread"),
    Command(
        "timeline.day-before",
        "left_square_bracket",
        "Beginning of the day, and the day before",
        Scope.CONVERSATION,
        "day(-1)",
    ),
    Command(
        "timeline.day-after", "right_square_bracket", "Day after", Scope.CONVERSATION, "day(1)"
    ),
    Command("timeline.copy", "y", "Copy", Scope.CONVERSATION, hint="Copy"),
    Command("timeline.open", "o", "Open a link or a file", Scope.CONVERSATION),
    Command("timeline.retry", "x", "What failed: try again", Scope.CONVERSATION),
    _of_person(
        "person.invite_back",
        "Invite back who left, else the card",
        "invite_back",
        "i",
        Scope.CONVERSATION,
    ),
    Command("timeline.older-hit", "n", "What is found: older", Scope.CONVERSATION, "hit(1)"),
    Command("timeline.newer-hit", "N", "What is found: newer", Scope.CONVERSATION, "hit(-1)"),
    Command("find.next", "enter", "Next hit, an older one", Scope.FIND, hint="Next", fixed=True),
    Command("find.older", "up", "Older hit", Scope.FIND, "step(1)", hint="Older"),
    Command("find.newer", "down", "Newer hit", Scope.FIND, "step(-1)", hint="Newer"),
    Command("find.close", "escape", "Back to the composer", Scope.FIND, "close", hint="Close"),
    Command("composer.send", "enter", "Send", Scope.COMPOSER, hint="Send", fixed=True),
    Command(
        "composer.newline",
        "ctrl+j,shift+enter",
        "New line",
        Scope.COMPOSER,
        hint="New line",
        fixed=True,
    ),
    Command("composer.attach", "ctrl+t", "Send a file", Scope.COMPOSER, "attach", hint="File"),
    Command("composer.select", "up", "When empty: the newest message", Scope.COMPOSER, fixed=True),
    Command(
        "composer.complete",
        "tab",
        "After @ : or /: complete it",
        Scope.COMPOSER,
        fixed=True,
    ),
    Command(
        "composer.editor", "ctrl+o", "Write in your own editor", Scope.COMPOSER, "edit_outside"
    ),
    Command("composer.undo", "ctrl+z", "Undo", Scope.COMPOSER, fixed=True),
    Command("composer.redo", "ctrl+y", "Redo", Scope.COMPOSER, fixed=True),
    Command("composer.page-up", "pageup", "Messages a page up", Scope.COMPOSER, "scroll(-1)"),
    Command(
        "composer.page-down",
        "pagedown",
        "Messages a page down",
        Scope.COMPOSER,
        "scroll(1)",
    ),
    Command("composer.oldest", "ctrl+home", "Oldest message", Scope.COMPOSER, "oldest"),
    Command("composer.newest", "ctrl+end", "Newest message", Scope.COMPOSER, "newest"),
    Command("invite.chat", "a", "Chat", Scope.REQUEST, hint="Chat"),
    Command("invite.room", "r", "Accept as a room", Scope.REQUEST, hint="As a room"),
    Command("invite.decline", "d", "Decline", Scope.REQUEST, hint="Decline"),
    Command("invite.ignore", "b", "Decline and ignore", Scope.REQUEST, hint="Ignore"),
    Command("invite.report", "p", "Decline, ignore and report", Scope.REQUEST),
    Command("invite.later", "l,escape", "Later", Scope.REQUEST, hint="Later"),
    Command("invite.reveal", "m", "Show what they wrote", Scope.REQUEST),
    Command("requests.up", "up,k", "Request above", Scope.REQUESTS),
    Command("requests.down", "down,j", "Request below", Scope.REQUESTS),
    Command("requests.page-up", "pageup", "A page up", Scope.REQUESTS),
    Command("requests.page-down", "pagedown", "A page down", Scope.REQUESTS),
    Command("requests.first", "home", "First request", Scope.REQUESTS),
    Command("requests.last", "end", "Last request", Scope.REQUESTS),
    Command("requests.chat", "a", "Chat", Scope.REQUESTS, hint="chat"),
    Command("requests.room", "r", "Accept as a room", Scope.REQUESTS, hint="as a room"),
    Command("requests.decline", "d", "Decline", Scope.REQUESTS, hint="decline"),
    Command("requests.ignore", "b", "Decline and ignore", Scope.REQUESTS, hint="and ignore"),
    Command(
        "requests.report", "p", "Decline, ignore and report", Scope.REQUESTS, hint="and report"
    ),
    Command("requests.later", "l", "Later", Scope.REQUESTS, hint="later"),
    Command(
        "requests.reveal", "m,enter", "Show what they wrote", Scope.REQUESTS, hint="what they wrote"
    ),
    Command("requests.mark", "space", "Mark, to answer several", Scope.REQUESTS, hint="mark"),
    Command("requests.server", "s", "Mark all of a server", Scope.REQUESTS, hint="the server"),
    Command("requests.strangers", "t", "Mark all strangers", Scope.REQUESTS, hint="strangers"),
    Command("requests.unmark", "u", "Unmark all", Scope.REQUESTS, hint="none"),
    Command("requests.switch", "i", "Block or allow invites", Scope.REQUESTS, "switch"),
    Command("requests.close", "escape,q", "Close", Scope.REQUESTS, "dismiss(None)", hint="close"),
    Command("doctor.choose", "space", "Have it repaired, or not", Scope.DOCTOR, "choose"),
    Command("doctor.repair", "a", "Repair in one write", Scope.DOCTOR, "repair"),
    Command("doctor.undo", "u", "Take the last repair back", Scope.DOCTOR, "undo"),
    Command("doctor.versions", "v", "Earlier versions", Scope.DOCTOR, "versions"),
    Command("card.write", "enter", "Write to them", Scope.CARD, "write", hint="Write"),
    Command("card.turn", "w", "Why is this direct? And back", Scope.CARD, "turn", hint="Why"),
    Command("card.copy", "y", "Copy the ID", Scope.CARD, "copy_id", hint="Copy ID"),
    Command("card.link", "l", "Copy a link to them", Scope.CARD, "copy_link", hint="Link"),
    Command(
        "card.rename", "n", "Give a name of your own", Scope.CARD, "act('rename')", hint="Name"
    ),
    Command("card.mute", "m", "Mute, or hear again", Scope.CARD, "act('mute')", hint="Mute"),
    Command("card.pin", "p", "Pin, or unpin", Scope.CARD, "act('pin')", hint="Pin"),
    Command(
        "card.archive", "a", "Archive, or bring back", Scope.CARD, "act('archive')", hint="Archive"
    ),
    Command("profile.name", "n", "Change my name", Scope.PROFILE, "change('name')", "Name"),
    Command("profile.status", "s", "Change my status", Scope.PROFILE, "change('status')", "Status"),
    Command(
        "profile.presence",
        "p",
        "Online, away or invisible",
        Scope.PROFILE,
        "act('presence')",
        "Presence",
    ),
    Command("profile.picture", "i", "Choose a picture", Scope.PROFILE, "act('picture')", "Picture"),
    Command(
        "profile.no-picture",
        "d",
        "Remove my picture",
        Scope.PROFILE,
        "act('no_picture')",
        "No picture",
    ),
    Command("profile.copy", "y", "Copy my ID", Scope.PROFILE, "copy_id", "Copy ID"),
    Command("profile.link", "l", "Copy a link to me", Scope.PROFILE, "copy_link", "Link"),
    Command("encryption.next", "enter", "What is to be done next", Scope.ENCRYPTION, "next"),
    Command("encryption.set-up", "s", "Set it up", Scope.ENCRYPTION, "do('set-up')"),
    Command("encryption.unlock", "u", "Unlock", Scope.ENCRYPTION, "do('unlock')"),
    Command("encryption.keep", "k", "Show the recovery key", Scope.ENCRYPTION, "do('keep')"),
    Command("encryption.restore", "r", "Restore keys", Scope.ENCRYPTION, "do('restore')"),
    Command("encryption.verify", "v", "Verify my other devices", Scope.ENCRYPTION, "verify"),
    Command("encryption.devices", "d", "My devices: sign one out", Scope.ENCRYPTION, "devices"),
    Command("encryption.copy", "y", "Copy the fingerprint", Scope.ENCRYPTION, "do('copy')"),
    Command("card.verify", "v", "Verify each other", Scope.CARD, "act('verify')", hint="Verify"),
    Command(
        "verification.accept", "a", "Take part", Scope.VERIFICATION, "answer('accept')", "accepts"
    ),
    Command(
        "verification.start",
        "s",
        "Compare pictures",
        Scope.VERIFICATION,
        "answer('start')",
        "compares pictures",
    ),
    Command(
        "verification.match", "m", "They match", Scope.VERIFICATION, "answer('match')", "They match"
    ),
    Command(
        "verification.mismatch",
        "d",
        "They don't match",
        Scope.VERIFICATION,
        "answer('mismatch')",
        "They don't match",
    ),
    Command(
        "verification.worked",
        "y",
        "The scan of my code worked",
        Scope.VERIFICATION,
        "answer('worked')",
        "It does",
    ),
    Command(
        "verification.failed",
        "n",
        "It did not",
        Scope.VERIFICATION,
        "answer('failed')",
        "It doesn't",
    ),
    Command(
        "verification.cancel",
        "c",
        "Refuse, or give up",
        Scope.VERIFICATION,
        "answer('cancel')",
        "cancels",
    ),
    Command(
        "card.devices",
        "x",
        "Which of their devices get keys",
        Scope.CARD,
        "act('except_devices')",
        hint="Keys",
    ),
    Command("card.leave", "delete", "Leave the chat", Scope.CARD, "act('leave')", hint="Leave"),
    Command("settings.up", "up,k", "Setting above", Scope.SETTINGS, "list('cursor_up')"),
    Command("settings.down", "down,j", "Setting below", Scope.SETTINGS, "list('cursor_down')"),
    Command("settings.page-up", "pageup", "A page up", Scope.SETTINGS, "list('page_up')"),
    Command("settings.page-down", "pagedown", "A page down", Scope.SETTINGS, "list('page_down')"),
    Command("settings.first", "home", "First setting", Scope.SETTINGS, "list('first')"),
    Command("settings.last", "end", "Last setting", Scope.SETTINGS, "list('last')"),
    Command("settings.change", "enter", "Change it", Scope.SETTINGS, "list('select')"),
    Command("settings.next", "space,right", "The next value", Scope.SETTINGS, "step(1)"),
    Command("settings.previous", "left", "The value before", Scope.SETTINGS, "step(-1)"),
    Command("settings.reset", "delete", "As it usually is", Scope.SETTINGS, "reset"),
    Command("settings.close", "escape,q", "Close", Scope.SETTINGS, "dismiss(None)"),
)


class Registry:
    """The commands with the user's keys: ids to comma-separated keys, empty for none.

    ``profile`` names the set that the keys are from; the composer's editing keys go by it.
    """

    def __init__(
        self, keymap: Mapping[str, str] = MappingProxyType({}), profile: str = STANDARD
    ) -> None:
        self.profile = profile
        self.commands = tuple(replace(c, keys=keymap.get(c.id, c.keys)) for c in COMMANDS)
        self._by_id = {command.id: command for command in self.commands}
        self.keymap = {name: keys or _no_key(name) for name, keys in keymap.items()}
        self.keymap |= dialog_keys(profile)

    def of_scope(self, scope: Scope) -> Iterator[Command]:
        """The commands of a scope, in the order of the registry."""
        return (command for command in self.commands if command.scope is scope)

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of the command with this id."""
        return keys_of(self._by_id[name].keys)

    def press(self, name: str) -> str:
        """What to press for the command with this id, in a few words."""
        command, palette = self._by_id[name], self._by_id["app.palette"]
        if command.first_key:
            return command.first_key
        return " ".join(filter(None, (palette.first_key, f"“{command.title}”")))

    def hints(self, scope: Scope, width: int, without: Collection[str] = ()) -> Content:
        """One line, at most ``width`` cells, of the keys that matter most where the focus is.

        ``without`` are ids of commands that are of no use there.
        """
        commands = (*self.of_scope(scope), *self.of_scope(Scope.EVERYWHERE))
        told = (c for c in commands if c.hint and c.first_key and c.id not in without)
        hints = [Hint(c.id, c.first_key, c.hint) for c in told]
        return Content(GAP).join(
            Content.assemble((hint.key, "$text-accent"), f" {hint.title}")
            for hint in fitting(hints, width)
        )


@runtime_checkable
class _Remapped(Protocol):
    registry: Registry


def registry_of(app: object) -> Registry:
    """The commands of the running app, with the keys of its user."""
    return app.registry if isinstance(app, _Remapped) else Registry()


def bindings(scope: Scope, *, app: bool = False) -> list[Binding]:
    """Textual bindings of a scope, each with the command's id, so that keys can be remapped.

    ``app`` picks the commands that the app carries out, else those of the screen.
    """
    return [
        Binding(
            command.keys or _no_key(command.id),
            command.action,
            command.title,
            show=False,
            priority=command.priority,
            id=command.id,
        )
        for command in COMMANDS
        if command.scope is scope and command.action and command.action.startswith("app.") is app
    ]


def _no_key(name: str) -> str:
    """What Textual takes for a key, and no terminal sends."""
    return f"no key for {name}"


class CommandProvider(Provider):
    """Offers the commands that work everywhere, and those for a person, in the palette."""

    def _offered(self) -> Iterator[tuple[str, str, str]]:
        for command in registry_of(self.app).commands:
            action = command.action.removeprefix("screen.")
            if command.offered and self._is_at_hand(action):
                yield command.title, command.shown_where, action

    def _is_at_hand(self, action: str) -> bool:
        """Whether the screen below the palette, or the app, can carry it out."""
        name = action.partition("(")[0]
        owner = self.app if name.startswith("app.") else self.screen
        return hasattr(owner, f"action_{name.removeprefix('app.')}")

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
        action = action.replace("person(", "from_palette(", 1)  # nobody is at hand by chance
        return partial(self.app.run_action, action, self.screen)
