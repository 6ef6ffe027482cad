"""Notices at the creditor: whether what came in at its webhook is the service's, and for this creditor."""

from privacy.notices import Notice, NoticeRefused, read_notice
from privacy.pilot_document import PilotDocument


def check_notice(body: bytes, signature: str, document: PilotDocument, creditor: str) -> Notice:
    """What a call of the webhook tells, once it is known to be true. Fetch feedback only after that.

    Args:
        body: the request's body, byte for byte.
        signature: its header `Vroegsein-Signature`.
        document: the signed pilot document, as `client.trust.signed_document` checked it.
        creditor: this creditor's own short name.

    Raises:
        NoticeRefused: not signed by the log's key of that document, another pilot's, or another creditor's.
    """
    notice = read_notice(body, signature, document.log_key)
    if (notice.pilot, notice.creditor) != (document.pilot.id, creditor):
        raise NoticeRefused("this notice is of another pilot, or for another creditor")
    return notice
