"""Days as people name them."""

from __future__ import annotations

import re
from datetime import date, timedelta

from dmtui.core.times import DAYS, MONTHS

_SHORT = 3  # letters that tell weekdays and months apart
_MONTH_ALONE = re.compile(r"\d{4}-\d\d")
_WITH_MONTH = re.compile(r"(\d{1,2})\.? ([a-z]{3,})(?:,? (\d{4}))?")


def day_from(words: str, today: date) -> date | None:
    """The day that somebody means, the last one where several fit; ``None`` if none does.

    ``today``, ``yesterday``, a weekday, ``16 Nov``, ``16 Nov 2025``, ``2025-11-16``, ``2025-11``.
    """
    text = words.strip().casefold()
    if not text:
        return None
    if text in ("today", "yesterday"):
        return today - timedelta(days=text == "yesterday")
    if len(text) >= _SHORT and (day := _beginning_with(DAYS, text)) is not None:
        return today - timedelta(days=(today.weekday() - day - 1) % 7 + 1)
    try:
        if _MONTH_ALONE.fullmatch(text):
            text += "-01"
        if found := _WITH_MONTH.fullmatch(text):
            return _in_month(int(found[1]), found[2], found[3], today)
        return date.fromisoformat(text)
    except ValueError:
        return None


def _in_month(day: int, name: str, year: str | None, today: date) -> date | None:
    """Without a year, the last such day."""
    month = _beginning_with(MONTHS, name)
    if month is None:
        return None
    if year:
        return date(int(year), month + 1, day)
    this_year = date(today.year, month + 1, day)
    return this_year if this_year <= today else date(today.year - 1, month + 1, day)


def _beginning_with(names: tuple[str, ...], start: str) -> int | None:
    return next((n for n, name in enumerate(names) if name.casefold().startswith(start)), None)
