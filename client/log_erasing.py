"""Asking for events of the log to go before their day: the desk signs over exactly those leaves."""

from collections.abc import Sequence
from datetime import UTC, datetime

from client.home import Home
from client.log_reading import CheckedLog
from client.log_watch import LogAltered
from client.service import Service
from privacy.log_erasures import KIND, Erasure, Reason
from privacy.pilot_document import PilotDocument


def erase_events(
    home: Home, service: Service, document: PilotDocument, log: CheckedLog, indexes: Sequence[int], reason: Reason
) -> str | None:
    """Have the contents of these leaves erased; returns the outcome, None while the service is still at it.

    `log` is the one that a person looked at: what is signed for are the leaves that stand there.

    Raises:
        LogAltered: there is no such leaf, or it is an erasure, which stays.
    """
    leaves = []
    for index in indexes:
        if not 0 <= index < len(log.events):
            raise LogAltered(f"there is no event {index} in the log")
        if log.events[index]["kind"] == KIND:
            raise LogAltered(f"event {index} is an erasure: those stay")
        leaves.append(log.events[index]["leafHash"])
    erasure = Erasure(document.pilot.id, tuple(sorted(set(leaves))), reason, datetime.now(UTC))
    signed = erasure.signed(home.jwk("signing.jwk"))
    done = service.post("/log-erasures", {"erasure": signed}, pilotId=document.pilot.id)
    outcome: str | None = done["outcome"]
    return outcome
