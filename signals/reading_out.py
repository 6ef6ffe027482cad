"""A rule set in words: the whole document as a policy officer reads it, in Dutch (B1) and in English.

Said is what the document says and nothing else, from the same structure that is compiled and evaluated.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from signals.conditions import bounds_words, condition_sentence
from signals.facts import Unit
from signals.report import Category
from signals.rulesets import Clock, Eligibility, Frame, PlannedAttempt, Rule, RuleSet
from signals.wording import CATEGORIES, CONTACT_KINDS, DAY_PARTS, KINDS, Language, day, euros, listed, sentence, several


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a chapter says, with the sentences that belong under it."""

    text: str
    under: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """Entries about one subject. `in_order`: what stands first goes first."""

    title: str
    entries: tuple[Entry, ...]
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class ReadOut:
    """A rule set in words."""

    title: str
    about: str
    chapters: tuple[Chapter, ...]

    def as_markdown(self) -> str:
        """Headings and lists."""
        lines = [f"# {self.title}", "", self.about]
        for chapter in self.chapters:
            lines += ["", f"## {chapter.title}", ""]
            for number, entry in enumerate(chapter.entries, start=1):
                mark = f"{number}." if chapter.in_order else "-"
                lines.append(f"{mark} {entry.text}")
                lines += [f"{' ' * len(mark)} - {text}" for text in entry.under]
        return "\n".join(lines) + "\n"


def read_out(rule_set: RuleSet, language: Language) -> ReadOut:
    """The whole document in words: what counts, what repeats, the rules in order, the terms, what is set aside."""
    nl = language == "nl"
    title = f"{rule_set.words.nl if nl else rule_set.words.en} ({rule_set.name})"
    return ReadOut(
        title,
        _validity(rule_set, language),
        (
            Chapter("Welke meldingen meetellen" if nl else "Which reports count", tuple(_counting(rule_set, language))),
            Chapter(
                "Herhaald en eerder gemeld" if nl else "Repeated, and reported before",
                tuple(_looking_back(rule_set, language)),
            ),
            Chapter(
                "Regels: de eerste die past bepaalt het werkbakje"
                if nl
                else "Rules: the first that fits decides on the tray",
                tuple(_rule(rule, rule_set, language) for rule in rule_set.by_priority()),
                in_order=True,
            ),
            Chapter(
                "Wat in geen werkbakje van een regel komt" if nl else "What comes into no rule's tray",
                tuple(_aside(rule_set, language)),
            ),
            Chapter(
                "Termijnen voor het aanbod van hulp" if nl else "Terms for the offer of help",
                tuple(_clock(clock, rule_set, language) for clock in rule_set.clocks),
            ),
            *_frames(rule_set, language),
        ),
    )


def _validity(rule_set: RuleSet, language: Language) -> str:
    first, last = day(rule_set.valid_from, language), rule_set.valid_until and day(rule_set.valid_until, language)
    mark = rule_set.hash().hex()[:16]
    if language == "nl":
        return (
            f"Geldt van {first} tot en met {last}. Kenmerk {mark}." if last else f"Geldt vanaf {first}. Kenmerk {mark}."
        )
    return f"Holds from {first} to {last}. Mark {mark}." if last else f"Holds from {first} on. Mark {mark}."


def _counting(rule_set: RuleSet, language: Language) -> Iterator[Entry]:
    nl = language == "nl"
    for terms in rule_set.eligibility:
        yield _terms(terms, language)
    said = {terms.category for terms in rule_set.eligibility}
    rest = [CATEGORIES[each][language] for each in Category if each not in said]
    if rest:
        never = "niet, want er is niets over bepaald" if nl else "not, because nothing is said about it"
        yield Entry(sentence(f"{never}: {listed(rest, language)}"))
    always = [KINDS[kind][language] for kind in rule_set.always_eligible.kinds]
    if always:
        text = f"{'altijd, ook buiten deze grenzen' if nl else 'always, outside of these limits too'}: "
        source = _source(rule_set.always_eligible.source, language)
        yield Entry(sentence(text + listed(always, language)), (source,))


def _terms(terms: Eligibility, language: Language) -> Entry:
    nl = language == "nl"
    asked, sources = [], [_source(terms.source, language)]
    for name, unit, bounds in (
        ("dagen" if nl else "days", Unit.DAYS, terms.days),
        ("bedrag" if nl else "amount", Unit.EUROS, terms.amount_euros),
        ("maanden" if nl else "months", Unit.MONTHS, terms.months),
    ):
        if bounds is not None:
            old = (" oud" if nl else " old") if unit is Unit.DAYS else ""
            asked.append(listed(bounds_words(bounds, unit, language), language) + old)
            sources.append(sentence(f"{name}: {bounds.source}"))
    everything = "elke melding" if nl else "each report"
    text = f"{CATEGORIES[terms.category][language]}: {listed(asked, language) or everything}"
    return Entry(sentence(text), (" ".join(sources),))


def _looking_back(rule_set: RuleSet, language: Language) -> Iterator[Entry]:
    repeats, nl = rule_set.repeats, language == "nl"
    kinds = listed([KINDS[kind][language] for kind in rule_set.always_eligible.kinds], language)
    grown = euros(repeats.grown_by_euros, language)
    source = _source(repeats.source, language)
    if nl:
        back = several(repeats.months_back, "maand", "maanden")
        yield Entry(
            "Een melding is een herhaling als dezelfde schuldeiser hetzelfde contract ten hoogste "
            f"{back} eerder ook meldde, die melding meetelde en het bedrag sindsdien minder dan {grown} is gegroeid.",
            (
                "Geen herhaling: een melding met een dringende omstandigheid, en een nadat de eerdere is voldaan.",
                *([f"Geen herhaling: {kinds}."] if kinds else []),
                "Een herhaling telt mee, maar een maand met alleen herhalingen en zonder spoed gaat terzijde.",
                source,
            ),
        )
        window = several(rule_set.window.months, "maand", "maanden")
        yield Entry(f"Voor eerdere maanden wordt {window} teruggekeken.", (_source(rule_set.window.source, language),))
        return
    back = several(repeats.months_back, "month", "months")
    yield Entry(
        f"A report repeats an earlier one where the same creditor reported the same contract at most {back} before, "
        f"that report counted, and the amount has grown by less than {grown} since.",
        (
            "No repeat: a report with an urgent circumstance, and one after the earlier one was settled.",
            *([f"No repeat: {kinds}."] if kinds else []),
            "A repeat counts, but a month of nothing but repeats without anything urgent is set aside.",
            source,
        ),
    )
    window = several(rule_set.window.months, "month", "months")
    yield Entry(f"Earlier months: {window} are looked back on.", (_source(rule_set.window.source, language),))


def _rule(rule: Rule, rule_set: RuleSet, language: Language) -> Entry:
    nl = language == "nl"
    needs = (" en " if nl else " and ").join(condition_sentence(need, language) for need in rule.needs)
    term = _term(rule_set.clock(rule.clock), language)
    if nl:
        then = [f"werkbakje {rule.tray}", f"hulp aanbieden {term}", *(["met spoed"] if rule.urgent else [])]
        under = [f"Voorwaarde: {needs}.", f"Dan: {', '.join(then)}; voorrang {rule.priority}."]
        apart = "Deze regel bepaalt het werkbakje, hoe laag zijn voorrang ook is."
    else:
        then = [f"tray {rule.tray}", f"offer help {term}", *(["urgent"] if rule.urgent else [])]
        under = [f"Condition: {needs}.", f"Then: {', '.join(then)}; priority {rule.priority}."]
        apart = "This rule decides on the tray, however low its priority."
    words = rule.words.nl if nl else rule.words.en
    return Entry(
        sentence(f"{words} ({rule.id})")[:-1],
        (*under, *([apart] if rule.apart else []), _source(rule.source, language)),
    )


def _aside(rule_set: RuleSet, language: Language) -> Iterator[Entry]:
    aside = rule_set.set_aside
    term = _term(rule_set.clock(aside.clock), language)
    if language == "nl":
        yield Entry(
            f"Telt geen melding mee, is alles een herhaling of past geen regel: werkbakje {aside.tray}. "
            f"Een medewerker kijkt het na {term}.",
            (_source(aside.source, language),),
        )
        yield Entry(
            f"Is elke melding die meetelt voldaan, ook waar spoed was: werkbakje {aside.settled.tray}.",
            (_source(aside.settled.source, language),),
        )
        return
    yield Entry(
        f"Where no report counts, all are repeats or no rule fits: tray {aside.tray}. A worker checks it {term}.",
        (_source(aside.source, language),),
    )
    yield Entry(
        f"Where every report that counts is settled, also what was urgent: tray {aside.settled.tray}.",
        (_source(aside.settled.source, language),),
    )


def _clock(clock: Clock, rule_set: RuleSet, language: Language) -> Entry:
    nl = language == "nl"
    rules = listed([rule.id for rule in rule_set.by_priority() if rule.clock == clock.id], language)
    of_rules = f" ({'regels' if nl else 'rules'} {rules})" if rules else ""
    after = "na ontvangst van de eerste melding die meetelt" if nl else "of receipt of the first report that counts"
    return Entry(f"{clock.id}: {_term(clock, language)} {after}{of_rules}.", (_source(clock.source, language),))


def _frames(rule_set: RuleSet, language: Language) -> Iterator[Chapter]:
    nl = language == "nl"
    if rule_set.frames:
        title = "Wat er met een werkbakje gebeurt" if nl else "What is done with a tray"
        yield Chapter(title, tuple(_frame(frame, language) for frame in rule_set.frames))


def _frame(frame: Frame, language: Language) -> Entry:
    nl = language == "nl"
    action = frame.action.nl if nl else frame.action.en
    planned = [attempt_words(attempt, language) for attempt in frame.attempts]
    attempts = [f"{'Contactpogingen' if nl else 'Contact attempts'}: {'; '.join(planned)}."] if planned else []
    most = frame.per_week
    if most is not None and nl:
        attempts.append(f"Per week kunnen er {most} worden opgepakt, in de volgorde van de werklijst.")
    elif most is not None:
        attempts.append(f"In a week {most} can be taken up, in the order of the worklist.")
    return Entry(f"{frame.tray}: {action}.", (*attempts, _source(frame.source, language)))


def attempt_words(attempt: PlannedAttempt, language: Language) -> str:
    """`telefoongesprek na 2 dagen (avond)`."""
    days = attempt.after_days
    if language == "nl":
        when = f"na {several(days, 'dag', 'dagen')}" if days else "op de dag van ontvangst"
    else:
        when = f"after {several(days, 'day', 'days')}" if days else "on the day of receipt"
    part = f" ({DAY_PARTS[attempt.part_of_day][language]})" if attempt.part_of_day else ""
    return f"{CONTACT_KINDS[attempt.kind][language]} {when}{part}"


def _term(clock: Clock, language: Language) -> str:
    if clock.working_days is not None:
        if language == "nl":
            return f"binnen {several(clock.working_days, 'werkdag', 'werkdagen')}"
        return f"within {several(clock.working_days, 'working day', 'working days')}"
    days = clock.days or 0
    return f"binnen {several(days, 'dag', 'dagen')}" if language == "nl" else f"within {several(days, 'day', 'days')}"


def _source(source: str, language: Language) -> str:
    return f"{'Bron' if language == 'nl' else 'Source'}: {source}."
