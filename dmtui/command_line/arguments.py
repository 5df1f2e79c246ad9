"""What may be typed after ``dmtui``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from dmtui import __version__

PROFILE = "default"


def parser() -> argparse.ArgumentParser:
    """The parser; ``command`` is empty for the app itself."""
    top = argparse.ArgumentParser(
        prog="dmtui",
        description="Your direct messages, in your terminal. Without a command: the app.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"dmtui {__version__}")
    top.add_argument(
        "--profile",
        default=PROFILE,
        metavar="NAME",
        help="one account of several (default: %(default)s)",
    )
    top.add_argument(
        "--plain",
        action="store_true",
        help="the app in one column, with words in place of signs, for screen readers",
    )
    top.set_defaults(command="")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", parser_class=_AnyOrder)
    _account(commands)
    _messages(commands)
    _invites(commands)
    _doctor(commands)
    _recovery(commands)
    return top


class _AnyOrder(argparse.ArgumentParser):
    """Takes arguments behind options as well, such as TEXT behind ``--file PATH``."""

    _inside = False

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: argparse.Namespace | None = None,
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse does, once it is called by itself."""
        if self._inside:
            return super().parse_known_args(args, namespace)
        self._inside = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._inside = False


def _command(
    commands: argparse._SubParsersAction[_AnyOrder], name: str, text: str
) -> argparse.ArgumentParser:
    added = commands.add_parser(
        name, help=text, description=text.capitalize() + ".", allow_abbrev=False
    )
    added.set_defaults(command=name)
    return added


def _account(commands: argparse._SubParsersAction[_AnyOrder]) -> None:
    _command(
        commands,
        "demo",
        "try dmtui with a homeserver and contacts of its own, leaving nothing behind",
    )
    login = _command(commands, "login", "sign in with a password")
    login.add_argument("user", nargs="?", default="", metavar="@user:server")
    login.add_argument(
        "--homeserver",
        default="",
        metavar="URL",
        help="where the server answers, if it can't be found by the user ID",
    )
    login.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    login.add_argument(
        "--new-key",
        action="store_true",
        help="where the key to this profile's secrets is lost: sign in as a new device with another"
        " key; messages stay, those that only the lost device could decrypt too",
    )
    _command(
        commands, "logout", "end the session and delete its keys and messages from this computer"
    )


def _messages(commands: argparse._SubParsersAction[_AnyOrder]) -> None:
    send = _command(commands, "send", "send one message, starting the chat if there is none")
    send.add_argument("user", metavar="@user:server")
    send.add_argument(
        "text", nargs="?", metavar="TEXT", help="read from standard input if left out"
    )
    send.add_argument(
        "--file", default="", metavar="PATH", help="send this file; TEXT, if any, is its caption"
    )
    _json(send)
    export = _command(commands, "export", "write a conversation, all that is stored of it")
    export.add_argument("user", metavar="@user:server", help="or a group's room ID")
    export.add_argument(
        "--format",
        choices=("txt", "md", "json"),
        help="json: one object a line (default: by the name of the file, else txt)",
    )
    export.add_argument(
        "--output", default="", metavar="FILE", help="a new file, in place of standard output"
    )
    _json(_command(commands, "people", "list the people you talk to, newest message first"))


def _invites(commands: argparse._SubParsersAction[_AnyOrder]) -> None:
    _json(_command(commands, "inbox", "list pending invites, those of people you know first"))
    accept = _command(commands, "accept", "accept an invite")
    accept.add_argument("room", metavar="ROOM", help="room ID, as shown by dmtui inbox")
    accept.add_argument(
        "--as-room", action="store_true", help="join without making it a direct chat"
    )
    decline = _command(commands, "decline", "decline an invite")
    decline.add_argument("room", metavar="ROOM", help="room ID, as shown by dmtui inbox")
    decline.add_argument("--ignore", action="store_true", help="also ignore the person who sent it")
    decline.add_argument(
        "--report",
        nargs="?",
        const="",
        metavar="REASON",
        help="also report the person and the room to those who run your homeserver",
    )
    switch = _command(commands, "invites", "block all invites, or allow them, or show which")
    switch.add_argument(
        "wanted",
        nargs="?",
        choices=("block", "allow", "status"),
        default="status",
        help="status if left out",
    )
    _json(switch)


def _doctor(commands: argparse._SubParsersAction[_AnyOrder]) -> None:
    doctor = _command(
        commands, "doctor", "find what is wrong with the account's list of direct messages"
    )
    doctor.add_argument(
        "--fix", action="store_true", help="repair it in one write (on a terminal, you are asked)"
    )
    doctor.add_argument(
        "--candidates",
        action="store_true",
        help="also mark the rooms that look like chats of two and were never marked as such",
    )
    doctor.add_argument("--undo", action="store_true", help="take the last repair back")
    _json(doctor)


def _recovery(commands: argparse._SubParsersAction[_AnyOrder]) -> None:
    recovery = _command(
        commands, "recovery", "set up the account's encryption identity, unlock it, or show it"
    )
    recovery.add_argument(
        "wanted",
        nargs="?",
        choices=("set-up", "unlock", "kept", "reset", "status", "export-keys", "import-keys"),
        default="status",
        help="set-up: make an identity and print its recovery key; unlock: join the identity by"
        " the recovery key or passphrase on standard input; kept: destroy the copy of the key"
        " that set-up leaves on this computer until then; reset: give the identity up for a new"
        " one, if its recovery key is lost; export-keys, import-keys: message keys"
        " in a file with a passphrase, as Element has it; status if left out",
    )
    recovery.add_argument(
        "file", nargs="?", default="", metavar="FILE", help="of export-keys and import-keys"
    )
    recovery.add_argument(
        "--passphrase",
        action="store_true",
        help="set-up also asks for a passphrase, which opens what the recovery key opens",
    )
    recovery.add_argument("--yes", action="store_true", help="reset without asking once more")
    _json(recovery)


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
