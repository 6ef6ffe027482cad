"""Rules for unusual reading, as a pilot document holds them: closed kinds, each with numbers of a named unit.

They sort what a privacy officer looks at first. None of them stops a look, and none says that somebody did wrong.
What to review follows NEN 7513; the numbers are a start, for the municipality to fit to its own work.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from signals.documents import Document

RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,62}$")]
Count = Annotated[int, Field(ge=1, le=10_000)]


class Volume(Document):
    """On one day somebody opened many more households than is usual for that person.

    Args:
        id: what the municipality calls the rule.
        kind: "volume".
        at_least: households opened on that day; fewer are never told.
        times: how many times the usual the day must exceed.
        working_days: how many working days before that day make the habit: the median over those on which the person
            opened something.
        least_days: with fewer such days there is no habit yet, and `at_least` alone decides.
    """

    id: RuleId = "volume"
    kind: Literal["volume"] = "volume"
    at_least: Count = 30
    times: Annotated[int, Field(ge=1, le=100)] = 3
    working_days: Annotated[int, Field(ge=1, le=260)] = 20
    least_days: Annotated[int, Field(ge=1, le=260)] = 5

    @model_validator(mode="after")
    def _habit_can_be_had(self) -> Self:
        if self.least_days > self.working_days:
            raise ValueError("a habit can't ask for more days than the working days that it looks back")
        return self


class SameHousehold(Document):
    """Somebody opened one household `times` times or more within `days` calendar days, the last one included."""

    id: RuleId = "same-household"
    kind: Literal["same-household"] = "same-household"
    times: Annotated[int, Field(ge=2, le=1_000)] = 6
    days: Annotated[int, Field(ge=1, le=366)] = 7


class AfterHours(Document):
    """Looks outside the hours of work: before `from_hour`, from `to_hour` on, or on no working day (Europe/Amsterdam).

    Reading the log is left out, so that an audit may run at night.
    """

    id: RuleId = "after-hours"
    kind: Literal["after-hours"] = "after-hours"
    from_hour: Annotated[int, Field(ge=0, le=23)] = 7
    to_hour: Annotated[int, Field(ge=1, le=24)] = 19

    @model_validator(mode="after")
    def _hours_in_order(self) -> Self:
        if self.to_hour <= self.from_hour:
            raise ValueError("the hours of work end before they begin")
        return self


class BreakGlass(Document):
    """Every use of break-glass, with the looks under it."""

    id: RuleId = "break-glass"
    kind: Literal["break-glass"] = "break-glass"


class Refused(Document):
    """`times` looks or more of one person were refused on one day."""

    id: RuleId = "refused"
    kind: Literal["refused"] = "refused"
    times: Count = 5


AlertRule = Annotated[Volume | SameHousehold | AfterHours | BreakGlass | Refused, Field(discriminator="kind")]
ALERTS: tuple[AlertRule, ...] = (BreakGlass(), Volume(), SameHousehold(), AfterHours(), Refused())
