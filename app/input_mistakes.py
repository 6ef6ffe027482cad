"""From pydantic's findings to the mistakes of a problem document: all at once, and never with what was sent."""

from collections.abc import Iterable, Mapping
from re import compile as pattern
from typing import Any, get_args

from pydantic_core import core_schema

from app.problems import InputMistake

# A word that can only be a name of ours: anything else in a path (keys of a map, say) was sent by the caller.
_OUR_NAME = pattern(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")
_PYDANTICS_OWN = frozenset(get_args(core_schema.ErrorType))
_WORDS = {
    "missing": "is required",
    "extra_forbidden": "has a member that is not known here",
    "json_invalid": "is not JSON",
    "string_type": "must be text",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_short": "must have at least {min_length} characters",
    "string_too_long": "must have at most {max_length} characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "too_short": "must have at least {min_length} members",
    "too_long": "must have at most {max_length} members",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "date_type": "must be a date, YYYY-MM-DD",
    "date_parsing": "must be a date, YYYY-MM-DD",
    "date_from_datetime_parsing": "must be a date, YYYY-MM-DD",
    "date_from_datetime_inexact": "must be a date, YYYY-MM-DD",
    "datetime_parsing": "must be a date and time with a time zone (RFC 3339)",
    "timezone_aware": "must name its time zone",
    "uuid_type": "must be a UUID",
    "uuid_parsing": "must be a UUID",
}


def mistakes_in(findings: Iterable[Mapping[str, Any]]) -> list[InputMistake]:
    """Word the findings of a pydantic error (its `errors()`) without the values that caused them.

    pydantic's own messages are not used: some quote the input. The limits that they name come from the schema.
    """
    return [_mistake(finding) for finding in findings]


def _mistake(finding: Mapping[str, Any]) -> InputMistake:
    kind = str(finding["type"])
    place, *steps = finding["loc"] or ("body",)
    if kind == "json_invalid":
        steps = []  # pydantic puts the character's position here, which is no member
    if kind == "extra_forbidden":
        steps = steps[:-1]  # the unknown member's name is input: point at the object that has it
    code, detail = kind.replace("_", "-"), _words(kind, finding)
    if place == "header":
        return InputMistake(header=_name(steps), code=code, detail=detail)
    if place in ("query", "path", "cookie"):
        return InputMistake(parameter=_name(steps), code=code, detail=detail)
    return InputMistake(pointer=_pointer(steps), code=code, detail=detail)


def _words(kind: str, finding: Mapping[str, Any]) -> str:
    if kind not in _PYDANTICS_OWN:  # a PydanticCustomError: its words were written here, for the caller
        return str(finding["msg"])
    return _WORDS.get(kind, "is not acceptable").format_map(finding.get("ctx") or {})


def _name(steps: list[Any]) -> str:
    return str(steps[0]) if steps else ""


def _pointer(steps: list[Any]) -> str:
    """RFC 6901, up to the first step that the caller may have named."""
    pointer = ""
    for step in steps:
        if not isinstance(step, int) and not _OUR_NAME.match(str(step)):
            break
        pointer += f"/{step}"
    return pointer
