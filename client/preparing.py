"""One row of an export turned into what travels: keys and coarse facts in clear, everything else sealed."""

import json
import os
import secrets
from binascii import b2a_base64
from dataclasses import dataclass
from functools import lru_cache

from client.checking import SendableRow
from client.exclusions import fold_reference
from client.receipts import KeptReport
from client.trust import JoinedPilot
from privacy.compact import compact
from privacy.matchkeys import KEY_BYTES, KeyMaker, unkeyed
from privacy.receipts import commitment_to
from privacy.references import References
from privacy.sealing import Envelope, SealedReport
from signals.report import SocialCollection, UrgentFlag

_STEPS_KEPT = 1 << 12  # as many as a file has, about


@dataclass(slots=True, repr=False)
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
        sealed = [b2a_base64(raw, newline=False) for raw in (self.sealed.contact, self.sealed.wrapped_key)]
        return b'{"report":%b,"sealed":{"contact":"%b","wrappedKey":"%b"}}' % (self.sent, *sealed)

    def kept(self) -> KeptReport:
        """What the creditor keeps of it."""
        return KeptReport.model_construct(
            reference=self.reference,
            sent=self.sent.decode(),
            details=self.details,
            salt=self.salt,
            sealed=self.sealed.hash().hex(),
        )


@lru_cache(_STEPS_KEPT)
def _steps(taken: SocialCollection) -> str:
    """The steps as a report writes them; rows of one age share theirs."""
    return taken.model_dump_json(by_alias=True)


@lru_cache
def _list(urgent: tuple[UrgentFlag, ...]) -> str:
    return json.dumps([flag.value for flag in urgent], separators=(",", ":"))


class Preparer:
    """Prepares the rows of one delivery."""

    def __init__(self, pilot: JoinedPilot, secret: bytes, envelope: Envelope) -> None:
        """`secret` is the creditor's own; the envelope is the delivery's."""
        self._references, self._envelope = References(secret, pilot.id), envelope
        self._keys = KeyMaker(pilot.key, pilot.document.epoch) if pilot.key else None

    def prepare(self, row: SendableRow) -> Prepared:
        """Prepare one row. A postcode that can't be read gives a random district, which is no other's.

        Without a pilot key all keys are random: the desk makes this creditor's.
        """
        contract, by = fold_reference(row.reference), row.reported_by
        opaque = self._references.of(f"{by}/{contract}" if by else contract)
        details: dict[str, str | int] = {
            **row.contacts[0].as_json(),
            "contract": row.reference,
            "amount_cents": row.amount_cents,
        }
        if by:
            details["reported_by"] = by
        written, salt = compact(dict(sorted(details.items()))), os.urandom(16)
        digits = row.postcode_digits
        district = self._keys.district(digits) if self._keys and digits else secrets.token_hex(KEY_BYTES)
        keys = self._keys.made(row.contacts) if self._keys else unkeyed()
        # What a Report (signals/report.py) writes of itself, without the cost of making one.
        sent = (
            f'{{"amountEuros":{row.amount_cents // 100},"arrearsSince":"{row.arrears_since}",'
            f'"commitment":"{commitment_to(salt, written)}","district":"{district}",'
            f'"keys":{keys.as_json()},"kind":"{row.kind.value}","months":{row.months},'
            f'"reference":"{opaque}","reportedOn":"{row.reported_on}",'
            f'"sinceDerived":{"true" if row.since_derived else "false"},'
            f'"socialCollection":{_steps(row.social_collection)},"urgent":{_list(row.urgent)}}}'
        ).encode()
        salt_hex = salt.hex()
        sealed = self._envelope.seal(b'%b,"salt":"%b"}' % (written[:-1], salt_hex.encode()), opaque, sent)
        return Prepared(row.line, opaque, sent, details, salt_hex, sealed)
