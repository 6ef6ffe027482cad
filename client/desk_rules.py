"""Rule sets at the desk: trying one out on months that are over, proposing it, activating what a colleague proposed."""

import time
from collections.abc import Callable, Sequence

from client.service import Service
from privacy.errors import PrivacyError
from signals.backtest_counts import Backtest

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
