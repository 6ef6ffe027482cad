"""Who holds a case, and what to do first in it: from its entries alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from client.desk_plans import shown_case
from desk.desk import Desk
from signals.cases import ENTRY, DayPart, Stage, Struck
from signals.frames import untried


@dataclass(frozen=True, slots=True)
class Hold:
    """Who works on a signal: nobody yet (`name` is ""), a user or team by short name."""

    name: str
    mine: bool
    shown: str


def held_by(desk: Desk, case: Mapping[str, Any] | None, entries: Sequence[Mapping[str, Any]], me: str) -> Hold:
    """To whom the case is assigned, else who took it up last. A colleague who is not listed has no name here."""
    if case is None or case["stage"] in {Stage.NEW, Stage.CLOSED}:
        return Hold("", mine=False, shown="")
    name = case["worker"] or next(
        (desk.who(one["actor"]) or one["actor"] for one in reversed(entries) if one["entry"]["kind"] == "taken_up"),
        "",
    )
    return Hold(name, name == me, desk.shown_as(name))


def first_thing(found: Mapping[str, Any] | None) -> tuple[str, DayPart | None]:
    """What to do first, as a key of the desk's words; for another try the part of the day that was not tried yet."""
    if found is None or found["case"]["stage"] == Stage.NEW:
        return "first_free", None
    stage = Stage(found["case"]["stage"])
    if stage is not Stage.TAKEN_UP:
        return f"first_{stage.value}", None
    now = shown_case(found)
    if now.reached:
        return "first_reached", None
    if not now.attempts:
        return "first_attempt", None
    left = untried(now.attempts)
    return ("first_again", left[0]) if left else ("first_other_way", None)


def told_entries(desk: Desk, entries: Sequence[Mapping[str, Any]], me: str) -> list[dict[str, Any]]:
    """Entries as a page lists them: who wrote each, and which were struck."""
    struck = {entry.number for one in entries if isinstance(entry := ENTRY.validate_python(one["entry"]), Struck)}
    told = []
    for one in entries:
        name = desk.who(one["actor"])
        told.append(
            {
                **one,
                "mine": name == me,
                "who": desk.shown_as(name) if name else "",
                "struck": one["number"] in struck,
            }
        )
    return told
