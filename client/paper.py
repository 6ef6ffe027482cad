"""Papers: a template of `client/papers/` and its facts, set as a PDF that screen readers can read (PDF/UA-1)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typst

TEMPLATES = Path(__file__).parent / "papers"


def typeset(template: str, facts: Mapping[str, Any]) -> bytes:
    """Set the paper `template` (a name without its ending) with its facts, which must fit in JSON; returns a PDF.

    The same facts give the same pages on every machine: only the fonts that come with the library are used.
    """
    pdf: bytes = typst.compile(
        str(TEMPLATES / f"{template}.typ"),
        root=str(TEMPLATES),
        format="pdf",
        pdf_standards=["ua-1"],
        ignore_system_fonts=True,
        sys_inputs={"facts": json.dumps(facts, ensure_ascii=False)},
    )
    return pdf
