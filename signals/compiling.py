"""A rule set as one SQL statement: what it says becomes expressions, and every value of it a bound parameter."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from signals.explanation import FORMAT
from signals.facts import FACTS, FactName
from signals.fragments import (
    WORDS,
    Binds,
    array_of,
    concat,
    has_word,
    holds,
    json_text,
    outside,
    term,
    when,
    word_columns,
)
from signals.judging_sql import ALL, CHANGED, COLUMNS, EVERYTHING, FRAME, GONE, KEEP, REPLAYED, TOUCHED
from signals.report import Category
from signals.rulesets import Condition, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Judgement:
    """The statement that fills `judged_month`, and the values of its parameters (`pilot` is the caller's to add)."""

    statement: sa.TextClause
    values: Mapping[str, Any]


@lru_cache(maxsize=32)
def compile_rule_set(rule_set: RuleSet, *, everything: bool) -> Judgement:
    """Compile for the touched households, or for `everything` of a pilot."""
    reports = (ALL if everything else TOUCHED).format(columns=COLUMNS)
    text, values = _select(rule_set, reports, "settled_on", everything=everything)
    return Judgement(sa.text(KEEP + text), values)


@lru_cache(maxsize=32)
def compile_replay(rule_set: RuleSet) -> tuple[str, Mapping[str, Any]]:
    """A SELECT of all months of the temporary table `replayed_report` (signals/backtest.py), and its parameters.

    What of its columns is not asked for, such as explanations, the planner does not make.
    """
    return _select(rule_set, REPLAYED, "settled_since", everything=True)


def _select(rule_set: RuleSet, reports: str, settled_since: str, *, everything: bool) -> tuple[str, Mapping[str, Any]]:
    binds = Binds()
    rules = rule_set.by_priority()
    clocks = {clock.id: f"term_{position}" for position, clock in enumerate(rule_set.clocks)}
    matches = {rule.id: f"match_{position}" for position, rule in enumerate(rules)}
    urgent = [matches[rule.id] for rule in rules if rule.urgent]
    needs = dict.fromkeys(need for rule in rules for need in rule.needs)
    held = {need: f"held[{place}]" for place, need in enumerate(needs, start=3)}
    text = FRAME.format(
        reports=reports,
        settled_since=settled_since,
        always=binds.texts(rule_set.always_eligible.kinds),
        outside=outside(rule_set.eligibility, binds),
        months_back=binds.number(rule_set.repeats.months_back),
        grown_by=binds.number(rule_set.repeats.grown_by_euros),
        report_json=_report_json(binds),
        word_columns=word_columns(binds),
        window=binds.number(rule_set.window.months),
        terms=", ".join(f"{term(clock, binds)} AS {clocks[clock.id]}" for clock in rule_set.clocks),
        alike=", ".join(("pilot_id", "held", "any_eligible", "received_on", *WORDS)),
        needs=", ".join(holds(need, binds) for need in needs),
        matches=", ".join(
            f"any_eligible AND {' AND '.join(held[need] for need in rule.needs)} AS {matches[rule.id]}"
            for rule in rules
        ),
        any_match=" OR ".join(matches.values()),
        any_urgent=" OR ".join(urgent) if urgent else "false",
        set_aside_tray=binds.text(rule_set.set_aside.tray),
        settled_tray=binds.text(rule_set.set_aside.settled.tray),
        set_aside_clock=clocks[rule_set.set_aside.clock],
        trays=" ".join(f"WHEN {matches[rule.id]} THEN {binds.text(rule.tray)}" for rule in rules),
        priorities=" ".join(f"WHEN {matches[rule.id]} THEN {binds.number(rule.priority)}" for rule in rules),
        deadlines=", ".join(f"CASE WHEN {matches[rule.id]} THEN {clocks[rule.clock]} END" for rule in rules),
        rules=array_of({rule.id: matches[rule.id] for rule in rules}, binds),
        categories_array=array_of({word: has_word(FactName.CATEGORIES, word) for word in Category}, binds),
        salt=binds.value(int.from_bytes(rule_set.hash()[:8], signed=True) ^ FORMAT, "bigint"),
        changed=EVERYTHING if everything else CHANGED,
        gone="" if everything else GONE,
        name=binds.text(rule_set.name),
        verdict_json=_verdict_json(rule_set, matches, held, binds),
        explanation=_explanation(rule_set, binds),
    )
    return text, binds.values


def _report_json(binds: Binds) -> str:
    """One report; what is at its default is left out, which keeps an explanation small enough to lie in its row."""
    text = binds.text
    return concat([
        text('{"report_id":"'), "report_id", text('","category":"'), "category", text('","kind":"'), "kind",
        text('","amount_euros":'), "amount_euros", text(',"months":'), "months", text(',"days":'), "days",
        when("NOT eligible", text(',"eligible":false')),
        when("outside <> ''", concat([text(',"outside":['), "substr(outside, 2)", text("]")])),
        when("repeat", text(',"repeat":true')),
        when("urgent <> '{}'", concat([text(',"urgent":'), "array_to_json(urgent)"])),
        when("known_client", text(',"known_client":true')),
        when("settled_on IS NOT NULL", concat([text(',"settled_on":"'), "settled_on", text('"')])),
        when("unannounced", text(',"unannounced":true')), text("}"),
    ])  # fmt: skip


def _explanation(rule_set: RuleSet, binds: Binds) -> str:
    """What belongs to one month alone, round what it shares with others."""
    text = binds.text
    head = json_text({"format": FORMAT, "rule_set": rule_set.name, "hash": rule_set.hash().hex(),
                  "window_months": rule_set.window.months})  # fmt: skip
    parts = [
        text(head[:-1] + ',"period":"'), "period", text('","digest":"'), "digest", text('",'), "verdict_json",
    ]  # fmt: skip
    for fact in FACTS:
        if FACTS[fact].is_number:
            parts += [text(f',"{fact}":'), f"coalesce(CAST({fact} AS text), 'null')"]
    parts += [text(f',"{FactName.DISTRICT}":"'), "replace(CAST(district AS text), '-', '')"]
    return concat([*parts, text('"},"reports":['), "reports_json", text("]}")])


def _verdict_json(rule_set: RuleSet, matches: Mapping[str, str], held: Mapping[Condition, str], binds: Binds) -> str:
    """What the rules say of all months that are alike to them, and their words, with which the facts begin."""
    text = binds.text
    parts = [
        text('"received_on":"'), "received_on", text('","deadline":"'), "deadline", text('","tray":"'), "tray",
        when("set_aside IS NOT NULL", concat([text('","set_aside":"'), "set_aside"])), text('","rules":['),
    ]  # fmt: skip
    for position, rule in enumerate(rule_set.by_priority()):
        parts += _rule_json(rule, matches[rule.id], held, "," if position else "", binds)
    return concat([*parts, text('],"facts":{'), _words_json(binds)])


def _rule_json(rule: Rule, match: str, held: Mapping[Condition, str], before: str, binds: Binds) -> list[str]:
    """One rule: its words and source only where it matched."""
    text = binds.text
    yes = json_text({"id": rule.id, "matched": True, "urgent": rule.urgent, "words": rule.words.model_dump(),
                 "source": rule.source})  # fmt: skip
    no = json_text({"id": rule.id, "matched": False})
    parts = [when(match, text(before + yes[:-1]), text(before + no[:-1]))]
    for position, need in enumerate(rule.needs):
        asked = ("," if position else ',"needs":[') + json_text(need.model_dump(mode="json", exclude_none=True))[:-1]
        parts.append(when(held[need], text(asked + ',"ok":true}'), text(asked + ',"ok":false}')))
    return [*parts, text("]}")]


def _words_json(binds: Binds) -> str:
    facts: list[str] = []
    for fact, (_, words) in WORDS.items():
        inside = ", ".join(when(has_word(fact, word), binds.text(json_text(word))) for word in words)
        facts += [binds.text(f'{"," if facts else ""}"{fact}":['), f"concat_ws(',', {inside})", binds.text("]")]
    return concat(facts)
