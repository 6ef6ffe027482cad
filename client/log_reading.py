"""The whole log of a pilot, recomputed leaf by leaf from the events themselves, and its export for a third party."""

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from client.home import Home
from client.log_watch import LogAltered, follow_log, refuse_unless_extended
from client.promises import BrokenPromise, not_kept, settle
from client.service import Service
from privacy.checkpoints import Checkpoint, read_checkpoint
from privacy.log import GrowingTree, commitment, leaf
from privacy.log_erasures import KIND as ERASURE
from privacy.log_erasures import erased_leaves
from privacy.pilot_document import PilotDocument, read_signed
from privacy.promises import TERM, Unpromised, read_promise
from privacy.request_proof import looks_not_asked_for
from signals.days import AMSTERDAM

EXPORT = "vroegsein/log-export/v1"
SILENCE = timedelta(minutes=25)  # a heartbeat comes every ten minutes


@dataclass(frozen=True, slots=True)
class CheckedLog:
    """A log that adds up: its events, and the signed checkpoint that the first `checkpoint.size` of them give.

    `document`: the pilot document that names the log's key, checked.
    `not_asked_for`: leaf indexes of looks that the desk did not sign a request for, and of erasures that it did not
    sign. `erased`: those of events that went before their day, by an erasure that it did sign. `broken`: promises on
    this desk's answers that the log did not keep.
    """

    events: tuple[dict[str, Any], ...]
    checkpoint: Checkpoint
    note: str
    document: PilotDocument
    not_asked_for: tuple[int, ...]
    erased: tuple[int, ...] = ()
    broken: tuple[BrokenPromise, ...] = ()


def read_log(home: Home, service: Service, document: PilotDocument, today: date | None = None) -> CheckedLog:
    """Fetch the whole log, up to this very look, and recompute it against signed checkpoints.

    `today` is the day by which terms are judged (Europe/Amsterdam), else this one.

    Raises:
        LogAltered: a leaf is not the one of its event, an event is missing before its term has ended and no erasure
            that this desk signed names it, the leaves do not give the signed root, or the log is not an extension of
            what this desk saw before.
        CheckpointRefused: a checkpoint is not signed by the log's key of the pilot document.
    """
    checkpoint, note = follow_log(home, service, document)
    events: list[dict[str, Any]] = []

    def fetched() -> Iterator[dict[str, Any]]:
        for page in _log_pages(service, document.pilot.id):
            events.extend(page["events"])
            yield from page["events"]

    tree, missing = recompute(fetched(), checkpoint, today)
    newest, _note = follow_log(home, service, document)
    refuse_unless_extended(service, document, (tree.size, tree.root()), newest)
    erased, foreign = _explained(missing, events, document)
    broken = tuple(settle(home, document, events, datetime.now(UTC)))
    return CheckedLog(tuple(events), checkpoint, note, document, foreign, erased, broken)


def recompute(
    events: Iterable[dict[str, Any]], checkpoint: Checkpoint, today: date | None = None
) -> tuple[GrowingTree, list[dict[str, Any]]]:
    """Recompute the tree from its events; on the way it must have the checkpoint's root.

    Returns:
        the tree, and the events whose contents are missing before their day: an erasure must name each.

    Raises:
        LogAltered: the events do not give that root.
    """
    today = today or datetime.now(AMSTERDAM).date()
    tree, met = GrowingTree(), checkpoint.size == 0
    missing = []
    for event in events:
        tree.append(_recomputed(event, tree.size))
        if event["body"] is None and date.fromisoformat(event["keepUntil"]) >= today:
            missing.append(event)
        if tree.size == checkpoint.size:
            met = tree.root() == checkpoint.root
            if not met:
                raise LogAltered("the events do not give the root that the log's checkpoint was signed for")
    if not met:
        raise LogAltered(f"events are missing at the end: {tree.size} are here, {checkpoint.size} were signed for")
    return tree, missing


def silences(events: Iterable[dict[str, Any]]) -> list[tuple[datetime, datetime]]:
    """Stretches without any event, heartbeats included: then the service was down, or its log stood still."""
    moments = sorted(datetime.fromisoformat(event["body"]["at"]) for event in events if event["body"])
    return [(one, next_one) for one, next_one in itertools.pairwise(moments) if next_one - one > SILENCE]


def export_log(file: Path, log: CheckedLog, signed_document: str) -> int:
    """Write what a third party needs to verify the log alone; returns how many events.

    One JSON object a line: first the checkpoint and the signed pilot document that names the log's key, then the events
    up to that checkpoint.
    """
    head = {"format": EXPORT, "checkpoint": log.note, "document": signed_document}
    lines = [head, *log.events[: log.checkpoint.size]]
    file.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    return len(lines) - 1


def verify_export(file: Path, fingerprint: str) -> CheckedLog:
    """Verify an exported log with nothing but the municipality's fingerprint.

    Raises:
        LogAltered: not an export, or an event was altered, dropped, moved, invented or cut off.
        UntrustedDocument, NotSigned: the pilot document in it is not that municipality's.
        CheckpointRefused: the checkpoint is not signed by the log's key of that document.
    """
    try:
        head, *events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
        note, signed = head["checkpoint"], head["document"]
        known = head["format"] == EXPORT
    except (ValueError, KeyError, TypeError):
        known = False
    if not known:
        raise LogAltered(f"{file.name} is not an exported log, or is cut off")
    document = read_signed(signed, fingerprint)
    checkpoint = read_checkpoint(note, document.log_key)
    if len(events) != checkpoint.size:
        raise LogAltered(f"{len(events)} events are here, {checkpoint.size} were signed for")
    try:
        _tree, missing = recompute(events, checkpoint)
        erased, foreign = _explained(missing, events, document)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise LogAltered("an event is not of the form that this program knows") from None
    return CheckedLog(tuple(events), checkpoint, note, document, foreign, erased)


def verify_promise(log: CheckedLog, token: str) -> str | None:
    """Why a checked log does not keep a promise, or None when it does.

    Raises:
        Unpromised: not signed by the log's key, another pilot's, or the log does not go on for a minute after it.
    """
    promise = read_promise(token, log.document.pilot.id, log.document.log_key)
    why = not_kept(promise, {event["leafHash"]: event for event in log.events})
    ends = max((datetime.fromisoformat(event["body"]["at"]) for event in log.events if event["body"]), default=None)
    if why is not None and (ends is None or ends < promise.at + TERM):
        raise Unpromised("the log here ends before the promise was due: export it again")
    return why


def _explained(
    missing: list[dict[str, Any]], events: list[dict[str, Any]], document: PilotDocument
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Leaf indexes of what was erased, and of what the desk did not sign for. Raises LogAltered."""
    named, unsigned = erased_leaves(events, document.pilot.id, document.signing)
    for event in missing:
        if event["leafHash"] not in named or event["kind"] == ERASURE:
            raise LogAltered(f"event {event['leafIndex']} is missing, and was to be kept until {event['keepUntil']}")
    foreign = looks_not_asked_for(events, document.signing, document.desk)
    return tuple(event["leafIndex"] for event in missing), tuple(sorted({*foreign, *unsigned}))


def _recomputed(event: dict[str, Any], index: int) -> bytes:
    """The leaf's hash, from the event itself unless that is gone."""
    committed = bytes.fromhex(event["commitment"])
    keep_until = date.fromisoformat(event["keepUntil"])
    if event["body"] is not None and commitment(bytes.fromhex(event["salt"]), event["body"]) != committed:
        raise LogAltered(f"event {event['leafIndex']} is not the one that the log holds")
    hashed = leaf(event["kind"], keep_until, committed)
    if event["leafIndex"] != index or hashed.hex() != event["leafHash"]:
        raise LogAltered(f"leaf {event['leafIndex']} was altered, dropped or moved")
    return hashed


def _log_pages(service: Service, pilot_id: str) -> Iterator[dict[str, Any]]:
    after: int | None = -1
    while after is not None:
        page = service.get("/access-events", pilotId=pilot_id, after=after, limit=1000)
        yield page
        after = page["next"]
