"""One export to all the pilots that a creditor joined: each gets its own part, and one that fails stops no other.

A part is a delivery of the rows to send, the endings of contracts that the export says are settled, and then which of
those that are not delivered are open all the same.

Whatever was sent is sent. Repeating the push sends only the rest: a delivery of the same rows is found again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from client.checking import Checked, Pilots, SendableRow, split
from client.delivering import DeliveryDisturbed, Receipt, deliver
from client.endings import end_contracts
from client.exclusions import fold_reference
from client.home import Home, HomeUnusable
from client.last_month import delivered_before, questions, remember
from client.oauth import LoginRefused, ServiceLogin
from client.receipts import has_reports, taken_reports
from client.service import Service, ServiceRefused, ServiceUnreachable
from client.trust import JoinedPilot, join, sending_terms
from privacy.errors import PrivacyError
from privacy.references import reference
from signals.days import AMSTERDAM
from signals.line_rules import NOT_OPEN

OF_ONE_PILOT = (DeliveryDisturbed, HomeUnusable, PrivacyError, ServiceRefused)
OF_ALL = (LoginRefused, ServiceUnreachable)  # with these, the other pilots would fail as well
# What the agreement does not cover stays home, now and when it is tried again.
NOT_AGREED = frozenset(
    {
        *("no-agreement", "category-not-agreed", "agreement-not-running", "period-outside-agreement"),
        *("pilot-not-running", "period-outside-pilot"),
    }
)
Questions = tuple[tuple[str, str], ...]  # each in Dutch and English


@dataclass(frozen=True, slots=True)
class Joined:
    """The pilots that can be delivered to now, and why the others can't."""

    pilots: Mapping[str, JoinedPilot]
    lost: Mapping[str, Exception]
    named: bool  # somebody said which pilot

    def terms(self) -> Pilots:
        """What a check chooses from."""
        known = {pilot: sending_terms(joined.document.pilot) for pilot, joined in self.pilots.items()}
        return {**known, **dict.fromkeys(self.lost)}


@dataclass(frozen=True, slots=True)
class Part:
    """What is to go to one pilot, and what to ask about it first."""

    joined: JoinedPilot
    checked: Checked
    questions: Questions


@dataclass(frozen=True, slots=True)
class Planned:
    """A push as it would be: the whole check, what to ask about the file, the part of each pilot, and who gets none."""

    whole: Checked
    questions: Questions
    parts: tuple[Part, ...]
    lost: Mapping[str, Exception]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one pilot's part. Without a receipt nothing was delivered: it was held, or failed and why.

    `settled`: contracts passed on as settled; without other rows there is nothing to deliver. `still_open`: contracts
    passed on as open though not reported.
    """

    pilot: str
    rows: int
    receipt: Receipt | None = None
    settled: int = 0
    still_open: int = 0
    held: Questions = ()
    failure: Exception | None = None

    @property
    def sent(self) -> int:
        """Rows that were taken."""
        return self.receipt.accepted if self.receipt else 0

    @property
    def refused(self) -> int:
        """Rows that the service refused."""
        return self.rows - self.receipt.accepted if self.receipt else 0

    @property
    def not_sent(self) -> int:
        """Rows that wait for somebody to push again."""
        return 0 if self.receipt else self.rows

    @property
    def again(self) -> bool:
        """Whether pushing again would help, perhaps after an answer or a telephone call."""
        refused = isinstance(self.failure, ServiceRefused) and self.failure.rule in NOT_AGREED
        return self.receipt is None and not refused and not self.only_settled

    @property
    def only_settled(self) -> bool:
        """Whether there was nothing to deliver, and contracts were passed on as settled."""
        return self.receipt is None and self.failure is None and bool(self.settled)


def creditor_service(home: Home) -> Service:
    """A connection as the creditor of that home."""
    settings = home.settings
    login = ServiceLogin(settings.service_url, settings.organisation, home.jwk("auth.jwk"))
    return Service(settings.service_url, login)


def join_all(
    home: Home, service: Service, only: str | None = None, also: Callable[[JoinedPilot], None] = lambda _joined: None
) -> Joined:
    """Fetch and check the documents of all pilots that were joined, or of one.

    Args:
        home: the creditor's home.
        service: logged in as that creditor.
        only: the one that was asked for; it fails for all, because there is nothing else to do.
        also: what else must go well before a pilot is delivered to.

    Raises:
        HomeUnusable: no pilot was joined.
        ServiceUnreachable, LoginRefused; for `only`, whatever `join` raises.
    """
    asked = list(home.settings.pilots) if only is None else [only]
    if not asked:
        raise HomeUnusable("no pilot was joined yet: run `vroegsein creditor join PILOT`")
    pilots: dict[str, JoinedPilot] = {}
    lost: dict[str, Exception] = {}
    for pilot in asked:
        try:
            joined = join(home, service, pilot)
            also(joined)
        except OF_ONE_PILOT as error:
            if len(asked) == 1:
                raise
            lost[pilot] = error
        else:
            pilots[pilot] = joined
    return Joined(pilots, lost, only is not None)


def plan(home: Home, profile: str, checked: Checked, joined: Joined) -> Planned:
    """Divide a check over the pilots, with what to ask first.

    A pilot for which there are no rows gets an empty delivery where this profile's exports went to it before, so that
    its municipality knows that nobody is left; or where it was named. Other pilots get none.
    """
    of_file = tuple(questions(home, profile, checked))
    parts = []
    for pilot, part in split(checked, joined.pilots).items():
        terms = sending_terms(joined.pilots[pilot].document.pilot)
        open_ = terms.closed(checked.category, checked.reported_on) is None
        if part.to_send or part.settled or joined.named or (open_ and delivered_before(home, profile, pilot)):
            asked = () if _only_settled(part) else tuple(questions(home, profile, part, pilot))
            parts.append(Part(joined.pilots[pilot], part, asked))
    return Planned(checked, of_file, tuple(parts), joined.lost)


def push(
    home: Home,
    service: Service,
    profile: str,
    planned: Planned,
    held: Iterable[str] = (),
    advance: Callable[[int], None] = lambda _rows: None,
    *,
    restore: bool = False,
) -> Iterator[Outcome]:
    """Deliver to one pilot after the other, and say what became of each.

    Args:
        home: the creditor's home.
        service: logged in as that creditor.
        profile: the name of the export's mapping profile.
        planned: as planned.
        held: pilots whose part is held for somebody to answer what was asked.
        advance: told how many more rows were sent, for a progress bar.
        restore: what was delivered before, and overtaken by another list of its month, is to hold again.
    """
    kept, any_sent = set(held), False
    down: Exception | None = None
    for pilot, error in planned.lost.items():  # what may be theirs stayed home
        yield Outcome(pilot, 0, failure=error)
    for part in planned.parts:
        pilot, rows = part.joined.id, len(part.checked.to_send)
        if pilot in kept:
            yield Outcome(pilot, rows, held=planned.questions or part.questions)
            continue
        if down is not None:
            yield Outcome(pilot, rows, failure=down)
            continue
        try:
            receipt = None
            if not _only_settled(part.checked):
                receipt = deliver(home, service, part.joined, part.checked, advance, restore=restore)
            settled = _end_settled(home, service, pilot, part.checked)
            still_open = _say_open(home, service, pilot, part.checked, receipt)
        except OF_ONE_PILOT as failure:
            yield Outcome(pilot, rows, failure=failure)
        except OF_ALL as failure:
            down = failure
            yield Outcome(pilot, rows, failure=failure)
        else:
            remember(home, profile, part.checked, pilot)
            if not any_sent:
                remember(home, profile, planned.whole)
                any_sent = True
            yield Outcome(pilot, rows, receipt, settled, still_open)


def _only_settled(part: Checked) -> bool:
    """Whether there is nothing to deliver: an export of nothing but paid contracts is no list of what is open."""
    return bool(part.settled) and not part.to_send


def _end_settled(home: Home, service: Service, pilot: str, part: Checked) -> int:
    """Pass on the rows that say that a contract is paid or closed; returns how many."""
    if part.settled:
        contracts = [row.reference for row in part.settled]
        end_contracts(home, service, pilot, contracts, "settled", _day(part))
    return len(part.settled)


def _say_open(home: Home, service: Service, pilot: str, part: Checked, receipt: Receipt | None) -> int:
    """Say which contracts are open though not reported; returns how many. Where changes are sent none is missing."""
    if receipt is not None and not receipt.snapshot:
        return 0
    contracts = [contract.reference for contract in part.still_open]
    if receipt is not None:
        contracts += _refused_and_open(home, pilot, part.to_send, receipt)
    if contracts:
        end_contracts(home, service, pilot, contracts, "open", _day(part))
    return len(contracts)


def _day(part: Checked) -> date:
    """The reference date, or today where that is still to come: the same month, for no other one is taken."""
    return min(part.reported_on, datetime.now(AMSTERDAM).date())


def _refused_and_open(home: Home, pilot: str, rows: Sequence[SendableRow], receipt: Receipt) -> list[str]:
    """The references of rows that the service refused for a reason that leaves them open.

    It names only so many lines. Where it took fewer than the others, a row that is neither named nor among the reports
    that are kept here as taken was refused too, by a rule that isn't known: it counts as open.
    """
    named = {line for line, _ in receipt.refused}
    shut = {line for line, code in receipt.refused if code in NOT_OPEN}
    found = [row.reference for row in rows if row.line in named - shut]
    if receipt.accepted + len(named) < len(rows) and has_reports(home, receipt.delivery):
        secret = home.secret("secret.key")
        taken = {report.reference for report in taken_reports(home, receipt.delivery)}
        found += [
            row.reference
            for row in rows
            if row.line not in named and reference(secret, pilot, fold_reference(row.reference)) not in taken
        ]
    return found
