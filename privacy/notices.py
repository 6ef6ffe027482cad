"""Notices: the signed CloudEvents that tell a creditor's own system that a batch of feedback can be fetched.

A notice holds nothing of a report, nor whether there is anything to fetch. It is signed with the log's key, which the
signed pilot document names; the signature stands beside the body: a JWS with detached content (RFC 7515, appendix F).
Whoever sends one again only has the creditor fetch once more, so a notice carries no moment of its own.
"""

import base64
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from privacy.checkpoints import CheckpointRefused, log_public
from privacy.compact import compact
from privacy.errors import PrivacyError
from privacy.signing import NotSigned, sign, verify
from signals.days import AMSTERDAM

SIGNED_AS = "vroegsein/notice/v1"
HEADER = "Vroegsein-Signature"
MEDIA_TYPE = "application/cloudevents+json"
EVENT_TYPE = "example.vroegsein.feedback.ready.v1"
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "https://vroegsein.example/notice")


class NoticeRefused(PrivacyError):
    """What came is no notice for this creditor in this pilot, signed by the key of its pilot document."""

    code = "notice-refused"


@dataclass(frozen=True, slots=True)
class Notice:
    """That the feedback of one batch day is ready in a pilot, for one creditor. `service`: scheme and host."""

    service: str
    pilot: str
    creditor: str
    batch: date

    @property
    def id(self) -> uuid.UUID:
        """The same whenever it is sent again."""
        return notice_id(self.pilot, self.creditor, self.batch)

    def body(self) -> bytes:
        """The event (CloudEvents 1.0, JSON, structured mode): the same bytes at every attempt."""
        midnight = datetime.combine(self.batch, time(), AMSTERDAM).astimezone(UTC)
        return compact(
            {
                "specversion": "1.0",
                "id": str(self.id),
                "source": f"{self.service}/v1/pilots/{self.pilot}",
                "type": EVENT_TYPE,
                "subject": self.creditor,
                "time": f"{midnight:%Y-%m-%dT%H:%M:%SZ}",
                "datacontenttype": "application/json",
                "data": {
                    "pilotId": self.pilot,
                    "batch": self.batch,
                    "feedback": f"{self.service}/v1/feedback?pilotId={self.pilot}",
                },
            }
        )


def notice_id(pilot: str, creditor: str, batch: date) -> uuid.UUID:
    """The id of a notice, which follows from whom it tells what."""
    return uuid.uuid5(_IDS, f"{pilot}/{creditor}/{batch}")


def signature_of(body: bytes, private: dict[str, Any]) -> str:
    """What stands in the header Vroegsein-Signature: a JWS by the log's key without its content, which is the body."""
    header, _content, signature = sign(body, private, SIGNED_AS).split(".")
    return f"{header}..{signature}"


def read_notice(body: bytes, signature: str, vkey: str) -> Notice:
    """Check a notice against the log's verifier key (`vkey` of the signed pilot document).

    Raises:
        NoticeRefused: not signed by that key, or of a form that this program does not know.
    """
    header, between, rest = signature.partition("..")
    content = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
    try:
        event = json.loads(verify(f"{header}.{content}.{rest if between else ''}", log_public(vkey), SIGNED_AS))
        service, _, path = event["source"].rpartition("/v1/pilots/")
        notice = Notice(service, path, event["subject"], date.fromisoformat(event["data"]["batch"]))
        known = notice.body() == body
    except (NotSigned, CheckpointRefused):
        raise NoticeRefused("this notice is not signed by the log's key of the pilot document") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise NoticeRefused("this is no notice of a form that this program knows")
    return notice
