"""References, content hashes and report ids: the same for the same thing, and silent without the creditor's secret."""

import hashlib
import hmac
import uuid

from hypothesis import given
from hypothesis import strategies as st

from privacy.references import content_hash, reference, report_id

SECRET, OTHER = b"s" * 32, b"t" * 32
words = st.text(max_size=12)
row_lists = st.lists(st.binary(max_size=20), max_size=6)


@given(words, words)
def test_a_contract_has_one_reference_of_sixteen_bytes(pilot: str, contract: str) -> None:
    found = reference(SECRET, pilot, contract)
    assert found == reference(SECRET, pilot, contract)
    assert found == uuid.UUID(found).hex


@given(words, words, words, words)
def test_two_contracts_or_two_pilots_have_unrelated_references(a: str, b: str, c: str, d: str) -> None:
    assert (reference(SECRET, a, b) == reference(SECRET, c, d)) == ((a, b) == (c, d))


def test_a_reference_cannot_be_tried_out_without_the_secret() -> None:
    found = reference(SECRET, "aland", "1234567")
    guesses = [
        reference(OTHER, "aland", "1234567"),
        reference(b"", "aland", "1234567"),
        hashlib.sha256(b"1234567").hexdigest()[:32],
        hmac.digest(b"aland", b"1234567", "sha256")[:16].hex(),
    ]
    assert found not in guesses


@given(row_lists)
def test_the_order_of_rows_does_not_change_a_delivery(rows: list[bytes]) -> None:
    shuffled = sorted(rows, key=lambda row: hashlib.sha256(row).digest())
    assert content_hash(SECRET, "aland", shuffled) == content_hash(SECRET, "aland", rows)


@given(row_lists, row_lists)
def test_other_rows_are_another_delivery(one: list[bytes], other: list[bytes]) -> None:
    same = sorted(one) == sorted(other)
    assert (content_hash(SECRET, "aland", one) == content_hash(SECRET, "aland", other)) == same


def test_where_a_row_ends_and_how_often_it_stands_counts() -> None:
    lists: tuple[list[bytes], ...] = (
        [b"ab", b"c"],
        [b"a", b"bc"],
        [b"abc"],
        [b"ab", b"c", b"c"],
        [b"ab", b"c", b""],
        [],
    )
    assert len({content_hash(SECRET, "aland", rows) for rows in lists}) == len(lists)


def test_a_content_hash_belongs_to_one_secret_and_one_pilot() -> None:
    found = {content_hash(secret, pilot, [b"row"]) for secret in (SECRET, OTHER) for pilot in ("aland", "bland")}
    assert len(found) == 4
    assert {len(one) for one in found} == {64}
    assert hashlib.sha256(b"row").hexdigest() not in found


@given(st.tuples(words, words, words, words), st.tuples(words, words, words, words))
def test_a_report_id_names_pilot_creditor_period_and_reference(
    one: tuple[str, str, str, str], other: tuple[str, str, str, str]
) -> None:
    assert (report_id(*one) == report_id(*other)) == (one == other)


def test_a_report_id_is_written_down() -> None:
    """Stored ids are built on it: another value here is another scheme."""
    digest = hashlib.sha256(
        b"\0\0\0\x16vroegsein/report-id/v1\0\0\0\x05aland\0\0\0\x07housing\0\0\0\x20" + b"0" * 32 + b"\0\0\0\x072026-10"
    ).digest()
    assert report_id("aland", "housing", "2026-10", "0" * 32) == uuid.UUID(bytes=digest[:16])
