"""``dmtui login`` and ``dmtui logout``."""

from __future__ import annotations

import asyncio
import getpass
import sys
from argparse import Namespace

from dmtui.command_line.answers import Failure, WrongUsage, say
from dmtui.command_line.signed_in import signed_in
from dmtui.compose import open_store
from dmtui.core.errors import Recoverable, SignedOut
from dmtui.core.model import Session
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.session import load_session, save_session


def login(paths: ProfilePaths, options: Namespace) -> None:
    """Sign in with a password and keep the session."""
    with ProfileLock(paths):
        known = load_session(paths)
        if known is not None:
            raise Failure(f"{known.user_id} is signed in already: run dmtui logout first.")
        user = options.user or _asked("User ID: ")
        password = _password(options.password_stdin)
        from dmtui.matrix.sign_in import sign_in_with_password

        session = asyncio.run(sign_in_with_password(user.strip(), password, options.homeserver))
        open_store(paths, session).close()  # refuses the messages of another account
        save_session(paths, session)
    say(f"Signed in as {session.user_id}.")


def logout(paths: ProfilePaths, options: Namespace) -> None:
    """End the session on the server, then delete what is stored of it here."""
    with ProfileLock(paths):
        session = signed_in(paths)
        asyncio.run(_end(paths, session))
        paths.wipe()
    say(f"Signed out {session.user_id}; its keys and messages are gone from this computer.")


async def _end(paths: ProfilePaths, session: Session) -> None:
    from dmtui.matrix.homeserver import connect

    homeserver = await connect(session, paths.encryption)
    try:
        await homeserver.logout()
    except SignedOut:
        pass  # that is what was wanted
    except Recoverable as error:
        raise Failure(f"{error} You are still signed in.") from error
    finally:
        await homeserver.close()


def _asked(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise WrongUsage("The user ID is missing: dmtui login @user:server.")
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline()


def _password(from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
    else:
        raise WrongUsage("There is no terminal to ask for the password: use --password-stdin.")
    if not password:
        raise WrongUsage("The password is empty.")
    return password
