"""The form's work: what was answered so far, what the check says of it, and sending it. No HTTP here.

Answers are in this process's memory alone, until they are sent or it stops.
"""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime

from client.checking import Checked
from client.delivering import Receipt, deliver
from client.form.questions import ENDS, PLACES, Answers, checked, unanswered
from client.home import Home
from client.reasons import NoteCode
from client.service import Service
from client.trust import join, sending_terms
from signals.days import AMSTERDAM
from signals.line_rules import LINE_RULES
from signals.pilot import Pilot
from signals.report import Category

NO_BIRTH_DATE = ("De geboortedatum is niet te lezen.", "The birth date can't be read.")


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is to be mended, at which question, in Dutch and English."""

    place: str
    nl: str
    en: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery that went: its receipt, its month, and of what the service refused the reasons in both languages."""

    receipt: Receipt
    period: str
    refused: tuple[tuple[str, str], ...]


@dataclass
class Landlord:
    """One landlord at the form.

    Args:
        home: the creditor's home.
        connect: makes a connection as that creditor.
        pilot_id: which pilot.
        category: what arrears these are.
    """

    home: Home
    connect: Callable[[], Service]
    pilot_id: str
    category: Category
    on: date = field(default_factory=lambda: datetime.now(AMSTERDAM).date())
    tenants: dict[str, Answers] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    _terms: Pilot | None = None
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def pilot(self) -> Pilot:
        """The pilot's terms, from its signed document. Raises what `join` raises."""
        if self._terms is None:
            with self.connect() as service:
                self._terms = join(self.home, service, self.pilot_id).document.pilot
        return self._terms

    def judge(self, answers: Answers) -> list[Mistake]:
        """What of one tenant's answers is to be mended before it may be sent; by the check, and never by the form."""
        if missing := unanswered(answers):
            return [Mistake(one.name, f"Vul in: {one.nl}", f"Fill in: {one.en}") for one in missing]
        found = self.check([answers])
        mistakes = [Mistake(PLACES.get(one.reason, "amount"), one.nl, one.en) for one in found.refused]
        if any(note.code is NoteCode.UNREADABLE_BIRTH_DATE for note in found.notes):
            mistakes.append(Mistake("birth", *NO_BIRTH_DATE))
        return mistakes

    def ends(self, answers: Answers) -> str | None:
        """Why a tenant may not be reported at all, whatever else is filled in: `refused` or `plan`."""
        said = answers.get("answer", "")
        return said if said in ENDS else None

    def check(self, tenants: list[Answers] | None = None) -> Checked:
        """What the check says of these tenants, or of all of them."""
        every = list(self.tenants.values()) if tenants is None else tenants
        return checked(every, self.on.isoformat(), self.category, {self.pilot_id: sending_terms(self.pilot())})

    def keep(self, tenant: str, answers: Answers) -> None:
        """Keep a tenant's answers, in the place of earlier ones of that tenant."""
        self.tenants[tenant if tenant in self.tenants else secrets.token_hex(8)] = dict(answers)

    def send(self) -> Sent | None:
        """Send all that the check lets through, as one delivery; None where there is nothing. Repeating it is safe.

        Raises:
            ServiceRefused, ServiceUnreachable, DeliveryDisturbed: nothing is lost here.
        """
        with self._busy:  # pressed twice
            if not self.tenants:
                return None
            found = self.check()
            if not found.to_send:
                return None
            with self.connect() as service:
                receipt = deliver(self.home, service, join(self.home, service, self.pilot_id), found)
            said = [(code, LINE_RULES.get(code)) for _line, code in receipt.refused]
            refused = tuple((rule.nl, rule.en) if rule else (code, code) for code, rule in said)
            self.sent.append(Sent(receipt, found.period, refused))
            names = list(self.tenants)
            lines = {row.line for row in found.to_send} - {line for line, _code in receipt.refused}
            for line in lines:
                self.tenants.pop(names[line - 1])
            return self.sent[-1]
