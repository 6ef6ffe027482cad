"""Why a row is not sent, and what is worth mentioning about a file: codes and their sentences, in Dutch and English.

No sentence ever holds a person's data: the places to fill in are lines, counts, amounts of thresholds and dates of the
file as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Detail = str | int


class Reason(StrEnum):
    """Why a row is not sent. Public: the codes are counted, printed and never reused for something else."""

    UNREADABLE_ROW = "unreadable_row"
    NOT_BY_SCHEMA = "not_by_schema"
    NO_REFERENCE = "no_reference"
    UNREADABLE_AMOUNT = "unreadable_amount"
    UNREADABLE_MONTHS = "unreadable_months"
    UNREADABLE_DATE = "unreadable_date"
    NOT_YET_DUE = "not_yet_due"
    CONFLICTING = "conflicting"
    REPEATED = "repeated"
    IN_CREDIT = "in_credit"
    REFUSED_BY_RESIDENT = "refused_by_resident"
    PAYMENT_PLAN_KEPT = "payment_plan_kept"
    UNCLEAR_ANSWER = "unclear_answer"
    UNCLEAR_SETTLED = "unclear_settled"
    SETTLED_AND_OPEN = "settled_and_open"
    CATEGORY_NOT_IN_PILOT = "category_not_in_pilot"
    OUTSIDE_PERIOD = "outside_period"
    UNREADABLE_POSTCODE = "unreadable_postcode"
    OUTSIDE_PILOT = "outside_pilot"
    SEVERAL_PILOTS = "several_pilots"
    PILOT_UNAVAILABLE = "pilot_unavailable"
    BELOW_THRESHOLD = "below_threshold"
    COLLECTION_INCOMPLETE = "collection_incomplete"
    TOO_EARLY = "too_early"


# Whether a contract may be in arrears still though its row is not sent: then the service is told that it is open, or
# its earlier report would count as paid (docs/decisions/0026).
STILL_OPEN: Mapping[Reason, bool] = {
    Reason.UNREADABLE_ROW: True,
    Reason.NOT_BY_SCHEMA: True,
    Reason.NO_REFERENCE: True,  # of which contract can't be said
    Reason.UNREADABLE_AMOUNT: True,
    Reason.UNREADABLE_MONTHS: True,
    Reason.UNREADABLE_DATE: True,
    Reason.NOT_YET_DUE: False,
    Reason.CONFLICTING: True,
    Reason.REPEATED: False,  # the row that it repeats tells
    Reason.IN_CREDIT: False,
    Reason.REFUSED_BY_RESIDENT: False,
    Reason.PAYMENT_PLAN_KEPT: False,
    Reason.UNCLEAR_ANSWER: True,
    Reason.UNCLEAR_SETTLED: True,
    Reason.SETTLED_AND_OPEN: True,
    Reason.CATEGORY_NOT_IN_PILOT: False,  # no delivery of that category is taken there, so nothing is missing
    Reason.OUTSIDE_PERIOD: True,
    Reason.UNREADABLE_POSTCODE: True,
    Reason.OUTSIDE_PILOT: False,
    Reason.SEVERAL_PILOTS: True,
    Reason.PILOT_UNAVAILABLE: True,
    Reason.BELOW_THRESHOLD: False,
    Reason.COLLECTION_INCOMPLETE: True,
    Reason.TOO_EARLY: True,
}
LABELS: Mapping[Reason, tuple[str, str]] = {  # a few words, for where rows are counted
    Reason.UNREADABLE_ROW: ("regel onleesbaar", "unreadable row"),
    Reason.NOT_BY_SCHEMA: ("niet volgens het schema", "not by the schema"),
    Reason.NO_REFERENCE: ("geen klantnummer", "no customer number"),
    Reason.UNREADABLE_AMOUNT: ("bedrag onleesbaar", "unreadable amount"),
    Reason.UNREADABLE_MONTHS: ("maanden onleesbaar", "unreadable months"),
    Reason.UNREADABLE_DATE: ("datum onleesbaar", "unreadable date"),
    Reason.NOT_YET_DUE: ("nog niet vervallen", "not yet due"),
    Reason.CONFLICTING: ("tegenstrijdig", "conflicting"),
    Reason.REPEATED: ("herhaald", "repeated"),
    Reason.IN_CREDIT: ("geen achterstand", "in credit"),
    Reason.REFUSED_BY_RESIDENT: ("bezwaar van de klant", "the customer objected"),
    Reason.PAYMENT_PLAN_KEPT: ("lopende betalingsregeling", "payment plan kept"),
    Reason.UNCLEAR_ANSWER: ("bezwaar of regeling onduidelijk", "objection or plan unclear"),
    Reason.UNCLEAR_SETTLED: ("voldaan of niet onduidelijk", "settled or not unclear"),
    Reason.SETTLED_AND_OPEN: ("voldaan en niet voldaan", "settled and not settled"),
    Reason.CATEGORY_NOT_IN_PILOT: ("soort hoort niet bij de pilot", "kind not in the pilot"),
    Reason.OUTSIDE_PERIOD: ("buiten de looptijd", "outside the running time"),
    Reason.UNREADABLE_POSTCODE: ("postcode onleesbaar", "unreadable postcode"),
    Reason.OUTSIDE_PILOT: ("buiten uw pilots", "outside your pilots"),
    Reason.SEVERAL_PILOTS: ("in meer dan één pilot", "in more than one pilot"),
    Reason.PILOT_UNAVAILABLE: ("pilot niet te bereiken", "pilot not to be had"),
    Reason.BELOW_THRESHOLD: ("onder de drempel", "below the threshold"),
    Reason.COLLECTION_INCOMPLETE: ("sociale incasso onvolledig", "social collection incomplete"),
    Reason.TOO_EARLY: ("te vroeg", "too early"),
}


class NoteCode(StrEnum):
    """What is worth mentioning about a file, and never a reason to hold a row."""

    MIXED_ENCODING = "mixed_encoding"
    LINES_SKIPPED = "lines_skipped"
    TOTAL_DIFFERS = "total_differs"
    COUNT_DIFFERS = "count_differs"
    NO_TOTAL = "no_total"
    NO_ROWS = "no_rows"
    TEXT_AFTER_END = "text_after_end"
    FIELD_ABSENT = "field_absent"
    NO_REFERENCE_DATE = "no_reference_date"
    OTHER_PERIOD = "other_period"
    UNREADABLE_BIRTH_DATE = "unreadable_birth_date"
    UNCLEAR_FLAG = "unclear_flag"
    NO_EXCLUSIONS = "no_exclusions"
    PILOT_WITHOUT_AREA = "pilot_without_area"
    NO_NUMBER = "no_number"


REASONS: Mapping[Reason, tuple[str, str]] = {
    Reason.UNREADABLE_ROW: (
        "De regel heeft te veel of te weinig kolommen: een scheidingsteken staat verkeerd of er ontbreekt iets.",
        "The row has too many or too few columns: a separator is misplaced or something is missing.",
    ),
    Reason.NOT_BY_SCHEMA: (
        "De regel voldoet niet aan het schema van een boekhouding; het gaat om: {fields}.",
        "The row does not fit the schema of a ledger; it is about: {fields}.",
    ),
    Reason.NO_REFERENCE: (
        "Er staat geen bruikbaar klant- of contractnummer in.",
        "It holds no usable customer or contract number.",
    ),
    Reason.UNREADABLE_AMOUNT: (
        "Het bedrag is leeg of niet eenduidig te lezen.",
        "The amount is empty or can't be read without guessing.",
    ),
    Reason.UNREADABLE_MONTHS: (
        "Het aantal maanden achterstand is leeg of niet te lezen.",
        "The number of months in arrears is empty or unreadable.",
    ),
    Reason.UNREADABLE_DATE: (
        "De datum sinds wanneer er achterstand is, is leeg of niet te lezen.",
        "The date since when there are arrears is empty or unreadable.",
    ),
    Reason.NOT_YET_DUE: (
        "De vervaldatum ligt na de peildatum.",
        "The due date lies after the reference date.",
    ),
    Reason.CONFLICTING: (
        "Hetzelfde nummer staat met een ander bedrag of een andere duur op regel {lines}; geen wordt verstuurd. Welke?",
        "The same number stands with another amount or duration on line {lines}; none is sent. Which one is right?",
    ),
    Reason.REPEATED: (
        "Herhaling van regel {line}; die telt, met de gegevens van beide.",
        "Repeats line {line}; that one counts, with the details of both.",
    ),
    Reason.IN_CREDIT: (
        "Het bedrag is nul of een tegoed: er is geen achterstand.",
        "The amount is zero or a credit: there are no arrears.",
    ),
    Reason.REFUSED_BY_RESIDENT: (
        "De klant heeft bezwaar gemaakt tegen het doorgeven.",
        "The customer objected to being reported.",
    ),
    Reason.PAYMENT_PLAN_KEPT: (
        "Er loopt een betalingsregeling die wordt nagekomen.",
        "There is a payment plan, and it is being kept.",
    ),
    Reason.UNCLEAR_ANSWER: (
        "De kolom voor bezwaren en betalingsregelingen bevat een woord dat het profiel niet kent.",
        "The column for objections and payment plans holds a word that the profile doesn't know.",
    ),
    Reason.UNCLEAR_SETTLED: (
        "De kolom die zegt of er betaald is bevat een woord dat het profiel niet kent.",
        "The column that says whether it is paid holds a word that the profile doesn't know.",
    ),
    Reason.SETTLED_AND_OPEN: (
        "Hetzelfde nummer staat ook op regel {lines}, eens voldaan en eens niet; geen wordt verstuurd.",
        "The same number stands on line {lines} too, once settled and once not; none is sent.",
    ),
    Reason.CATEGORY_NOT_IN_PILOT: (
        "Deze soort achterstand hoort niet bij de pilot.",
        "This kind of arrears is not part of the pilot.",
    ),
    Reason.OUTSIDE_PERIOD: (
        "De peildatum valt buiten de looptijd van de pilot.",
        "The reference date lies outside the pilot's running time.",
    ),
    Reason.UNREADABLE_POSTCODE: (
        "De postcode ontbreekt of is niet te lezen, zodat niet vaststaat of het adres bij de pilot hoort.",
        "The postcode is missing or unreadable, so it is not certain that the address is part of the pilot.",
    ),
    Reason.OUTSIDE_PILOT: (
        "Het adres ligt buiten de pilots waaraan u meedoet.",
        "The address lies outside the pilots that you take part in.",
    ),
    Reason.SEVERAL_PILOTS: (
        "De postcode hoort bij meer dan één pilot ({pilots}). Zeg welke het moet zijn: --pilot.",
        "The postcode belongs to more than one pilot ({pilots}). Say which one it is for: --pilot.",
    ),
    Reason.PILOT_UNAVAILABLE: (
        "Het adres hoort misschien bij {pilots}, en de voorwaarden daarvan waren er niet. Probeer het later opnieuw.",
        "The address may belong to {pilots}, whose terms were not to be had. Try again later.",
    ),
    Reason.BELOW_THRESHOLD: (
        "Nog onder de drempel van de pilot: {threshold_nl}.",
        "Still below the pilot's threshold: {threshold_en}.",
    ),
    Reason.COLLECTION_INCOMPLETE: (
        "Niet alle stappen van de sociale incasso hebben een datum (herinnering, contact, hulp gewezen, aanbod).",
        "Not every step of the social collection has a date (reminder, contact, pointed at help, offer).",
    ),
    Reason.TOO_EARLY: (
        "Op de peildatum waren herinnering, contact en aanbod nog niet gedaan, of liep de reactietermijn nog.",
        "On the reference date reminder, contact and offer had not yet been made, or the time to answer still ran.",
    ),
}

NOTES: Mapping[NoteCode, tuple[str, str]] = {
    NoteCode.MIXED_ENCODING: (
        "{count} regel(s) staan in een andere tekencodering dan de rest en zijn gelezen als Windows-1252.",
        "{count} line(s) are encoded differently from the rest and were read as Windows-1252.",
    ),
    NoteCode.LINES_SKIPPED: (
        "{count} regel(s) zonder klant overgeslagen (herhaalde kop of voettekst): {lines}.",
        "{count} line(s) without a customer skipped (repeated header or footer): {lines}.",
    ),
    NoteCode.TOTAL_DIFFERS: (
        "De totaalregel wijkt € {difference_nl} af van de som van de regels.",
        "The total row differs by € {difference_en} from the sum of the rows.",
    ),
    NoteCode.COUNT_DIFFERS: (
        "Het bestand noemt {stated} regels en bevat er {found}. Is het compleet?",
        "The file states {stated} rows and holds {found}. Is it complete?",
    ),
    NoteCode.NO_TOTAL: (
        "De totaalregel waarmee deze lijst hoort te eindigen ontbreekt. Is het bestand compleet?",
        "The total row that this list should end with is missing. Is the file complete?",
    ),
    NoteCode.NO_ROWS: ("Het bestand bevat geen regels.", "The file holds no rows."),
    NoteCode.TEXT_AFTER_END: (
        "Er staat tekst achter het einde van de gegevens; die is niet gelezen.",
        "There is text behind the end of the data; it was not read.",
    ),
    NoteCode.FIELD_ABSENT: (
        "Het veld '{column}' komt in het bestand niet voor en telt als leeg.",
        "The field '{column}' does not occur in the file and counts as empty.",
    ),
    NoteCode.NO_REFERENCE_DATE: (
        "De peildatum staat niet leesbaar in het bestand; de laatste dag van {period} is genomen.",
        "The file holds no readable reference date; the last day of {period} was taken.",
    ),
    NoteCode.OTHER_PERIOD: (
        "De peildatum in het bestand ({found}) valt buiten de opgegeven periode {period}.",
        "The reference date in the file ({found}) lies outside the period {period} that was asked for.",
    ),
    NoteCode.UNREADABLE_BIRTH_DATE: (
        "{count} geboortedatum(s) zijn niet te lezen en blijven leeg; de eerste staat op deze regel.",
        "{count} birth date(s) can't be read and stay empty; the first one is on this line.",
    ),
    NoteCode.UNCLEAR_FLAG: (
        "{count} keer staat in kolom '{column}' een woord dat het profiel niet kent; gelezen als nee.",
        "{count} time(s) the column '{column}' holds a word that the profile doesn't know; read as no.",
    ),
    NoteCode.NO_EXCLUSIONS: (
        "Bezwaren en nagekomen betalingsregelingen zijn niet nagegaan: {why_nl}",
        "Objections and kept payment plans were not looked at: {why_en}",
    ),
    NoteCode.PILOT_WITHOUT_AREA: (
        "Pilot {pilot} noemt geen postcodes en krijgt daarom alleen regels als u hem noemt: --pilot {pilot}.",
        "Pilot {pilot} names no postcodes, and so gets rows only when you name it: --pilot {pilot}.",
    ),
    NoteCode.NO_NUMBER: (
        "{count} regel(s) zonder nummer: een eerdere melding daarvan telt als voldaan als u steeds alles levert.",
        "{count} row(s) without a number: that customer's earlier report counts as paid if you deliver all each month.",
    ),
}


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth mentioning about a file; `line` is where it starts, None for the file as a whole."""

    code: NoteCode
    line: int | None = None
    details: Mapping[str, Detail] = field(default_factory=dict)

    @property
    def nl(self) -> str:
        """The sentence in Dutch."""
        return NOTES[self.code][0].format(**self.details)

    @property
    def en(self) -> str:
        """The sentence in English."""
        return NOTES[self.code][1].format(**self.details)


def masked(reference: str) -> str:
    """A reference for a screen: its last three characters, enough to find the row again and no contract number."""
    return f"…{reference[-3:]}" if len(reference) > 3 else "…" if reference else ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One row that is not sent: where it stands, and why.

    `whole`: its reference, never shown. `pilot`: the one that it belongs to, where it got so far; else
    `postcode_digits` tell, where the row does. `said_no`: it says itself that the customer objected or keeps a plan.
    """

    line: int
    reason: Reason
    whole: str = field(default="", repr=False)
    details: Mapping[str, Detail] = field(default_factory=dict)
    pilot: str | None = None
    postcode_digits: str = field(default="", repr=False)
    said_no: bool = field(default=False, repr=False)

    @property
    def reference(self) -> str:
        """The reference for a screen: its last three characters."""
        return masked(self.whole)

    @property
    def nl(self) -> str:
        """Why, in Dutch."""
        return REASONS[self.reason][0].format(**self.details)

    @property
    def en(self) -> str:
        """Why, in English."""
        return REASONS[self.reason][1].format(**self.details)
