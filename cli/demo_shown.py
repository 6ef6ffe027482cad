"""What the demo tells at the end: what went in, what came out, one signal opened, who looked."""

from collections import Counter
from datetime import date

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from cli.demo_play import Outcome
from cli.desk import opened_lines, tray_counts
from cli.desk_links import closest
from cli.desk_log import purpose_words
from client.case_words import STAGE
from client.reasons import LABELS
from client.words import TRAY, Lang, day, either, in_words, month
from signals.explaining import reason_line
from signals.explanation import Explanation

FEW = 6


def show_outcome(outcome: Outcome, lang: Lang, console: Console) -> None:
    """Say what happened, in the order in which it happened."""
    _what_went_in(outcome, lang, console)
    for pilot in outcome.worklists:
        _worklist(outcome, pilot, lang, console)
    _one_opened(outcome, lang, console)
    _what_was_doubtful(outcome, lang, console)
    _what_was_done(outcome, lang, console)
    _what_was_evaluated(outcome, lang, console)
    _what_was_withdrawn(outcome, lang, console)
    _who_was_known(outcome, lang, console)
    _what_a_resident_was_told(outcome, lang, console)
    _who_looked(outcome, lang, console)
    _what_was_proven(outcome, lang, console)


def _what_went_in(outcome: Outcome, lang: Lang, console: Console) -> None:
    labels = {reason.value: words for reason, words in LABELS.items()}
    refused = ", ".join(f"{in_words(labels, code, lang)} {count}" for code, count in sorted(outcome.refused.items()))
    rows, sent = outcome.read, outcome.sent
    text = either(
        lang,
        f"{rows} regels gelezen in de bestanden van schuldeisers; {sent} verstuurd, onder pseudoniem en verzegeld.\n"
        f"Niet verstuurd: {refused}.\n"
        f"De dienst koppelde ze tot {outcome.persons} personen in {outcome.households} huishoudens, zonder één naam.",
        f"{rows} rows read from the creditors' files; {sent} sent, under pseudonyms and sealed.\n"
        f"Not sent: {refused}.\n"
        f"The service linked them to {outcome.persons} persons in {outcome.households} households, without one name.",
    )
    console.print(Panel(text, title=either(lang, "Wat erin ging", "What went in"), title_align="left"))


def _worklist(outcome: Outcome, pilot: str, lang: Lang, console: Console) -> None:
    signals = outcome.worklists[pilot]
    newest = max((signal["period"] for signal in signals), default="")
    current = [signal for signal in signals if signal["period"] == newest]
    table = Table(
        *either(lang, "signaal|werkbakje|uiterlijk|waarom", "signal|tray|by|why").split("|"),
        title=either(lang, f"Werklijst {pilot}, {newest}", f"Worklist {pilot}, {newest}"),
        title_justify="left",
        box=None,
        header_style="bold",
    )
    for signal in current[:FEW]:
        why = reason_line(Explanation.model_validate(signal["explanation"]), lang)
        by = day(date.fromisoformat(signal["deadline"]), lang)
        tray = in_words(TRAY, signal["tray"], lang)
        table.add_row(signal["signalId"][:8], tray, by, why, style="bold red" if signal["urgent"] else "")
    console.print(table)
    trays = tray_counts(current, lang)
    console.print(
        either(lang, f"{len(current)} signalen: {trays}\n", f"{len(current)} signals: {trays}\n"), markup=False
    )


def _one_opened(outcome: Outcome, lang: Lang, console: Console) -> None:
    if not outcome.opened:
        return
    telling = [found for found in outcome.opened if len(found[1].reports) <= FEW] or outcome.opened
    pilot, opened = max(telling, key=lambda found: len(found[1].reports))
    title = either(
        lang,
        f"Eén signaal van {pilot}, geopend met de sleutel van de gemeente",
        f"One signal of {pilot}, opened with the municipality's key",
    )
    console.print(Panel("\n".join(opened_lines(opened, lang)), title=title, title_align="left"))


def _what_was_doubtful(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, (queue, opened) in outcome.doubts.items():
        asked = queue["asked"]
        text = either(
            lang,
            f"{pilot}: {asked} twijfelgevallen waarvan het antwoord een signaal verandert, voor een medewerker",
            f"{pilot}: {asked} doubtful links whose answer would change a signal, for a person to decide",
        )
        if opened and (why := closest(opened, lang)):
            text += either(lang, f"; bij de eerste: {why.told}", f"; of the first: {why.told}")
        console.print(f"{text}.", markup=False)


def _what_was_done(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, stages in outcome.cases.items():
        said = ", ".join(f"{either(lang, *STAGE[stage])} {number}" for stage, number in stages.most_common())
        file, written = outcome.national[pilot]
        text = either(
            lang,
            f"{pilot}: {stages.total()} zaken ({said}). De landelijke levering (DDAS) sinds de nieuwste maand, met "
            f"{written.signals.total()} vroegsignalen: {file}",
            f"{pilot}: {stages.total()} cases ({said}). The national delivery (DDAS) since the newest month, with "
            f"{written.signals.total()} reports: {file}",
        )
        console.print(text, markup=False, soft_wrap=True)


def _what_was_evaluated(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, files in outcome.evaluations.items():
        text = either(
            lang,
            f"{pilot}: de evaluatie voor de raad (de opvolging erin is gespeeld): {files[0]}",
            f"{pilot}: the evaluation for the council (the follow-up in it is played): {files[0]}",
        )
        console.print(text, markup=False, soft_wrap=True)


def _what_was_withdrawn(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, (before, after) in outcome.withdrawn.items():
        text = either(
            lang,
            f"{pilot}: {outcome.consents} inwoners gaven toestemming voor wat op toestemming rust; één trok die in, en "
            f"de werklijst ging meteen van {before} naar {after} signalen.",
            f"{pilot}: {outcome.consents} residents consented where consent is the basis; one withdrew it, and the "
            f"worklist went from {before} to {after} signals at once.",
        )
        console.print(text, markup=False)


def _who_was_known(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, listed in outcome.known_clients.items():
        apart = [signal for signal in outcome.worklists[pilot] if signal["tray"] == "known_client"]
        urgent = sum(signal["urgent"] for signal in apart)
        text = either(
            lang,
            f"{pilot}: {listed} inwoners krijgen al schuldhulp; {len(apart)} signalen over hen liggen in een eigen "
            f"werkbakje, {urgent} met spoed bovenaan. Schuldeisers merken er niets van.",
            f"{pilot}: {listed} residents are in debt help already; {len(apart)} signals about them lie in a tray of "
            f"their own, {urgent} urgent ones on top. Creditors notice nothing of it.",
        )
        console.print(text, markup=False)


def _what_a_resident_was_told(outcome: Outcome, lang: Lang, console: Console) -> None:
    for pilot, files in outcome.letters.items():
        text = either(
            lang,
            f"{pilot}: één inwoner vroeg wat er over hem of haar is; het antwoord:",
            f"{pilot}: one resident asked what is held; the answer:",
        )
        console.print("\n".join([text, *(f"  {file}" for file in files)]), markup=False, soft_wrap=True)


def _who_looked(outcome: Outcome, lang: Lang, console: Console) -> None:
    purposes: Counter[str] = Counter()
    for pilot, events in outcome.logs.items():
        known = outcome.documents[pilot].pilot.purposes
        looks_of = (event["body"]["purpose"] for event in events if event["kind"] == "access")
        purposes.update(purpose_words(known, purpose, lang) for purpose in looks_of)
    looks = ", ".join(f"{purpose} {count}×" for purpose, count in purposes.most_common())
    verified = either(lang, "het logboek is nagerekend en klopt", "the log was recomputed and adds up")
    if not outcome.log_verified:
        verified = either(lang, "HET LOGBOEK KLOPT NIET", "THE LOG DOES NOT ADD UP")
    text = either(
        lang,
        f"{outcome.access_events} inzagen ({looks}); {verified}.",
        f"{outcome.access_events} looks ({looks}); {verified}.",
    )
    console.print(Panel(text, title=either(lang, "Wie keek", "Who looked"), title_align="left"))


def _what_was_proven(outcome: Outcome, lang: Lang, console: Console) -> None:
    if outcome.proof is None:
        return
    file, proven = outcome.proof
    event = proven.receipt.event
    about, contract = month(event.period, lang), proven.details["contract"]
    text = either(
        lang,
        f"{event.creditor} bewijst dat contract {contract} over {about} is gemeld; nagerekend met het bestand en de "
        f"vingerafdruk van de gemeente alleen: vroegsein verify-receipt {file}",
        f"{event.creditor} proves that contract {contract} was reported about {about}; checked with the file and the "
        f"municipality's fingerprint alone: vroegsein verify-receipt {file}",
    )
    console.print(text, markup=False, soft_wrap=True)
