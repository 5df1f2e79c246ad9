"""Who lives in the demo, what was said before it began, and what they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

GUEST = "demo"
GUEST_NAME = "Demo"

_HELP = (
    "Gladly! Write to Bob or Carol in the list, press Ctrl+N and look for Frank, whom nobody has"
    " written to yet, and wait a moment: Dave and Heidi are about to ask for a chat. In the list,"
    " i shows who somebody is, m mutes, p pins. F1 shows all keys."
)
COMPARED = (
    "Do your pictures match mine? Elsewhere compare in person or on a call, never in the chat that"
    " is being checked. I see:"
)
_GREETING = re.compile(r"\b(hi|hello|hey|hallo|moin|good (morning|evening|day))\b", re.IGNORECASE)
_THANKS = re.compile(r"\b(thanks|thank you|thx|cheers)\b", re.IGNORECASE)
_FAREWELL = re.compile(r"\b(bye|good night|see you|cu)\b", re.IGNORECASE)
_QUOTED = 60


class Role(StrEnum):
    """How a contact comes into the guest's life."""

    FRIEND = "friend"  # a conversation with history
    CONFIDANT = "confidant"  # an encrypted conversation, still empty
    STRANGER = "stranger"  # sends a direct invite after a moment
    ACQUAINTANCE = "acquaintance"  # sends one, too, and shares a room with the guest
    UNKNOWN = "unknown"  # is only in the user directory


@dataclass(frozen=True, slots=True)
class Spoken:
    """A line of history, ``minutes_ago`` when the demo starts; by the contact unless ``mine``.

    With ``picture``, the name of its file, it is the caption of one.
    """

    minutes_ago: int
    text: str
    mine: bool = False
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A room that was a direct one of the guest and ``owner`` until ``others`` came in."""

    owner: str
    others: tuple[str, ...]
    name: str
    history: tuple[tuple[str, Spoken], ...]


@dataclass(frozen=True, slots=True)
class Character:
    """A contact; ``unread`` counts the newest lines of ``history`` that the guest has not read.

    ``opening`` is what the contact says first, unasked; ``answers`` are given to questions and
    ``musings`` to everything else, in turn. ``earlier`` was said in a room that has been upgraded
    to that of ``history``; ``gone`` says that the contact has left. ``pinned`` and ``muted`` are
    how the guest has them arranged.
    """

    localpart: str
    name: str
    role: Role
    answers: tuple[str, ...]
    musings: tuple[str, ...]
    opening: str = ""
    history: tuple[Spoken, ...] = ()
    unread: int = 0
    earlier: tuple[Spoken, ...] = ()
    gone: bool = False
    pinned: bool = False
    muted: bool = False


def reply(character: Character, said: str, turn: int) -> str:
    """What the contact answers to ``said``; ``turn`` counts its earlier answers."""
    words = " ".join(said.split())
    if words.casefold().strip("!?. /") == "help":
        return _HELP
    if _FAREWELL.search(words):
        return f"See you! You find me here as {character.name}, as long as the demo runs."
    if _THANKS.search(words):
        return "Any time."
    if words.endswith("?"):
        return character.answers[turn % len(character.answers)]
    if _GREETING.search(words) and len(words) < _QUOTED:
        return f"Hello! {character.name} here. What is new with you?"
    quoted = words if len(words) <= _QUOTED else f"{words[:_QUOTED].rstrip()}…"
    return f"“{quoted}”: {character.musings[turn % len(character.musings)]}"


CAST = (
    Character(
        localpart="alice",
        name="Alice",
        role=Role.FRIEND,
        answers=(
            "Good question. I would try it and see: nothing in this demo can break.",
            "Yes, I believe so. And if not, we have learnt something.",
            "Ask Bob, he knows such things. I only know keyboards.",
        ),
        musings=("tell me more.", "I had not thought of that.", "that goes into my notebook."),
        history=(
            Spoken(9, "Hello and welcome! I am Alice, and I live in this demo."),
            Spoken(8, "Everything here runs on your own machine: the homeserver, and all of us."),
            Spoken(6, "Nice to meet you, Alice.", mine=True),
            Spoken(4, "Write me something and I will answer. “help” works, too."),
            Spoken(3, "When you leave, all of this is gone without a trace."),
        ),
        unread=2,
        pinned=True,
    ),
    Character(
        localpart="bob",
        name="Bob",
        role=Role.FRIEND,
        answers=(
            "Flour, water, salt and time. That is my answer to most questions.",
            "Twenty minutes more, I would say.",
            "I'd sleep on it. Dough gets better that way, too.",
        ),
        musings=("sounds like a recipe.", "I like that.", "noted, between two loaves."),
        history=(
            Spoken(61, "The bread is out of the oven 🍞"),
            Spoken(59, "How did it turn out?", mine=True),
            Spoken(58, "Crisp outside, soft inside. A little flat, like a terminal."),
            Spoken(55, "Keep me a slice!", mine=True),
        ),
        earlier=(
            Spoken(402, "Is flour from the mill any better?", mine=True),
            Spoken(400, "Night and day. I'll bring you a bag."),
            Spoken(340, "The bag stands at your door. My computer is off to the repair shop!"),
        ),
    ),
    Character(
        localpart="carol",
        name="Carol",
        role=Role.FRIEND,
        answers=(
            "Platform 3, as far as I know.",
            "The timetable says no, experience says yes.",
            "In about an hour, if the connection holds.",
        ),
        musings=("all aboard.", "that reminds me of a long journey.", "I'll pass it on."),
        history=(
            Spoken(190, "Sitting in the train along the coast. Grey sea, grey sky."),
            Spoken(188, "I wish I were there.", mine=True),
            Spoken(187, "Next time you come along."),
            Spoken(133, "The sky has cleared!", picture="from the train.jpg"),
            Spoken(131, "Two hours late, by the way. But what a view!"),
        ),
        unread=1,
        muted=True,
    ),
    Character(
        localpart="erin",
        name="Erin",
        role=Role.CONFIDANT,
        answers=(
            "Only the two of us can read this, so: yes.",
            "I'd rather not say. No, wait, here I can: it was me.",
            "That stays between us.",
        ),
        musings=("your secret is safe.", "nobody else has read that.", "sealed and locked away."),
        opening="This conversation is encrypted from end to end. The homeserver can't read a word.",
    ),
    Character(
        localpart="dave",
        name="Dave",
        role=Role.STRANGER,
        answers=("I was about to ask you the same!", "Certainly.", "Not that I know of."),
        musings=("good to know.", "we should talk more often.", "I see."),
        opening="Thank you for letting me in! I am Dave. I have asked, and you have said yes.",
    ),
    Character(
        localpart="heidi",
        name="Heidi",
        role=Role.ACQUAINTANCE,
        answers=("Bob would know.", "Rye, always rye.", "Let us ask the others."),
        musings=("well said.", "I thought as much.", "let me write that down."),
        opening="Hello from the bread club! I thought we might talk without the others for once.",
    ),
    Character(
        localpart="frank",
        name="Frank",
        role=Role.UNKNOWN,
        answers=("Hm. Let me think about that.", "Why not?", "Who knows?"),
        musings=("so it is.", "nobody writes to me usually, so thank you for that.", "right."),
    ),
    Character(
        localpart="grace",
        name="Grace",
        role=Role.FRIEND,
        answers=("I am back, so: yes.", "Perhaps.", "Not before breakfast."),
        musings=("fair enough.", "I missed that here.", "it is good to be back."),
        history=(
            Spoken(502, "I am going away for a while, without a computer."),
            Spoken(500, "Have a good time. I'll ask you back in when you are home.", mine=True),
        ),
        gone=True,
    ),
    Character(
        localpart="a1ice",
        name="Alic\u0435",  # the last letter is Cyrillic
        role=Role.FRIEND,
        answers=("Trust me.", "Don't you know me?", "Of course."),
        musings=("please hurry.", "just this once.", "nobody will know."),
        history=(Spoken(311, "It is me, Alice, with a new account. What was your password?"),),
    ),
)

GROUP = Group(
    owner="bob",
    others=("heidi",),
    name="Bread club",
    history=(
        ("bob", Spoken(613, "Heidi bakes, too: I have asked her in.")),
        ("heidi", Spoken(611, "Hello! Then this is the bread club.")),
    ),
)
