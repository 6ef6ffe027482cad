"""What desks publish and creditors fetch: signed pilot documents and sealed pilot keys. The service opens neither."""

from typing import Any

import sqlalchemy as sa

from app.db.sessions import Login, Sessions
from privacy.errors import PrivacyError
from privacy.pilot_document import SIGNED_AS, PilotDocument
from privacy.signing import NotSigned, payload_unchecked, verify
from signals.pilot import Pilot
from signals.report import NOT_KEYED


class PilotUnknown(PrivacyError):
    """There is no such pilot, or the caller has no part in it; both look alike."""

    code = "pilot-unknown"


class CreditorUnknown(PrivacyError):
    """There is no such creditor in this pilot."""

    code = "creditor-unknown"


class VersionTaken(PrivacyError):
    """A version stands already with other contents, or one before it is missing."""

    code = "version-taken"


def parties(sessions: Sessions, municipality: str, pilot_id: str) -> dict[str, Any]:
    """What a desk needs to sign a pilot document: its terms, the rule set's hash, the creditors' public keys.

    Raises:
        PilotUnknown: not a pilot of this municipality.
    """
    with sessions.begin(Login.OPENER) as connection:
        row = connection.execute(
            sa.text("""
                SELECT p.document, encode(r.hash, 'hex') AS rule_set_hash,
                       coalesce((SELECT max(version) FROM registry.signed_document d WHERE d.pilot_id = p.pilot_id), 0)
                         AS version
                FROM registry.pilot p JOIN registry.rule_set r ON r.rule_set = p.document ->> 'rule_set'
                WHERE p.pilot_id = :pilot AND p.municipality_id = :municipality
            """),
            {"pilot": pilot_id, "municipality": municipality},
        ).one_or_none()
        if row is None:
            raise PilotUnknown("there is no such pilot of this municipality")
        keys = connection.execute(
            sa.text("""
                SELECT a.organisation_id, k.use, k.public, coalesce(a.document ->> 'keying', 'creditor') AS keying
                FROM registry.agreement a JOIN registry.organisation_key k USING (organisation_id)
                WHERE a.pilot_id = :pilot AND k.state = 'active' AND k.use IN ('signing', 'envelope')
                  AND k.role = 'creditor'
                ORDER BY a.organisation_id, k.use, k.kid
            """),
            {"pilot": pilot_id},
        ).all()
    creditors: dict[str, dict[str, Any]] = {}
    for key in keys:
        creditors.setdefault(key.organisation_id, {"keying": key.keying})[key.use] = key.public
    whole = {name: found for name, found in creditors.items() if found.keys() == {"signing", "envelope", "keying"}}
    return {
        "pilot": Pilot.model_validate(row.document),
        "rule_set_hash": row.rule_set_hash,
        "version": row.version,
        "creditors": whole,
    }


def rule_set_of(sessions: Sessions, municipality: str, pilot_id: str) -> tuple[str, str, str]:
    """Name, hash (hexadecimal) and text of the rule set by which a pilot of this municipality runs.

    Raises:
        PilotUnknown: not a pilot of this municipality.
    """
    with sessions.begin(Login.OPENER) as connection:
        row = connection.execute(
            sa.text("""
                SELECT r.rule_set, encode(r.hash, 'hex') AS hash, r.text
                FROM registry.pilot p JOIN registry.rule_set r ON r.rule_set = p.document ->> 'rule_set'
                WHERE p.pilot_id = :pilot AND p.municipality_id = :municipality
            """),
            {"pilot": pilot_id, "municipality": municipality},
        ).one_or_none()
    if row is None:
        raise PilotUnknown("there is no such pilot of this municipality")
    return row.rule_set, row.hash, row.text


def publish(sessions: Sessions, municipality: str, pilot_id: str, version: int, signed: str) -> None:
    """Keep a new version of the signed pilot document. Publishing the same once more changes nothing.

    Raises:
        PilotUnknown, VersionTaken.
        NotSigned: not signed by a registered signing key of the municipality, or for another pilot or version.
    """
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        document = signed_by_one_of(signed, signing_keys(connection, municipality))
        if (document.pilot.id, document.version, document.desk) != (pilot_id, version, municipality):
            raise NotSigned("the document was signed for another pilot, version or municipality")
        values = {"pilot": pilot_id, "version": version, "jws": signed}
        newest = connection.execute(
            sa.text("SELECT coalesce(max(version), 0) FROM registry.signed_document WHERE pilot_id = :pilot"), values
        ).scalar_one()
        if version == newest + 1:
            connection.execute(sa.text("INSERT INTO registry.signed_document VALUES (:pilot, :version, :jws)"), values)
            return
        standing = connection.execute(
            sa.text("SELECT jws FROM registry.signed_document WHERE pilot_id = :pilot AND version = :version"), values
        ).scalar_one_or_none()
        if standing != signed:
            raise VersionTaken(f"the next version is {newest + 1}")


def put_envelope(
    sessions: Sessions, municipality: str, pilot_id: str, creditor: str, epoch: int, envelope: bytes
) -> None:
    """Put a sealed pilot key ready for one creditor; one that stands for that epoch stays.

    Raises:
        PilotUnknown.
        CreditorUnknown: no such creditor, or one for which the desk makes the keys.
    """
    values = {"pilot": pilot_id, "creditor": creditor, "epoch": epoch, "envelope": envelope}
    with sessions.begin(Login.OPENER) as connection:
        refuse_others(connection, municipality, pilot_id)
        agreement = connection.execute(
            sa.text("SELECT FROM registry.agreement WHERE pilot_id = :pilot AND organisation_id = :creditor"), values
        ).one_or_none()
        document = newest_document(connection, pilot_id)
        if agreement is None or (document is not None and document.epoch_of(creditor) == NOT_KEYED):
            raise CreditorUnknown("there is no creditor of this name in this pilot that gets a pilot key")
        connection.execute(
            sa.text("""
                INSERT INTO registry.key_envelope VALUES (:pilot, :creditor, :epoch, :envelope) ON CONFLICT DO NOTHING
            """),
            values,
        )


def document_for(sessions: Sessions, organisation: str, pilot_id: str) -> tuple[int, str]:
    """The newest signed pilot document (version, JWS), for whoever takes part. Raises PilotUnknown."""
    with sessions.begin(Login.OPENER) as connection:
        row = connection.execute(
            sa.text("""
                SELECT d.version, d.jws FROM registry.signed_document d JOIN registry.pilot p USING (pilot_id)
                WHERE d.pilot_id = :pilot AND (p.municipality_id = :organisation OR EXISTS (
                    SELECT FROM registry.agreement a
                    WHERE a.pilot_id = d.pilot_id AND a.organisation_id = :organisation))
                ORDER BY d.version DESC LIMIT 1
            """),
            {"pilot": pilot_id, "organisation": organisation},
        ).one_or_none()
    if row is None:
        raise PilotUnknown("there is no such pilot with a signed document")
    return row.version, row.jws


def newest_document(connection: sa.Connection, pilot_id: str) -> PilotDocument | None:
    """The newest signed pilot document; its signature was checked when it was published."""
    signed = connection.execute(
        sa.text("SELECT jws FROM registry.signed_document WHERE pilot_id = :pilot ORDER BY version DESC LIMIT 1"),
        {"pilot": pilot_id},
    ).scalar_one_or_none()
    return None if signed is None else PilotDocument.model_validate_json(payload_unchecked(signed))


def envelopes_of(sessions: Sessions, creditor: str, pilot_id: str) -> list[tuple[int, bytes]]:
    """The creditor's sealed pilot keys, newest epoch first."""
    with sessions.begin(Login.OPENER) as connection:
        rows = connection.execute(
            sa.text("""
                SELECT epoch, envelope FROM registry.key_envelope
                WHERE pilot_id = :pilot AND organisation_id = :creditor ORDER BY epoch DESC
            """),
            {"pilot": pilot_id, "creditor": creditor},
        )
        return [(row.epoch, row.envelope) for row in rows]


def signing_keys(connection: sa.Connection, municipality: str) -> list[dict[str, Any]]:
    """The registered public keys by which a municipality signs (JWK)."""
    keys = connection.execute(
        sa.text("""
            SELECT public FROM registry.organisation_key
            WHERE organisation_id = :municipality AND use = 'signing' AND role = 'debt-help' AND state = 'active'
        """),
        {"municipality": municipality},
    )
    return list(keys.scalars())


def refuse_others(connection: sa.Connection, municipality: str, pilot_id: str) -> None:
    """Raise PilotUnknown unless it is a pilot of this municipality."""
    found = connection.execute(
        sa.text("SELECT 1 FROM registry.pilot WHERE pilot_id = :pilot AND municipality_id = :municipality"),
        {"pilot": pilot_id, "municipality": municipality},
    ).one_or_none()
    if found is None:
        raise PilotUnknown("there is no such pilot of this municipality")


def signed_by_one_of(signed: str, keys: list[dict[str, Any]]) -> PilotDocument:
    """The document, where one of these keys signed it. Raises NotSigned."""
    for public in keys:
        try:
            return PilotDocument.model_validate_json(verify(signed, public, SIGNED_AS))
        except (NotSigned, ValueError):
            continue
    raise NotSigned("not signed by a registered key of this municipality")
