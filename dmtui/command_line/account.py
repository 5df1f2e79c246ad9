"""``dmtui login`` and ``dmtui logout``."""

from __future__ import annotations

import asyncio
import getpass
import sys
from argparse import Namespace

from dmtui.command_line.answers import Failure, WrongUsage, say
from dmtui.command_line.signed_in import chosen, open_key, profile_key, signed_in
from dmtui.compose import open_session, open_store
from dmtui.config import read_protection
from dmtui.core.errors import Recoverable, SignedOut
from dmtui.core.model import Session
from dmtui.core.safekeeping import PLACES, KeyPlace, Protection
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.session import load_session, save_session


def login(paths: ProfilePaths, options: Namespace) -> None:
    """Sign in with a password and keep the session."""
    with ProfileLock(paths):
        known = load_session(paths)
        if known is not None and not options.new_key:
            raise Failure(f"{known.user_id} is signed in already: run dmtui logout first.")
        user = options.user or _asked("User ID: ")
        password = _password(options.password_stdin)
        key = profile_key(paths)
        passphrase = ""
        if not options.new_key:
            open_key(key)
        elif read_protection(paths.config_file) is Protection.PASSPHRASE:
            passphrase = chosen()
        from dmtui.matrix.sign_in import sign_in_with_password

        session = asyncio.run(sign_in_with_password(user.strip(), password, options.homeserver))
        open_store(paths, session).close()  # refuses the messages of another account
        if options.new_key:
            paths.wipe_encryption()
            key.renew(passphrase)
        save_session(paths, session, key.open())
    say(f"Signed in as {session.user_id}.")
    if key.place is KeyPlace.FILE:
        say(PLACES[KeyPlace.FILE])


def logout(paths: ProfilePaths, options: Namespace) -> None:
    """End the session on the server, then delete what is stored of it here."""
    with ProfileLock(paths):
        saved = signed_in(paths)
        key = profile_key(paths)
        open_key(key)
        session, opener = open_session(paths, saved, key)
        asyncio.run(_end(paths, session, opener))
        paths.wipe()
        key.forget()
    say(f"Signed out {session.user_id}; its keys and messages are gone from this computer.")


async def _end(paths: ProfilePaths, session: Session, key: str) -> None:
    from dmtui.matrix.homeserver import connect

    homeserver = await connect(session, paths.encryption, key)
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
