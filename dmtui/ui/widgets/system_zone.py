"""The time zone of this computer, with its summer time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo


class SystemZone(tzinfo):
    """What the operating system says; a fixed offset would be an hour off for half the year."""

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        return None

    def tzname(self, moment: datetime | None) -> str | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, moment: datetime) -> datetime:
        """Convert from UTC; the whole of it, since ``tzinfo.fromutc`` wants a ``dst``."""
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)
