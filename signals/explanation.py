"""The explanation that every signal carries: what was looked at, by which rules, with which outcome (promise 8).

It is whole: `signals/explaining.py` prints it without any other data, years later too. No creditor is named in it, and
nothing in it points at a person but the reports' ids.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from signals.documents import Document
from signals.facts import FactName
from signals.pilot import Words
from signals.report import Category, Kind, Period, UrgentFlag

# Raise it when the shape or the meaning of an explanation changes: signals are then made anew.
FORMAT = 1

SetAsideReason = Literal["none_eligible", "all_settled", "all_repeats", "no_rule"]
Value = int | str | tuple[str, ...] | None


class Need(Document):
    """One condition of a rule as it was judged: what was asked of a fact, and whether that held.

    What the fact was stands once, in the explanation's `facts`.
    """

    fact: FactName
    at_least: int | None = None
    at_most: int | None = None
    any_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None
    ok: bool


class JudgedRule(Document):
    """One rule of the set and whether it matched; its words and source are there where it did."""

    id: str
    matched: bool
    urgent: bool = False
    words: Words | None = None
    source: str | None = None
    needs: tuple[Need, ...]


class Breach(Document):
    """What a report lies outside of. For `category` the rule set has no terms for its category."""

    fact: Literal["days", "amount_euros", "months", "category"]
    at_least: int | None = None
    at_most: int | None = None


class JudgedReport(Document):
    """One report of the month: `days` from the start of the arrears to the reference date.

    `settled_on`: since when it is settled; `unannounced`: an end of supply without an earlier report of its contract.
    """

    report_id: UUID
    category: Category
    kind: Kind
    amount_euros: int
    months: int
    days: int
    eligible: bool = True
    outside: tuple[Breach, ...] = ()
    repeat: bool = False
    urgent: tuple[UrgentFlag, ...] = ()
    known_client: bool = False
    settled_on: date | None = None
    unannounced: bool = False


class Explanation(Document):
    """Why a household's month lies in its tray. `hash` is that of the rule set, `digest` the service's own mark of it.

    `set_aside` is the reason, where it was; then, unless all reports are repeats or settled, no rule matched.
    """

    format: Literal[1]
    rule_set: str
    hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    digest: str = ""
    window_months: int
    period: Period
    received_on: date
    deadline: date
    tray: str
    set_aside: SetAsideReason | None = None
    facts: dict[FactName, Value]
    rules: tuple[JudgedRule, ...]
    reports: tuple[JudgedReport, ...]
