"""Where a page of a list ended, as its reader gives it back: a word without meaning, read strictly."""

import base64
import json
from typing import Any

from pydantic import TypeAdapter

from app.problems import InputMistake, InvalidInput


def written(place: list[Any] | None) -> str | None:
    """The place as it travels; None on the last page."""
    if place is None:
        return None
    return base64.urlsafe_b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()


def read(place: str, kind: TypeAdapter[Any], **where: str) -> list[Any]:
    """The place that was given back, as JSON. `where`: the pointer or parameter that it stood in.

    Raises:
        InvalidInput: no earlier page of this list ended so.
    """
    try:
        found = kind.validate_json(base64.urlsafe_b64decode(place), strict=True)
    except ValueError:  # pydantic's and binascii's errors are kinds of it
        mistake = InputMistake(code="cursor", detail="must be `next` of an earlier page", **where)
        raise InvalidInput(errors=[mistake]) from None
    as_json: list[Any] = json.loads(kind.dump_json(found))
    return as_json
