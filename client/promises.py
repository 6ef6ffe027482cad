"""The log's promises, as a desk keeps them: asked for on every answer, held to within a minute, evidence when broken.

A promise is kept in a file of its own. Whoever looks next demands the proof that its leaves are in the log, and puts it
with the proven ones; an audit, which reads the events themselves, then sees that they tell of that look and of all that
was shown, and lets it go. Proven ones that nobody audited for a month go too: each contact would take longer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from client.home import Home
from client.log_watch import follow_log
from client.service import Service, ServiceRefused
from privacy.checkpoints import Checkpoint
from privacy.pilot_document import PilotDocument
from privacy.promises import TERM, Promise, Unpromised, read_promise, request_hash, told_otherwise
from privacy.proofs import is_included

CLOCKS_APART = timedelta(minutes=10)
UNAUDITED = timedelta(days=31)
PROVEN = "proven"
IDS = (
    "signalId",
    "reportId",
    "consentId",
    "objectionId",
    "clientId",
    "changeId",
)  # by what an answer names what it shows


@dataclass(frozen=True, slots=True)
class KeptPromise:
    """A promise that waits, since when, and which ids the answer showed."""

    file: Path
    promise: Promise
    token: str
    since: datetime
    shown: tuple[str, ...]

    @property
    def proven(self) -> bool:
        """Whether its leaves were shown to be in the log."""
        return self.file.parent.name == PROVEN

    def is_due(self, now: datetime) -> bool:
        """Whether the log has had its minute."""
        return now - self.since >= TERM


@dataclass(frozen=True, slots=True)
class BrokenPromise:
    """A promise that the log did not keep; the file is the evidence, with the exported log."""

    kept: KeptPromise
    why: str


def keep_promise(
    home: Home,
    document: PilotDocument,
    request_proof: str,
    token: str,
    answer: Mapping[str, Any],
    now: datetime,
    *,
    leaves: int = 2,
) -> KeptPromise:
    """Check the promise that came with an answer, and keep it. `leaves`: how many events tell of the request.

    Raises:
        Unpromised: there is none, or it is not the log's, is of another pilot, request or time, or of fewer leaves.
    """
    if not token:
        raise Unpromised("the answer came without a promise that the log tells of it: nothing of it is used")
    promise = read_promise(token, document.pilot.id, document.log_key)
    if promise.request != request_hash(request_proof):
        raise Unpromised("the promise is that of another request")
    if abs(promise.at - now) > CLOCKS_APART:
        raise Unpromised("the promise is of another time, or the clocks here and at the service differ")
    if len(set(promise.leaves)) != leaves:
        raise Unpromised("the promise does not name the events that tell of a look")
    file = _folder(home, promise.pilot) / f"{promise.leaves[0]}.json"
    kept = KeptPromise(file, promise, token, now, ids_shown(answer))
    _write(home, kept)
    return kept


def ids_shown(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids by which an answer names what it shows: at its top, in an object of it, or in a list of those."""
    rows = [answer]
    for member in answer.values():
        rows += [row for row in (member if isinstance(member, list) else [member]) if isinstance(row, dict)]
    return tuple(sorted({str(row[name]) for row in rows for name in IDS if row.get(name)}))


def kept_promises(home: Home, document: PilotDocument, which: str = "**/*.json") -> list[KeptPromise]:
    """All that this desk still holds, the oldest first. Raises Unpromised when a file was changed here."""
    found = []
    for file in _folder(home, document.pilot.id).glob(which):
        try:
            said = json.loads(file.read_bytes())
            token, since = said["promise"], datetime.fromisoformat(said["since"])
            shown = tuple(said["shown"])
        except (ValueError, KeyError, TypeError):
            raise Unpromised(f"{file} is no kept promise: it was changed here") from None
        promise = read_promise(token, document.pilot.id, document.log_key)
        found.append(KeptPromise(file, promise, token, since, shown))
    return sorted(found, key=lambda kept: (kept.since, kept.file))


def demand_proofs(home: Home, service: Service, document: PilotDocument, now: datetime) -> list[BrokenPromise]:
    """Demand the inclusion proof of each promise that is older than a minute; returns those that were not kept.

    Raises:
        LogAltered, CheckpointRefused: as `follow_log`, which the proofs rest on.
    """
    due = [kept for kept in kept_promises(home, document, "*.json") if kept.is_due(now)]
    if not due:
        return []
    proven = _folder(home, document.pilot.id) / PROVEN
    proven.mkdir(mode=0o700, exist_ok=True)
    for file in proven.iterdir():
        if datetime.fromtimestamp(file.stat().st_mtime, UTC) < now - UNAUDITED:
            file.unlink(missing_ok=True)
    checkpoint, _note = follow_log(home, service, document)
    broken = []
    for kept in due:
        if all(_proven(service, document, leaf, checkpoint) for leaf in kept.promise.leaves):
            kept.file.replace(proven / kept.file.name)
        else:
            broken.append(BrokenPromise(kept, "the log does not hold what it promised"))
    return broken


def settle(
    home: Home, document: PilotDocument, events: Sequence[Mapping[str, Any]], now: datetime
) -> list[BrokenPromise]:
    """Let go of every promise that the events of a checked log keep; returns those that they do not keep."""
    by_leaf = {event["leafHash"]: event for event in events}
    broken = []
    for kept in kept_promises(home, document):
        why = not_kept(kept.promise, by_leaf, kept.shown)
        if why is None:
            kept.file.unlink(missing_ok=True)
        elif kept.is_due(now) or not _missing(kept.promise, by_leaf):
            broken.append(BrokenPromise(kept, why))
    return broken


def not_kept(promise: Promise, by_leaf: Mapping[str, Mapping[str, Any]], received: Iterable[str] = ()) -> str | None:
    """Why the log's events (by leaf hash) do not keep a promise, or None when they do.

    `received`: ids that the answer showed; the log must tell of each.
    """
    if _missing(promise, by_leaf):
        return "the log does not hold what it promised"
    bodies = [by_leaf[leaf]["body"] for leaf in promise.leaves]
    looked, shown = (*bodies, None)[:2]
    if why := told_otherwise(promise, looked, shown):
        return why
    if shown is not None and not set(received) <= {str(one) for one in shown.get("shown") or ()}:
        return "the answer showed more than the log tells"
    return None


def read_evidence(file: Path) -> str:
    """The promise (JWS) in a file that a desk kept. Raises Unpromised."""
    try:
        return str(json.loads(file.read_bytes())["promise"])
    except (ValueError, KeyError, TypeError):
        raise Unpromised(f"{file.name} is no kept promise") from None


def _missing(promise: Promise, by_leaf: Mapping[str, Any]) -> bool:
    return any(leaf not in by_leaf for leaf in promise.leaves)


def _proven(service: Service, document: PilotDocument, leaf: str, checkpoint: Checkpoint) -> bool:
    try:
        found = service.get("/inclusion-proofs", pilotId=document.pilot.id, leafHash=leaf, treeSize=checkpoint.size)
    except ServiceRefused as refused:
        if refused.kind != "not-in-log":
            raise
        return False
    path = [bytes.fromhex(hashed) for hashed in found["hashes"]]
    return is_included(bytes.fromhex(leaf), found["leafIndex"], checkpoint.size, path, checkpoint.root)


def _folder(home: Home, pilot: str) -> Path:
    return home.path / "promises" / pilot


def _write(home: Home, kept: KeptPromise) -> None:
    said = {
        "promise": kept.token,
        "since": kept.since.isoformat(),
        "shown": list(kept.shown),
    }
    home.keep_private(str(kept.file.relative_to(home.path)), json.dumps(said).encode())
