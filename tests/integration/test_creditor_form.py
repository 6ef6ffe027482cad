"""The form in the browser: a private landlord fills in tenants, sees what leaves the computer, and sends it."""

import contextlib
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from html import unescape
from typing import Any

import httpx
import pytest

from client import rekeying
from client.desk_work import show
from client.form.landlord import Landlord
from client.form.server import FormServer
from client.oauth import ServiceLogin
from client.opening import OpenedReport
from client.service import Service
from signals.report import Category
from tests.conftest import Database
from tests.world import LAST_DAY, World, add_creditor, small_world

SMALL = "lodge"
TENANT = {
    "reference": "dorpsstraat-12",
    "amount": "1.234,50",
    "since": "1-9-2026",
    "reminder": "8-9-2026",
    "contact": "10-9-2026",
    "help": "8-9-2026",
    "offer": "8-9-2026",
    "answer": "none",
    "initials": "A.B.",
    "prefix": "van der",
    "surname": "Vissér",
    "street": "Dorpsstraat",
    "number": "12",
    "postcode": "1111 AB",
    "town": "Waterbeek",
}
OTHER = {"reference": "kade-3", "surname": "Bakker", "number": "3", "street": "Kade"}


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        add_creditor(world, SMALL, "aland", keying="desk")
        yield world


class Browser:
    """What a browser does with the form: follows links, fills in fields, sends them."""

    def __init__(self, server: FormServer) -> None:
        self.server = server
        self.http = httpx.Client(base_url=f"http://{server.host}", follow_redirects=True)
        self.base = httpx.URL(server.url).path

    def see(self, page: str = "") -> str:
        answer = self.http.get(self.base + page)
        assert answer.status_code == 200, answer.text
        return unescape(answer.text)

    def fill_in(self, page: str, **fields: str) -> httpx.Response:
        return self.http.post(self.base + page, data={"csrf": self.server.csrf, **fields})

    def tenant(self, **changes: str) -> httpx.Response:
        return self.fill_in("tenant", **{**TENANT, **changes})


@pytest.fixture
def browser(world: World) -> Iterator[Browser]:
    with running(world) as server:
        browser = Browser(server)
        yield browser
        browser.http.close()
    world.empty()


@contextlib.contextmanager
def running(world: World, lang: str = "nl") -> Iterator[FormServer]:
    landlord = Landlord(world.home(SMALL), lambda: world.creditor(SMALL), "aland", Category.RENT, on=LAST_DAY)
    with FormServer(landlord, lang) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def reports(world: World) -> list[tuple[Any, ...]]:
    return world.rows("SELECT creditor_id, state, amount_euros, period FROM signals.report ORDER BY amount_euros")


def test_two_tenants_are_one_delivery_that_the_desk_keys_and_opens(world: World, browser: Browser) -> None:
    assert browser.tenant().status_code == 200
    browser.tenant(**OTHER, amount="99,90")
    summary = browser.see("summary")
    assert "Verzegeld: alleen de gemeente kan het lezen" in summary
    assert "€ 1234,50" in summary
    done = browser.fill_in("send")
    (delivery,) = world.rows("SELECT delivery_id::text, accepted FROM intake.delivery")
    assert delivery[1] == 2
    assert delivery[0] in done.text
    kept = world.home(SMALL).path / "receipts" / f"{delivery[0]}.json"
    assert kept.exists()
    assert str(kept) in unescape(done.text)
    told = "wie u volgende maand niet meldt, telt als voldaan"
    assert told in browser.see("done")
    sent = browser.server.landlord.sent
    sent[:] = [replace(one, receipt=replace(one.receipt, snapshot=False)) for one in sent]
    assert told not in browser.see("done")
    assert reports(world) == [(SMALL, "unkeyed", 99, "2026-10"), (SMALL, "unkeyed", 1234, "2026-10")]
    with world.desk("aland", "rekey") as service:
        assert rekeying.key(world.home("town-a"), service, world.documents["aland"]).reports == 2
    names = set()
    with world.desk("aland", "offer-help") as service:
        for signal in world.signals("aland"):
            found = show(world.home("town-a"), service, world.documents["aland"], signal["signalId"])
            for _row, report in found.reports:
                assert isinstance(report, OpenedReport)
                names.add((report.details["prefix"], report.details["surname"], report.details["contract"]))
    assert names == {("van der", "Vissér", "dorpsstraat-12"), ("van der", "Bakker", "kade-3")}


def test_a_tenant_who_comes_later_in_the_month_is_a_delivery_of_its_own_and_pressing_twice_sends_once(
    world: World, browser: Browser
) -> None:
    browser.tenant()
    browser.fill_in("send")
    assert "Ingevuld: 0" in browser.fill_in("send").text  # nothing left to send
    browser.tenant(**OTHER)
    browser.fill_in("send")
    assert len(reports(world)) == 2
    assert world.rows("SELECT accepted FROM intake.delivery") == [(1,), (1,)]
    browser.tenant()  # the first one once more: the same content, the same delivery
    assert "was al geleverd" in browser.fill_in("send").text
    assert world.rows("SELECT count(*) FROM intake.delivery") == [(2,)]


@pytest.mark.parametrize(("answer", "words"), [("refused", "wil niet dat u gegevens"), ("plan", "sprak een regeling")])
def test_who_refused_or_keeps_a_plan_is_not_reported_and_the_page_says_what_to_do_instead(
    world: World, browser: Browser, answer: str, words: str
) -> None:
    shown = unescape(browser.tenant(answer=answer).text)
    assert words in shown
    assert "Wat u wel kunt doen" in shown
    assert browser.server.landlord.tenants == {}
    assert "Ingevuld: 0" in browser.see()
    assert reports(world) == []


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"surname": ""}, "surname"),
        ({"answer": ""}, "answer"),
        ({"amount": "veel"}, "amount"),
        ({"amount": "12,00"}, "amount"),  # below the pilot's threshold
        ({"since": "31-31-2026"}, "since"),
        ({"offer": "soms"}, "reminder"),
        ({"postcode": "9999 ZZ"}, "postcode"),  # outside the pilot
        ({"birth": "gisteren"}, "birth"),
    ],
)
def test_what_is_to_be_mended_is_told_on_top_with_a_link_and_beside_the_field_and_nothing_is_lost(
    browser: Browser, changes: dict[str, str], place: str
) -> None:
    answer = browser.tenant(**changes)
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert f'<a href="#{place}">' in page
    assert 'role="alert"' in page
    assert re.search(rf'id="{place}"', page)
    assert 'value="Dorpsstraat"' in page
    assert browser.server.landlord.tenants == {}


def test_a_tenant_is_changed_and_taken_away(browser: Browser) -> None:
    browser.tenant()
    (tenant,) = browser.server.landlord.tenants
    assert 'value="1.234,50"' in browser.see(f"tenant/{tenant}")
    browser.tenant(tenant=tenant, amount="500")
    assert [one["amount"] for one in browser.server.landlord.tenants.values()] == ["500"]
    browser.fill_in("remove", tenant=tenant)
    assert "Ingevuld: 0" in browser.see()


def test_what_the_service_refuses_is_told_and_stays_to_be_mended(world: World, browser: Browser) -> None:
    """The offer lies before the reminder: the service's rule, not the form's."""
    browser.tenant(reminder="20-9-2026", offer="10-9-2026")
    shown = unescape(browser.fill_in("send").text)
    assert "Geweigerd door de dienst" in shown
    assert reports(world) == []
    assert len(browser.server.landlord.tenants) == 1


def test_without_the_service_nothing_is_lost(world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    browser.tenant()
    with monkeypatch.context() as patched:
        nowhere = "http://127.0.0.1:9"
        login = ServiceLogin(nowhere, SMALL, world.home(SMALL).jwk("auth.jwk"))
        patched.setattr(browser.server.landlord, "connect", lambda: Service(nowhere, login))
        answer = browser.fill_in("send")
    assert answer.status_code == 502
    assert "Wat u invulde staat er nog" in unescape(answer.text)
    browser.fill_in("send")
    assert len(reports(world)) == 1


def test_the_day_decides_the_month(world: World, browser: Browser) -> None:
    browser.fill_in("day", on="31-8-2026")
    assert browser.server.landlord.on == date(2026, 8, 31)
    answer = browser.fill_in("day", on="morgen")
    assert (answer.status_code, 'href="#on"' in answer.text) == (422, True)
    browser.tenant(since="1-7-2026", reminder="8-7-2026", contact="8-7-2026", help="8-7-2026", offer="8-7-2026")
    browser.fill_in("send")
    assert [period for *_other, period in reports(world)] == ["2026-08"]


def test_every_page_speaks_english_too(world: World) -> None:
    with running(world, "en") as server:
        browser = Browser(server)
        browser.tenant()
        for page in ("", "tenant", "summary", "done"):
            shown = browser.see(page)
            assert 'lang="en"' in shown
            assert not re.search(
                r"huurder|gemeente\b|verstuur", re.sub(r"Besluit gemeentelijke|gemeentelijke", "", shown)
            )
        assert "You do not report this tenant" in browser.tenant(answer="refused").text
        browser.http.close()


def test_every_field_has_a_label_and_every_page_a_language_a_title_and_no_script(browser: Browser) -> None:
    browser.tenant()
    for page in ("", "tenant", "summary", "done"):
        shown = browser.see(page)
        fields = set(re.findall(r'<input type="(?:text|tel|email)" id="(\w+)"', shown))
        assert fields <= set(re.findall(r'<label for="(\w+)"', shown)), page
        assert 'name="viewport"' in shown
        assert "<script" not in shown
        assert " style=" not in shown
        assert shown.count("<h1>") == 1


def test_only_who_has_the_address_by_its_own_name_gets_in(browser: Browser) -> None:
    server, http = browser.server, browser.http
    assert http.get("/").status_code == 404
    assert http.get("/" + "x" * len(server.token) + "/nl/").status_code == 404
    for name in ("evil.example", f"evil.example:{server.server_port}", f"localhost:{server.server_port}", "127.0.0.1"):
        assert http.get(browser.base, headers={"Host": name}).status_code == 421
    assert server.server_address[0] == "127.0.0.1"


def test_another_page_in_the_browser_posts_nothing(browser: Browser) -> None:
    page, filled = browser.base + "tenant", {"csrf": browser.server.csrf, **TENANT}
    for wrong in (
        {"data": {**filled, "csrf": ""}},
        {"data": {**filled, "csrf": browser.server.token}},
        {"data": filled, "headers": {"Origin": "https://evil.example"}},
        {"data": filled, "headers": {"Origin": "null"}},
        {"data": filled, "headers": {"Sec-Fetch-Site": "cross-site"}},
        {"json": filled},
    ):
        assert browser.http.post(page, **wrong).status_code == 403  # type: ignore[arg-type] # of several forms
    assert browser.http.post(page, data={**filled, "town": "x" * 70_000}).status_code == 413
    assert browser.server.landlord.tenants == {}


def test_answers_may_not_be_framed_kept_or_read_by_others_and_hold_no_scripts_of_what_was_filled_in(
    browser: Browser,
) -> None:
    browser.tenant(surname="<script>alert(1)</script>")
    answer = browser.http.get(browser.base)
    assert "<script>" not in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (answer.headers["Cache-Control"], answer.headers["X-Content-Type-Options"]) == ("no-store", "nosniff")
    style = browser.http.get(f"/{browser.server.token}/style.css")
    assert style.headers["Content-Type"].startswith("text/css")


def test_nothing_that_was_filled_in_is_in_an_address_or_a_log(
    browser: Browser, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = browser.tenant()
    browser.fill_in("send")
    assert all("isser" not in str(one.url) and "dorps" not in str(one.url) for one in (answer, *answer.history))

    def breaks(*_: Any) -> None:
        raise RuntimeError(TENANT["surname"])

    monkeypatch.setattr(browser.server.landlord, "judge", breaks)
    assert browser.tenant().status_code == 500
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
