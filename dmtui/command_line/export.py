"""``dmtui export``: the whole stored history of a conversation, beside a running app, too."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from pathlib import Path

from dmtui.command_line.answers import Failure, complain
from dmtui.command_line.reading import synced_store
from dmtui.core.export import Format
from dmtui.core.model import UserId
from dmtui.messenger.export import INCOMPLETE, export_to, style_of
from dmtui.messenger.export import export as write_all
from dmtui.profile import ProfilePaths
from dmtui.ui.widgets.system_zone import SystemZone


def export(paths: ProfilePaths, options: Namespace) -> None:
    """To standard output, or to a new file."""
    file = Path(options.output) if options.output else None
    style = style_of(file or Path()) if options.format is None else Format(options.format)
    with synced_store(paths) as store:
        found = store.conversations([UserId(options.user)])
        if not found:
            raise Failure(f"There is no conversation with {options.user}: see dmtui people.")
        now, zone = int(time.time() * 1000), SystemZone()
        if file is None:
            complete = write_all(store, found[0], style, now, zone, sys.stdout.write)
        else:
            try:
                complete = export_to(file, store, found[0], style, now, zone)
            except FileExistsError as error:
                raise Failure(f"{file} is there already: choose another name.") from error
    sys.stdout.flush()
    if not complete:
        complain(INCOMPLETE)
