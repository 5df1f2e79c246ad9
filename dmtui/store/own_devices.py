"""The devices of my own account that were ever seen, and those that wait for me to look at them.

A device is known by its ID and its key together, and for good: it is new once. The first list is
no news: what was signed in before this dmtui was is not announced.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager

from dmtui.core.events import Change, NewSignIn, OwnDevicesChanged
from dmtui.core.model import Safe
from dmtui.core.own_devices import OwnDevice
from dmtui.store.account import meta
from dmtui.store.database import Database
from dmtui.store.invites import set_meta
from dmtui.store.work import Work

_BEGUN = "own-devices"
_WAITS = "waiting = 1 AND gone = 0"
_COLUMNS = "SELECT device_id, name, fingerprint, confirmed FROM own_device"


class OwnDeviceRecords:
    """What the user has to be told of the account's devices."""

    def __init__(self, database: Database, write: Callable[[], AbstractContextManager[Work]]):
        self._database = database
        self._write = write

    def waiting(self) -> tuple[OwnDevice, ...]:
        """New ones that nothing vouches for, and that the user has not looked at."""
        with self._database.read() as connection:
            return _read(connection, f"{_COLUMNS} WHERE {_WAITS} ORDER BY number")

    def find(self, device_id: str) -> OwnDevice | None:
        """The latest of this ID."""
        with self._database.read() as connection:
            found = _read(connection, f"{_COLUMNS} WHERE device_id = ? ORDER BY number", device_id)
            return found[-1] if found else None

    def looked(self, devices: Collection[OwnDevice]) -> frozenset[Change]:
        """The user has seen these."""
        with self._write() as work:
            _stop_waiting(work, ((one.device_id, one.fingerprint) for one in devices))
        return work.done


def untold(connection: sqlite3.Connection) -> tuple[OwnDevice, ...]:
    """Those that wait and of which no notification has told."""
    return _read(connection, f"{_COLUMNS} WHERE {_WAITS} AND told = 0 ORDER BY number")


def mark_told(work: Work, devices: Collection[OwnDevice]) -> None:
    """A notification has told of these, or need not."""
    work.connection.executemany(
        "UPDATE own_device SET told = 1 WHERE (device_id, fingerprint) = (?, ?)",
        [(one.device_id, one.fingerprint) for one in devices],
    )


def put_own_devices(work: Work, devices: Collection[OwnDevice]) -> None:
    """These are all that there are now."""
    first = meta(work.connection, _BEGUN) is None
    if first:
        set_meta(work, _BEGUN, "yes")
    for device in devices:
        _put(work, device, announce=not first and not device.this)
    _stop_waiting(work, ((one.device_id, one.fingerprint) for one in devices if one.confirmed))
    there = {(one.device_id, one.fingerprint) for one in devices}
    waiting = work.connection.execute(
        "SELECT device_id, fingerprint, gone FROM own_device WHERE waiting = 1"
    ).fetchall()
    for *key, was_gone in waiting:
        gone = tuple(key) not in there  # until the user has looked, it waits when it comes back
        if gone != was_gone:
            work.connection.execute(
                "UPDATE own_device SET gone = ? WHERE (device_id, fingerprint) = (?, ?)",
                (gone, *key),
            )
            work.changes.add(OwnDevicesChanged())


def _put(work: Work, device: OwnDevice, announce: bool) -> None:
    waiting = announce and not device.confirmed
    new = work.connection.execute(
        "INSERT OR IGNORE INTO own_device (device_id, fingerprint, name, confirmed, waiting)"
        " VALUES (?, ?, ?, ?, ?)",
        (device.device_id, device.fingerprint, device.name, device.confirmed, waiting),
    ).rowcount
    if new and announce:
        work.changes |= {NewSignIn(device.device_id), OwnDevicesChanged()}
        return
    changed = work.connection.execute(
        "UPDATE own_device SET name = ?1, confirmed = ?2 WHERE (device_id, fingerprint) = (?3, ?4)"
        " AND (name, confirmed) IS NOT (?1, ?2)",
        (device.name, device.confirmed, device.device_id, device.fingerprint),
    ).rowcount
    if new or changed:
        work.changes.add(OwnDevicesChanged())


def _stop_waiting(work: Work, keys: Iterable[tuple[str, str]]) -> None:
    for key in keys:
        ended = work.connection.execute(
            "UPDATE own_device SET waiting = 0 WHERE (device_id, fingerprint) = (?, ?)"
            " AND waiting = 1",
            key,
        )
        if ended.rowcount:
            work.changes.add(OwnDevicesChanged())


def _read(connection: sqlite3.Connection, sql: str, *values: str) -> tuple[OwnDevice, ...]:
    return tuple(
        OwnDevice(
            device_id, Safe(name), fingerprint, None if confirmed is None else bool(confirmed)
        )
        for device_id, name, fingerprint, confirmed in connection.execute(sql, values)
    )
