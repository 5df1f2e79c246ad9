"""The devices of my account, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from dmtui.core.names import clean_line
from dmtui.core.own_devices import called, confirmed_words
from dmtui.ui.screens.card_lines import Line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from dmtui.core.own_devices import OwnDevice

_SHORT = 9  # letters of a fingerprint, enough to tell two devices apart


def device_lines(
    devices: Sequence[OwnDevice] | None, new: Collection[str], press: str, verify: str
) -> Iterator[Line]:
    """All of them; ``new`` are IDs, ``press`` opens the list and ``verify`` verifies."""
    if not devices:
        return
    yield Line(Content(f"Your devices ({len(devices)})"), heading=True)
    for device in devices:
        label = Content.styled(*mark(device))
        yield Line(row(device, device.device_id in new), label, indent=2)
    if any(device.device_id in new for device in devices):
        words = f"If the new one is yours, {verify} verifies it; if it isn't, {press} signs it out."
    elif len(devices) > 1:
        words = f"{press} lists them, to sign one out."
    else:
        return
    yield Line(Content(words), Content.styled("→ ", "$text-primary"), indent=2)


def row(device: OwnDevice, new: bool) -> Content:
    """One device in one line."""
    words = ["this device"] if device.this else []
    if not device.this or device.confirmed is not None:
        words.insert(0, confirmed_words(device))
    style = "$text-warning" if device.confirmed is False else "$foreground 70%"
    parts: list[Content | tuple[str, str]] = [Content(called(device))]
    if new:
        parts.append(("  NEW", "$text-error bold"))
    parts.append((f"  {', '.join(words)}", style))
    short = clean_line(device.fingerprint, _SHORT + 1)[:_SHORT]
    return Content.assemble(*parts, (f"  {short}…" if short else "", "$text-muted"))


def mark(device: OwnDevice) -> tuple[str, str]:
    """A sign and its style."""
    if device.confirmed:
        return "✓ ", "$text-success"
    return ("! ", "$text-warning") if device.confirmed is False else ("· ", "$text-muted")
