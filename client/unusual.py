"""Unusual reading: what a privacy officer looks at first, by the rules of the pilot document.

Computed at the desk, from events that it has recomputed to a signed root, so that nobody can leave one out.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from signals.alerts import AfterHours, AlertRule, BreakGlass, Refused, SameHousehold, Volume
from signals.days import AMSTERDAM
from signals.workdays import FIRST_YEAR, LAST_YEAR, is_working_day

SHOWN_OF_ACTOR = 12  # characters of a pseudonym, as `desk audit` shows them


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to look at: by which rule, of which day, who (a pseudonym), in both tongues, and on which evidence.

    `day` is in Europe/Amsterdam; `leaves` are the leaf indexes of the events that it rests on, in order.
    """

    rule: str
    kind: str
    day: date
    actor: str
    nl: str
    en: str
    leaves: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Event:
    leaf: int
    kind: str
    at: datetime  # in Europe/Amsterdam
    actor: str
    body: Mapping[str, Any]

    @property
    def day(self) -> date:
        return self.at.date()

    @property
    def ask(self) -> str:
        return str((self.body.get("asks") or {}).get("ask", ""))

    @property
    def opened(self) -> tuple[str, ...]:
        """The households that were opened, one by one; a page of the worklist opens none."""
        one_by_one = self.kind == "access" and self.ask != "worklist"
        return tuple(map(str, self.body.get("households") or ())) if one_by_one else ()


def unusual(events: Iterable[Mapping[str, Any]], rules: Sequence[AlertRule], since: date | None = None) -> list[Alert]:
    """What the rules find in a checked log, the newest day first.

    Args:
        events: the log's events as `read_log` gives them; those whose contents are gone tell nothing.
        rules: those of the pilot document.
        since: leave out what is of earlier days (Europe/Amsterdam); earlier events still make the habit.
    """
    read = [_read(event) for event in events if event["body"]]
    read.sort(key=lambda event: (event.at, event.leaf))
    found = [alert for rule in rules for alert in _FINDERS[rule.kind](read, rule)]
    chosen = [alert for alert in found if since is None or alert.day >= since]
    places = {rule.id: place for place, rule in enumerate(rules)}
    return sorted(chosen, key=lambda alert: (-alert.day.toordinal(), places[alert.rule], alert.actor, alert.leaves))


def _read(event: Mapping[str, Any]) -> _Event:
    body = event["body"]
    at = datetime.fromisoformat(body["at"]).astimezone(AMSTERDAM)
    return _Event(int(event["leafIndex"]), str(event["kind"]), at, str(body.get("actor") or ""), body)


def _volume(events: Sequence[_Event], rule: Volume) -> Iterator[Alert]:
    opened: dict[str, dict[date, set[str]]] = defaultdict(lambda: defaultdict(set))
    leaves: dict[tuple[str, date], list[int]] = defaultdict(list)
    for event in events:
        if event.opened:
            opened[event.actor][event.day].update(event.opened)
            leaves[event.actor, event.day].append(event.leaf)
    for actor, days in opened.items():
        for day, households in days.items():
            count = len(households)
            if count < rule.at_least:
                continue
            before = [len(days[one]) for one in _working_days_before(day, rule.working_days) if one in days]
            usual = median(before) if len(before) >= rule.least_days else None
            if usual is not None and count <= rule.times * usual:
                continue
            if usual is None:
                nl = f"er is nog geen gewoonte ({len(before)} werkdagen met inzage, {rule.least_days} nodig)"
                en = f"there is no habit yet ({len(before)} working days with looks, {rule.least_days} needed)"
                asked_nl = f"ten minste {rule.at_least}"
                asked_en = f"at least {rule.at_least}"
            else:
                of_nl = f"mediaan van {len(before)} van de {rule.working_days} werkdagen ervoor"
                of_en = f"median of {len(before)} of the {rule.working_days} working days before"
                nl = f"gewoon zijn er {_number(usual, 'nl')} per dag ({of_nl})"
                en = f"usual are {_number(usual, 'en')} a day ({of_en})"
                asked_nl = f"ten minste {rule.at_least}, en meer dan {rule.times} maal het gewone"
                asked_en = f"at least {rule.at_least}, and more than {rule.times} times the usual"
            yield _alert(
                rule,
                day,
                actor,
                f"{_who(actor)} opende op {_day(day, 'nl')} {count} huishoudens; {nl}. Regel: {asked_nl}.",
                f"{_who(actor)} opened {count} households on {_day(day, 'en')}; {en}. Rule: {asked_en}.",
                leaves[actor, day],
            )


def _same_household(events: Sequence[_Event], rule: SameHousehold) -> Iterator[Alert]:
    looks: dict[tuple[str, str], list[_Event]] = defaultdict(list)
    for event in events:
        for household in event.opened:
            looks[event.actor, household].append(event)
    for (actor, household), of_one in looks.items():
        for day in sorted({event.day for event in of_one}):
            first = day - timedelta(days=rule.days - 1)
            within = [event for event in of_one if first <= event.day <= day]
            if len(within) < rule.times:
                continue
            yield _alert(
                rule,
                day,
                actor,
                f"{_who(actor)} opende huishouden {household[:8]} {len(within)} maal, van {_day(first, 'nl')} tot "
                f"en met {_day(day, 'nl')}. Regel: {rule.times} maal of meer in {rule.days} dagen.",
                f"{_who(actor)} opened household {household[:8]} {len(within)} times from {_day(first, 'en')} through "
                f"{_day(day, 'en')}. Rule: {rule.times} times or more in {rule.days} days.",
                [event.leaf for event in within],
            )


def _after_hours(events: Sequence[_Event], rule: AfterHours) -> Iterator[Alert]:
    late: dict[tuple[str, date], list[_Event]] = defaultdict(list)
    for event in events:
        at_work = _is_working_day(event.day) and rule.from_hour <= event.at.hour < rule.to_hour
        if event.kind == "access" and event.ask != "log" and not at_work:
            late[event.actor, event.day].append(event)
    for (actor, day), looks in late.items():
        first, last = f"{looks[0].at:%H:%M}", f"{looks[-1].at:%H:%M}"
        yield _alert(
            rule,
            day,
            actor,
            f"{_who(actor)} deed {len(looks)} inzage(n) buiten werktijd op {_day(day, 'nl')} ({first} tot {last}). "
            f"Regel: buiten {rule.from_hour} tot {rule.to_hour} uur op werkdagen.",
            f"{_who(actor)} looked {len(looks)} time(s) after hours on {_day(day, 'en')} ({first} to {last}). "
            f"Rule: outside {rule.from_hour}:00 to {rule.to_hour}:00 on working days.",
            [event.leaf for event in looks],
        )


def _break_glass(events: Sequence[_Event], rule: BreakGlass) -> Iterator[Alert]:
    under: dict[str, list[_Event]] = defaultdict(list)
    for event in events:
        if event.kind == "access" and event.body.get("break_glass"):
            under[str(event.body["break_glass"])].append(event)
    for event in events:
        if event.kind == "break-glass":
            looks = under.pop(str(event.body.get("event")), [])
            until = f"{datetime.fromisoformat(event.body['until']).astimezone(AMSTERDAM):%H:%M}"
            nl = f"{_who(event.actor)} brak op {_day(event.day, 'nl')} om {event.at:%H:%M} het glas, tot {until}"
            en = f"{_who(event.actor)} broke the glass on {_day(event.day, 'en')} at {event.at:%H:%M}, until {until}"
            yield _under_glass(rule, event, nl, en, looks)
    for looks in under.values():  # the event itself is past its term, or was erased
        nl = f"{_who(looks[0].actor)} keek op {_day(looks[0].day, 'nl')} achter gebroken glas"
        en = f"{_who(looks[0].actor)} looked behind broken glass on {_day(looks[0].day, 'en')}"
        yield _under_glass(rule, looks[0], nl, en, looks)


def _under_glass(rule: BreakGlass, event: _Event, nl: str, en: str, looks: Sequence[_Event]) -> Alert:
    leaves = {event.leaf, *(look.leaf for look in looks)}
    return _alert(
        rule,
        event.day,
        event.actor,
        f"{nl}: {len(looks)} inzage(n). Regel: elk gebruik wordt gemeld.",
        f"{en}: {len(looks)} look(s). Rule: every use is told.",
        leaves,
    )


def _refused(events: Sequence[_Event], rule: Refused) -> Iterator[Alert]:
    refusals: dict[tuple[str, date], list[int]] = defaultdict(list)
    for event in events:
        if event.kind == "refusal":
            refusals[event.actor, event.day].append(event.leaf)
    for (actor, day), leaves in refusals.items():
        if len(leaves) >= rule.times:
            yield _alert(
                rule,
                day,
                actor,
                f"Op {_day(day, 'nl')} werden {len(leaves)} inzagen van {_who(actor)} geweigerd. "
                f"Regel: {rule.times} of meer op een dag.",
                f"On {_day(day, 'en')}, {len(leaves)} looks of {_who(actor)} were refused. "
                f"Rule: {rule.times} or more on one day.",
                leaves,
            )


_FINDERS: Mapping[str, Any] = {
    "volume": _volume,
    "same-household": _same_household,
    "after-hours": _after_hours,
    "break-glass": _break_glass,
    "refused": _refused,
}


def _alert(rule: AlertRule, day: date, actor: str, nl: str, en: str, leaves: Iterable[int]) -> Alert:
    return Alert(rule.id, rule.kind, day, actor, nl, en, tuple(sorted(leaves)))


def _working_days_before(day: date, count: int) -> Iterator[date]:
    while count and day.year >= FIRST_YEAR:
        day -= timedelta(days=1)
        if _is_working_day(day):
            count -= 1
            yield day


def _is_working_day(day: date) -> bool:
    """A day of a year without known holidays, which only a wrong clock gives, is none."""
    return FIRST_YEAR <= day.year <= LAST_YEAR and is_working_day(day)


def _who(actor: str) -> str:
    return actor[:SHOWN_OF_ACTOR] or "?"


def _day(day: date, lang: str) -> str:
    return format_date(day, "d MMMM y", locale="nl_NL" if lang == "nl" else "en_GB")


def _number(number: float, lang: str) -> str:
    return format_decimal(number, locale="nl_NL" if lang == "nl" else "en_GB")
