"""One row of an export turned into what travels: keys and coarse facts in clear, everything else sealed."""

import os
import secrets
from base64 import b64encode
from dataclasses import dataclass

from client.checking import SendableRow
from client.exclusions import fold_reference
from client.receipts import KeptReport
from client.trust import JoinedPilot
from privacy.compact import compact
from privacy.matchkeys import KEY_BYTES, KeyMaker
from privacy.receipts import details_commitment
from privacy.references import reference
from privacy.sealing import Envelope, SealedReport


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """One row, ready to be written: its place in the export, the report in clear, what is sealed, what is kept here."""

    line: int
    reference: str
    sent: bytes  # the report, canonical
    details: dict[str, str | int]
    salt: str
    sealed: SealedReport

    def as_line(self) -> bytes:
        """The line of a part; the report stands in it as it was signed for."""
        contact, wrapped = b64encode(self.sealed.contact), b64encode(self.sealed.wrapped_key)
        return b'{"report":%b,"sealed":{"contact":"%b","wrappedKey":"%b"}}' % (self.sent, contact, wrapped)

    def kept(self) -> KeptReport:
        """What the creditor keeps of it."""
        return KeptReport.model_construct(
            reference=self.reference,
            sent=self.sent.decode(),
            details=self.details,
            salt=self.salt,
            sealed=self.sealed.hash().hex(),
        )


class Preparer:
    """Prepares the rows of one delivery."""

    def __init__(self, pilot: JoinedPilot, secret: bytes, envelope: Envelope) -> None:
        """`secret` is the creditor's own; the envelope is the delivery's."""
        self._pilot, self._secret, self._envelope = pilot.id, secret, envelope
        self._keys = KeyMaker(pilot.key, pilot.document.epoch)

    def prepare(self, row: SendableRow) -> Prepared:
        """Prepare one row. A postcode that can't be read gives a random district, which is no other's."""
        contract = row.reference
        opaque = reference(self._secret, self._pilot, fold_reference(contract))
        details: dict[str, str | int] = {
            **row.contacts[0].as_json(),
            "contract": contract,
            "amount_cents": row.amount_cents,
        }
        salt = os.urandom(16)
        digits = row.postcode_digits
        # Written as a Report (signals/report.py) writes itself, without the cost of making one: the members stand in
        # the order of their names, which a test compares.
        sent = compact(
            {
                "amountEuros": row.amount_cents // 100,
                "arrearsSince": row.arrears_since,
                "commitment": details_commitment(salt, details),
                "district": self._keys.district(digits) if digits else secrets.token_hex(KEY_BYTES),
                "keys": self._keys.made(row.contacts),
                "kind": row.kind,
                "months": row.months,
                "reference": opaque,
                "reportedOn": row.reported_on,
                "sinceDerived": row.since_derived,
                "socialCollection": row.social_collection,
                "urgent": row.urgent,
            }
        )
        sealed = self._envelope.seal({**details, "salt": salt.hex()}, opaque, sent)
        return Prepared(row.line, opaque, sent, details, salt.hex(), sealed)
