"""``dmtui recovery``: set the encryption identity up, unlock it, show where it stands."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import textwrap
from argparse import Namespace
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from dmtui.command_line.answers import Failure, WrongUsage, say, say_json, tell
from dmtui.command_line.asking import new_secret, secret
from dmtui.command_line.signed_in import open_key, profile_key, signed_in
from dmtui.compose import open_session
from dmtui.core.errors import ApprovalNeeded, DmtuiError, NotFound, PasswordNeeded
from dmtui.core.own_devices import OwnDevice, called, in_order
from dmtui.core.ports import Homeserver
from dmtui.core.recovery import Backup, Encryption, Identity, fault_of
from dmtui.core.safekeeping import PLACES, KeyPlace
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.profile_key.profile_key import ProfileKey

T = TypeVar("T")

_STANDING = {
    Identity.NONE: "There is no encryption identity: dmtui recovery set-up makes one.",
    Identity.UNFINISHED: "The set-up was interrupted: dmtui recovery set-up completes it.",
    Identity.LOCKED: "There is an identity that this device is no part of:"
    " dmtui recovery unlock joins it.",
    Identity.OURS: "This device is part of your encryption identity.",
    Identity.CHANGED: "Your encryption identity is not the one that this device trusted: unless"
    " you have reset it elsewhere, do not trust this homeserver.",
}
_BACKUP = {
    Backup.NONE: "There is no backup of message keys.",
    Backup.LOCKED: "There is a backup of message keys, which this device can't read yet.",
    Backup.ON: "Message keys are backed up.",
    Backup.UNTRUSTED: "There is a backup of message keys that this device does not trust.",
}
_COST = (
    "A reset makes a NEW encryption identity. Everybody who has verified you is warned that your"
    " identity has changed, each of your devices must be unlocked anew, and the old key backup is"
    " deleted."
)
_WIDTH = 79  # of a terminal that would break words
_CARRIED_OVER = "This device can read that backup: the message keys in it go into the new one."
_LOST = (
    "This device can't read that backup: messages whose keys are only there stay unreadable for"
    " good. Where you still have the old recovery key, dmtui recovery unlock is what you want."
)


def recovery(paths: ProfilePaths, options: Namespace) -> None:
    """One of the things to do with recovery; raises ``ProfileInUse`` beside a running app."""
    if options.passphrase and options.wanted not in ("set-up", "reset"):
        raise WrongUsage("--passphrase goes with dmtui recovery set-up and reset.")
    if options.yes and options.wanted != "reset":
        raise WrongUsage("--yes goes with dmtui recovery reset.")
    if options.file and not options.wanted.endswith("-keys"):
        raise WrongUsage("A file goes with dmtui recovery export-keys and import-keys.")
    key = profile_key(paths)
    match options.wanted:
        case "export-keys":
            from dmtui.command_line.key_files import export_keys

            export_keys(key, options.file)
        case "import-keys":
            from dmtui.command_line.key_files import import_keys

            import_keys(key, options.file)
        case "set-up":
            _set_up(key, options)
        case "reset":
            _give_up(key, options)
            _set_up(key, options)
        case "unlock":
            _unlock(key)
        case "kept":
            there = _with(key, lambda homeserver: homeserver.recovery_key_kept())
            destroyed = "The copy of the recovery key on this computer is destroyed."
            say(destroyed if there else "There is no copy of a recovery key on this computer.")
        case _:
            _show(*_with(key, _looked_up), key.place, options)


def _with(key: ProfileKey, act: Callable[[Homeserver], Awaitable[T]]) -> T:
    """Do it with the account to ourselves; nothing is synced."""
    paths = key.paths
    with ProfileLock(paths):
        saved = signed_in(paths)
        open_key(key)
        session, opener = open_session(paths, saved, key)

        async def run() -> T:
            from dmtui.matrix.homeserver import connect

            homeserver = await connect(session, paths.encryption, opener)
            try:
                return await act(homeserver)
            finally:
                await homeserver.close()

        return asyncio.run(run())


async def _looked_up(homeserver: Homeserver) -> tuple[Encryption, tuple[OwnDevice, ...]]:
    state = await homeserver.encryption()
    return state, in_order(await homeserver.own_devices())


def _show(
    state: Encryption,
    devices: Sequence[OwnDevice],
    key_place: KeyPlace | None,
    options: Namespace,
) -> None:
    if options.json:
        say_json(
            {
                "identity": state.identity.value,
                "recovery": state.recovery,
                "passphrase": state.passphrase,
                "backup": state.backup.value,
                "to_back_up": state.to_back_up,
                "unkept_key": state.unkept_key,
                "devices": [
                    {
                        "device_id": one.device_id,
                        "name": one.name,
                        "fingerprint": one.fingerprint,
                        "confirmed": one.confirmed,
                        "this": one.this,
                    }
                    for one in devices
                ],
                "key_place": key_place,
            }
        )
        return
    say(_STANDING[state.identity])
    if state.recovery:
        opener = "a recovery key or a passphrase" if state.passphrase else "a recovery key"
        say(f"Recovery is set up; {opener} opens it.")
    say(_BACKUP[state.backup])
    strange = ", ".join(called(one) for one in devices if one.confirmed is False and not one.this)
    if strange:
        say(f"Signed in to your account and not confirmed: {strange}.")
    if state.to_back_up:
        say(f"Message keys still to be backed up: {state.to_back_up}.")
    if state.unkept_key:
        say("Nobody has said yet that the recovery key is kept: dmtui recovery set-up shows it.")
    if key_place is not None:
        say(PLACES[key_place])


def _set_up(key: ProfileKey, options: Namespace) -> None:
    passphrase = new_secret("New passphrase: ") if options.passphrase else ""
    if passphrase and (fault := fault_of(passphrase)):
        raise WrongUsage(fault)
    reset = options.wanted == "reset"
    text = _with(key, lambda homeserver: _made(homeserver, passphrase, reset))
    say(text)
    sys.stdout.flush()
    if not _is_terminal():
        tell("Once you have kept this key, dmtui recovery kept destroys the copy here.")
        return
    tell("This is your recovery key. Keep it where only you find it: it is not shown again.")
    if _asked("Its last four signs, once it is kept: ").strip() != text[-4:]:
        raise Failure("This is not how the key ends; dmtui recovery set-up shows it once more.")
    _with(key, lambda homeserver: homeserver.recovery_key_kept())
    say("Recovery is set up.")


def _give_up(key: ProfileKey, options: Namespace) -> None:
    """Say what a reset costs and have it confirmed; raises ``WrongUsage`` otherwise."""
    state = _with(key, lambda homeserver: homeserver.encryption())
    if state.identity is Identity.NONE:
        raise Failure("There is no identity to give up: dmtui recovery set-up makes one.")
    if not (options.yes or _is_terminal()):
        raise WrongUsage("A reset must be confirmed: dmtui recovery reset --yes.")
    cost = f"{_COST} {_CARRIED_OVER if state.backup is Backup.ON else _LOST}"
    tell(textwrap.fill(cost, _WIDTH))
    if options.yes:
        return
    if _asked("Type RESET to go on: ").strip() != "RESET":
        raise Failure("Nothing was reset.")


async def _made(homeserver: Homeserver, passphrase: str, reset: bool) -> str:
    """The recovery key; asks on the way for what the homeserver asks for."""
    password, asked = "", False
    make = homeserver.reset_identity if reset else homeserver.set_up_recovery
    while True:
        try:
            key = await make(passphrase, password)
            if reset:  # no backup has this device's keys now
                with contextlib.suppress(DmtuiError):
                    await homeserver.back_up()
            return key
        except PasswordNeeded as error:
            tell(str(error))
            password = secret("Password: ")
        except ApprovalNeeded as error:
            if not _is_terminal():
                raise Failure(f"{error} Open {error.url}, then run this again.") from error
            tell("The homeserver does not know of it yet." if asked else str(error))
            tell(f"Open this page, here or on any other machine:\n{error.url}")
            asked = True
            if not _asked("Press Enter once it is approved. "):
                raise Failure("It is not approved: run this again once it is.") from error


def _unlock(key: ProfileKey) -> None:
    typed = secret("Recovery key or passphrase: ")
    restored = _with(key, lambda homeserver: _joined(homeserver, typed))
    say("Unlocked: this device is part of your encryption identity.")
    if restored is not None:
        say(f"Message keys restored from the backup: {restored}.")


async def _joined(homeserver: Homeserver, secret: str) -> int | None:
    """How many room keys the backup brought; ``None`` without one that can be read."""
    await homeserver.unlock(secret)
    try:
        return await homeserver.restore_keys(lambda done, of: None)
    except NotFound:
        return None


def _asked(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    return sys.stdin.readline()


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()
