"""Residents' rights, closed lists: how an identity was checked, why something is erased, what is said to be wrong."""

from enum import StrEnum


class IdentityCheck(StrEnum):
    """How it was checked that the one who asks is the resident (GDPR art. 12(6)); recorded with each request."""

    DOCUMENT_SHOWN = "document_shown"  # passport, identity card or driving licence, seen at the desk, no copy kept
    DIGID = "digid"
    KNOWN_ADDRESS = "known_address"  # a code in a letter to the address in the population register
    MANDATE = "mandate"  # a representative: the mandate and the representative's own document were seen


class ErasureGround(StrEnum):
    """Why it is erased: the letters of GDPR art. 17(1)."""

    NOT_NEEDED = "not_needed"  # (a)
    CONSENT_WITHDRAWN = "consent_withdrawn"  # (b)
    OBJECTION = "objection"  # (c)
    UNLAWFUL = "unlawful"  # (d)
    LEGAL_DUTY = "legal_duty"  # (e)


class StatedFact(StrEnum):
    """What a resident says is wrong in a report (GDPR art. 16)."""

    AMOUNT = "amount"
    MONTHS = "months"
    ARREARS_SINCE = "arrears_since"
    SOCIAL_COLLECTION = "social_collection"
    URGENT = "urgent"
    DETAILS = "details"  # name, address, birth date, telephone, e-mail
    NOT_MINE = "not_mine"  # the contract is somebody else's
    PAID = "paid"
