"""How people are arranged for me alone: petnames and timed mutes, in my own account data.

The type is :data:`PEOPLE`, its content ``{"people": {"@user:server": {"petname": "…",
"muted_until": 1790000000000}}}``; both parts may be missing, and whatever else there is stays.
Pins, archived chats and mutes themselves are where Matrix has them: in room tags and push rules.
"""

from __future__ import annotations

PEOPLE = "io.github.dmtui.people"
FAVOURITE = "m.favourite"
LOW_PRIORITY = "m.lowpriority"
