"""Rule sets at the desk: trying one out on months that are over, proposing it, activating what a colleague proposed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from client.desk_pilot import own_document
from client.home import Home
from client.service import Service
from privacy.errors import PrivacyError
from signals.backtest_counts import Backtest, MonthCompared
from signals.rulesets import RuleSet, parse_rule_set

PURPOSE = "compare-rules"  # as a pilot document is to call it
ASK_EVERY = 0.5  # seconds


class BacktestFailed(PrivacyError):
    """The service could not carry the back-test out, or it took longer than this program waits."""

    code = "backtest-failed"


def run_backtest(
    service: Service,
    pilot: str,
    rule_set: str,
    periods: Sequence[str],
    against: str | None = None,
    *,
    most_seconds: float = 900.0,
    waiting: Callable[[], None] = lambda: None,
) -> Backtest:
    """Have the service try a rule set (its text) out on these months, beside `against` or the pilot's running one.

    Raises:
        BacktestFailed: it can't be carried out, or did not come in time; it then goes on at the service.
    """
    body = {"ruleSet": rule_set, "against": against, "periods": list(periods)}
    asked = service.post("/backtests", body, pilotId=pilot)["backtestId"]
    until = time.monotonic() + most_seconds
    while (state := service.get(f"/backtests/{asked}", pilotId=pilot)["state"]) == "waiting":
        if time.monotonic() > until:
            raise BacktestFailed("the back-test takes longer than this program waits: see whether the linker runs")
        waiting()
        time.sleep(ASK_EVERY)
    if state == "failed":
        raise BacktestFailed("the service could not carry the back-test out: is a number in the rule set out of range?")
    return Backtest.model_validate(service.get(f"/backtests/{asked}/result", pilotId=pilot))


class NoSuchProposal(PrivacyError):
    """No proposed rule set of that name waits, or what the service hands out is not what its hash says."""

    code = "no-such-proposal"


class ActivationFailed(PrivacyError):
    """The service could not activate the rule set, or it took longer than this program waits."""

    code = "activation-failed"


def propose(service: Service, pilot: str, rule_set: str) -> dict[str, Any]:
    """Propose a rule set (its text) for the pilot, for a colleague to activate."""
    return service.post("/rule-set-proposals", {"ruleSet": rule_set}, pilotId=pilot)


def proposals(service: Service, pilot: str) -> list[dict[str, Any]]:
    """What was proposed for the pilot, newest first."""
    found: list[dict[str, Any]] = service.get("/rule-set-proposals", pilotId=pilot)["proposals"]
    return found


def shadow(service: Service, pilot: str, proposal: str) -> list[MonthCompared]:
    """What a proposal would have made of the months delivered since, beside the running rule set."""
    found = service.get(f"/rule-set-proposals/{proposal}/months", pilotId=pilot)["months"]
    return [MonthCompared.model_validate(month) for month in found]


def waiting_proposal(service: Service, pilot: str, name: str) -> tuple[dict[str, Any], RuleSet]:
    """The newest proposal of that name that waits, read and hashed here. Raises NoSuchProposal, DocumentError."""
    waiting = [row for row in proposals(service, pilot) if row["ruleSet"] == name and row["state"] == "proposed"]
    if not waiting:
        raise NoSuchProposal(f"no proposed rule set {name} waits: vroegsein rules proposals")
    rule_set = parse_rule_set(waiting[0]["text"], name)
    if (rule_set.name, rule_set.hash().hex()) != (name, waiting[0]["hash"]):
        raise NoSuchProposal(f"what the service hands out as {name} is another rule set: ask the operator why")
    return waiting[0], rule_set


def activate(
    home: Home, service: Service, pilot: str, proposal: str, rule_set: RuleSet, *, most_seconds: float = 900.0
) -> None:
    """Sign the pilot document with this rule set and hash, and nothing else changed; wait until the pilot has it.

    Raises:
        ActivationFailed: another document was published meanwhile, or the linker did not come to it in time.
    """
    standing = own_document(home, service, pilot)
    terms = standing.pilot.model_copy(update={"rule_set": rule_set.name})
    changes = {"pilot": terms, "rule_set_hash": rule_set.hash().hex(), "version": standing.version + 1}
    signed = standing.model_copy(update=changes).signed(home.jwk("signing.jwk"))
    service.post("/rule-set-activations", {"proposalId": proposal, "document": signed}, pilotId=pilot)
    until = time.monotonic() + most_seconds
    while True:
        states = {row["proposalId"]: row["state"] for row in proposals(service, pilot)}
        if states.get(proposal) == "activated":
            return
        if states.get(proposal) != "activating" or time.monotonic() > until:
            raise ActivationFailed("it is not activated: another pilot document was published, or no linker runs")
        time.sleep(ASK_EVERY)
