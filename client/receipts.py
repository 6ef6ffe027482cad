"""What a creditor keeps of its deliveries, so that it can prove for years what it reported and when.

Per delivery two files of `receipts/` in its home, both its owner's alone: `DELIVERY.json` (the receipt, nothing of a
resident) and `DELIVERY.jsonl.gz` (each report that was taken, as sent and in clear). Both go on the day after
`keep_until`.
"""

import gzip
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from client.home import Home, HomeUnusable
from privacy.receipts import Receipt, report_leaf_hash
from signals.days import AMSTERDAM
from signals.days import last_day as month_end
from signals.documents import Document
from signals.pilot import Retention
from signals.report import Hex16, Hex32, Period, Slug


class KeptDelivery(Document):
    """One delivery as its creditor keeps it; without a receipt it was not taken up yet."""

    delivery: str
    keep_until: date
    period: Period
    pilot: Slug
    receipt: str | None = None


class KeptReport(Document):
    """One report of it: as sent in clear, the details that were sealed, the salt, and the hash of what was sealed."""

    reference: Hex16
    sent: str
    details: dict[str, str | int]
    salt: Hex16
    sealed: Hex32

    def leaf(self) -> bytes:
        """The leaf hash that the receipt's root is over."""
        return report_leaf_hash(self.sent.encode(), bytes.fromhex(self.sealed))


@dataclass(frozen=True, slots=True)
class ReportsFile:
    """The reports of a delivery, as they are being written."""

    lines: gzip.GzipFile

    def add(self, reports: Iterable[KeptReport]) -> None:
        """Write the reports of a part that were taken, in the order of their lines."""
        for report in reports:
            self.lines.write(report.model_dump_json().encode() + b"\n")


@contextmanager
def keeping(home: Home, delivery: KeptDelivery) -> Iterator[ReportsFile]:
    """Keep the reports of a delivery that is being sent; it replaces what was kept of an earlier try."""
    home.keep_private(f"receipts/{delivery.delivery}.json", delivery.model_dump_json().encode())
    descriptor = os.open(_reports(home, delivery.delivery), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1, mtime=0) as lines:
            yield ReportsFile(lines)
        file.flush()
        os.fsync(file.fileno())


def keep_receipt(home: Home, signed: str, receipt: Receipt, terms: Retention) -> None:
    """Keep the receipt of a delivery, for as long as the service keeps it."""
    event = receipt.event
    kept = KeptDelivery(
        delivery=event.delivery,
        keep_until=last_day(receipt, terms),
        period=event.period,
        pilot=event.pilot,
        receipt=signed,
    )
    home.keep_private(f"receipts/{event.delivery}.json", kept.model_dump_json().encode())


def last_day(receipt: Receipt, terms: Retention) -> date:
    """Until when the service keeps a delivery, by the terms of now (docs/data-life.md)."""
    received = datetime.fromisoformat(receipt.event.at).astimezone(AMSTERDAM).date()
    return max(received, month_end(receipt.event.period)) + timedelta(days=terms.delivery_days)


def kept_deliveries(home: Home) -> list[KeptDelivery]:
    """All deliveries that are kept here. Raises HomeUnusable for a file that was damaged."""
    found = []
    for file in sorted((home.path / "receipts").glob("*.json")):
        try:
            found.append(KeptDelivery.model_validate_json(file.read_bytes()))
        except ValidationError:
            raise HomeUnusable(f"{file} is damaged: restore it from your backup, or remove it") from None
    return found


def has_reports(home: Home, delivery: str) -> bool:
    """Whether the single reports of a delivery are kept here."""
    return _reports(home, delivery).exists()


def taken_reports(home: Home, delivery: str) -> Iterator[KeptReport]:
    """The reports of a delivery that count: of a reference that stands in it twice, the first one.

    Raises HomeUnusable for a file that is damaged.
    """
    seen: set[str] = set()
    file = _reports(home, delivery)
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                report = KeptReport.model_validate_json(line)
                if report.reference not in seen:
                    seen.add(report.reference)
                    yield report
    except (OSError, EOFError, ValueError):  # the last: pydantic's too
        raise HomeUnusable(f"{file} is missing or damaged: restore it from your backup") from None


def forget_reports(home: Home) -> None:
    """Remove the single reports of all deliveries; the receipts stay."""
    for file in (home.path / "receipts").glob("*.jsonl.gz"):
        file.unlink()


def clear_kept(home: Home, today: date) -> int:
    """Remove what is past its last day; returns how many deliveries went."""
    past = [kept for kept in kept_deliveries(home) if kept.keep_until < today]
    for kept in past:
        _reports(home, kept.delivery).unlink(missing_ok=True)
        (home.path / "receipts" / f"{kept.delivery}.json").unlink()
    return len(past)


def _reports(home: Home, delivery: str) -> Path:
    return home.path / "receipts" / f"{delivery}.jsonl.gz"
