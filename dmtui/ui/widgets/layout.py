"""Where each row of a conversation stands: lines counted, nothing painted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple

from textual.strip import Strip

from dmtui.core.markup import Document
from dmtui.core.model import Message
from dmtui.core.timeline import MessageRow, Row
from dmtui.ui.widgets.message_lines import Shape, document_of, shape


class Block:
    """A row with its shape at one width and, once it was on screen, its painted lines.

    What is styled in its text is found once for a row, at whatever width it is shown.
    """

    __slots__ = ("document", "painted", "row", "shape", "width")

    def __init__(
        self,
        row: Row,
        width: int,
        former: Block | None = None,
        *,
        plain: bool = False,
        previews: bool = True,
    ) -> None:
        self.row = row
        self.width = width
        if former is not None and former.row == row:
            self.document: Document | None = former.document
        else:
            self.document = document_of(row)
        self.shape: Shape = shape(row, width, self.document, plain=plain, previews=previews)
        self.painted: list[Strip] | None = None

    @property
    def message(self) -> Message | None:
        """The message, unless the row is a separator."""
        return self.row.message if isinstance(self.row, MessageRow) else None


class Anchor(NamedTuple):
    """The reader's place: the line of the screen where a message's text begins."""

    key: str
    line: int


class Layout:
    """Rows one below the other, ``lead`` lines above them, and blank ones to fill the screen."""

    def __init__(self, lead: int, *, plain: bool = False, previews: bool = True) -> None:
        self._lead = lead
        self._plain = plain
        self._previews = previews
        self._by_key: dict[str, Block] = {}
        self._tops: list[int] = []
        self.blocks: list[Block] = []
        self.blank = 0  # lines above everything, where there is less than a screenful
        self.total = 0

    def forget(self) -> None:
        """Start afresh, with nothing wrapped or painted."""
        self._by_key = {}

    def arrange(self, rows: Iterable[Row], width: int, height: int) -> None:
        """Lay out ``rows``; those that did not change keep what was wrapped and painted."""
        blocks: list[Block] = []
        for row in rows:
            block = self._by_key.get(row.key)
            if block is None or block.width != width or block.row != row:
                block = Block(row, width, block, plain=self._plain, previews=self._previews)
            blocks.append(block)
        self.blocks = blocks
        self._by_key = {block.row.key: block for block in blocks}
        heights = [block.shape.height for block in blocks]
        self.blank = max(0, height - self._lead - sum(heights))
        top = self.blank + self._lead
        self._tops = []
        for lines in heights:
            self._tops.append(top)
            top += lines
        self.total = top

    def get(self, key: str | None) -> Block | None:
        """The block of this row."""
        return self._by_key.get(key) if key is not None else None

    def index_of(self, key: str) -> int | None:
        """The place of this row, from 0."""
        if key not in self._by_key:
            return None
        return next(i for i, block in enumerate(self.blocks) if block.row.key == key)

    def index_at(self, y: int) -> int:
        """The row that line ``y`` belongs to; the first one for the lines above it."""
        return max(0, bisect_right(self._tops, y) - 1)

    def top(self, index: int) -> int:
        """The first line of a row."""
        return self._tops[index]

    def bottom(self, index: int) -> int:
        """The line after a row's last."""
        return self._tops[index] + self.blocks[index].shape.height

    def next_message(self, start: int, step: int) -> int | None:
        """The nearest row from ``start`` in the direction of ``step`` that is a message."""
        index = start + step
        while 0 <= index < len(self.blocks):
            if self.blocks[index].message is not None:
                return index
            index += step
        return None

    def anchor(self, top: int) -> Anchor | None:
        """The place of a reader whose screen begins at line ``top``."""
        index = self.next_message(self.index_at(top) - 1, 1)
        if index is None:
            return None
        return Anchor(self.blocks[index].row.key, self._text_top(index) - top)

    def find(self, anchor: Anchor) -> int | None:
        """The line the screen has to begin at for the reader to keep the place."""
        index = self.index_of(anchor.key)
        return None if index is None else self._text_top(index) - anchor.line

    def _text_top(self, index: int) -> int:
        return self._tops[index] + self.blocks[index].shape.lead
