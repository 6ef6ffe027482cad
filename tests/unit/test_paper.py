"""Papers are set without any network, readable by screen readers, and take their facts as facts."""

import io
from pathlib import Path

import pypdf
import pytest

from client import paper


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small template beside the frame that all papers share."""
    (tmp_path / "frame.typ").write_bytes((paper.TEMPLATES / "frame.typ").read_bytes())
    (tmp_path / "letter.typ").write_text(
        '#import "frame.typ": facts, paper\n#show: paper.with(title: "Brief")\n= Brief\n#facts.name\n', encoding="utf-8"
    )
    monkeypatch.setattr(paper, "TEMPLATES", tmp_path)
    return "letter"


def words(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def test_a_paper_tells_its_facts_and_takes_no_markup_from_them(letter: str) -> None:
    name = '#panic("x") *Ayşe* $1$ [van Dijk] \\ @wie'
    assert name in words(paper.typeset(letter, {"name": name}))


def test_a_paper_is_tagged_for_screen_readers_and_says_its_title_and_language(letter: str) -> None:
    read = pypdf.PdfReader(io.BytesIO(paper.typeset(letter, {"name": "Ayşe"})))
    root = read.root_object
    assert str(root["/Lang"]) == "nl"
    assert "/StructTreeRoot" in root
    assert read.metadata is not None
    assert read.metadata.title == "Brief"
