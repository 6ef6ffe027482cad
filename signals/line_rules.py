"""The rules by which the service refuses one line of a delivery: name, words in both tongues, source.

Where the source is the pilot's own document, that names it: the source of the category's terms, or the article.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LineRule:
    """Why a line is refused, in a sentence that holds nothing of the line, and where the rule stands."""

    nl: str
    en: str
    source: str


NO_EARLIER_REPORT = "no-earlier-report"
PILOT, AGREEMENT, FORMAT = "pilot document", "agreement", "docs/api.md"

LINE_RULES: Mapping[str, LineRule] = {
    "unreadable-line": LineRule("de regel is niet te lezen", "the line can't be read", FORMAT),
    "repeated": LineRule(
        "het kenmerk stond al in deze levering", "its reference stood in this delivery before", FORMAT
    ),
    "kind-not-agreed": LineRule("soort melding niet in uw convenant", "a kind not agreed with you", AGREEMENT),
    "not-in-period": LineRule("de peildatum valt buiten de maand", "the reference date is of another month", FORMAT),
    "arrears-after-report": LineRule(
        "de achterstand begint na de peildatum", "the arrears begin after the reference date", FORMAT
    ),
    "below-threshold": LineRule("onder de drempel van de pilot", "below the pilot's threshold", PILOT),
    "social-collection-incomplete": LineRule(
        "een stap ligt vóór de achterstand of na de peildatum",
        "a step lies before the arrears or after the reference date",
        "Bgs art. 2(a)-(d)",
    ),
    "offer-before-reminder": LineRule(
        "het aanbod ligt vóór de herinnering waarin het hoort te staan",
        "the offer lies before the reminder that has to make it",
        "Bgs art. 2(c), (d)",
    ),
    "offer-refused": LineRule(
        "de klant heeft het doorgeven geweigerd", "the customer refused to be reported", "Bgs art. 2(d)"
    ),
    "payment-plan-kept": LineRule(
        "er loopt een betalingsregeling die wordt nagekomen",
        "there is a payment plan, and it is being kept",
        "AP, Handreiking Wgs 2021: noodzaak en proportionaliteit",
    ),
    "procedure-not-agreed": LineRule(
        "deze vaste werkwijze staat niet in uw convenant", "a procedure not agreed with you", AGREEMENT
    ),
    "not-in-experiment": LineRule(
        "u neemt niet deel aan dit experiment", "you take no part in this experiment", "Wgs art. 10"
    ),
    "experiment-not-running": LineRule(
        "het experiment loopt niet op de peildatum", "the experiment does not run on the reference date", "Wgs art. 10"
    ),
    "below-experiment-threshold": LineRule(
        "onder de drempel van het experiment", "below the experiment's threshold", "Wgs art. 10"
    ),
}

# A line that was refused by one of these tells that its contract needs no report: it may count as settled. One that was
# refused by any other rule, or one that an older program doesn't know, is of a contract that is open still.
NOT_OPEN = frozenset(
    {"repeated", "below-threshold", "offer-refused", "payment-plan-kept", "below-experiment-threshold"}
)

# Of lines that were taken: what their creditor should look at.
WARNINGS: Mapping[str, LineRule] = {
    NO_EARLIER_REPORT: LineRule(
        "eindelevering gemeld zonder eerder vroegsignaal",
        "end of supply without an early report before it",
        "Energieregeling: order of reports since 1 January 2026",
    ),
}
