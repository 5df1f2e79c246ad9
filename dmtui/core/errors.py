"""What can go wrong, as types; each says whether trying again later can help.

    DmtuiError
    ├── Recoverable             keep it queued and try again
    │   ├── Unreachable         no answer: no network, refused, timed out, cut off
    │   └── ServerTrouble       an answer that is no verdict: 5xx, an HTML page, a broken body
    │       ├── RateLimited     429; says how long to wait
    │       └── FarTrouble      502, 504 with an error code: another homeserver did not answer ours
    ├── Refused                 the server's verdict: 4xx with its error code
    │   ├── Forbidden           403
    │   │   └── InviteBlocked   403 M_INVITE_BLOCKED
    │   ├── NotFound            404
    │   └── SignedOut           401 M_UNKNOWN_TOKEN: the session is over
    ├── BadContent              what the server keeps for us is malformed and was left alone
    ├── DamagedFile             a file is not what its sender sent, or does not open with its key
    ├── GivenUp                 the user has ended what was under way
    ├── NotMatrix               the address answers, but is no Matrix homeserver
    ├── InvalidUserId           not of the form @name:server
    ├── UnclearSearch           what is searched for can't be made out
    ├── CannotEncrypt           the room is encrypted and this message can't be
    ├── TrustAlarm              an identity changed, or no device of theirs is confirmed
    ├── BadRecoveryKey          a typo, or not the key or the passphrase of this account
    ├── PasswordNeeded          the homeserver asks for the account's password first
    ├── ApprovalNeeded          the homeserver wants it approved on a web page first
    ├── IdentityExists          the account has an encryption identity, which was left alone
    ├── WrongIdentity           the published identity is not the one that the recovery key opens
    ├── WrongPassphrase         what was typed does not open this profile's key
    ├── StoreTrouble            the disk: full, read-only, corrupt
    │   ├── KeyringTrouble      the system keyring: absent, locked, silent, without the key
    │   └── FileTrouble         a file of the user's: it can't be read or written
    ├── ProfileInUse            another process owns the account
    └── ConfigTrouble           the user's settings can't be read

The message of every error is one line for the user: what happened and what they can do.
"""

from __future__ import annotations

from collections.abc import Mapping

from dmtui.core.model import Alarm, UserId


class DmtuiError(Exception):
    """Something the user is told in one line."""

    recoverable = False


class Recoverable(DmtuiError):
    """Trying the same thing again later can succeed."""

    recoverable = True


class Unreachable(Recoverable):
    """The homeserver did not answer."""


class ServerTrouble(Recoverable):
    """The homeserver answered, but not with a verdict."""


class RateLimited(ServerTrouble):
    """The homeserver asks to slow down; ``retry_after`` is in seconds."""

    def __init__(self, message: str, retry_after: float):
        super().__init__(message)
        self.retry_after = retry_after


class FarTrouble(ServerTrouble):
    """Our homeserver is well, but could not get done what another one has a part in."""


class Refused(DmtuiError):
    """The homeserver said no; ``status`` is HTTP's, ``errcode`` is Matrix's (may be empty)."""

    def __init__(self, message: str, status: int = 400, errcode: str = ""):
        super().__init__(message)
        self.status = status
        self.errcode = errcode


class Forbidden(Refused):
    """The homeserver or the other side does not allow it (403)."""


class InviteBlocked(Forbidden):
    """The other side accepts no invites (``M_INVITE_BLOCKED``)."""


class NotFound(Refused):
    """There is no such thing, or it is not ours to see (404)."""


class SignedOut(Refused):
    """The access token is no longer valid; ``soft`` keeps the local keys."""

    def __init__(self, message: str, soft: bool = False):
        super().__init__(message, 401, "M_UNKNOWN_TOKEN")
        self.soft = soft


class BadContent(DmtuiError):
    """Account data on the server, or a key file, is not of the shape the spec gives."""


class DamagedFile(DmtuiError):
    """A file in the media repository is not the one that was sent; nothing of it was kept."""


class GivenUp(DmtuiError):
    """The user has ended it before it was done."""


class NotMatrix(DmtuiError):
    """The address is reachable and is no Matrix homeserver."""


class InvalidUserId(DmtuiError):
    """The text is no Matrix user ID."""


class CannotEncrypt(DmtuiError):
    """The conversation is encrypted and the message could not be."""


class TrustAlarm(DmtuiError):
    """The message would reach somebody else than is meant, or nobody: the user has to decide."""

    def __init__(self, message: str, alarms: Mapping[UserId, Alarm]):
        super().__init__(message)
        self.alarms = alarms


class BadRecoveryKey(DmtuiError):
    """What was typed does not open the account's secret storage."""


class PasswordNeeded(DmtuiError):
    """The homeserver does this only for who knows the account's password."""


class ApprovalNeeded(DmtuiError):
    """The homeserver does this once the user has approved it at ``url`` in a browser."""

    def __init__(self, message: str, url: str):
        super().__init__(message)
        self.url = url


class IdentityExists(DmtuiError):
    """The account has an encryption identity already: it is unlocked, never overwritten."""


class WrongIdentity(DmtuiError):
    """The homeserver publishes another identity than the one whose secrets were unlocked."""


class UnclearSearch(DmtuiError):
    """What the user searches for can't be made out."""


class StoreTrouble(DmtuiError):
    """The local database can't be read or written."""


class KeyringTrouble(StoreTrouble):
    """The system keyring can't be reached, or does not give the profile's key."""


class WrongPassphrase(DmtuiError):
    """The passphrase does not open the profile's key."""


class FileTrouble(StoreTrouble):
    """A file outside the local database can't be read or written."""


class ProfileInUse(DmtuiError):
    """Another process owns this profile's account."""


class ConfigTrouble(DmtuiError):
    """The configuration file is wrong; the message names the line."""
