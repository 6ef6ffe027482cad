"""What comes next at the desk: the frames of the running rule set beside the cases that the service tells of.

The rule set is believed only where it is the one whose hash the municipality signed. Without it everything goes on, and
nothing is said of plans.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from client.service import Service
from privacy.pilot_document import PilotDocument
from signals.cases import ENTRY, Case, Stage, case_of
from signals.documents import DocumentError
from signals.frames import Plan, Waits, Week, plan_of, weeks
from signals.rulesets import RuleSet, parse_rule_set

_log = logging.getLogger("vroegsein.desk")


@dataclass(frozen=True, slots=True)
class Planner:
    """The running rule set, and the cases that are open by their ids, as the service lists them."""

    rule_set: RuleSet | None = None
    cases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def has_plans(self) -> bool:
        """Whether a frame plans attempts or says how much can be done in a week."""
        return self.rule_set is not None and bool(self.rule_set.frames)

    def of_signal(self, signal: Mapping[str, Any]) -> Plan | None:
        """The plan of a signal of the worklist; None without one, or where its case is not known here."""
        stage = signal.get("caseStage")
        if stage == Stage.CLOSED:
            return None
        case = self.cases.get(signal.get("caseId") or "")
        if stage not in {None, Stage.NEW} and case is None:
            return None
        return self.of(signal, None if case is None else listed_case(case))

    def of(self, signal: Mapping[str, Any], case: Case | None) -> Plan | None:
        """The plan of a signal (its tray and when it was received) with its case; None where no attempt is planned."""
        frame = self.rule_set.frame(signal["tray"]) if self.rule_set else None
        if frame is None or not frame.attempts:
            return None
        return plan_of(frame, date.fromisoformat(signal["receivedOn"]), case)

    def weeks(self, signals: Sequence[Mapping[str, Any]], period: str, today: date) -> list[Week]:
        """What can be done this week of the signals of one month, in the order in which they were pulled."""
        if self.rule_set is None:
            return []
        waiting = [
            Waits(signal["signalId"], signal["tray"], date.fromisoformat(signal["deadline"]))
            for signal in signals
            if signal["period"] == period and signal.get("caseStage") in {None, Stage.NEW}
        ]
        taken: dict[str, list[date]] = {}
        for case_id, signal in newest_of_cases(signals).items():
            case = self.cases.get(case_id)
            if case and case["takenUpOn"]:
                taken.setdefault(signal["tray"], []).append(date.fromisoformat(case["takenUpOn"]))
        return weeks(self.rule_set.frames, waiting, taken, today)


def running_rule_set(service: Service, document: PilotDocument) -> RuleSet | None:
    """The rule set that the pilot runs, read and hashed here; None where it is not the one that was signed."""
    found = service.get(f"/pilots/{document.pilot.id}/rule-set")
    try:
        rule_set = parse_rule_set(found["text"], found["ruleSet"])
    except DocumentError:
        rule_set = None
    if rule_set is None or rule_set.hash().hex() != document.rule_set_hash:
        _log.error("the service's rule set is not the one that was signed: no plan is shown")
        return None
    return rule_set


def newest_of_cases(signals: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """By case, the newest of these signals that belongs to it."""
    return {one["caseId"]: one for one in sorted(signals, key=lambda one: one["period"]) if one.get("caseId")}


def listed_case(case: Mapping[str, Any]) -> Case:
    """A case as a list gives it: how far it is, and which contact was sought."""
    attempts: tuple[Any, ...] = tuple(ENTRY.validate_python({"kind": "attempt", **one}) for one in case["attempts"])
    return Case(date.fromisoformat(case["openedOn"]), stage=Stage(case["stage"]), attempts=attempts)


def shown_case(found: Mapping[str, Any]) -> Case:
    """A case as it is shown, with its entries."""
    entries = [ENTRY.validate_python(one["entry"]) for one in found["entries"]]
    return case_of(date.fromisoformat(found["case"]["openedOn"]), entries)
