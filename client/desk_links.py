"""Doubtful links at the desk: both sides opened and compared here, and what somebody who saw them decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from client.desk_basis import recorded
from client.desk_work import show
from client.home import Home
from client.opening import OpenedReport, open_report
from client.service import Service
from privacy.errors import PrivacyError
from privacy.pilot_document import PilotDocument
from signals.consents import LinkChoice, LinkReason

PURPOSE = "review-links"  # as a pilot document is to call it
Side = tuple[tuple[dict[str, Any], OpenedReport | PrivacyError], ...]
# What is compared, and of which details it is made.
COMPARED = {
    "name": (("name",), ("first_name", "initials", "prefix", "surname")),
    "birth_date": (("birth_date",),),
    "address": (("address",), ("street", "house_number", "letter", "addition")),
    "place": (("postcode", "town"),),
    "phone": (("phone",),),
    "email": (("email",),),
}


class NoSuchContract(PrivacyError):
    """No opened report of the signal is of a contract with this number."""

    code = "no-such-contract"


@dataclass(frozen=True, slots=True, repr=False)
class OpenedDoubt:
    """One doubt with both sides, each report opened or the reason why it could not be. Nothing of it is stored."""

    doubt: Mapping[str, Any]
    one: Side
    other: Side


@dataclass(frozen=True, slots=True, repr=False)
class Compared:
    """One kind of detail: what each side's creditors wrote, every spelling once. `differs`: no spelling is both's."""

    what: str
    one: tuple[str, ...]
    other: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether both sides know it and have nothing in common."""
        return bool(self.one and self.other) and set(self.one).isdisjoint(self.other)


def doubts(service: Service, document: PilotDocument) -> dict[str, Any]:
    """The queue: its doubts, how many are asked in all, how many are still to be tried out."""
    found: dict[str, Any] = service.get("/link-doubts", pilotId=document.pilot.id)
    return found


def open_doubt(home: Home, service: Service, document: PilotDocument, doubt_id: str) -> OpenedDoubt:
    """Fetch one doubt and open both sides. The log says that it was done."""
    found = service.get(f"/link-doubts/{doubt_id}", pilotId=document.pilot.id)
    private = home.secret("recipient.key")
    sides = (tuple((row, _opened(row, document, private)) for row in found[side]) for side in ("one", "other"))
    return OpenedDoubt(found["doubt"], *sides)


def compare(opened: OpenedDoubt) -> list[Compared]:
    """Both sides, detail by detail."""
    return [
        Compared(what, *(_written(side, kinds) for side in (opened.one, opened.other)))
        for what, kinds in COMPARED.items()
    ]


def decide(
    service: Service,
    document: PilotDocument,
    opened: OpenedDoubt,
    answer: Literal["same", "different"],
    why: LinkReason,
) -> dict[str, Any]:
    """Have it decided that both sides are one person's, or two persons'; holds in later months too."""
    one, other = (tuple(row["reportId"] for row, _ in side) for side in (opened.one, opened.other))
    return recorded(service, document, "/link-decisions", LinkChoice(answer=answer, one=one, other=other, why=why))


def split(
    home: Home, service: Service, document: PilotDocument, signal_id: str, contracts: Sequence[str], why: LinkReason
) -> dict[str, Any]:
    """Have it decided that these contracts of a signal are another person's than all else that is linked with them.

    Raises:
        NoSuchContract: one of them is of no report of the signal that this desk can open.
    """
    opened = show(home, service, document, signal_id)
    newest: dict[tuple[str, str], str] = {}  # the reports come newest first
    for row, report in opened.reports:
        if isinstance(report, OpenedReport) and (contract := str(report.details["contract"])) in contracts:
            newest.setdefault((row["creditorId"], contract), row["reportId"])
    if unknown := set(contracts) - {contract for _, contract in newest}:
        raise NoSuchContract(f"no report of this signal is of contract {', '.join(sorted(unknown))}")
    choice = LinkChoice(answer="different", one=tuple(newest.values()), why=why)
    return recorded(service, document, "/link-decisions", choice)


def _opened(row: Mapping[str, Any], document: PilotDocument, private: bytes) -> OpenedReport | PrivacyError:
    try:
        return open_report(row, document, private)
    except PrivacyError as error:
        return error


def _written(side: Side, kinds: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What stands there, each spelling once, the newest report's first."""
    found: dict[str, None] = {}
    for _row, report in side:
        if isinstance(report, OpenedReport):
            spelt = (" ".join(str(report.details.get(name) or "").strip() for name in names).split() for names in kinds)
            found[next((" ".join(words) for words in spelt if words), "")] = None
    return tuple(text for text in found if text)
