"""The answer to a resident as a letter in Dutch, in parts that paper and page set alike.

A letter is made from the answer's data alone: title, place, to, opening, and sections, each a heading with blocks (a
text, a list or a table).
"""

import json
import os
import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from babel.numbers import format_currency
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from client.paper import TEMPLATES, typeset
from client.resident_words import (
    BASIS,
    DETAILS,
    FROM_CREDITORS,
    GROUND,
    IDENTITY,
    LEVEL,
    LINK_REASON,
    LINKED,
    LOGGED,
    NO_MACHINE_DECIDES,
    OF_OTHERS,
    OPENING,
    REACHED,
    RESULT,
    ROLE,
    SAID,
    STATE,
    STAYS,
    TASK,
    WRONG,
    YOU_CAN,
)
from signals.cases import ContactKind, Result
from signals.consents import LinkReason
from signals.explaining import explain
from signals.explanation import Explanation, JudgedReport
from signals.report import Category
from signals.rights import ErasureGround, IdentityCheck, StatedFact
from signals.wording import CATEGORIES, day, month, several

Block = dict[str, Any]
TEMPLATE = "resident"


def letter_of(answer: Mapping[str, Any], office: str = "") -> dict[str, Any]:
    """The letter for an answer (client/resident_answer.py). `office` is where the resident can ask more."""
    resident = answer["resident"]
    sections = [
        *_done(answer),
        {"heading": "Wat wij van u hebben, en van wie", "blocks": _held(answer)},
        {"heading": "Waarom dat mag", "blocks": _why_allowed(answer)},
        {"heading": "Welke signalen er zijn, en waarom", "blocks": _signals(answer)},
        *_cases(answer),
        {"heading": "Wie er keek", "blocks": _looks(answer)},
        {"heading": "Wat uw schuldeisers te zien krijgen", "blocks": [_text(FROM_CREDITORS)]},
        {"heading": "Hoe lang wij het bewaren", "blocks": _terms(answer)},
        {"heading": "Wat u kunt doen", "blocks": [{"list": list(YOU_CAN)}]},
        {"heading": "Hebt u vragen?", "blocks": [_text(_office(answer, office))]},
    ]
    return {
        "title": "Uw gegevens bij vroegsignalering",
        "place": f"{answer['municipality']}, {_day(answer['askedOn'])}",
        "to": _lines_of(resident),
        "opening": [OPENING, f"Hoe wij weten dat u het bent: {IDENTITY[IdentityCheck(answer['identity'])]}"],
        "sections": sections,
    }


def as_page(letter: Mapping[str, Any]) -> str:
    """The letter as a page (HTML) that stands alone."""
    environment = Environment(
        loader=FileSystemLoader(Path(TEMPLATES)), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(f"{TEMPLATE}.html").render(letter)


def write_answer(folder: Path, answer: Mapping[str, Any], office: str = "") -> tuple[Path, ...]:
    """Write an answer as a letter (PDF, HTML) and as data (JSON), for the owner of the files alone.

    The names of the files name nobody.
    """
    letter = letter_of(answer, office)
    name = f"inzage-{answer['askedOn']}-{secrets.token_hex(4)}"
    contents = {
        "pdf": typeset(TEMPLATE, letter),
        "html": as_page(letter).encode(),
        "json": json.dumps(answer, ensure_ascii=False, indent=2).encode(),
    }
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = []
    for ending, content in contents.items():
        file = folder / f"{name}.{ending}"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(content)
        files.append(file)
    return tuple(files)


def _done(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    if erased := answer.get("erased"):
        ground = GROUND[ErasureGround(erased["ground"])]
        blocks = [
            _text(
                f"Op {_day(erased['on'])} hebben wij gewist wat in deze brief onder ‘Wat wij van u hebben’ staat, "
                f"omdat {ground}. Ook de signalen die daarop rustten zijn weg. Hieronder leest u nog eens wat het was."
            ),
            _text("Dit blijft, en daarom:"),
            {"list": [line.format(**answer["retention"]) for line in STAYS]},
        ]
        return [{"heading": "Wat wij hebben gewist", "blocks": blocks}]
    if disputed := answer.get("disputed"):
        wrong = [WRONG[StatedFact(fact)] for fact in disputed["wrong"]]
        report = next(one for one in answer["reports"] if one["reportId"] == disputed["report"])
        text = (
            f"U zegt dat iets niet klopt in de melding van {report['creditor']} over {_category(report)} "
            f"({month(report['period'], 'nl')}): {', '.join(wrong)}. Vanaf {_day(disputed['on'])} gebruiken wij de "
            "meldingen van dit contract niet (AVG artikel 18). Alleen de schuldeiser kan zijn melding verbeteren: "
            "wij vragen hem dat. Daarna beslist een medewerker, en hoort u van ons."
        )
        return [{"heading": "Wat wij doen met wat er niet klopt", "blocks": [_text(text)]}]
    return []


def _held(answer: Mapping[str, Any]) -> list[Block]:
    blocks: list[Block] = []
    if reports := answer["reports"]:
        head = ["Van wie", "Waarvoor", "Maand", "Bedrag", "Achter", "Sinds", "Ontvangen"]
        rows = [
            [
                report["creditor"],
                _category(report),
                month(report["period"], "nl"),
                _amount(report),
                several(report["months"], "maand", "maanden"),
                _day(report["arrearsSince"]),
                _day(report["receivedOn"]),
            ]
            for report in reports
        ]
        blocks.append({"head": head, "rows": rows})
        if paused := sum(report["state"] == "paused" for report in reports):
            blocks.append(
                _text(f"{several(paused, 'melding staat', 'meldingen staan')} stil: wij gebruiken die nu niet.")
            )
        if settled := [report for report in reports if report["settledOn"]]:
            blocks.append({"list": [_settled(report) for report in settled]})
        for to in dict.fromkeys(report["handedOverTo"] for report in reports if report["handedOverTo"]):
            count = several(
                sum(report["handedOverTo"] == to for report in reports), "melding hebben", "meldingen hebben"
            )
            text = f"{count} wij overgedragen aan {to}, omdat u daarheen bent verhuisd. Wij gebruiken die niet meer."
            blocks.append(_text(f"{text} Vraag daar wat er verder mee gebeurt."))
        blocks.append(_text("Dit schreven uw schuldeisers daarbij over u:"))
        blocks.append({"list": _written(reports)})
        blocks.append(_text("Dit deden zij voordat zij u meldden:"))
        blocks.append({"list": list(dict.fromkeys(map(_collected, reports)))})
    else:
        blocks.append(_text("Wij hebben nu geen meldingen over u."))
    if consents := answer["consents"]:
        blocks.append({"list": [_consented(consent) for consent in consents]})
    if said := answer["objections"]:
        blocks.append({"list": [_said(one) for one in said]})
    if listed := answer["knownClients"]:
        blocks.append({"list": [_listed(one) for one in listed]})
    if decided := answer["linkDecisions"]:
        blocks.append({"list": [_decided(decision) for decision in decided]})
    if not answer["reports"]:
        kept_on = answer["termsKeptOn"]
        ran = f" Dat deden wij voor het laatst op {_day(kept_on)}." if kept_on else ""
        blocks.append(
            _text(
                f"Meldingen wissen wij na {_days(answer['retention']['report_days'])}.{ran} Wat toen is gewist, kunnen "
                "wij niet terugvinden: ook wij weten dan niet meer dat het over u ging. Wie er toen keek, kunnen wij "
                "daarom ook niet meer bij u vinden."
            )
        )
    return blocks


def _why_allowed(answer: Mapping[str, Any]) -> list[Block]:
    lines = []
    for report in answer["reports"]:
        basis = report["basis"]
        article = f", {basis['article']}" if "article" in basis else ""
        line = f"{_category(report).capitalize()}: {BASIS[basis['basis']]} ({basis['source']}{article})."
        if basis["evidence"] == "consent" and basis["basis"] != "consent":
            line += " Het mag alleen met uw toestemming."
        lines.append(line)
    return [_text(TASK), *([{"list": list(dict.fromkeys(lines))}] if lines else [])]


def _signals(answer: Mapping[str, Any]) -> list[Block]:
    blocks = [_text(NO_MACHINE_DECIDES)]
    for signal in answer["signals"]:
        blocks.append(_text(f"Signaal van {month(signal['period'], 'nl')}:"))
        if signal["explanation"]:
            blocks.append({"list": explain(Explanation.model_validate(signal["explanation"]), "nl")})
            continue
        own = [JudgedReport.model_validate(line) for line in signal["judged"]]
        lines = [
            f"Uw melding over {CATEGORIES[one.category]['nl']} telt hierin {'mee' if one.eligible else 'niet mee'}."
            for one in own
        ]
        blocks.append({"list": [*lines, OF_OTHERS]})
    if not answer["signals"]:
        blocks.append(_text("Er is nu geen signaal waarin een melding over u meetelt."))
    return blocks


def _cases(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was done with the signals, case by case, in the order in which it was written down."""
    blocks: list[Block] = []
    for case in answer["cases"]:
        struck = {entry["number"] for entry in case["entries"] if entry["kind"] == "struck"}
        lines = [
            f"{_day(entry['on'])}: {_written_down(entry)}{' Dit is later doorgehaald.' if number in struck else ''}"
            for number, entry in enumerate(case["entries"], start=1)
            if entry["kind"] != "struck"
        ]
        blocks.append(_text(f"Op {_day(case['openedOn'])} begonnen wij een zaak over meldingen van u:"))
        blocks.append({"list": lines or ["Er is nog niets gedaan."]})
    return [{"heading": "Wat wij daarmee deden", "blocks": blocks}] if blocks else []


def _written_down(entry: Mapping[str, Any]) -> str:
    match entry["kind"]:
        case "attempt":
            how = REACHED[ContactKind(entry["contact"])]
            return f"Wij spraken u {how}." if entry["reached"] else f"Wij probeerden u te bereiken, {how}."
        case "accepted":
            return "U nam ons aanbod aan." + (" Er was spoed." if entry["threatened"] else "")
        case "closed":
            return f"Wij sloten de zaak: {RESULT[Result(entry['result'])]}."
        case "assigned":
            partner = f", bij {entry['partner']}" if entry.get("partner") else ""
            return f"Wij spraken af wie het doet{partner}."
        case kind:
            return {"taken_up": "Wij begonnen.", "spoken": "Wij hadden een gesprek.", "reopened": "Wij gingen verder."}[
                kind
            ]


def _looks(answer: Mapping[str, Any]) -> list[Block]:
    if not answer["looks"]:
        return [_text("Wij vonden geen inzage van gegevens over u.")]
    grouped = Counter(
        (look["at"][:10], look["organisation"], look["role"], look["purposeWords"], look["level"])
        for look in answer["looks"]
    )
    rows = [
        [_day(on), f"{ROLE.get(role, role)}, {organisation}", purpose, LEVEL.get(level, level), f"{count} keer"]
        for (on, organisation, role, purpose, level), count in grouped.items()
    ]
    return [
        _text(LOGGED),
        {"head": ["Wanneer", "Wie", "Waarvoor", "Wat te zien was", "Hoe vaak"], "rows": rows},
    ]


def _terms(answer: Mapping[str, Any]) -> list[Block]:
    terms = answer["retention"]
    lines = [
        f"De melding van {report['creditor']}, {month(report['period'], 'nl')}: tot en met {_day(report['keptUntil'])}."
        for report in answer["reports"]
        if not answer.get("erased")
    ]
    lines += [
        f"Meldingen en signalen: {_days(terms['report_days'])}.",
        f"Wat u zei over toestemming: {_days(terms['consent_days'])} nadat het ophield.",
        f"Dat een schuldeiser een contract als voldaan of ingetrokken opgaf: {_days(terms['report_days'])}.",
        f"Wie er keek: {_days(terms['log_days'])}.",
        f"Dat een schuldeiser iets leverde, zonder gegevens over u: {_days(terms['delivery_days'])}.",
    ]
    return [{"list": lines}]


def _office(answer: Mapping[str, Any], office: str) -> str:
    where = f": {office}" if office else ""
    return (
        f"Neem contact op met de privacyfunctionaris van {answer['municipality']}{where}. Noem de datum van deze brief."
    )


def _written(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for report in reports:
        details = report["details"]
        if details is None:
            lines.append(f"{report['creditor']}: wij konden de gegevens bij deze melding niet openen.")
            continue
        told = [
            f"{word} {_day(details[name]) if name == 'birth_date' else details[name]}"
            for name, word in DETAILS.items()
            if details.get(name)
        ]
        lines.append(f"{report['creditor']}: {', '.join(told)}.")
    return list(dict.fromkeys(lines))


def _collected(report: Mapping[str, Any]) -> str:
    steps = report["socialCollection"]
    return (
        f"{report['creditor']} stuurde een herinnering op {_day(steps['reminderSentOn'])}, zocht contact op "
        f"{_day(steps['contactSoughtOn'])}, wees op hulp op {_day(steps['pointedAtHelpOn'])} en bood op "
        f"{_day(steps['offerMadeOn'])} aan uw gegevens door te geven."
    )


def _settled(report: Mapping[str, Any]) -> str:
    return (
        f"De melding van {report['creditor']} over {_category(report)} ({month(report['period'], 'nl')}) is voldaan of "
        f"wordt niet meer gemeld, sinds {_day(report['settledOn'])}."
    )


def _consented(consent: Mapping[str, Any]) -> str:
    until = f"Die gold tot en met {_day(consent['validUntil'])}."
    if consent["withdrawnOn"]:
        until = f"Die trok u in op {_day(consent['withdrawnOn'])}."
    return (
        f"Op {_day(consent['givenOn'])} gaf u toestemming voor het melden van {_category(consent)} "
        f"(uitleg {consent['notice']}). {until} Wij bewaren dit tot en met {_day(consent['keptUntil'])}."
    )


def _said(one: Mapping[str, Any]) -> str:
    about = _category(one) if one["category"] else "alle meldingen"
    if one["creditorId"]:
        about += f", {one['creditorId']}"
    return f"{_day(one['since'])}: {SAID[one['kind']].format(about=about)} {STATE[one['state']]}"


def _listed(one: Mapping[str, Any]) -> str:
    return (
        f"Op {_day(one['recordedOn'])} zetten wij u op onze lijst van inwoners die al schuldhulp krijgen, tot en met "
        f"{_day(one['until'])}. Daardoor leggen wij meldingen over u apart. Uw schuldeisers zien die lijst niet."
    )


def _decided(one: Mapping[str, Any]) -> str:
    told = LINKED["apart" if one["apart"] else "one"]
    return f"Op {_day(one['decidedAt'][:10])} {told}, omdat {LINK_REASON[LinkReason(one['why'])]}."


def _category(of: Mapping[str, Any]) -> str:
    return CATEGORIES[Category(of["category"])]["nl"]


def _amount(report: Mapping[str, Any]) -> str:
    cents = (report["details"] or {}).get("amount_cents", report["amountEuros"] * 100)
    return format_currency(cents / 100, "EUR", locale="nl_NL")


def _lines_of(resident: Mapping[str, str]) -> list[str]:
    def joined(*names: str) -> str:
        return " ".join(resident[name] for name in names if name in resident)

    lines = (
        joined("name") or joined("first_name", "initials", "prefix", "surname"),
        joined("address") or joined("street", "house_number", "letter", "addition"),
        joined("postcode", "town"),
    )
    return [line for line in lines if line]


def _text(text: str) -> Block:
    return {"text": text}


def _day(text: str) -> str:
    return day(datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text), "nl")


def _days(days: int) -> str:
    return several(days, "dag", "dagen")
