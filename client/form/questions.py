"""What the form asks of one tenant, and how the answers become the rows that `check` judges: as an export's would.

The form has no rules of its own but that a question must be answered; which answers may be sent is the check's to say.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from client.checking import Checked, Pilots, check
from client.export import export_of
from client.profiles import Profile
from client.reasons import Reason
from client.records import read_records
from signals.report import Category

Answers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One field: its name, what it asks in Dutch and English, an example, and whether it must be answered."""

    name: str
    nl: str
    en: str
    hint_nl: str = ""
    hint_en: str = ""
    needed: bool = True
    kind: str = "text"  # as HTML's `type`


DAY_NL, DAY_EN = "dag-maand-jaar, zoals 5-9-2026", "day-month-year, such as 5-9-2026"
# One heading after the other: the first goes with the arrears, then Bgs art. 2 (a) to (d), then who it is.
SECTIONS: tuple[tuple[str, str, tuple[Question, ...]], ...] = (
    (
        "De achterstand",
        "The arrears",
        (
            Question(
                "reference",
                "Uw eigen nummer voor dit contract",
                "Your own number of this contract",
                "Elke maand hetzelfde, zoals dorpsstraat-12",
                "The same each month, such as dorpsstraat-12",
            ),
            Question("amount", "Achterstand in euro", "Arrears in euros", "zoals 1.234,50", "such as 1.234,50"),
            Question("since", "Sinds welke dag is er achterstand?", "Since which day?", DAY_NL, DAY_EN),
        ),
    ),
    (
        "Wat u al deed (Besluit gemeentelijke schuldhulpverlening, artikel 2)",
        "What you did already (Besluit gemeentelijke schuldhulpverlening, article 2)",
        (
            Question("reminder", "Wanneer stuurde u een herinnering?", "When did you send a reminder?", DAY_NL, DAY_EN),
            Question(
                "contact",
                "Wanneer zocht u persoonlijk contact (bellen, langsgaan)?",
                "When did you seek personal contact (call, visit)?",
                DAY_NL,
                DAY_EN,
            ),
            Question(
                "help",
                "Wanneer wees u op schuldhulp van de gemeente?",
                "When did you point at the municipality's debt help?",
                DAY_NL,
                DAY_EN,
            ),
            Question(
                "offer",
                "Wanneer bood u aan om gegevens aan de gemeente door te geven?",
                "When did you offer to pass on details to the municipality?",
                "Dat staat vaak in de herinnering. " + DAY_NL,
                "Often part of the reminder. " + DAY_EN,
            ),
        ),
    ),
    (
        "De huurder",
        "The tenant",
        (
            Question("initials", "Voorletters", "Initials"),
            Question("prefix", "Tussenvoegsel", "Infix", needed=False),
            Question("surname", "Achternaam", "Surname"),
            Question(
                "birth", "Geboortedatum, als u die weet", "Birth date, if you know it", DAY_NL, DAY_EN, needed=False
            ),
            Question("street", "Straat", "Street"),
            Question("number", "Huisnummer", "House number"),
            Question("addition", "Toevoeging", "Addition", "zoals A of 2-hoog", "such as A or 2-hoog", needed=False),
            Question("postcode", "Postcode", "Postcode"),
            Question("town", "Woonplaats", "Town"),
            Question("phone", "Telefoonnummer, als u dat weet", "Telephone, if you know it", needed=False, kind="tel"),
            Question("email", "E-mailadres, als u dat weet", "E-mail, if you know it", needed=False, kind="email"),
        ),
    ),
)
QUESTIONS = tuple(question for _nl, _en, questions in SECTIONS for question in questions)
ANSWERS = ("none", "refused", "plan")
OFFER = Question("answer", "Wat zei de huurder op uw aanbod?", "What did the tenant say to your offer?")
NAMES = (*(question.name for question in QUESTIONS), "answer", "eviction")
# Where somebody goes to mend what the check refuses.
PLACES = {
    Reason.NO_REFERENCE: "reference",
    Reason.CONFLICTING: "reference",
    Reason.REPEATED: "reference",
    Reason.UNREADABLE_DATE: "since",
    Reason.NOT_YET_DUE: "since",
    Reason.UNREADABLE_POSTCODE: "postcode",
    Reason.OUTSIDE_PILOT: "postcode",
    Reason.COLLECTION_INCOMPLETE: "reminder",
    Reason.TOO_EARLY: "reminder",
}
ENDS = ("refused", "plan")  # who said this is not reported, whatever else is filled in


def form_profile(category: Category) -> Profile:
    """The form's answers as an export: each question is a column."""
    return Profile.model_validate(
        {
            "profile": "form",
            "file": {"format": "json", "records": "records"},
            "category": category,
            "reference_date": {"field": "on"},
            "columns": {
                **{name: name for name in ("reference", "surname", "prefix", "initials", "street", "addition")},
                **{name: name for name in ("postcode", "town", "phone", "email")},
                "house_number": "number",
                "birth_date": "birth",
            },
            "amount": {"column": "amount"},
            "months": {"due_date": "since"},
            "urgent": [{"column": "eviction", "flag": "eviction_announced"}],
            "social_collection": {name: {"column": name} for name in ("reminder", "contact", "help", "offer")},
            "recorded": {
                "refused": {"column": "answer", "values": ["refused"], "otherwise": ["none", "plan"]},
                "payment_plan_kept": {"column": "answer", "values": ["plan"], "otherwise": ["none", "refused"]},
            },
        }
    )


def unanswered(answers: Answers) -> list[Question]:
    """The questions that must be answered and are not."""
    left = [question for question in QUESTIONS if question.needed and not answers.get(question.name, "").strip()]
    return left if answers.get("answer") in ANSWERS else [*left, OFFER]


def checked(tenants: Sequence[Answers], on: str, category: Category, pilots: Pilots | None) -> Checked:
    """What of these may be sent, as of the day `on` (YYYY-MM-DD); of one tenant at least."""
    profile = form_profile(category)
    records = [{name: answers.get(name, "").strip() for name in NAMES} for answers in tenants]
    text = json.dumps({"on": on, "records": records})
    table = read_records(text, "form", profile.file, profile.mapped(), [])
    return check(export_of(table, "form", profile), profile, pilots)
