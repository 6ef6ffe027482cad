"""What a desk sends when a resident gives or withdraws consent: by match keys, who it is sealed to the municipality."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from signals.report import Category, MatchKeys, Wire


class Consent(Wire):
    """A resident's consent for one category, by match keys; who it is travels sealed to the municipality."""

    kind: Literal["consent"] = "consent"
    category: Category
    given_on: date
    valid_until: date
    notice: Annotated[str, Field(max_length=200, description="Which notice was shown: its name and version")]
    given_by: Annotated[str, Field(max_length=60, description="How: in writing, at the desk, by telephone ...")]
    keys: MatchKeys
    sealed: Annotated[str, Field(pattern=r"^[0-9a-f]+$", max_length=16384)]


class Withdrawal(Wire):
    """A resident takes a consent back, for one category."""

    kind: Literal["withdrawal"] = "withdrawal"
    category: Category
    withdrawn_on: date
    keys: MatchKeys


BASIS_CHANGE: TypeAdapter[Consent | Withdrawal] = TypeAdapter(
    Annotated[Consent | Withdrawal, Field(discriminator="kind")]
)
