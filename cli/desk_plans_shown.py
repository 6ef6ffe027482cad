"""Plans as a desk's commands show them: the next step in short, the whole plan, and what is left over of a week."""

from collections.abc import Sequence

from cli.desk_options import STOPPED_SHORT
from client.words import TRAY, Lang, day, either, in_words
from signals.frames import IN_PERSON, Plan, Step, Week
from signals.wording import CONTACT_KINDS, DAY_PARTS, listed

MOST_NAMED = 10  # of what is left over


def next_short(plan: Plan | None, lang: Lang) -> str:
    """`telefoongesprek (avond) 27 nov 2026`; nothing where no step comes next."""
    step = plan.next if plan else None
    return f"{_how(step, lang)} {day(step.by, lang)}" if step else ""


def plan_lines(plan: Plan | None, lang: Lang) -> list[str]:
    """A plan in words: each step with what was done of it, what comes next, and which part of the day is untried."""
    if plan is None:
        return []
    count = len(plan.steps)
    lines = [either(lang, f"Plan: {plan.done} van {count} stappen gedaan", f"Plan: {plan.done} of {count} steps done")]
    for step in plan.steps:
        mark = "✓" if step.done else "→" if step is plan.next else " "
        by = either(lang, f"uiterlijk {day(step.by, lang)}", f"by {day(step.by, lang)}")
        lines.append(f"  {mark} {step.number}. {_how(step, lang)}, {by}{_done(step, lang)}")
    following = plan.next
    if plan.over:
        said = "Er hoeft geen stap meer: bereikt of gesloten.", "No step is needed any more: reached or closed."
        lines.append(either(lang, *said))
    elif following is None:
        said = "Het plan is op: beslis wat er nu past.", "The plan is through: decide what fits now."
        lines.append(either(lang, *said))
    elif following.planned.kind in IN_PERSON and plan.untried:
        parts = listed([DAY_PARTS[part][lang] for part in plan.untried], lang)
        lines.append(either(lang, f"Nog niet geprobeerd: {parts}", f"Not tried yet: {parts}"))
    return lines


def week_lines(weeks: Sequence[Week], lang: Lang) -> list[tuple[str, str]]:
    """For each tray of which more waits than can be done this week: what is left and why, each line with its style."""
    lines = []
    for week in weeks:
        if not week.left:
            continue
        tray, waiting = in_words(TRAY, week.tray, lang), len(week.now) + len(week.left)
        now, left, named = len(week.now), len(week.left), _named(week.left)
        nl = f"{tray}: {waiting} wachten, {week.per_week} per week, {week.taken_up} deze week opgepakt. "
        nl += f"Deze week nog {now} (spoed, termijn, voorrang); over: {left} ({named})"
        en = f"{tray}: {waiting} wait, {week.per_week} a week, {week.taken_up} taken up this week. "
        en += f"This week {now} more (urgent, deadline, priority); left over: {left} ({named})"
        lines.append((either(lang, nl, en), "yellow"))
        if week.too_late:
            late = (
                f"  ✗ Daarvan moeten er {len(week.too_late)} voor volgende week: {_named(week.too_late)}",
                f"  ✗ Of these {len(week.too_late)} are due before next week: {_named(week.too_late)}",
            )
            lines.append((either(lang, *late), "bold red"))
    return lines


def _how(step: Step, lang: Lang) -> str:
    part = f" ({DAY_PARTS[step.planned.part_of_day][lang]})" if step.planned.part_of_day else ""
    return f"{CONTACT_KINDS[step.planned.kind][lang]}{part}"


def _done(step: Step, lang: Lang) -> str:
    if step.done is None:
        return ""
    part = f" ({DAY_PARTS[step.done.day_part][lang]})" if step.done.day_part else ""
    on = day(step.done.on, lang)
    return either(lang, f": gedaan {on}{part}", f": done {on}{part}")


def _named(signals: Sequence[str]) -> str:
    more = ", …" if len(signals) > MOST_NAMED else ""
    return ", ".join(signal[:STOPPED_SHORT] for signal in signals[:MOST_NAMED]) + more
