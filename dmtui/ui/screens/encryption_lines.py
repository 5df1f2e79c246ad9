"""Where encryption stands, in words, each with what to do next."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from textual.content import Content

from dmtui.core.names import clean_line
from dmtui.core.recovery import Backup, Identity
from dmtui.core.safekeeping import PLACES
from dmtui.ui.screens.card_lines import Line, spaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dmtui.core.model import PersonDevice
    from dmtui.core.recovery import Encryption
    from dmtui.core.safekeeping import KeyPlace
    from dmtui.messenger.encryption import EncryptionCare, Restoring

ASKING = "Asking the homeserver…"


class Step(StrEnum):
    """What can be done; the value ends the id of its command."""

    SET_UP = "set-up"
    UNLOCK = "unlock"
    KEEP = "keep"
    RESTORE = "restore"
    COPY = "copy"


_IDENTITY = {
    Identity.NONE: (
        "○",
        "$text-warning",
        "None",
        "Your account has no identity that tells your devices from a stranger's, and your older"
        " messages are lost with this device.",
    ),
    Identity.UNFINISHED: (
        "○",
        "$text-warning",
        "Half set up",
        "Setting it up was interrupted. Nothing is lost: the same is completed.",
    ),
    Identity.LOCKED: (
        "○",
        "$text-warning",
        "This device is not confirmed",
        "People see a warning beside what you write from here, or do not get it at all.",
    ),
    Identity.OURS: ("✓", "$text-success", "Confirmed", "This device is signed by your identity."),
    Identity.CHANGED: (
        "✗",
        "$text-error",
        "Another identity than before",
        "Either you have reset it on another device, or somebody plays a trick on you. If you did"
        " not, tell your server's administrator and write nothing secret.",
    ),
}
_BACKUP = {
    Backup.NONE: ("○", "$text-warning", "None"),
    Backup.LOCKED: ("○", "$text-warning", "There is one, and this device can't read it yet"),
    Backup.ON: ("✓", "$text-success", "On"),
    Backup.UNTRUSTED: (
        "✗",
        "$text-error",
        "There is one that this device does not trust: it neither reads it nor adds to it",
    ),
}


_HINTS = {
    Identity.NONE: "Set up encryption",
    Identity.UNFINISHED: "Complete encryption",
    Identity.LOCKED: "Confirm this device",
}


def steps_of(known: Encryption | None, restoring: bool) -> tuple[Step, ...]:
    """What can be done now, what to do next first."""
    steps: list[Step] = []
    if known is not None:
        if known.unkept_key:
            steps.append(Step.KEEP)
        if known.identity in (Identity.NONE, Identity.UNFINISHED):
            steps.append(Step.SET_UP)
        if known.recovery and needs_unlock(known):
            steps.append(Step.UNLOCK)
        if known.backup is Backup.ON and not restoring:
            steps.append(Step.RESTORE)
    return (*steps, Step.COPY)


def needs_unlock(known: Encryption) -> bool:
    """Whether the recovery key would change anything."""
    if known.identity in (Identity.NONE, Identity.UNFINISHED):
        return False
    return known.identity is not Identity.OURS or known.backup in (Backup.LOCKED, Backup.UNTRUSTED)


def state_lines(
    known: Encryption | None,
    device: PersonDevice | None,
    restoring: Restoring | None,
    press: Callable[[Step], str],
    key_place: KeyPlace | None = None,
) -> Iterator[Line]:
    """All of it; ``press`` names the key of a step."""
    yield Line(Content("Identity"), heading=True)
    if known is None:
        yield _said("·", "$text-muted", ASKING)
    else:
        yield from _identity(known, press)
        yield Line(Content("Recovery key"), heading=True)
        yield from _recovery(known, press)
        yield Line(Content("Backup of message keys"), heading=True)
        yield from _backup(known, restoring, press)
    yield Line(Content("This device"), heading=True)
    yield from _device(device)
    if key_place is not None:
        yield _more(PLACES[key_place])


def _identity(known: Encryption, press: Callable[[Step], str]) -> Iterator[Line]:
    mark, style, words, why = _IDENTITY[known.identity]
    yield _said(mark, style, words)
    yield _more(why)
    match known.identity:
        case Identity.NONE:
            yield _next(f"{press(Step.SET_UP)} sets it up: a minute, and you get a recovery key.")
        case Identity.UNFINISHED:
            yield _next(f"{press(Step.SET_UP)} completes it.")
        case Identity.LOCKED if known.recovery:
            yield _next(f"{press(Step.UNLOCK)} confirms it with your {opener(known)}.")
        case Identity.LOCKED:
            yield _next(
                "Set a recovery key up in the client that you have used so far; then come back."
            )
        case Identity.CHANGED if known.recovery:
            yield _next(f"If it was you, {press(Step.UNLOCK)} takes the new one's {opener(known)}.")


def _recovery(known: Encryption, press: Callable[[Step], str]) -> Iterator[Line]:
    if known.unkept_key:
        yield _said("○", "$text-warning", "Made on this device, and nobody has kept it yet")
        yield _next(f"{press(Step.KEEP)} shows it.")
    elif known.recovery:
        more = " A passphrase opens the same." if known.passphrase else ""
        yield _said("✓", "$text-success", f"Set up.{more}")
    else:
        yield _said("○", "$text-warning", "Not set up")
        if known.identity is Identity.NONE:
            yield _next("It comes with the identity.")


def _backup(
    known: Encryption, restoring: Restoring | None, press: Callable[[Step], str]
) -> Iterator[Line]:
    mark, style, words = _BACKUP[known.backup]
    if known.backup is Backup.ON:
        left = known.to_back_up
        keys = "1 key" if left == 1 else f"{left:,} keys"
        words += f"; {keys} still to be uploaded" if left else "; all keys are in it"
    yield _said(mark, style, words)
    if restoring is not None:
        yield _more(progress_words(restoring))
    elif known.backup is Backup.ON:
        yield _next(f"{press(Step.RESTORE)} restores from it what this device can't read.")
    elif known.backup is Backup.NONE and known.identity is Identity.NONE:
        yield _next("It comes with the identity.")
    elif known.backup is Backup.LOCKED and known.recovery:
        yield _next(f"{press(Step.UNLOCK)} opens it, too.")


def _device(device: PersonDevice | None) -> Iterator[Line]:
    if device is None:
        yield _said("·", "$text-muted", ASKING)
        return
    name = str(clean_line(device.name, 60)) or "(no name)"
    device_id = str(clean_line(device.device_id, 60))
    yield Line(Content.assemble(name, (f"  {device_id}", "$text-muted")), Content("· "), indent=2)
    yield Line(Content(spaced(device.fingerprint)), indent=2)


def opener(known: Encryption) -> str:
    """What opens recovery."""
    return "recovery key or passphrase" if known.passphrase else "recovery key"


def progress_words(restoring: Restoring) -> str:
    """How far restoring is."""
    if not restoring.of:
        return "Restoring room keys…"
    return f"Restoring room keys: {restoring.done:,} of {restoring.of:,}"


def notice_words(care: EncryptionCare, press: str) -> str:
    """A few words for the status line, with what to press; empty if nothing is to be said."""
    known = care.known
    if care.restoring is not None:
        return progress_words(care.restoring)
    if care.doing:
        return f"{care.doing}…"
    if known is None:
        return ""
    if known.identity is Identity.CHANGED:
        return f"Your encryption identity is another one: {press}"
    if known.unkept_key:
        return f"Keep your recovery key: {press}"
    if not care.hint_due:
        return ""
    return f"{_HINTS[known.identity]}: {press}"


def _said(mark: str, style: str, words: str) -> Line:
    return Line(Content(words), Content.styled(f"{mark} ", style), indent=2)


def _more(words: str) -> Line:
    return Line(Content.styled(words, "$foreground 70%"), indent=2)


def _next(words: str) -> Line:
    return Line(Content(words), Content.styled("→ ", "$text-primary"), indent=2)
