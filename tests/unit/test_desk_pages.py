"""The desk's templates and words: complete in both languages, escaped, without script or style of their own."""

import re
from pathlib import Path

import pytest

from client.home import HomeUnusable
from desk.pages import TEMPLATES, Pages
from desk.sessions import IDLE_SECONDS, LONGEST_SECONDS, Sessions
from desk.users import EXAMPLE, DeskRole, User, read_users
from desk.words import WORDS
from signals.documents import DocumentError

ANNA = User(name="anna", shown="Anna <b>Jansen</b>", roles=(DeskRole.WORKER,))
TEMPLATE_TEXTS = {file.name: file.read_text(encoding="utf-8") for file in TEMPLATES.glob("*.html")}
CODE = "\n".join(file.read_text(encoding="utf-8") for file in TEMPLATES.parent.glob("*.py") if file.name != "words.py")


def test_every_word_is_there_in_both_languages_with_the_same_details() -> None:
    for key, (dutch, english) in WORDS.items():
        assert dutch.strip(), key
        assert english.strip(), key
        assert set(re.findall(r"{(\w+)}", dutch)) == set(re.findall(r"{(\w+)}", english)), key


def test_pages_say_only_words_of_the_catalogue_and_all_of_them() -> None:
    everything = CODE + "".join(TEMPLATE_TEXTS.values())
    said = {key for text in TEMPLATE_TEXTS.values() for key in re.findall(r'say\("(\w+)"[,)]', text)}
    assert said <= WORDS.keys()
    made = ("role_", "first_")  # put together from a code
    left = [key for key in WORDS if not key.startswith(made) and f'"{key.removesuffix("_text")}"' not in everything]
    assert [key for key in left if f'"{key}"' not in everything] == []
    assert {f"role_{role.value}" for role in DeskRole} <= WORDS.keys()


def test_templates_hold_no_sentences_script_or_style_of_their_own() -> None:
    for name, text in TEMPLATE_TEXTS.items():
        assert not re.search(r"<style|\bstyle=|\bon[a-z]+=\"|javascript:|\|\s*safe|<script(?! src=)|https?://", text), (
            name
        )
        between = re.sub(r"{%.*?%}|{{.*?}}|<[^>]*>|;url=[/a-z]+", " ", text, flags=re.DOTALL)
        assert not re.search(r"[A-Za-z]{3,}", between), (name, re.findall(r"[A-Za-z]{3,}", between))


def test_what_others_wrote_is_escaped() -> None:
    sessions = Sessions()
    session = sessions.find(sessions.begin(ANNA, "nl", None))
    page = Pages().show("said", "nl", session=session, title="trouble", roles=(), code="<i>x</i>", pilot="<u>")
    text = bytes(page.body).decode()
    assert "Anna &lt;b&gt;Jansen&lt;/b&gt;" in text
    assert "&lt;i&gt;x&lt;/i&gt;" in text
    assert "<u>" not in text


def test_a_session_ends_by_idleness_and_at_the_end_of_the_day() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    token = sessions.begin(ANNA, "nl", None)
    now[0] = IDLE_SECONDS - 1
    assert sessions.find(token, touch=False) is not None
    assert sessions.find(token) is not None
    now[0] += IDLE_SECONDS
    assert sessions.find(token) is None
    now[0] = 0
    token = sessions.begin(ANNA, "nl", None)
    while now[0] < LONGEST_SECONDS:
        assert sessions.find(token) is not None
        now[0] += IDLE_SECONDS - 1
    assert sessions.find(token) is None


def test_signing_in_again_ends_the_session_before_and_gives_another_token() -> None:
    sessions = Sessions()
    first = sessions.begin(ANNA, "nl", None)
    second = sessions.begin(ANNA, "nl", first)
    assert sessions.find(first) is None
    found = sessions.find(second)
    assert found is not None
    assert found.csrf not in repr(found)


def test_nobody_signs_in_where_nobody_is_listed_and_a_name_stands_there_once(tmp_path: Path) -> None:
    with pytest.raises(HomeUnusable, match=r"users\.yaml"):
        read_users(tmp_path)
    (tmp_path / "users.yaml").write_text(EXAMPLE)
    assert [user.name for user in read_users(tmp_path).users] == ["anna", "bram", "carla", "dirk"]
    (tmp_path / "users.yaml").write_text(EXAMPLE.replace("bram", "anna"))
    with pytest.raises(DocumentError, match="twice"):
        read_users(tmp_path)
