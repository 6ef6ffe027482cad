"""The closed list of facts about a household in one month: what a rule may ask for, with its unit and its names.

A fact is taken from the month's eligible reports; where none is eligible it is taken from all of them, for the reader
only, because no rule is applied then. Earlier cases, their outcomes and relapse after help are not facts yet.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from signals.report import Category, Kind, UrgentFlag


class FactName(StrEnum):
    """The name of a fact in a rule set and in an explanation. A name is never given another meaning."""

    CREDITORS = "creditors"
    REPORTS = "reports"
    REPEATS = "repeats"
    SETTLED = "settled"
    UNANNOUNCED = "unannounced"
    CATEGORIES = "categories"
    KINDS = "kinds"
    URGENT_FLAGS = "urgent_flags"
    KNOWN_CLIENT = "known_client"
    AMOUNT_EUROS = "amount_euros"
    MONTHS = "months"
    NEWEST_DAYS = "newest_days"
    OLDEST_DAYS = "oldest_days"
    GROWTH_EUROS = "growth_euros"
    EARLIER_MONTHS = "earlier_months"
    DISTRICT = "district"


class Unit(StrEnum):
    """What a fact is counted in. The last five are words and not numbers: a rule asks for them with `any_of`."""

    CREDITORS = "creditors"
    REPORTS = "reports"
    EUROS = "euros"
    MONTHS = "months"
    DAYS = "days"
    CATEGORY = "category"
    KIND = "kind"
    FLAG = "flag"
    LISTING = "listing"
    DISTRICT = "district"


class Listing(StrEnum):
    """Whether the person of a report is on the municipality's knock-out list."""

    LISTED = "listed"
    NOT_LISTED = "not_listed"


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact. `words` is the closed list that the values come from, or None where there is none."""

    unit: Unit
    nl: str
    en: str
    words: type[StrEnum] | None = None

    @property
    def is_number(self) -> bool:
        """Whether rules compare it with `at_least` and `at_most`, and not with `any_of` and `none_of`."""
        return self.words is None and self.unit is not Unit.DISTRICT


FACTS: Mapping[FactName, Fact] = {
    # Different creditors that reported in the month.
    FactName.CREDITORS: Fact(Unit.CREDITORS, "aantal schuldeisers", "number of creditors"),
    FactName.REPORTS: Fact(Unit.REPORTS, "aantal meldingen", "number of reports"),
    # Reports that say the same as an earlier month's: same creditor and reference, arrears not grown.
    FactName.REPEATS: Fact(Unit.REPORTS, "aantal herhaalde meldingen", "number of repeated reports"),
    # Reports whose creditor said since that they are settled, or left their contract out of a later month.
    FactName.SETTLED: Fact(Unit.REPORTS, "aantal voldane meldingen", "number of settled reports"),
    # Reports of end of supply before which their creditor never reported the contract.
    FactName.UNANNOUNCED: Fact(
        Unit.REPORTS,
        "aantal eindeleveringen zonder eerder vroegsignaal",
        "number of ends of supply without an earlier report",
    ),
    FactName.CATEGORIES: Fact(Unit.CATEGORY, "soorten achterstand", "kinds of arrears", Category),
    FactName.KINDS: Fact(Unit.KIND, "soorten melding", "kinds of report", Kind),
    FactName.URGENT_FLAGS: Fact(Unit.FLAG, "dringende omstandigheden", "urgent circumstances", UrgentFlag),
    # Both where some of the persons are on the knock-out list and others are not.
    FactName.KNOWN_CLIENT: Fact(Unit.LISTING, "wie gemeld is", "who is reported", Listing),
    # Total of the month's reports.
    FactName.AMOUNT_EUROS: Fact(Unit.EUROS, "totaalbedrag", "total amount"),
    # The largest number of months in arrears that a creditor counts.
    FactName.MONTHS: Fact(Unit.MONTHS, "langste achterstand", "longest arrears"),
    # From the day the arrears began to the reference date, for the newest and for the oldest arrears.
    FactName.NEWEST_DAYS: Fact(Unit.DAYS, "nieuwste achterstand", "newest arrears"),
    FactName.OLDEST_DAYS: Fact(Unit.DAYS, "oudste achterstand", "oldest arrears"),
    # Total minus the total of the latest earlier month within the window; unknown where there is no such month.
    FactName.GROWTH_EUROS: Fact(Unit.EUROS, "toename van het totaalbedrag", "growth of the total amount"),
    # Months within the rule set's window before this one that have an eligible report.
    FactName.EARLIER_MONTHS: Fact(Unit.MONTHS, "eerdere maanden met een melding", "earlier months with a report"),
    # Of the freshest report; a code that is keyed per pilot.
    FactName.DISTRICT: Fact(Unit.DISTRICT, "wijk", "district"),
}
