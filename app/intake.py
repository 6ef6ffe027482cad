"""Taking in deliveries: opened, filled part by part, completed. Every step can be repeated.

This side only checks and stages; the linker (app/completion.py) takes a whole delivery up in one transaction.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import ValidationError

from app.db.sessions import Login, Sessions
from app.intake_rules import Agreed, DeliveryRefused, agreed_terms, broken_rule, refuse_dates
from app.part_reading import PartUnreadable, Refusal, read_lines
from app.publishing import newest_document
from app.stages import stage
from app.waking import wake_linker
from privacy import merkle
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from privacy.references import report_id
from privacy.sealing import report_leaf
from privacy.signing import NotSigned, verify
from signals.days import AMSTERDAM
from signals.report import Category, Manifest, PartSummary

MANIFEST_SIGNED_AS = "vroegsein/delivery/v1"
_COPY_BEGINS, _COPY_ENDS = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\xff\xff"
COMPLETED_BY_ANOTHER = "another run completed this delivery meanwhile: run the same command again, for its receipt"
OTHER_EPOCH = "the pilot document asks for match keys of another epoch: run the same command again, it sends them anew"


class DeliveryUnknown(PrivacyError):
    """There is no such delivery of this creditor."""

    code = "delivery-unknown"


@dataclass(frozen=True, slots=True)
class StagedPart:
    """What became of one part. `root` is over the accepted reports, in the order of their lines."""

    number: int
    sha256: str
    accepted: int
    root: str
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """What the creditor says when it opens a delivery."""

    pilot: str
    period: str
    category: Category
    expected_count: int
    content_hash: str


def open_delivery(sessions: Sessions, creditor: str, wanted: OpenDelivery, now: datetime) -> tuple[uuid.UUID, bool]:
    """Open a delivery, or find the one of the same content. Returns its id and whether it is new.

    Raises:
        DeliveryRefused: the agreement does not cover it.
    """
    with as_creditor(sessions, creditor) as connection:
        _agreed_today(connection, creditor, wanted.pilot, wanted.category, wanted.period, now)
        key = {
            "pilot": wanted.pilot,
            "creditor": creditor,
            "period": wanted.period,
            "category": wanted.category.value,
            "hash": bytes.fromhex(wanted.content_hash),
        }
        made = connection.execute(
            sa.text("""
                INSERT INTO intake.delivery
                  (pilot_id, delivery_id, creditor_id, period, category, expected_count, content_hash, opened_at)
                VALUES (:pilot, :id, :creditor, :period, :category, :count, :hash, :now)
                ON CONFLICT (pilot_id, creditor_id, period, category, content_hash) DO NOTHING
                RETURNING delivery_id
            """),
            {**key, "id": uuid.uuid4(), "count": wanted.expected_count, "now": now},
        ).scalar_one_or_none()
        if made is not None:
            return made, True
        standing = connection.execute(
            sa.text("""
                SELECT delivery_id, expected_count FROM intake.delivery
                WHERE pilot_id = :pilot AND creditor_id = :creditor AND period = :period AND category = :category
                  AND content_hash = :hash
            """),
            key,
        ).one()
        if standing.expected_count != wanted.expected_count:
            raise DeliveryRefused("same-content-other-count", "this content was opened before with another count")
        return standing.delivery_id, False


def put_part(
    sessions: Sessions,
    creditor: str,
    pilot: str,
    delivery: uuid.UUID,
    number: int,
    body: bytes,
    sha256: str,
    now: datetime,
) -> StagedPart:
    """Stage one part (NDJSON, gzip allowed). The same number with other bytes replaces the part until completion.

    Raises:
        DeliveryUnknown, PartUnreadable.
        DeliveryRefused: the delivery is complete already, or the agreement does not cover it any more.
    """
    if hashlib.sha256(body).hexdigest() != sha256:
        raise PartUnreadable("the body does not have the hash that was sent with it: send the part again")
    with as_creditor(sessions, creditor) as connection:
        row = _locked(connection, creditor, pilot, delivery)
        standing = _standing_part(connection, pilot, delivery, number)
        if standing is not None and standing.sha256 == sha256:
            return standing
        if row.state != "open":
            raise DeliveryRefused("delivery-complete", COMPLETED_BY_ANOTHER)
        agreed = _agreed_today(connection, creditor, pilot, Category(row.category), row.period, now)
        with stage("parse"):
            lines, refusals = read_lines(body, lambda report: broken_rule(report, agreed, row.period))
        epoch = _newest(connection, pilot).epoch_of(creditor)
        if any(line.epoch != epoch for line in lines):
            raise DeliveryRefused("other-epoch", OTHER_EPOCH)
        leaves = [merkle.leaf_hash(report_leaf(line.sent, line.sealed)) for line in lines]
        tree = merkle.levels(leaves)
        _replace_part(connection, pilot, delivery, number)
        where = {"pilot": pilot, "delivery": delivery, "number": number}
        root = tree[-1][0] if leaves else merkle.EMPTY_ROOT
        connection.execute(
            sa.text("""
                INSERT INTO intake.part (pilot_id, delivery_id, number, sha256, accepted, refused, root, epoch)
                VALUES (:pilot, :delivery, :number, :sha, :accepted, :refused, :root, :epoch)
            """),
            {
                **where,
                "sha": bytes.fromhex(sha256),
                "accepted": len(lines),
                "refused": len(refusals),
                "root": root,
                "epoch": epoch if lines else None,
            },
        )
        if refusals:
            connection.execute(
                sa.text("INSERT INTO intake.refused_row VALUES (:pilot, :delivery, :number, :line, :pointer, :code)"),
                [{**where, "line": r.line, "pointer": r.pointer, "code": r.code} for r in refusals],
            )
        with stage("copy"):
            _stage(
                connection,
                (
                    (
                        pilot.encode(),
                        delivery.bytes,
                        number.to_bytes(4, "big"),
                        line.number.to_bytes(4, "big"),
                        report_id(pilot, creditor, row.period, line.reference).bytes,
                        line.sent,
                        line.sealed.wrapped_key,
                        line.sealed.contact,
                        index.to_bytes(4, "big") + b"".join(merkle.proof(tree, index)),
                        leaves[index],
                    )
                    for index, line in enumerate(lines)
                ),
            )
        return StagedPart(number, sha256, len(lines), root.hex(), tuple(refusals))


def complete(
    sessions: Sessions, creditor: str, pilot: str, delivery: uuid.UUID, key_envelope: bytes, signed: str, now: datetime
) -> None:
    """Close a delivery: its parts are whole, its manifest signed. The linker takes it up from here.

    Raises:
        DeliveryUnknown.
        DeliveryRefused: parts are missing or differ from what was signed, the signature is not the creditor's, the
            agreement does not cover it any more, or it was closed with another manifest.
    """
    with as_creditor(sessions, creditor) as connection:
        row = _locked(connection, creditor, pilot, delivery)
        if row.state != "open":
            if row.manifest == signed:
                return  # completing it once more changes nothing
            raise DeliveryRefused("delivery-complete", COMPLETED_BY_ANOTHER)
        _agreed_today(connection, creditor, pilot, Category(row.category), row.period, now)
        manifest = _signed_manifest(connection, creditor, signed)
        parts = connection.execute(
            sa.text("""
                SELECT number, encode(sha256, 'hex') AS sha256, accepted, refused, encode(root, 'hex') AS root, epoch
                FROM intake.part WHERE pilot_id = :pilot AND delivery_id = :delivery ORDER BY number
            """),
            {"pilot": pilot, "delivery": delivery},
        ).all()
        epoch = _newest(connection, pilot).epoch_of(creditor)
        if any(part.epoch not in {epoch, None} for part in parts):
            raise DeliveryRefused("other-epoch", OTHER_EPOCH)
        said = (manifest.pilot, manifest.creditor, manifest.period, manifest.category, manifest.content_hash)
        if said != (pilot, creditor, row.period, row.category, row.content_hash):
            raise DeliveryRefused("manifest-of-another", "the manifest was signed for another delivery")
        _refuse_unless_signed_for(connection, pilot, creditor, manifest, signed)
        if manifest.key_envelope_sha256 != hashlib.sha256(key_envelope).hexdigest():
            raise DeliveryRefused("manifest-other-envelope", "the delivery key is not the one that was signed")
        here = [PartSummary(number=p.number, sha256=p.sha256, accepted=p.accepted, root=p.root) for p in parts]
        if sorted(manifest.parts, key=lambda part: part.number) != here:
            raise DeliveryRefused("manifest-other-parts", "the parts here are not those signed: send them again")
        counted = sum(part.accepted + part.refused for part in parts)
        if counted != row.expected_count:
            detail = f"{row.expected_count} reports were announced and {counted} came: send the parts that are missing"
            raise DeliveryRefused("count-differs", detail)
        connection.execute(
            sa.text("""
                UPDATE intake.delivery
                SET state = 'completing', completing_at = :now, manifest = :manifest, key_envelope = :envelope
                WHERE pilot_id = :pilot AND delivery_id = :delivery
            """),
            {"pilot": pilot, "delivery": delivery, "manifest": signed, "envelope": key_envelope, "now": now},
        )
        wake_linker(connection, pilot)


def status(sessions: Sessions, creditor: str, pilot: str, delivery: uuid.UUID) -> dict[str, Any]:
    """How far a delivery is: counts, parts, refused lines and why, manifest, receipt. Raises DeliveryUnknown."""
    with as_creditor(sessions, creditor) as connection:
        where = {"pilot": pilot, "delivery": delivery}
        row = (
            connection.execute(
                sa.text("""
                SELECT delivery_id, pilot_id, period, category, expected_count, state, opened_at, completed_at,
                       accepted, refused, snapshot, receipt, manifest
                FROM intake.delivery WHERE pilot_id = :pilot AND delivery_id = :delivery AND creditor_id = :creditor
            """),
                {**where, "creditor": creditor},
            )
            .mappings()
            .one_or_none()
        )
        if row is None:
            raise DeliveryUnknown("there is no such delivery")
        parts = connection.execute(
            sa.text("""
                SELECT number, encode(sha256, 'hex') AS sha256, accepted, refused FROM intake.part
                WHERE pilot_id = :pilot AND delivery_id = :delivery ORDER BY number
            """),
            where,
        ).mappings()
        refusals = connection.execute(
            sa.text("""
                SELECT part, line, pointer, code FROM intake.refused_row
                WHERE pilot_id = :pilot AND delivery_id = :delivery ORDER BY part, line, pointer LIMIT 1000
            """),
            where,
        ).mappings()
        warnings = connection.execute(
            sa.text("""
                SELECT part, line, code FROM intake.warned_row
                WHERE pilot_id = :pilot AND delivery_id = :delivery ORDER BY part, line, code LIMIT 1000
            """),
            where,
        ).mappings()
        return {
            **row,
            "parts": [dict(part) for part in parts],
            "refusals": [dict(refusal) for refusal in refusals],
            "warnings": [dict(warning) for warning in warnings],
        }


def deliveries_of(sessions: Sessions, creditor: str, pilot: str) -> list[dict[str, Any]]:
    """The creditor's deliveries to one pilot, newest first, at most 200."""
    with as_creditor(sessions, creditor) as connection:
        rows = connection.execute(
            sa.text("""
                SELECT delivery_id, pilot_id, period, category, expected_count, state, opened_at, completed_at,
                       accepted, refused, snapshot
                FROM intake.delivery WHERE pilot_id = :pilot AND creditor_id = :creditor
                ORDER BY opened_at DESC, delivery_id LIMIT 200
            """),
            {"pilot": pilot, "creditor": creditor},
        )
        return [dict(row) for row in rows.mappings()]


@contextmanager
def as_creditor(sessions: Sessions, creditor: str) -> Iterator[sa.Connection]:
    """A transaction that sees the deliveries of this creditor and of nobody else (row-level security)."""
    with sessions.begin(Login.INGEST) as connection:
        connection.execute(sa.text("SELECT registry.enter_creditor(:creditor)"), {"creditor": creditor})
        yield connection


def _agreed_today(
    connection: sa.Connection, creditor: str, pilot: str, category: Category, period: str, now: datetime
) -> Agreed:
    """What was agreed, as long as it runs: an agreement may end while a delivery is open. Raises DeliveryRefused."""
    agreed = agreed_terms(connection, creditor, pilot, category)
    refuse_dates(agreed, period, now.astimezone(AMSTERDAM).date())
    return agreed


def _locked(connection: sa.Connection, creditor: str, pilot: str, delivery: uuid.UUID) -> sa.Row[Any]:
    row = connection.execute(
        sa.text("""
            SELECT period, category, state, expected_count, encode(content_hash, 'hex') AS content_hash, manifest
            FROM intake.delivery
            WHERE pilot_id = :pilot AND delivery_id = :delivery AND creditor_id = :creditor FOR UPDATE
        """),
        {"pilot": pilot, "delivery": delivery, "creditor": creditor},
    ).one_or_none()
    if row is None:
        raise DeliveryUnknown("there is no such delivery")
    return row


def _standing_part(connection: sa.Connection, pilot: str, delivery: uuid.UUID, number: int) -> StagedPart | None:
    where = {"pilot": pilot, "delivery": delivery, "number": number}
    row = connection.execute(
        sa.text("""
            SELECT encode(sha256, 'hex') AS sha256, accepted, encode(root, 'hex') AS root FROM intake.part
            WHERE pilot_id = :pilot AND delivery_id = :delivery AND number = :number
        """),
        where,
    ).one_or_none()
    if row is None:
        return None
    refusals = connection.execute(
        sa.text("""
            SELECT line, pointer, code FROM intake.refused_row
            WHERE pilot_id = :pilot AND delivery_id = :delivery AND part = :number ORDER BY line, pointer
        """),
        where,
    )
    found = tuple(Refusal(refusal.line, refusal.pointer, refusal.code) for refusal in refusals)
    return StagedPart(number, row.sha256, row.accepted, row.root, found)


def _replace_part(connection: sa.Connection, pilot: str, delivery: uuid.UUID, number: int) -> None:
    for statement in (
        "DELETE FROM intake.staged_report WHERE pilot_id = :pilot AND delivery_id = :delivery AND part = :number",
        "DELETE FROM intake.refused_row WHERE pilot_id = :pilot AND delivery_id = :delivery AND part = :number",
        "DELETE FROM intake.part WHERE pilot_id = :pilot AND delivery_id = :delivery AND number = :number",
    ):
        connection.execute(sa.text(statement), {"pilot": pilot, "delivery": delivery, "number": number})


def _stage(connection: sa.Connection, rows: Iterable[tuple[bytes, ...]]) -> None:
    """Copy rows in, each value in PostgreSQL's binary form: a part is written ten times as fast as value by value."""
    raw = connection.connection.driver_connection
    assert raw is not None
    columns = "pilot_id, delivery_id, part, line, report_id, sent, wrapped_key, contact, proof, leaf"
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY intake.staged_report ({columns}) FROM STDIN (FORMAT binary)") as copy,
    ):
        copy.write(_COPY_BEGINS)
        for row in rows:
            fields = [part for value in row for part in (len(value).to_bytes(4, "big"), value)]
            copy.write(b"".join([len(row).to_bytes(2, "big"), *fields]))
        copy.write(_COPY_ENDS)


def _signed_manifest(connection: sa.Connection, creditor: str, signed: str) -> Manifest:
    keys = connection.execute(
        sa.text("""
            SELECT public FROM registry.organisation_key
            WHERE organisation_id = :creditor AND use = 'signing' AND role = 'creditor' AND state = 'active'
        """),
        {"creditor": creditor},
    ).scalars()
    for public in keys:
        try:
            return Manifest.model_validate_json(verify(signed, public, MANIFEST_SIGNED_AS))
        except (NotSigned, ValidationError):
            continue
    raise DeliveryRefused("manifest-not-signed", "the manifest is not signed with a registered key of this creditor")


def _refuse_unless_signed_for(
    connection: sa.Connection, pilot: str, creditor: str, manifest: Manifest, signed: str
) -> None:
    """What the desk took out of its newest pilot document counts no more: a creditor's key, or its own key."""
    document = _newest(connection, pilot)
    named = document.creditors.get(creditor)
    if named is None or not _is_signed(signed, named.signing):
        detail = "the newest pilot document does not name the key that signed this: ask the municipality"
        raise DeliveryRefused("manifest-key-not-signed-for", detail)
    if manifest.recipient_key != document.recipient_key:
        detail = "the municipality has another key since: run the same command again, it sends the parts anew"
        raise DeliveryRefused("manifest-other-recipient", detail)


def _newest(connection: sa.Connection, pilot: str) -> PilotDocument:
    document = newest_document(connection, pilot)
    if document is None:
        raise DeliveryRefused("no-signed-document", "the municipality has not signed this pilot's document yet")
    return document


def _is_signed(signed: str, public: dict[str, Any]) -> bool:
    try:
        return bool(verify(signed, public, MANIFEST_SIGNED_AS))
    except NotSigned:
        return False
