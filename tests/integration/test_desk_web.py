"""The desk's pages over HTTP, before a real service: a worker's whole way, and what is refused on it."""

import html
import logging
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import httpx
import pytest
import uvicorn

from cli.demo_world import free_port
from desk.main import create_app
from desk.users import Users
from tests.conftest import Database
from tests.world import PERIOD, World, make_row, small_world

PILOT = "aland"
SCRIPT = "<script>alert(1)</script>"
USERS = {
    "users": [
        {"name": "anna", "shown": "Anna Jansen", "roles": ["worker"]},
        {"name": "bram", "shown": "Bram de Boer", "roles": ["worker", "team-lead"]},
        {"name": "carla", "shown": "Carla Smit", "roles": ["privacy-officer"]},
    ]
}
HOUSEHOLDS = 32  # more than one page
PERSONAL = re.compile(r"Naam[0-9]|Dorpsstraat|0612345|script.alert|1111 AB")


@pytest.fixture(scope="module")
def world(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with small_world(module_database, tmp_path_factory.mktemp("world")) as world:
        rows = [
            make_row(
                f"h{number}",
                f"Naam{number}",
                house_number=str(number),
                birth_date=date(1980, 1, 1) + timedelta(days=number),
                phone=f"06123450{number:02}",
                amount_cents=10_000 + number * 100,
            )
            for number in range(1, HOUSEHOLDS)
        ]
        # what a creditor writes in a name is shown as it is, and does nothing
        evil = make_row("evil", f"Naam0{SCRIPT}", house_number="99", phone="0612345099", amount_cents=99_900)
        world.push("housing", PILOT, [*rows, evil])
        yield world


@pytest.fixture(scope="module")
def address(world: World) -> Iterator[str]:
    port = free_port()
    app = create_app(world.home("town-a"), PILOT, Users.model_validate(USERS), port)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="critical"))
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    while not server.started:
        running.join(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    running.join()


@dataclass
class Browser:
    """Fills in the forms of the page that it shows, as a person would."""

    address: str
    http: httpx.Client
    page: str = ""
    seen: list[str] = field(default_factory=list)

    def get(self, path: str) -> httpx.Response:
        return self._shown(self.http.get(path))

    def submit(self, action: str, only: str = "", **filled: str) -> httpx.Response:
        """Send the form with this action (of several: the one that holds `only`)."""
        forms = re.findall(rf'<form method="post" action="([^"]*{action})"[^>]*>(.*?)</form>', self.page, re.DOTALL)
        (path, inside), *_more = [one for one in forms if only in one[1]]
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', inside))
        return self._shown(self.http.post(path, data=hidden | filled, headers={"Origin": self.address}))

    def _shown(self, answer: httpx.Response) -> httpx.Response:
        self.page = answer.text
        self.seen.append(answer.text)
        return answer

    def sign_in(self, name: str, lang: str = "nl") -> None:
        self.get(f"/sign-in?lang={lang}")
        assert self.submit("/sign-in", user=name).history[0].headers["Location"] == "/"


@pytest.fixture
def browser(address: str) -> Iterator[Browser]:
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as http:
        yield Browser(address, http)


@pytest.fixture
def colleague(address: str) -> Iterator[Browser]:
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as http:
        yield Browser(address, http)


def signal_of(world: World, euros: int) -> str:
    return next(str(one["signalId"]) for one in world.signals(PILOT) if one["amountEuros"] == euros)


def entries(world: World) -> int:
    return int(world.rows("SELECT count(*) FROM signals.case_entry")[0][0])


def looks(world: World, purpose: str = "") -> int:
    """How many looks, for this purpose, the log tells of."""
    found = world.rows(
        "SELECT count(*) FROM privacy.event WHERE kind = 'access' AND body::text LIKE %(p)s", p=f"%{purpose}%"
    )
    return int(found[0][0])


def test_a_worker_goes_from_signing_in_to_a_result(
    world: World, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    browser.get("/")
    assert "Dit is een demonstratie" in browser.page
    browser.sign_in("anna")
    assert "Werklijst, oktober 2026" in browser.page
    assert len(re.findall(r'href="/signals/', browser.page)) == 25
    browser.get(html.unescape(re.findall(r'href="(/worklist\?[^"]*after=[^"]*)"', browser.page)[0]))
    assert len(re.findall(r'href="/signals/', browser.page)) == len(world.signals(PILOT)) - 25

    signal = signal_of(world, 107)
    browser.get(f"/signals/{signal}")
    assert "Pak dit signaal op en bel." in browser.page
    assert "Toon contactgegevens" not in browser.page
    browser.submit("/take")
    assert "Toon de contactgegevens en zoek contact." in browser.page
    assert not [page for page in browser.seen if PERSONAL.search(page)]

    shown = browser.submit("/contact")
    assert "Naam7" in shown.text
    assert "0612345007" in shown.text
    assert 'content="300;url=/signals/' in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    browser.get(f"/signals/{signal}")
    assert not PERSONAL.search(browser.page)

    browser.submit("/entries", only='value="attempt"', contact="phone", day_part="morning", reached="no")
    assert "telefoon (ochtend): niet bereikt" in browser.page
    assert "liefst in de middag" in browser.page
    browser.submit("/entries", only='value="attempt"', contact="home_visit", reached="yes")
    assert "U hebt iemand bereikt." in browser.page
    browser.submit("/entries", only='value="closed"', result="manages_alone")
    assert "Deze zaak is gesloten." in browser.page
    browser.get(f"/worklist?month={PERIOD}")
    browser.submit("/sign-out")
    assert "U bent uitgelogd." in browser.page
    assert "sign-in" in str(browser.get("/worklist").url)
    assert not PERSONAL.search(caplog.text)


def test_each_reveal_and_nothing_else_is_logged_as_a_look_for_offering_help(world: World, browser: Browser) -> None:
    browser.sign_in("anna")
    browser.get(f"/signals/{signal_of(world, 102)}")
    browser.submit("/take")
    before = looks(world, "offer-help")
    browser.get("/worklist")
    browser.get(f"/signals/{signal_of(world, 102)}")
    assert looks(world, "offer-help") == before
    browser.submit("/contact")
    assert looks(world, "offer-help") == before + 1


def test_a_page_of_the_worklist_is_one_look_however_many_cases_are_on_it(world: World, browser: Browser) -> None:
    browser.sign_in("anna")
    browser.get(f"/signals/{signal_of(world, 108)}")
    browser.submit("/take")
    before = looks(world)
    assert "Anna Jansen" in browser.get(f"/worklist?month={PERIOD}").text
    assert looks(world) == before + 1


def test_of_two_workers_the_second_is_told_who_was_first_and_sees_no_name(
    world: World, browser: Browser, colleague: Browser
) -> None:
    signal = signal_of(world, 103)
    for each, name in ((browser, "anna"), (colleague, "bram")):
        each.sign_in(name)
        each.get(f"/signals/{signal}")
    browser.submit("/take")
    late = colleague.submit("/take")
    assert late.status_code == 409
    assert "intussen schreef een ander in deze zaak" in late.text
    assert "Anna Jansen werkt hieraan." in late.text
    stolen = {"csrf": re.findall(r'name="csrf" value="([^"]*)"', late.text)[0]}
    refused = colleague.http.post(f"/signals/{signal}/contact", data=stolen, headers={"Origin": colleague.address})
    assert refused.status_code == 409
    assert not PERSONAL.search(refused.text)
    assert "Anna Jansen" in colleague.get("/worklist").text


def test_what_a_colleague_wrote_in_between_is_told_and_nothing_is_lost(
    world: World, browser: Browser, colleague: Browser
) -> None:
    signal = signal_of(world, 104)
    browser.sign_in("anna")
    browser.get(f"/signals/{signal}")
    browser.submit("/take")
    colleague.sign_in("bram", "en")
    colleague.get(f"/signals/{signal}")
    colleague.submit("/take")  # takes it over
    written = entries(world)
    late = browser.submit("/entries", only='value="attempt"', contact="phone", reached="no")
    assert late.status_code == 409
    assert "toegewezen aan bram" in late.text
    assert "Bram de Boer" in late.text
    assert entries(world) == written


def test_a_script_in_a_name_is_text(world: World, browser: Browser) -> None:
    browser.sign_in("anna")
    browser.get(f"/signals/{signal_of(world, 999)}")
    browser.submit("/take")
    shown = browser.submit("/contact").text
    assert html.escape(SCRIPT) in shown
    assert SCRIPT not in shown


def test_without_a_session_or_with_another_role_nothing_is_shown_or_written(
    world: World, browser: Browser, colleague: Browser
) -> None:
    signal, before, looked = signal_of(world, 105), entries(world), looks(world)
    posts = [f"/signals/{signal}/{what}" for what in ("take", "contact", "entries")]
    colleague.sign_in("carla")
    assert "functionaris gegevensbescherming" in colleague.page
    token = re.findall(r'name="csrf" value="([^"]*)"', colleague.page)[0]
    for path in ("/", "/worklist", f"/signals/{signal}"):
        assert str(browser.get(path).url).endswith("/sign-in?why=locked"), path
        assert colleague.get(path).status_code == 403, path
    for path in posts:
        sent = browser.http.post(path, data={"csrf": token}, headers={"Origin": browser.address})
        assert str(sent.url).endswith("/sign-in?why=locked"), path
        sent = colleague.http.post(path, data={"csrf": token}, headers={"Origin": browser.address})
        assert sent.status_code == 403, path
    assert (entries(world), looks(world)) == (before, looked)


@pytest.mark.parametrize("forged", ["no token", "another token", "another origin", "no origin", "other site", "json"])
def test_a_forged_form_is_refused_and_writes_nothing(world: World, browser: Browser, forged: str) -> None:
    signal = signal_of(world, 106)
    browser.sign_in("anna")
    browser.get(f"/signals/{signal}")
    token = re.findall(r'name="csrf" value="([^"]*)"', browser.page)[0]
    data = {"csrf": {"no token": "", "another token": token[:-1] + "!"}.get(forged, token), "seen": "0"}
    headers = {"Origin": "http://evil.example" if forged == "another origin" else browser.address}
    headers |= {"Sec-Fetch-Site": "cross-site"} if forged == "other site" else {}
    if forged == "no origin":
        del headers["Origin"]
    before, looked = entries(world), looks(world)
    for what in ("take", "contact", "entries"):
        path = f"/signals/{signal}/{what}"
        sent = {"json": data} if forged == "json" else {"data": data}
        answer = browser.http.post(path, headers=headers, **sent)  # type: ignore[arg-type]
        assert answer.status_code == 403
    assert (entries(world), looks(world)) == (before, looked)


def test_a_session_is_renewed_by_signing_in_and_gone_by_signing_out(browser: Browser) -> None:
    browser.sign_in("anna")
    first = browser.http.cookies["vroegsein_desk"]
    browser.get("/sign-in")
    answer = browser.submit("/sign-in", user="bram")
    set_by = answer.history[0].headers["Set-Cookie"].lower()
    assert "httponly" in set_by
    assert "samesite=strict" in set_by
    second = browser.http.cookies["vroegsein_desk"]
    browser.submit("/sign-out")
    for token in (first, second):
        old = httpx.get(f"{browser.address}/worklist", cookies={"vroegsein_desk": token})
        assert (old.status_code, old.headers["Location"]) == (303, "/sign-in?why=locked")


def test_every_answer_forbids_storing_framing_and_foreign_script(browser: Browser) -> None:
    browser.sign_in("anna")
    for path in ("/sign-in", "/worklist", "/static/desk.css", "/nothing", "/signals/no-uuid"):
        headers = browser.get(path).headers
        assert headers["Cache-Control"] == "no-store", path
        assert "default-src 'none'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert httpx.get(f"{browser.address}/sign-in", headers={"Host": "evil.example"}).status_code == 421


def test_a_signal_of_nobody_is_not_found_and_english_reads_through(world: World, browser: Browser) -> None:
    browser.sign_in("bram", "en")
    assert "Worklist, October 2026" in browser.page
    assert browser.get(f"/signals/{'0' * 8}-0000-4000-8000-{'0' * 12}").status_code == 404
    assert "This signal is not there" in browser.page
    assert "There is nothing in this tray now." in browser.get("/worklist?month=2025-01").text
