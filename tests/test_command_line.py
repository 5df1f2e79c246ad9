from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from dmtui import __version__
from dmtui.command_line.answers import Failure
from dmtui.command_line.errand import Errand
from dmtui.compose import open_store
from dmtui.core.events import RoomUpdate, SyncBatch
from dmtui.core.intents import (
    Accept,
    BlockInvites,
    Decline,
    Deliver,
    Ignore,
    Intent,
    Outcome,
    Report,
)
from dmtui.core.model import EventId, Invite, Member, Membership, RoomId, Safe, Session, UserId
from dmtui.core.safekeeping import PLACES, KeyPlace
from dmtui.lock import ProfileLock
from dmtui.profile import ProfilePaths
from dmtui.session import load_session
from dmtui.store.store import Store
from tests.homeserver.account import Account, Json, MatrixError
from tests.homeserver.synapse import SynapseServer
from tests.profiles import sign_in_offline

ME = UserId("@me:localhost")
BOB = UserId("@bob:localhost")
ROOM = RoomId("!room:localhost")
NOWHERE = "http://127.0.0.1:1"
WAIT = 20.0


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    complaint: str

    @property
    def json(self) -> Json:
        value: Json = json.loads(self.out)
        return value


class CommandLine:
    """Runs dmtui as a user does, over directories of the test's own."""

    def __init__(self, paths: ProfilePaths):
        self.paths = paths

    def start(self, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "dmtui", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, typed: str = "") -> Done:
        with self.start(*arguments) as process:
            return finished(process, typed)

    def sign_in(self, session: Session) -> Store:
        """Sign in without a server, with a whole account in the store."""
        sign_in_offline(self.paths, session)
        return open_store(self.paths, session)


def finished(process: subprocess.Popen[str], typed: str = "") -> Done:
    try:
        out, complaint = process.communicate(typed, timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return Done(process.returncode, out, complaint)


def assert_fails_in_one_line(done: Done, words: str, code: int = 1) -> None:
    assert done.code == code, done
    assert done.out == ""
    assert done.complaint.startswith("dmtui: ")
    assert done.complaint.count("\n") == 1
    assert words in done.complaint


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does."""
    pause = threading.Event()
    for _ in range(int(WAIT / 0.02)):
        if holds():
            return
        pause.wait(0.02)
    raise AssertionError("it never came true")


@pytest.fixture
def dmtui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    return CommandLine(ProfilePaths.named())


@pytest.fixture
def store(dmtui: CommandLine) -> Iterator[Store]:
    """The store of a signed-in profile whose homeserver can't be reached."""
    with contextlib.closing(dmtui.sign_in(Session(ME, "DEVICE", "token", NOWHERE))) as opened:
        yield opened


SYNCED = SyncBatch(
    "token",
    rooms=(
        RoomUpdate(
            ROOM,
            initial=True,
            members=(
                Member(ME, Membership.JOIN, Safe("Me")),
                Member(BOB, Membership.JOIN, Safe("Bob"), is_direct=True, sender=ME),
            ),
        ),
    ),
    invites=(Invite(RoomId("!asks"), UserId("@carol:x"), Safe("Carol"), direct=True, received=1),),
    direct={BOB: [ROOM]},
)


# -- usage ----------------------------------------------------------------------------------


def test_the_version_is_told(dmtui: CommandLine) -> None:
    assert dmtui("--version") == Done(0, f"dmtui {__version__}\n", "")


def test_help_names_every_command(dmtui: CommandLine) -> None:
    done = dmtui("--help")
    assert done.code == 0
    for command in (
        "demo",
        "login",
        "logout",
        "send",
        "people",
        "export",
        "inbox",
        "accept",
        "decline",
        "invites",
        "doctor",
        "recovery",
    ):
        assert f"  {command} " in done.out


@pytest.mark.parametrize(
    "arguments",
    [["shout"], ["send"], ["people", "--wrong"], ["accept"], ["--profile"], ["send", "--js"]],
)
def test_wrong_usage_is_exit_code_2(dmtui: CommandLine, arguments: list[str]) -> None:
    done = dmtui(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert "Traceback" not in done.complaint


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["send", "bob", "hi"], "starts with @"),
        (["send", "@bob:x", ""], "empty"),
        (["send", "@bob:x"], "empty"),
        (["send", "@bob:x", b"\xff".decode("utf-8", "surrogateescape")], "not UTF-8"),
        (["accept", "#room:x"], "starts with !"),
        (["decline", "room"], "starts with !"),
        (["--profile", "../me", "people"], "can't name a profile"),
        (["login"], "user ID is missing"),
        (["recovery", "unlock", "--passphrase"], "goes with dmtui recovery set-up"),
        (["recovery", "unlock"], "recovery key or passphrase"),
        (["login", "@me:x"], "--password-stdin"),
        (["login", "@me:x", "--password-stdin"], "password is empty"),
        (["login", "me", "--password-stdin"], "password is empty"),
    ],
)
def test_what_can_not_be_meant_is_one_line_and_exit_code_2(
    dmtui: CommandLine, arguments: list[str], words: str
) -> None:
    assert_fails_in_one_line(dmtui(*arguments), words, code=2)


@pytest.mark.parametrize(
    "arguments",
    [["people"], ["inbox", "--json"], ["send", "@bob:x", "hi"], ["accept", "!r"], ["logout"]],
)
def test_without_an_account_commands_point_to_login(
    dmtui: CommandLine, arguments: list[str]
) -> None:
    assert_fails_in_one_line(dmtui(*arguments), "run dmtui login")


def test_the_app_needs_a_terminal(dmtui: CommandLine) -> None:
    assert_fails_in_one_line(dmtui(), "needs a terminal")


def test_a_wrong_setting_stops_the_app_with_its_line(dmtui: CommandLine) -> None:
    dmtui.paths.config_file.parent.mkdir(parents=True)
    dmtui.paths.config_file.write_text("[keys]\nchat.begin = 'f5'\n")
    done = dmtui()
    assert_fails_in_one_line(done, "config.toml, line 2: keys.chat.begin is no command")


def test_a_damaged_session_is_one_line(dmtui: CommandLine) -> None:
    dmtui.paths.prepare()
    dmtui.paths.session_file.write_text("{")
    assert_fails_in_one_line(dmtui("people"), "saved session is damaged")


def test_a_disk_that_does_not_play_along_is_one_line(dmtui: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    done = dmtui("login", "@me:x", "--password-stdin", typed="secret\n")
    assert_fails_in_one_line(done, "Not a directory")


def test_ctrl_c_ends_quietly(dmtui: CommandLine) -> None:
    ours, theirs = pty.openpty()
    try:
        with dmtui.start("login", stdin=theirs) as process:
            assert process.stderr is not None
            assert process.stderr.read(9) == "User ID: "
            process.send_signal(signal.SIGINT)
            out, complaint = process.communicate(timeout=60)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (process.returncode, out, complaint) == (130, "", "")


# -- reading --------------------------------------------------------------------------------


def test_people_and_inbox_are_read_without_network_or_screen(
    dmtui: CommandLine, store: Store
) -> None:
    store.apply(SYNCED)
    (bob,) = json.loads(dmtui("people", "--json").out)
    assert (bob["user_id"], bob["name"], bob["room_id"]) == (BOB, "Bob", ROOM)
    (carol,) = json.loads(dmtui("inbox", "--json").out)
    assert (carol["room_id"], carol["inviter"], carol["direct"]) == ("!asks", "@carol:x", True)
    assert carol["inviter_name"] == "Carol"
    assert (carol["standing"], carol["shared_rooms"]) == ("stranger", None)
    assert dmtui("inbox").out.endswith("\tnobody you know\n")
    for command, line in (
        ("people", "Bob\t@bob:localhost\t"),
        ("inbox", "!asks\tchat\t@carol:x\t"),
    ):
        code = f"""
import sys
from dmtui.__main__ import main
code = main([{command!r}])
assert not {{"nio", "aiohttp", "textual", "rich", "asyncio", "keyring"}} & set(sys.modules)
sys.exit(code)
"""
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith(line)


def test_an_empty_account_says_so(dmtui: CommandLine, store: Store) -> None:
    store.apply(SyncBatch("token"))
    assert dmtui("people").out.startswith("Nobody yet")
    assert dmtui("inbox").out == "No pending invites.\n"
    assert dmtui("people", "--json").out == "[]\n"


def test_a_reader_that_stops_reading_is_no_trouble(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    with dmtui.start("people") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


# -- beside a process that owns the account -------------------------------------------------

HANDED_OVER: list[tuple[list[str], Intent, str]] = [
    (["send", BOB, "hi"], Deliver(BOB, "hi"), f"Sent to {BOB}.\n"),
    (["accept", "!asks"], Accept(RoomId("!asks"), UserId("@carol:x"), True), "Accepted"),
    (
        ["accept", "!asks", "--as-room"],
        Accept(RoomId("!asks"), UserId("@carol:x"), False),
        "Joined",
    ),
    (["decline", "!asks"], Decline(RoomId("!asks"), UserId("@carol:x")), "Declined.\n"),
]


STEPS: list[Intent] = [
    Decline(RoomId("!asks"), UserId("@carol:x")),
    Ignore(UserId("@carol:x")),
    Report(UserId("@carol:x"), RoomId("!asks"), "spam"),
]


@pytest.mark.parametrize("failing", [None, 0, 1, 2])
def test_each_step_of_a_refusal_has_its_line(
    dmtui: CommandLine, store: Store, failing: int | None
) -> None:
    store.apply(SYNCED)
    arguments = ("decline", "!asks", "--ignore", "--report", "spam")
    with ProfileLock(dmtui.paths), dmtui.start(*arguments) as process:
        until(lambda: len(store.pending_intents()) == 3)
        entries = store.pending_intents()
        assert [entry.intent for entry in entries] == STEPS
        for step, entry in enumerate(entries):
            outcome = Outcome(ok=step != failing, message="not today" if step == failing else "")
            store.settle_intent(entry.number, outcome)
        done = finished(process)
    lines = [
        "Declined.",
        "The sender is ignored from now on.",
        "Reported to those who run your homeserver.",
    ]
    doing = ["Declining", "Ignoring", "Reporting"]
    if failing is None:
        assert (done.code, done.complaint) == (0, "")
    else:
        del lines[failing]
        assert (done.code, done.complaint) == (1, f"dmtui: {doing[failing]} failed: not today\n")
    assert done.out.splitlines() == lines


def test_steps_that_wait_are_told_apart_from_those_done(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    session = load_session(dmtui.paths)
    assert session is not None
    with ProfileLock(dmtui.paths), ThreadPoolExecutor(1) as thread:
        errand = Errand(dmtui.paths, session, store, lambda _: STEPS, patience=3.0)
        running = thread.submit(errand.run)
        until(lambda: len(store.pending_intents()) == 3)
        first, *others = store.pending_intents()
        store.postpone_intent(first.number, "no network.")
        for entry in others:
            store.settle_intent(entry.number, Outcome(ok=True))
        waits = Outcome(ok=False, message="not done yet: no network; it stays queued.")
        assert running.result() == (waits, Outcome(ok=True), Outcome(ok=True))


def test_switch_for_invites_is_shown_and_handed_over(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    assert dmtui("invites").out == "Invites are allowed.\n"
    with ProfileLock(dmtui.paths), dmtui.start("invites", "block") as process:
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        assert entry.intent == BlockInvites(True)
        store.settle_intent(entry.number, Outcome(ok=True))
        assert finished(process).out == "Invites are blocked.\n"
    store.apply(SyncBatch("token", invites_blocked=True))
    assert dmtui("invites", "status", "--json").json == {"blocked": True}
    assert dmtui("invites", "never").code == 2


@pytest.mark.parametrize(("arguments", "intent", "line"), HANDED_OVER)
def test_a_running_app_is_handed_the_intent(
    dmtui: CommandLine, store: Store, arguments: list[str], intent: Intent, line: str
) -> None:
    store.apply(SYNCED)
    with ProfileLock(dmtui.paths), dmtui.start(*arguments) as process:
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        assert entry.intent == intent
        assert process.poll() is None
        store.settle_intent(entry.number, Outcome(ok=True, room_id=ROOM, event_id=EventId("$e")))
        done = finished(process)
    assert (done.code, done.complaint) == (0, "")
    assert done.out.startswith(line)


def test_a_message_from_standard_input_keeps_its_lines(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    with ProfileLock(dmtui.paths), dmtui.start("send", BOB, "--json") as process:
        assert process.stdin is not None
        process.stdin.write("one\n\ntwo\n")
        process.stdin.close()
        process.stdin = None
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        assert entry.intent == Deliver(BOB, "one\n\ntwo")
        store.settle_intent(entry.number, Outcome(ok=True, room_id=ROOM, event_id=EventId("$e")))
        done = finished(process)
    assert done.json == {"room_id": ROOM, "event_id": "$e"}


def test_a_refusal_is_passed_on_in_one_line(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    with ProfileLock(dmtui.paths), dmtui.start("send", BOB, "hi") as process:
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        store.settle_intent(entry.number, Outcome(ok=False, message="They do not accept invites."))
        assert_fails_in_one_line(finished(process), "They do not accept invites.")


def test_a_file_is_copied_before_it_is_handed_over(
    dmtui: CommandLine, store: Store, tmp_path: Path
) -> None:
    store.apply(SYNCED)
    file = tmp_path / "a.txt"
    file.write_text("a text")
    with (
        ProfileLock(dmtui.paths),
        dmtui.start("send", BOB, "--file", str(file), "look") as process,
    ):
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        assert isinstance(entry.intent, Deliver)
        attachment = entry.intent.attachment
        assert attachment is not None
        assert (attachment.name, attachment.caption) == ("a.txt", "look")
        copy = dmtui.paths.outgoing_files / attachment.media.copy
        assert copy.read_text() == "a text"
        store.settle_intent(entry.number, Outcome(ok=True))
        assert finished(process).out == f"Sent to {BOB}.\n"


@pytest.mark.parametrize("path", ["/nothing/here.txt", "/", "/dev/null"])
def test_what_is_no_file_is_not_sent(dmtui: CommandLine, store: Store, path: str) -> None:
    assert_fails_in_one_line(dmtui("send", BOB, "--file", path), "")
    assert store.pending_intents() == ()


def test_an_unknown_invite_is_refused(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    with ProfileLock(dmtui.paths):
        assert_fails_in_one_line(dmtui("accept", "!other"), "no pending invite to !other")
    assert store.pending_intents() == ()


def test_signing_in_and_out_needs_the_profile_to_itself(dmtui: CommandLine, store: Store) -> None:
    with ProfileLock(dmtui.paths):
        words = f"already running for this profile (process {os.getpid()})"
        assert_fails_in_one_line(dmtui("logout"), words)
        assert_fails_in_one_line(dmtui("login", "@me:x", "--password-stdin", typed="x\n"), words)
    assert store.token() is None


def test_what_could_not_be_sent_in_time_stays_queued(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    session = load_session(dmtui.paths)
    assert session is not None
    errand = Errand(dmtui.paths, session, store, lambda _: [Deliver(BOB, "hi")], patience=2.0)
    with pytest.raises(Failure, match=r"not done yet: .*; it stays queued\."):
        errand.run()
    (entry,) = store.pending_intents()
    assert entry.intent == Deliver(BOB, "hi")


def test_an_invite_answered_offline_stays_answered_and_is_asked_for_once(
    dmtui: CommandLine, store: Store
) -> None:
    store.apply(SYNCED)
    session = load_session(dmtui.paths)
    assert session is not None
    wish = Accept(RoomId("!asks"), UserId("@carol:x"), True)
    for _ in range(2):
        with pytest.raises(Failure, match="it stays queued"):
            Errand(dmtui.paths, session, store, lambda _: [wish], patience=1.0).run()
    assert [entry.intent for entry in store.pending_intents()] == [wish]


def test_what_another_process_settled_at_last_is_not_done_twice(
    dmtui: CommandLine, store: Store
) -> None:
    store.apply(SYNCED)
    with contextlib.ExitStack() as held:
        held.enter_context(ProfileLock(dmtui.paths))
        process = dmtui.start("send", BOB, "hi")
        until(lambda: bool(store.pending_intents()))
        (entry,) = store.pending_intents()
        store.settle_intent(entry.number, Outcome(ok=True, room_id=ROOM, event_id=EventId("$e")))
    with process:
        assert finished(process).code == 0
    assert store.pending_intents() == ()


# -- in a terminal --------------------------------------------------------------------------


class Terminal:
    """The app in a terminal of its own; ``shown`` is everything it wrote."""

    def __init__(self, *arguments: str):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dmtui", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # the other end was closed
            while chunk := os.read(self._ours, 65_536):
                self.shown += chunk

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._ours)


def test_a_second_app_says_which_process_is_running_and_ends(
    dmtui: CommandLine, store: Store
) -> None:
    with ProfileLock(dmtui.paths), Terminal() as second:
        assert second.process.wait(WAIT) == 1
        until(lambda: b"already running" in second.shown)
    line = f"dmtui: Another dmtui is already running for this profile (process {os.getpid()}).\r\n"
    assert second.shown == line.encode()


def test_a_message_handed_to_the_running_app_is_delivered(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_dm(me)
    assert dmtui("accept", room_id).code == 0
    with Terminal() as app:
        until(lambda: dmtui.paths.lock_file.read_text() == f"{app.process.pid}\n")
        assert dmtui("send", bob.user_id, "beside the app").code == 0
        assert bob.texts(room_id) == ["beside the app"]
        assert app.process.poll() is None
        app.process.terminate()
        assert app.process.wait(WAIT) == 0
    assert b"Traceback" not in app.shown


# -- on a homeserver ------------------------------------------------------------------------


def sign_in(dmtui: CommandLine, server: SynapseServer, profile: str = "default") -> Account:
    account = server.register(displayname="Me")
    done = dmtui(
        *("--profile", profile, "login", account.user_id, "--homeserver", server.base_url),
        "--password-stdin",
        typed=f"{account.password}\n",
    )
    assert done == Done(0, f"Signed in as {account.user_id}.\n{PLACES[KeyPlace.FILE]}\n", "")
    return account


def test_a_wrong_password_is_one_line_and_leaves_nothing(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = synapse.register()
    done = dmtui(
        "login", me.user_id, "--homeserver", synapse.base_url, "--password-stdin", typed="wrong\n"
    )
    assert_fails_in_one_line(done, "Wrong user name or password")
    assert not dmtui.paths.session_file.exists()


def test_a_session_is_kept_private_until_logout_ends_it(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = sign_in(dmtui, synapse)
    session = load_session(dmtui.paths)
    assert session is not None
    assert dmtui("people").code == 0
    for path in dmtui.paths.data.parent.rglob("*"):
        private = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == private, path
    again = dmtui("login", me.user_id, "--password-stdin", typed="x\n")
    assert_fails_in_one_line(again, f"{me.user_id} is signed in already")
    assert dmtui("logout").code == 0
    assert [path.name for path in dmtui.paths.data.iterdir()] == ["lock"]
    assert session.device_id not in {d["device_id"] for d in me.api("GET", "v3/devices")["devices"]}


def test_a_session_that_was_ended_elsewhere_says_what_to_do(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = sign_in(dmtui, synapse)
    assert dmtui("people").code == 0
    me.api("POST", "v3/logout/all")
    assert_fails_in_one_line(dmtui("send", BOB, "hi"), "Run dmtui logout, then dmtui login.")
    assert dmtui("logout").code == 0
    assert not dmtui.paths.store_file.exists()


def test_signing_out_offline_keeps_the_session(dmtui: CommandLine, store: Store) -> None:
    assert_fails_in_one_line(dmtui("logout"), "You are still signed in.")
    assert load_session(dmtui.paths) is not None


def test_an_invite_is_accepted_recorded_and_answered(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register(displayname="Bob")
    room_id = bob.create_dm(me)
    (invite,) = json.loads(dmtui("inbox", "--json").out)
    assert (invite["room_id"], invite["inviter"], invite["direct"]) == (room_id, bob.user_id, True)
    assert dmtui("accept", room_id) == Done(0, "Accepted: the chat is among your people.\n", "")
    assert me.account_data("m.direct") == {bob.user_id: [room_id]}
    sent = dmtui("send", bob.user_id, "--json", typed="hello\nBob\n")
    assert sent.code == 0
    assert sent.json["room_id"] == room_id
    assert bob.events(room_id)[-1]["event_id"] == sent.json["event_id"]
    assert bob.texts(room_id) == ["hello\nBob"]
    (person,) = json.loads(dmtui("people", "--json").out)
    assert (person["user_id"], person["name"]) == (bob.user_id, "Bob")


def test_a_message_taken_over_from_an_app_that_ended_is_sent_once(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_dm(me)
    assert dmtui("accept", room_id).code == 0
    session = load_session(dmtui.paths)
    assert session is not None
    with contextlib.closing(open_store(dmtui.paths, session)) as store:
        with ProfileLock(dmtui.paths):
            process = dmtui.start("send", bob.user_id, "hello")
            until(lambda: bool(store.pending_intents()))
        with process:
            assert finished(process).code == 0
        assert store.pending_intents() == ()
    assert bob.texts(room_id) == ["hello"]


def test_messages_sent_at_the_same_time_all_arrive_once(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_dm(me)
    assert dmtui("accept", room_id).code == 0
    texts = ["one", "two", "two"]
    with contextlib.ExitStack() as running:
        processes = [
            running.enter_context(dmtui.start("send", bob.user_id, text)) for text in texts
        ]
        assert [finished(process).code for process in processes] == [0, 0, 0]
    assert sorted(bob.texts(room_id)) == texts


def test_a_declined_invite_is_gone(dmtui: CommandLine, synapse: SynapseServer) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_dm(me)
    done = dmtui("decline", room_id, "--ignore", "--report", "sells watches")
    assert (done.code, done.complaint, len(done.out.splitlines())) == (0, "", 3)
    assert bob.members(room_id)[me.user_id]["membership"] == "leave"
    assert me.account_data("m.ignored_user_list") == {"ignored_users": {bob.user_id: {}}}
    assert dmtui("inbox", "--json").out == "[]\n"


def test_blocked_invites_are_refused_by_the_homeserver(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    assert dmtui("invites", "block").out == "Invites are blocked.\n"
    assert dmtui("invites", "--json").json == {"blocked": True}
    with pytest.raises(MatrixError, match="M_INVITE_BLOCKED"):
        bob.create_dm(me)
    assert dmtui("invites", "allow").code == 0
    bob.create_dm(me)


def test_two_people_start_an_encrypted_chat_and_both_keep_it(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), sign_in(dmtui, synapse, "bob")
    for profile in ("default", "bob"):
        assert dmtui("--profile", profile, "recovery", "set-up").code == 0
    sent = dmtui("send", bob.user_id, "hello", "--json")
    assert (sent.code, sent.complaint) == (0, "")
    room_id = sent.json["room_id"]
    assert me.account_data("m.direct") == {bob.user_id: [room_id]}
    assert me.members(room_id)[bob.user_id]["is_direct"] is True
    assert dmtui("--profile", "bob", "accept", room_id).code == 0
    assert bob.account_data("m.direct") == {me.user_id: [room_id]}
    answer = dmtui("--profile", "bob", "send", me.user_id, "hello you", "--json")
    assert answer.json["room_id"] == room_id
    assert dmtui("send", bob.user_id, "again", "--json").json["room_id"] == room_id
    assert me.joined_rooms() == {room_id}
    kinds = [event["type"] for event in me.events(room_id)]
    assert kinds.count("m.room.encrypted") == 3
    assert "m.room.message" not in kinds
    for profile, person in (("default", bob), ("bob", me)):
        (row,) = json.loads(dmtui("--profile", profile, "people", "--json").out)
        assert (row["user_id"], row["encrypted"], row["peer"]) == (person.user_id, True, "joined")


# -- the doctor -----------------------------------------------------------------------------

BROKEN: Json = {"@gone:localhost": None, "@two:localhost": ["!never:x", "!never:x"]}


def test_the_doctor_tells_first_and_writes_only_when_wished(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_dm(me)
    me.join(room_id)
    me.set_account_data("m.direct", BROKEN)
    looked = dmtui("doctor")
    assert (looked.code, looked.complaint) == (0, "")
    assert f"began as a chat with {bob.user_id}" in looked.out
    difference = [line for line in looked.out.splitlines() if line[:2] in ("- ", "+ ")]
    assert difference == [
        '- "@gone:localhost": null',
        '- "@two:localhost": ["!never:x", "!never:x"]',
        f'+ "{bob.user_id}": ["{room_id}"]',
    ]
    assert looked.out.endswith("Nothing was written; dmtui doctor --fix repairs it.\n")
    assert me.account_data("m.direct") == BROKEN
    fixed = dmtui("doctor", "--fix")
    assert (fixed.code, fixed.complaint) == (0, "")
    assert me.account_data("m.direct") == {bob.user_id: [room_id]}
    assert dmtui("doctor").out == "Your list of direct messages is in order.\n"
    undone = dmtui("doctor", "--undo")
    assert undone.out.endswith("The repair was taken back.\n")
    assert json.dumps(me.account_data("m.direct")) == json.dumps(BROKEN)
    assert_fails_in_one_line(dmtui("doctor", "--undo"), "no repair to take back")


def test_chats_never_marked_stand_apart_and_are_marked_only_when_wished(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me, bob = sign_in(dmtui, synapse), synapse.register()
    room_id = bob.create_room(preset="private_chat", invite=[me.user_id])
    named = bob.create_room(preset="private_chat", invite=[me.user_id], name="Garden")
    for room in (room_id, named):
        me.join(room)
    me.set_account_data("m.direct", BROKEN)
    looked = dmtui("doctor").out
    heading, candidate = "Never marked as direct chats", f"  {room_id} could be a chat with"
    assert looked.index("more than once") < looked.index(heading) < looked.index(candidate)
    assert named not in looked
    assert dmtui("doctor", "--fix").code == 0
    assert me.account_data("m.direct") == {}
    told = dmtui("doctor", "--candidates").out
    assert f'+ "{bob.user_id}": ["{room_id}"]' in told
    assert told.endswith("dmtui doctor --fix --candidates repairs it.\n")
    assert dmtui("doctor", "--fix", "--candidates").code == 0
    assert me.account_data("m.direct") == {bob.user_id: [room_id]}
    assert dmtui("doctor").out == "Your list of direct messages is in order.\n"
    assert_fails_in_one_line(dmtui("doctor", "--undo", "--candidates"), "--fix", code=2)


def test_the_doctors_report_is_json_too(dmtui: CommandLine, synapse: SynapseServer) -> None:
    me = sign_in(dmtui, synapse)
    me.set_account_data("m.direct", BROKEN)
    report = dmtui("doctor", "--json").json
    assert (report["before"], report["after"]) == (BROKEN, {})
    kinds = [finding["kind"] for finding in report["findings"]]
    assert kinds == ["malformed", "duplicate", "unknown room"]
    assert me.account_data("m.direct") == BROKEN
    assert dmtui("doctor", "--fix", "--json").json == report
    assert me.account_data("m.direct") == {}


def test_the_doctor_works_beside_the_app_and_asks_on_a_terminal(
    dmtui: CommandLine, synapse: SynapseServer
) -> None:
    me = sign_in(dmtui, synapse)
    me.set_account_data("m.direct", BROKEN)
    assert dmtui("people").code == 0
    with Terminal() as app:
        until(lambda: dmtui.paths.lock_file.read_text() == f"{app.process.pid}\n")
        with Terminal("doctor") as asking:
            until(lambda: b"Repair it? [y/N]" in asking.shown)
            assert me.account_data("m.direct") == BROKEN
            asking.type("y\n")
            assert asking.process.wait(WAIT) == 0
        assert me.account_data("m.direct") == {}
        assert dmtui("doctor", "--undo").code == 0
        assert me.account_data("m.direct") == BROKEN
        app.process.terminate()
        assert app.process.wait(WAIT) == 0


def test_the_doctor_either_fixes_or_undoes(dmtui: CommandLine, store: Store) -> None:
    assert_fails_in_one_line(dmtui("doctor", "--fix", "--undo"), "not both", code=2)


# -- export ---------------------------------------------------------------------------------


def test_an_export_is_private_new_and_complete_beside_a_running_app(
    dmtui: CommandLine, synapse: SynapseServer, tmp_path: Path
) -> None:
    me, bob = sign_in(dmtui, synapse), sign_in(dmtui, synapse, "bob")
    for profile in ("default", "bob"):
        assert dmtui("--profile", profile, "recovery", "set-up").code == 0
    assert dmtui("send", bob.user_id, "first\nand more").code == 0
    room_id = dmtui("send", bob.user_id, "second", "--json").json["room_id"]
    assert dmtui("--profile", "bob", "accept", room_id).code == 0
    assert dmtui("--profile", "bob", "send", me.user_id, "answer").code == 0
    assert dmtui("send", bob.user_id, "third").code == 0
    with ProfileLock(dmtui.paths):
        lines = dmtui("export", bob.user_id, "--format", "json")
    assert lines.code == 0
    entries = [json.loads(line) for line in lines.out.splitlines()]
    said = [(e["sender"], e["body"]) for e in entries if e["kind"] == "text"]
    assert said == [
        (me.user_id, "first\nand more"),
        (me.user_id, "second"),
        (bob.user_id, "answer"),
        (me.user_id, "third"),
    ]
    assert all(e["encrypted"] for e in entries if e["kind"] == "text")
    file = tmp_path / "bob.md"
    assert dmtui("export", bob.user_id, "--output", str(file)).code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "**Me:** second\n" in file.read_text("utf-8")
    again = dmtui("export", bob.user_id, "--output", str(file))
    assert_fails_in_one_line(again, "is there already: choose another name.")


def test_only_what_is_there_is_exported(dmtui: CommandLine, store: Store, tmp_path: Path) -> None:
    store.apply(SYNCED)
    assert_fails_in_one_line(
        dmtui("export", "@nobody:x"), "There is no conversation with @nobody:x"
    )
    missing = dmtui("export", BOB, "--output", str(tmp_path / "none" / "bob.txt"))
    assert_fails_in_one_line(missing, "No such file or directory")


def test_a_full_disk_is_one_line_and_leaves_no_file(dmtui: CommandLine, store: Store) -> None:
    store.apply(SYNCED)
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "dmtui", "export", BOB],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert process.stderr == "dmtui: The disk is full: free some space, then try again.\n"
