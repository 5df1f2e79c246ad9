"""``dmtui doctor``: what is wrong with the list of direct messages, and its repair."""

from __future__ import annotations

import contextlib
import sys
from argparse import Namespace

from dmtui.command_line.answers import Failure, WrongUsage, say, say_json
from dmtui.command_line.errand import Errand
from dmtui.command_line.signed_in import profile_key, signed_in
from dmtui.compose import open_store
from dmtui.core.doctor import Finding, Survey, examine, repair_of
from dmtui.core.intents import ExamineDirect, Intent, RepairDirect, UndoRepair
from dmtui.core.model import JsonObject
from dmtui.core.repairs import apply_changes, difference, undone
from dmtui.profile import ProfilePaths
from dmtui.session import SavedSession
from dmtui.store.store import Store


def doctor(paths: ProfilePaths, options: Namespace) -> None:
    """Print the findings and the difference; write after a yes, or when it was wished."""
    if options.fix and options.undo:
        raise WrongUsage("Either --fix or --undo, not both.")
    if options.candidates and options.undo:
        raise WrongUsage("--candidates goes with --fix, not with --undo.")
    session = signed_in(paths)
    with contextlib.closing(open_store(paths, session)) as store:
        visit = _Visit(paths, session, store)
        if options.undo:
            visit.undo(options)
        else:
            visit.examine(options)


class _Visit:
    def __init__(self, paths: ProfilePaths, session: SavedSession, store: Store):
        self._paths = paths
        self._session = session
        self._store = store
        self._key = profile_key(paths)  # asks for its passphrase once

    def examine(self, options: Namespace) -> None:
        survey = self._survey()
        findings = examine(survey, self._session.user_id)
        changes = repair_of(findings, candidates=options.candidates)
        after = apply_changes(survey.content, changes)
        if options.json:
            say_json(_report(findings, survey.content, after))
        else:
            _say_findings(findings)
            _say_difference(survey.content, after)
        if after == survey.content:
            if not options.json:
                say(_nothing_to_repair(findings))
        elif options.fix or (not options.json and _agreed("Repair it?")):
            self._carry_out(RepairDirect(changes))
            if not options.json:
                say("Repaired; dmtui doctor --undo takes it back.")
        elif not options.json:
            wish = "--fix --candidates" if options.candidates else "--fix"
            say(f"Nothing was written; dmtui doctor {wish} repairs it.")

    def undo(self, options: Namespace) -> None:
        repair = self._store.directs.repair()
        if repair is None:
            raise Failure("There is no repair to take back.")
        content = self._survey().content
        after = undone(content, *repair)
        if options.json:
            say_json(_report((), content, after))
        else:
            _say_difference(content, after)
        self._carry_out(UndoRepair())
        if not options.json:
            say("The repair was taken back.")

    def _survey(self) -> Survey:
        self._carry_out(ExamineDirect())
        survey = self._store.directs.survey()
        if survey is None:
            raise Failure("Your list of direct messages could not be examined.")
        return survey

    def _carry_out(self, intent: Intent) -> None:
        (outcome,) = Errand(
            self._paths, self._session, self._store, lambda _: [intent], key=self._key
        ).run()
        if not outcome.ok:
            raise Failure(outcome.message or "The homeserver refused.")


def _report(findings: tuple[Finding, ...], before: JsonObject, after: JsonObject) -> JsonObject:
    return {
        "findings": [
            {"kind": f.ailment.value, "line": f.line, "repairable": bool(f.changes)}
            for f in findings
        ],
        "before": before,
        "after": after,
    }


def _say_findings(findings: tuple[Finding, ...]) -> None:
    """What is wrong; then, under a heading of their own, chats that may be wanted."""
    for finding in findings:
        if not finding.candidate:
            say(finding.line)
    candidates = [finding for finding in findings if finding.candidate]
    if candidates:
        say("Never marked as direct chats (dmtui doctor --fix --candidates marks them):")
        for finding in candidates:
            say(f"  {finding.line}")


def _say_difference(before: JsonObject, after: JsonObject) -> None:
    for line in difference(before, after):
        say(line)


def _nothing_to_repair(findings: tuple[Finding, ...]) -> str:
    if any(not finding.candidate for finding in findings):
        return "Nothing here can be repaired without guessing."
    return "Your list of direct messages is in order."


def _agreed(question: str) -> bool:
    """Ask on a terminal; elsewhere nobody has agreed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    sys.stdout.write(f"{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
