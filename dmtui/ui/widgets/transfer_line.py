"""How far a file is, in one line."""

from __future__ import annotations

from dmtui.core.attachments import size_words
from dmtui.core.model import Transfer

_BAR = 10


def transfer_note(transfer: Transfer) -> str:
    """Which way, how much of it, and how to end it."""
    way = "↑ uploading" if transfer.sending else "↓ saving"
    return f"{way} {_how_much(transfer)} · d\xa0stops\xa0it"


def _how_much(transfer: Transfer) -> str:
    if not transfer.total:
        return size_words(transfer.done) if transfer.done else "…"
    share = min(1.0, transfer.done / transfer.total)
    full = round(share * _BAR)
    bar = "━" * full + "─" * (_BAR - full)
    return f"{bar} {share:.0%} of {size_words(transfer.total)}".replace(" of ", "\xa0of\xa0")
