"""Strategies of what no honest client or server writes: for account data, state and members."""

from __future__ import annotations

from hypothesis import strategies as st

from dmtui.core.model import Json, JsonObject

LONG = "n" * 5000
MANY = 10_000

ODD_TEXTS = [
    "",
    " ",
    "\0",
    "\x1b]52;c;aGk=\x07",
    "\x9b31m",
    "\u202eevil\u2066",
    "\ud800",
    "a\udfffb",
    "NaN",
    "[object Object]",
    "null",
    "e\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    "\U0001f468\u200d\U0001f469",
    LONG,
]
ODD_NUMBERS = [-1, 0, 2**53, 2**63, 10**300, -0.0, 1e-300, 1e308, float("inf")]


def nested(depth: int) -> Json:
    """A list in a list in a list ..."""
    value: Json = []
    for _ in range(depth):
        value = [value]
    return value


TEXTS = st.sampled_from(ODD_TEXTS) | st.text(st.characters(exclude_categories=()), max_size=8)
IDS = st.sampled_from(
    [
        "@bob:x", "@b b:x", "@:x", "@bob", "@bob:", "@\u202e:x", "@me:x", "bob@mail.x", "@\ud800:x",
        "!r1:x", "!r2", "!", "! ", "!\x1b", "#alias:x", "$e", f"@{LONG}:x", f"!{LONG}",
    ]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.sampled_from(ODD_NUMBERS) | TEXTS | IDS
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS | st.just(nested(60)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS | IDS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS: st.SearchStrategy[JsonObject] = st.dictionaries(TEXTS | IDS, VALUES, max_size=5)


def shaped(**parts: st.SearchStrategy[Json]) -> st.SearchStrategy[JsonObject]:
    """An object in which each part is missing, as it should be, or anything."""
    optional = {name: part | VALUES for name, part in parts.items()}
    return st.builds(
        lambda known, others: {**others, **known},
        st.fixed_dictionaries({}, optional=optional),
        OBJECTS,
    )


def listed(part: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[Json]:
    """A list of such parts and of anything."""
    return st.lists(part | VALUES, max_size=4)


DIRECT = st.dictionaries(IDS | TEXTS, st.lists(IDS | VALUES, max_size=4) | VALUES, max_size=6)
IGNORED = shaped(ignored_users=st.dictionaries(IDS | TEXTS, VALUES, max_size=4))
TAGS = shaped(tags=st.dictionaries(st.sampled_from(["m.favourite", "u.x"]) | TEXTS, VALUES))
PEOPLE = shaped(
    people=st.dictionaries(IDS | TEXTS, shaped(petname=TEXTS, muted_until=VALUES) | VALUES)
)
INVITES = shaped(default_action=st.sampled_from(["block", "allow"]))
CONDITION = shaped(
    kind=st.just("event_match"), key=st.just("room_id"), pattern=st.sampled_from(["!r1:x", "!*"])
)
RULE = shaped(
    rule_id=IDS | TEXTS, enabled=st.booleans(), conditions=listed(CONDITION), actions=VALUES
)
RULES = listed(RULE)
PUSH_RULES = st.fixed_dictionaries({"global": shaped(override=RULES, room=RULES)}) | OBJECTS
ACCOUNT_DATA = st.fixed_dictionaries(
    {},
    optional={
        "m.direct": DIRECT,
        "m.ignored_user_list": IGNORED,
        "m.push_rules": PUSH_RULES,
        "m.invite_permission_config": INVITES,
        "io.github.dmtui.people": PEOPLE,
    },
)

MEMBER = shaped(
    membership=st.sampled_from(["join", "invite", "leave", "ban", "knock"]),
    displayname=TEXTS,
    is_direct=st.just(True) | st.just("yes"),
    reason=TEXTS,
    avatar_url=TEXTS,
)
STATE = {
    "m.room.member": MEMBER,
    "m.room.create": shaped(
        type=st.just("m.space") | TEXTS, predecessor=shaped(room_id=IDS), room_version=TEXTS
    ),
    "m.room.tombstone": shaped(replacement_room=IDS | TEXTS, body=TEXTS),
    "m.room.name": shaped(name=TEXTS),
    "m.room.topic": shaped(topic=TEXTS),
    "m.room.avatar": shaped(url=TEXTS),
    "m.room.join_rules": shaped(join_rule=TEXTS),
    "m.room.canonical_alias": shaped(alias=TEXTS, alt_aliases=VALUES),
    "m.room.encryption": shaped(algorithm=TEXTS),
    "io.element.functional_members": shaped(service_members=st.lists(IDS | VALUES, max_size=4)),
    "io.github.dmtui.nonce": shaped(nonce=TEXTS),
}


@st.composite
def state_events(draw: st.DrawFn) -> JsonObject:
    """A state event, whole or stripped, of a kind that direct rooms have."""
    kind = draw(st.sampled_from(sorted(STATE)))
    keys = ["@bob:x", "@me:x", "@eve:x"] if kind == "m.room.member" else [""]
    event: JsonObject = {
        "type": kind,
        "state_key": draw(st.sampled_from(keys) | VALUES),
        "sender": draw(st.sampled_from(["@bob:x", "@eve:x"]) | VALUES),
        "content": draw(STATE[kind] | VALUES),
    }
    event |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "event_id": st.sampled_from(["$1", "$2"]) | VALUES,
                "origin_server_ts": VALUES,
                "unsigned": shaped(prev_content=MEMBER, replaces_state=IDS),
            },
        )
    )
    return event


EVENTS = st.lists(state_events(), max_size=5)
