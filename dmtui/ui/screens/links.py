"""Opening a link of a message: the whole of where it leads is shown before anything is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dmtui.core.formatted import read
from dmtui.core.links import host
from dmtui.core.markup import targets
from dmtui.ui.browser import open_in_browser
from dmtui.ui.screens.confirm import Choice, Question

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from dmtui.core.model import Message
    from dmtui.ui.screens.hands import Ask

_LETTERS = "123456789abcdefghijklmnopqrstuvwxyz"
_SHOWN = 64  # characters of a URL in a list
_WHOLE = 600  # and in the question; it is cut at the end, where it says least


async def follow_link(
    message: Message, ask: Ask, tell: Callable[[str], None], copy: Callable[[str], Awaitable[None]]
) -> None:
    """Ask which link, if there are several, then whether to open or copy it."""
    urls = targets(read(message.formatted, message.body))
    if not urls:
        tell("There is no link in this message.")
        return
    url = urls[0] if len(urls) == 1 else await ask(_which(urls))
    if url is None:
        return
    match await ask(_whether(url)):
        case "copy":
            await copy(url)
        case "open" if not await open_in_browser(url):
            tell("No browser can be opened from here: the link is copied instead.")
            await copy(url)


def _which(urls: tuple[str, ...]) -> Question[str]:
    choices = [
        Choice(letter, _cut(f"{host(url)}: {url}", _SHOWN), url)
        for letter, url in zip(_LETTERS, urls, strict=False)
    ]
    return Question("Which link?", "Nothing is opened yet.", choices)


def _whether(url: str) -> Question[str]:
    choices = [
        Choice("y", "Copy the link", "copy"),
        Choice("o", "Open it in the browser", "open"),
    ]
    return Question(f"This link leads to {host(url)}", _cut(url, _WHOLE), choices)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
