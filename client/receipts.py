"""What a creditor keeps of its deliveries, so that it can prove for years what it reported and when.

Per delivery two files of `receipts/` in its home, both its owner's alone: `DELIVERY.json` (the receipt, nothing of a
resident) and `DELIVERY.jsonl.gz` (each report that was taken, as sent and in clear). Both go on the day after
`keep_until`.

Each attempt to deliver seals anew, and of an attempt that broke off nobody here knows whether the service took it. So
an attempt has a file of its own, `DELIVERY.RANDOM.part`, and `DELIVERY.RANDOM.jsonl.gz` from when its completion is
asked for; the receipt tells which one it was.
"""

import gzip
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from pydantic import ValidationError

from client.home import Home, HomeUnusable, cannot_write
from privacy import merkle
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


@dataclass(slots=True)
class Attempt:
    """The reports of one attempt to deliver, as they are being written."""

    file: Path
    lines: gzip.GzipFile

    def add(self, reports: Iterable[KeptReport]) -> None:
        """Write the reports of a part that were taken, in the order of their lines."""
        for report in reports:
            self.lines.write(report.model_dump_json().encode() + b"\n")

    def about_to_complete(self) -> None:
        """From now on the service may take this attempt up. Call it when all is written."""
        sent = self.file.with_suffix(".jsonl.gz")
        with suppress(FileNotFoundError):  # another push of the same export got its receipt: the service will refuse us
            self.file.rename(sent)
        self.file = sent

    def refused(self) -> None:
        """The service said that it does not take this attempt up."""
        self.file.unlink(missing_ok=True)


@contextmanager
def keeping(home: Home, delivery: KeptDelivery) -> Iterator[Attempt]:
    """Keep the reports of a delivery that is being sent. Raises HomeUnusable: no room."""
    name = f"receipts/{delivery.delivery}.json"
    if not _has_receipt(home.path / name):
        home.keep_private(name, delivery.model_dump_json().encode())
    try:
        descriptor, file = tempfile.mkstemp(".part", f"{delivery.delivery}.", home.path / "receipts")  # mode 0600
        with os.fdopen(descriptor, "wb") as out:
            with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1, mtime=0) as lines:
                yield Attempt(Path(file), lines)
            out.flush()
            os.fsync(out.fileno())
    except OSError as error:
        cannot_write(home.path / "receipts", error)


def was_sent(home: Home, delivery: str) -> bool:
    """Whether an attempt to deliver was completed from here, as far as anybody here knows."""
    return any(file.suffix == ".gz" for file in _files(home, delivery))


def has_reports(home: Home, delivery: str) -> bool:
    """Whether the reports of a delivery that were taken are kept here."""
    return _reports(home, delivery).exists()


def keep_receipt(home: Home, signed: str, receipt: Receipt, terms: Retention) -> bool:
    """Keep the receipt of a delivery and the reports that it is about, for as long as the service keeps them.

    Returns False, and keeps nothing, when it is of other reports than those of any attempt that was completed here.
    Where none was (another machine of this creditor did), the receipt alone is kept.
    """
    event = receipt.event
    sent = [file for file in _files(home, event.delivery) if file.suffix == ".gz"]
    taken = next((file for file in sent if _is_of(receipt, file)), None)
    if sent and taken is None:
        return False
    if taken is not None:
        taken.replace(_reports(home, event.delivery))
    kept = KeptDelivery(
        delivery=event.delivery,
        keep_until=last_day(receipt, terms),
        period=event.period,
        pilot=event.pilot,
        receipt=signed,
    )
    home.keep_private(f"receipts/{event.delivery}.json", kept.model_dump_json().encode())
    _remove(file for file in _files(home, event.delivery) if file != _reports(home, event.delivery))
    return True


def last_day(receipt: Receipt, terms: Retention) -> date:
    """Until when the service keeps a delivery, by the terms of now (docs/data-life.md)."""
    received = datetime.fromisoformat(receipt.event.at).astimezone(AMSTERDAM).date()
    return max(received, month_end(receipt.event.period)) + timedelta(days=terms.delivery_days)


def kept_deliveries(home: Home) -> list[KeptDelivery]:
    """All deliveries that are kept here. Raises HomeUnusable for a file that was damaged."""
    return [_kept(file) for file in sorted((home.path / "receipts").glob("*.json"))]


def taken_reports(home: Home, delivery: str) -> Iterator[KeptReport]:
    """The reports of a delivery that count: of a reference that stands in it twice, the first one.

    Raises HomeUnusable for a file that is damaged.
    """
    return _counting(_reports(home, delivery))


def clear_kept(home: Home, today: date) -> int:
    """Remove what is past its last day; returns how many deliveries went."""
    past = [kept for kept in kept_deliveries(home) if kept.keep_until < today]
    for kept in past:
        _remove(_files(home, kept.delivery))
        (home.path / "receipts" / f"{kept.delivery}.json").unlink()
    return len(past)


def _counting(file: Path) -> Iterator[KeptReport]:
    seen: set[str] = set()
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
    _remove(file for file in (home.path / "receipts").glob("*") if file.suffix in {".gz", ".part"})


def _is_of(receipt: Receipt, file: Path) -> bool:
    leaves = [report.leaf() for report in _counting(file)]
    return (len(leaves), merkle.root(leaves).hex()) == (receipt.event.accepted, receipt.event.root)


def _kept(file: Path) -> KeptDelivery:
    try:
        return KeptDelivery.model_validate_json(file.read_bytes())
    except ValidationError:
        raise HomeUnusable(f"{file} is damaged: restore it from your backup, or remove it") from None


def _has_receipt(file: Path) -> bool:
    return file.exists() and _kept(file).receipt is not None


def _files(home: Home, delivery: str) -> list[Path]:
    """All with reports of a delivery."""
    return [file for file in (home.path / "receipts").glob(f"{delivery}.*") if file.suffix in {".gz", ".part"}]


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        with suppress(OSError):  # another push has it open, where the system minds: the end of its term takes it
            file.unlink(missing_ok=True)


def _reports(home: Home, delivery: str) -> Path:
    return home.path / "receipts" / f"{delivery}.jsonl.gz"
