"""A proposed profile as YAML that a person reads, confirms and edits: a comment behind each part says why."""

from collections.abc import Mapping
from typing import Any, Literal

import yaml

from client.profiling.proposing import Proposal

Lang = Literal["nl", "en"]


def as_yaml(proposal: Proposal, source: str, lang: Lang) -> str:
    """The profile's text; questions come first, as comments. No cell of the export stands in it but marks for yes."""
    at = 0 if lang == "nl" else 1
    why = {one.place: one.doubt[at].upper() if one.doubt[at] else one.why[at] for one in proposal.placed}
    head = (f"Voorgesteld voor {source}. Loop het na.", f"Proposed for {source}. Go through it.")[at]
    lines = [f"# {head}", *(f"# ? {question[at]}" for question in proposal.questions)]
    for name, value in proposal.document.items():
        if isinstance(value, Mapping) and name == "columns":
            lines.append("columns:")
            lines += [_line(f"  {part}", inner, why.get(f"columns.{part}", "")) for part, inner in value.items()]
        elif isinstance(value, Mapping) and name in {"social_collection", "recorded", "file"}:
            lines.append(f"{name}:")
            lines += [_line(f"  {part}", inner, "") for part, inner in value.items()]
        elif name == "urgent":
            lines.append("urgent:")
            lines += [f"  - {_flow(mark)}" for mark in value]
        else:
            lines.append(_line(name, value, why.get(f"{name}.column", why.get(f"{name}.due_date", ""))))
    lines += [f"# {_line(name, value, '')}" for name, value in proposal.unconfirmed.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, value: Any, why: str) -> str:  # noqa: ANN401 - YAML holds anything
    return f"{name}: {_flow(value)}" + (f" # {why}" if why else "")


def _flow(value: Any) -> str:  # noqa: ANN401 - YAML holds anything
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n").removesuffix("...").removesuffix("\n")
