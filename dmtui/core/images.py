"""How images are shown, and which of them are fetched for a preview without being asked for."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dmtui.core.attachments import VIEWABLE
from dmtui.core.model import Conversation, Doubt, Media, Message

PREVIEW = (44, 20)
"""Pixels, wide and high: a cell shows two of them, one above the other."""

USUAL_LIMIT = 1_000_000

_FORGEABLE = frozenset({Doubt.UNKNOWN_DEVICE, Doubt.UNSIGNED_DEVICE, Doubt.VIOLATED, Doubt.PLAIN})
"""Where somebody else than its sender may have written a message."""


class Drawing(StrEnum):
    """What images are drawn with; ``AUTO`` goes by the terminal."""

    AUTO = "auto"
    KITTY = "kitty"
    SIXEL = "sixel"
    BLOCKS = "blocks"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Settings:
    """The section ``[images]`` of the settings file; ``limit`` is in bytes, 0: no previews."""

    drawing: Drawing = Drawing.AUTO
    limit: int = USUAL_LIMIT

    @property
    def previews(self) -> bool:
        """Whether images have previews in the conversation."""
        return self.limit > 0 and self.drawing is not Drawing.OFF


@dataclass(frozen=True, slots=True)
class Canvas:
    """What an image is to be drawn with by the terminal, on so many pixels."""

    drawing: Drawing
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image for the terminal to draw, in pixels: a PNG for kitty's protocol, else sixels."""

    drawing: Drawing
    width: int
    height: int
    content: bytes


BLOCKS_ALONE = Settings(Drawing.BLOCKS, 0)
"""What any terminal can show, and nothing unasked."""


def preview_source(conversation: Conversation, message: Message, limit: int) -> Media | None:
    """What to make the message's preview of: a file of ours, or one to be fetched unasked.

    The latter is the thumbnail, else the image, if its sender says that it has no more than
    ``limit`` bytes. Nothing is fetched that others send into a group, or that may be forged.
    """
    attachment = message.attachment
    if attachment is None or attachment.kind not in VIEWABLE or limit <= 0:
        return None
    found = [media for media in (attachment.thumbnail, attachment.media) if media is not None]
    if own := next((media for media in found if media.copy and not media.uri), None):
        return own
    if message.doubt in _FORGEABLE:
        return None
    if not message.own and (conversation.group or message.sender != conversation.user_id):
        return None
    return next((media for media in found if media.uri and _is_small(media, limit)), None)


def _is_small(media: Media, limit: int) -> bool:
    return media.size is not None and media.size <= limit
