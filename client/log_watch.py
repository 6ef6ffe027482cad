"""A desk's watch over its pilot's log: it keeps every checkpoint that it saw, and refuses a log that changed its past.

This is what binds the operator (promise 3): the log's key stands in the signed pilot document, each new checkpoint must
be proven to extend the last one seen, and the desk cosigns it, so that two desks shown two logs find out.
"""

import time
from pathlib import Path

from client.home import Home
from client.service import Service, ServiceRefused
from privacy.checkpoints import Checkpoint, cosign, read_checkpoint
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from privacy.proofs import is_extension

PATIENCE = 15.0  # seconds, for the first checkpoint of a pilot


class LogAltered(PrivacyError):
    """The log that the service shows does not add up: something in it was altered, dropped, moved or invented."""

    code = "log-altered"


def follow_log(home: Home, service: Service, document: PilotDocument) -> tuple[Checkpoint, str]:
    """Fetch the newest checkpoint, check it against the last one seen, keep and cosign it.

    Returns:
        the checkpoint, and the signed note that it was read from.

    Raises:
        CheckpointRefused: not signed by the log's key of the pilot document.
        LogAltered: not an extension of the log that this desk saw before.
    """
    pilot = document.pilot.id
    note = _newest_note(service, pilot)
    newest = read_checkpoint(note, document.log_key)
    seen = last_seen(home, document)
    if seen is not None:
        refuse_unless_extended(service, document, (seen.size, seen.root), newest)
    if seen is None or newest.size > seen.size:
        home.keep_private(f"log/{pilot}/{newest.size:012d}.note", note.encode())
        line = cosign(newest, home.settings.organisation, home.jwk("signing.jwk"), int(time.time()))
        service.put("/cosignatures", {"checkpoint": note, "signature": line}, pilotId=pilot)
    return newest, note


def _newest_note(service: Service, pilot: str) -> str:
    """The newest checkpoint's note; a pilot that began a moment ago gets its first one within seconds."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            note: str = service.get("/checkpoints/newest", pilotId=pilot)["checkpoint"]
        except ServiceRefused as refused:
            if refused.kind != "not-in-log" or time.monotonic() > until:
                raise
            time.sleep(0.5)
        else:
            return note


def refuse_unless_extended(
    service: Service, document: PilotDocument, seen: tuple[int, bytes], newest: Checkpoint
) -> None:
    """Demand the proof that `newest` holds the log that was seen, as size and root. Raises LogAltered."""
    size, root = seen
    if newest.size < size:
        raise LogAltered(f"the log got shorter: {newest.size} events, and {size} were there before")
    proof = []
    if size < newest.size:
        found = service.get("/consistency-proofs", pilotId=document.pilot.id, first=size, second=newest.size)
        proof = [bytes.fromhex(hashed) for hashed in found["hashes"]]
    if not is_extension(size, root, newest.size, newest.root, proof):
        raise LogAltered(f"the log is not the one that was seen before: its first {size} events were changed")


def last_seen(home: Home, document: PilotDocument) -> Checkpoint | None:
    """The largest checkpoint that this desk keeps. Raises CheckpointRefused when the file was changed here."""
    kept = kept_checkpoints(home, document.pilot.id)
    return read_checkpoint(kept[-1].read_text(encoding="utf-8"), document.log_key) if kept else None


def kept_checkpoints(home: Home, pilot: str) -> list[Path]:
    """The files of all checkpoints that this desk ever saw, the smallest first."""
    return sorted((home.path / "log" / pilot).glob("*.note"))
