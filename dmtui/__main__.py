"""The command line: arguments to one command, its troubles to one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # --version and --help load nothing else
    from dmtui.first_frame.frame import FirstFrame
    from dmtui.profile import ProfilePaths


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    frame = _first_frame(given)
    from dmtui.command_line.arguments import parser

    options = parser().parse_args(given)
    from dmtui.command_line.answers import (
        DONE,
        FAILED,
        INTERRUPTED,
        WRONG_USAGE,
        WrongUsage,
        complain,
    )
    from dmtui.core.errors import DmtuiError, InvalidUserId
    from dmtui.profile import InvalidProfileName

    try:
        _keep_private()
        if frame is None:
            options.taken_over = _nothing
            _run(options)
        else:
            options.taken_over = frame.taken_over
            with frame:
                _run(options)
        sys.stdout.flush()
    except (WrongUsage, InvalidUserId, InvalidProfileName) as error:
        complain(str(error))
        return WRONG_USAGE
    except DmtuiError as error:
        complain(str(error))
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads the rest
        return FAILED
    except OSError as error:
        complain(_in_words(error))
        return FAILED
    except ExceptionGroup as group:
        complain(_of_several(group))
        return FAILED
    return DONE


def _first_frame(arguments: Sequence[str]) -> FirstFrame | None:
    """On screen already, when it is the app that is wanted."""
    match arguments:
        case []:
            profile = "default"
        case ["--profile", profile] if profile.isalnum():
            pass
        case _:
            return None
    from dmtui.first_frame.frame import FirstFrame

    frame = FirstFrame()
    frame.show(profile)
    return frame


def _run(options: Namespace) -> None:
    from dmtui.profile import ProfilePaths

    command = _command(options.command)
    command(ProfilePaths.named(options.profile), options)


def _command(name: str) -> Callable[[ProfilePaths, Namespace], None]:
    match name:
        case "login" | "logout":
            from dmtui.command_line import account

            return account.login if name == "login" else account.logout
        case "people" | "inbox":
            from dmtui.command_line import reading

            return reading.people if name == "people" else reading.inbox
        case "send":
            from dmtui.command_line import acting

            return acting.send
        case "export":
            from dmtui.command_line import export

            return export.export
        case "accept" | "decline":
            from dmtui.command_line import acting

            return acting.accept if name == "accept" else acting.decline
        case "invites":
            from dmtui.command_line import acting

            return acting.invites
        case "doctor":
            from dmtui.command_line import doctor

            return doctor.doctor
        case "recovery":
            from dmtui.command_line import recovery

            return recovery.recovery
        case _:
            from dmtui.command_line import app

            return app.demo if name == "demo" else app.app


def _nothing() -> None:
    """There is no first frame to take over."""


def _keep_private() -> None:
    """Files readable by their owner alone, and no memory of ours in core dumps."""
    import resource

    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _in_words(error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then try again."
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _of_several(group: ExceptionGroup[Exception]) -> str:
    """The first trouble of background work that is one for the user; a bug is raised again."""
    from dmtui.core.errors import DmtuiError

    expected, bugs = group.split((DmtuiError, OSError))
    if bugs is not None or expected is None:
        raise group
    first: BaseException = expected
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return _in_words(first) if isinstance(first, OSError) else str(first)


if __name__ == "__main__":
    sys.exit(main())
