"""Delivering what a check lets through: pseudonymised, sealed, in parts. Repeating it is safe at every point."""

import hashlib
import json
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from client.checking import Checked, SendableRow
from client.exclusions import fold_reference
from client.home import Home
from client.preparing import Prepared
from client.preparing_parts import PreparingStopped, prepared_parts
from client.receipts import KeptDelivery, keep_receipt, keeping, was_sent
from client.service import Service, ServiceRefused
from client.trust import JoinedPilot
from privacy import merkle
from privacy.receipts import read_receipt
from privacy.references import content_hash, reference
from privacy.sealing import Envelope, report_leaf
from privacy.signing import NotSigned, public_jwk, sign, verify
from signals.consents import ContractObjection
from signals.days import AMSTERDAM
from signals.report import Manifest, PartSummary

MANIFEST_SIGNED_AS = "vroegsein/delivery/v1"
PART_ROWS = 2_000
WAIT_SECONDS = 900  # for the service to take a delivery up


class DeliveryDisturbed(Exception):
    """What the service says it took is not what was sent, or sending broke off; the message says what to do."""

    code = "delivery-disturbed"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: counts, the lines that the service refused (row of the export, rule), its receipt.

    `warned`: lines that it took, and that should be looked at. The service names at most 1000 refused lines.
    `snapshot`: by the agreement it names all that is open, so that what is missing counts as settled.
    `overtaken`: it was there already, and another one of the same month came after it.
    """

    delivery: str
    accepted: int
    refused: tuple[tuple[int, str], ...]
    warned: tuple[tuple[int, str], ...]
    signed: str
    was_there: bool
    snapshot: bool
    overtaken: bool


def deliver(
    home: Home,
    service: Service,
    pilot: JoinedPilot,
    checked: Checked,
    advance: Callable[[int], None] = lambda _rows: None,
    part_rows: int = PART_ROWS,
    *,
    restore: bool = False,
) -> Receipt:
    """Send the rows that a check lets through, as one delivery, and wait for the receipt.

    Args:
        home: the creditor's home.
        service: logged in as that creditor.
        pilot: joined, so its document was checked.
        checked: the outcome of the check against that pilot's terms.
        advance: told how many more rows were sent, for a progress bar.
        part_rows: rows in a part.
        restore: deliver it although it was delivered before, where another one of its month came after: it is to hold
            again. Repeating this is as safe as any delivery.

    Raises:
        ServiceRefused, ServiceUnreachable, DeliveryDisturbed.
    """
    creditor, secret = home.settings.organisation, home.secret("secret.key")
    hashed, opened, state, overtaken = _opened(service, secret, pilot.id, checked, restore=restore)
    where = f"/deliveries/{opened['deliveryId']}"
    if state["state"] == "open":
        envelope = Envelope.new(pilot.id, creditor, pilot.document.recipient_key)
        parts = []
        with (
            keeping(home, _unfinished(opened["deliveryId"], pilot, checked.period)) as attempt,
            closing(_prepared(pilot, secret, envelope, checked.to_send, part_rows)) as ready,
        ):
            for number, prepared in enumerate(ready, start=1):
                part, taken = _send_part(service, where, pilot.id, number, prepared)
                attempt.add(row.kept() for row in taken)
                parts.append(part)
                advance(len(prepared))
        sealed_key = envelope.sealed_to(pilot.recipients, hashed)
        manifest = Manifest(
            category=checked.category,
            content_hash=hashed,
            creditor=creditor,
            delivery_key_check=envelope.check(),
            key_envelope_sha256=hashlib.sha256(sealed_key).hexdigest(),
            parts=tuple(parts),
            period=checked.period,
            pilot=pilot.id,
            recipient_key=envelope.recipient_key,
        )
        signed = sign(manifest.model_dump_json(by_alias=True).encode(), home.jwk("signing.jwk"), MANIFEST_SIGNED_AS)
        completion = {"keyEnvelope": b64encode(sealed_key).decode(), "manifest": signed}
        attempt.about_to_complete()
        try:
            state = service.put(f"{where}/completion", completion, pilotId=pilot.id)
        except ServiceRefused as refusal:
            if refusal.status < 500:  # else it may have been done all the same
                attempt.refused()
            raise
    state = _taken_up(service, where, pilot.id, state)
    _keep_checked(home, state, pilot, checked, hashed)
    return _outcome(state, checked, part_rows, was_there=not opened["new"], overtaken=overtaken)


def pass_on_objection(home: Home, service: Service, pilot_id: str, contract: str) -> dict[str, Any]:
    """Tell the service that the customer of a contract objected: this creditor's reports of that resident stop.

    The service gets the reference alone, and answers the same whether it knows of the contract or not.
    """
    opaque = reference(home.secret("secret.key"), pilot_id, fold_reference(contract))
    body = ContractObjection(reference=opaque).model_dump(mode="json", by_alias=True)
    return service.post("/contract-objections", body, pilotId=pilot_id)


def _opened(
    service: Service, secret: bytes, pilot_id: str, checked: Checked, *, restore: bool
) -> tuple[str, dict[str, Any], dict[str, Any], bool]:
    """Open the delivery, or find the one of the same content.

    Returns:
        its content hash, the answer to opening it, its state, and whether another one of its month came after it.
    """
    rows = [_canonical_row(row) for row in checked.to_send]
    while True:
        hashed = content_hash(secret, pilot_id, rows)
        opened = service.post(
            "/deliveries",
            {
                "pilotId": pilot_id,
                "period": checked.period,
                "category": checked.category.value,
                "expectedCount": len(checked.to_send),
                "contentHash": hashed,
            },
        )
        state = service.get(f"/deliveries/{opened['deliveryId']}", pilotId=pilot_id)
        later = None if opened["new"] else _next_of_its_month(service, pilot_id, state)
        if later is None or not restore:
            return hashed, opened, state, later is not None
        rows.append(f"after {later}".encode())  # a run that was cut off finds this same delivery again


def _next_of_its_month(service: Service, pilot_id: str, state: Mapping[str, Any]) -> str | None:
    """The id of the next delivery of the same month and category that was completed after this one, if any was."""
    if state["state"] != "completed":
        return None
    about, at = (state["period"], state["category"]), datetime.fromisoformat(state["completedAt"])
    completed = (
        (datetime.fromisoformat(one["completedAt"]), str(one["deliveryId"]))
        for one in service.get("/deliveries", pilotId=pilot_id)["deliveries"]
        if one["state"] == "completed" and (one["period"], one["category"]) == about
    )
    after = sorted(one for one in completed if one[0] > at)
    return after[0][1] if after else None


def _canonical_row(row: SendableRow) -> bytes:
    """What makes a row the same row in a repeated push; never leaves the machine."""
    facts = [
        *(row.reference, row.amount_cents, row.months, str(row.arrears_since), str(row.reported_on), row.kind.value),
        [flag.value for flag in row.urgent],
        [contact.as_json() for contact in row.contacts],
        row.social_collection.model_dump(mode="json"),
        *([row.reported_by] if row.reported_by else []),
    ]
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _prepared(
    pilot: JoinedPilot, secret: bytes, envelope: Envelope, rows: Sequence[SendableRow], part_rows: int
) -> Generator[list[Prepared], None, None]:
    try:
        yield from prepared_parts(pilot, secret, envelope, rows, part_rows)
    except PreparingStopped:
        raise DeliveryDisturbed(
            "a process that prepared rows was ended, for want of memory perhaps: nothing was completed, "
            "run the same command again"
        ) from None


def _send_part(
    service: Service, where: str, pilot_id: str, number: int, prepared: list[Prepared]
) -> tuple[PartSummary, list[Prepared]]:
    """Send one part; gives what is signed of it, and the rows that were taken."""
    body = b"\n".join(row.as_line() for row in prepared) + b"\n"
    taken = service.put_lines(f"{where}/parts/{number}", body, pilotId=pilot_id)
    refused = {refusal["line"] for refusal in taken["refusals"]}
    kept = [row for line, row in enumerate(prepared, start=1) if line not in refused]
    root = merkle.root([merkle.leaf_hash(report_leaf(row.sent, row.sealed)) for row in kept]).hex()
    sha256 = hashlib.sha256(body).hexdigest()
    if (taken["accepted"], taken["root"], taken["sha256"]) != (len(kept), root, sha256):
        raise DeliveryDisturbed(
            "the service took something else than was sent: nothing was completed, tell the operator"
        )
    return PartSummary(number=number, sha256=sha256, accepted=len(kept), root=root), kept


def _taken_up(service: Service, where: str, pilot_id: str, state: dict[str, Any]) -> dict[str, Any]:
    until, pause = time.monotonic() + WAIT_SECONDS, 0.05
    while state["state"] != "completed":
        if time.monotonic() > until:
            raise DeliveryDisturbed("the delivery arrived whole and is not taken up yet: run the same command later")
        time.sleep(pause)
        pause = min(pause * 1.2, 2.0)
        state = service.get(where, pilotId=pilot_id)
    return state


def _unfinished(delivery: str, pilot: JoinedPilot, period: str) -> KeptDelivery:
    """What is known of a delivery before it is complete: as long as the service keeps it, it is kept here."""
    days = pilot.document.pilot.retention.unfinished_days
    until = datetime.now(AMSTERDAM).date() + timedelta(days=days)
    return KeptDelivery(delivery=delivery, keep_until=until, period=period, pilot=pilot.id)


def _keep_checked(home: Home, state: dict[str, Any], pilot: JoinedPilot, checked: Checked, hashed: str) -> None:
    """Keep the receipt, which must be of this delivery, and of the very reports that were sent from here.

    Where none were, another machine of this creditor sent them: its signature shows that.
    """
    receipt = read_receipt(state["receipt"], pilot.document.log_key)
    said = receipt.event
    about = (said.delivery, said.pilot, said.creditor, said.period, said.category, said.accepted)
    sent = (state["deliveryId"], pilot.id, home.settings.organisation, checked.period, checked.category)
    fits = about == (*sent, state["accepted"])
    if not was_sent(home, said.delivery):
        signed = state["manifest"] or ""
        ours = _is_our_manifest(home, signed, hashed)
        fits = fits and ours and hashlib.sha256(signed.encode()).hexdigest() == said.manifest
    if not fits or not keep_receipt(home, state["receipt"], receipt, pilot.document.pilot.retention):
        raise DeliveryDisturbed("the receipt is not of what was sent: tell the municipality, and keep this message")


def _is_our_manifest(home: Home, signed: str, hashed: str) -> bool:
    try:
        payload = verify(signed, public_jwk(home.jwk("signing.jwk")), MANIFEST_SIGNED_AS)
        return Manifest.model_validate_json(payload).content_hash == hashed
    except (NotSigned, ValidationError):
        return False


def _outcome(state: dict[str, Any], checked: Checked, part_rows: int, *, was_there: bool, overtaken: bool) -> Receipt:
    refused, warned = (
        tuple(
            (checked.to_send[(about["part"] - 1) * part_rows + about["line"] - 1].line, about["code"])
            for about in state[which]
            if (about["part"] - 1) * part_rows + about["line"] <= len(checked.to_send)
        )
        for which in ("refusals", "warnings")
    )
    return Receipt(
        delivery=state["deliveryId"],
        accepted=state["accepted"],
        refused=refused,
        warned=warned,
        signed=state["receipt"],
        was_there=was_there,
        snapshot=state["snapshot"],
        overtaken=overtaken,
    )
