"""The form's server: on this computer alone, for one browser, as long as the command runs.

Whoever knows the address gets in, so the address holds a random token; other pages that the browser shows can neither
read it nor post to it: host name, origin and a second token in each form are compared. Nothing is written to a log.
"""

import hmac
import secrets
from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from client.dates import read_date
from client.delivering import DeliveryDisturbed
from client.form.landlord import Landlord, Mistake
from client.form.questions import ANSWERS, NAMES, OFFER, SECTIONS, Answers
from client.home import HomeUnusable
from client.service import ServiceRefused, ServiceUnreachable
from privacy.errors import PrivacyError

PAGES = Path(__file__).parent / "pages"
MOST_BYTES = 64 * 1024
LANGUAGES = ("nl", "en")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


class FormServer(ThreadingHTTPServer):
    """The form of one landlord, on 127.0.0.1 and a port of the system's choice."""

    daemon_threads = True

    def __init__(self, landlord: Landlord, lang: str = "nl") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.landlord, self.lang = landlord, lang
        self.token, self.csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        self.host = f"127.0.0.1:{self.server_port}"
        self.pages = Environment(
            loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    @property
    def url(self) -> str:
        """Where the form is; who has this address can fill it in."""
        return f"http://{self.host}/{self.token}/{self.lang}/"

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the base class has it
        """Say nothing: a traceback may hold what was filled in. The browser was told."""


class _Handler(BaseHTTPRequestHandler):
    server: FormServer
    timeout = 60
    server_version, sys_version = "vroegsein", ""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Nothing is logged."""

    def do_GET(self) -> None:
        """Show a page."""
        self._answer(self._get)

    def do_POST(self) -> None:
        """Take what was filled in."""
        self._answer(self._post)

    def _answer(self, how: Any) -> None:  # noqa: ANN401 - one of the two methods below
        steps = self._steps()
        if steps is None:
            return
        lang, page = steps
        try:
            how(lang, page)
        except (ServiceUnreachable, ServiceRefused, DeliveryDisturbed, PrivacyError, HomeUnusable) as error:
            self._show(lang, "trouble", HTTPStatus.BAD_GATEWAY, said=str(error))
        except Exception:  # noqa: BLE001 - what went wrong may hold what was filled in
            self._plain(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _steps(self) -> tuple[str, str] | None:
        """Language and page of a request that may come in; all others are answered here."""
        token, _, rest = self.path.lstrip("/").partition("/")
        lang, _, page = rest.partition("/")
        if self.headers.get_all("Host") != [self.server.host]:  # a name that somebody pointed here
            self._plain(HTTPStatus.MISDIRECTED_REQUEST)
        elif not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._plain(HTTPStatus.NOT_FOUND)
        elif lang == "style.css" and self.command == "GET":
            self._send(HTTPStatus.OK, (PAGES / "style.css").read_bytes(), "text/css; charset=utf-8")
        elif lang not in LANGUAGES:
            self._plain(HTTPStatus.NOT_FOUND)
        else:
            return lang, page
        return None

    def _get(self, lang: str, page: str) -> None:
        landlord = self.server.landlord
        name, _, tenant = page.partition("/")
        if page == "":
            self._overview(lang)
        elif name == "tenant" and (not tenant or tenant in landlord.tenants):
            self._tenant(lang, tenant, landlord.tenants.get(tenant, {}))
        elif page == "summary" and landlord.tenants:
            self._show(lang, "summary", found=landlord.check(), pilot=landlord.pilot())
        elif page == "done":
            self._show(lang, "done", sent=landlord.sent, home=landlord.home.path)
        else:
            self._plain(HTTPStatus.NOT_FOUND)

    def _post(self, lang: str, page: str) -> None:
        filled = self._filled()
        landlord = self.server.landlord
        if filled is None:
            return
        if page == "tenant":
            self._take(lang, filled)
        elif page == "day":
            day = read_date(filled.get("on", ""))
            if day is None:
                self._overview(lang, [Mistake("on", "Deze dag is niet te lezen.", "This day can't be read.")])
                return
            landlord.on = day
            self._go(lang, "")
        elif page == "remove":
            landlord.tenants.pop(filled.get("tenant", ""), None)
            self._go(lang, "")
        elif page == "send":
            self._go(lang, "done" if landlord.send() else "")
        else:
            self._plain(HTTPStatus.NOT_FOUND)

    def _take(self, lang: str, filled: Mapping[str, str]) -> None:
        landlord, tenant = self.server.landlord, filled.get("tenant", "")
        answers = {name: filled.get(name, "") for name in NAMES}
        if why := landlord.ends(answers):
            landlord.tenants.pop(tenant, None)
            self._show(lang, "ends", why=why)
        elif mistakes := landlord.judge(answers):
            self._tenant(lang, tenant, answers, mistakes)
        else:
            landlord.keep(tenant, answers)
            self._go(lang, "")

    def _overview(self, lang: str, mistakes: list[Mistake] | None = None) -> None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK
        landlord = self.server.landlord
        self._show(lang, "overview", status, mistakes=mistakes or [], landlord=landlord, pilot=landlord.pilot())

    def _tenant(self, lang: str, tenant: str, answers: Answers, mistakes: list[Mistake] | None = None) -> None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if mistakes else HTTPStatus.OK
        shown = {"tenant": tenant, "answers": answers, "mistakes": mistakes or []}
        self._show(lang, "tenant", status, sections=SECTIONS, offer=OFFER, choices=ANSWERS, **shown)

    def _filled(self) -> dict[str, str] | None:
        """The fields of a form of ours; None where it was another's, and then it is answered."""
        own = f"http://{self.server.host}"
        foreign = (
            self.headers.get("Origin", own) != own
            or self.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
            or self.headers.get_content_type() != "application/x-www-form-urlencoded"
        )
        length = self.headers.get("Content-Length", "")
        filled: dict[str, str] = {}
        if not foreign and length.isdigit() and int(length) <= MOST_BYTES:
            text = self.rfile.read(int(length)).decode("utf-8", "replace")
            filled = {name: values[-1] for name, values in parse_qs(text, keep_blank_values=True).items()}
        elif not foreign:
            self._plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        if foreign or not hmac.compare_digest(filled.get("csrf", "").encode(), self.server.csrf.encode()):
            self._plain(HTTPStatus.FORBIDDEN)
            return None
        return filled

    def _show(self, lang: str, page: str, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> None:  # noqa: ANN401 - a template takes anything
        def words(nl: str, en: str) -> str:
            return nl if lang == "nl" else en

        def day(value: date) -> str:
            return f"{value.day}-{value.month}-{value.year}"

        root = f"/{self.server.token}"
        given = {"lang": lang, "w": words, "day": day, "root": root, "base": f"{root}/{lang}", "page": page}
        text = self.server.pages.get_template(f"{page}.html").render({**given, "csrf": self.server.csrf, **values})
        self._send(status, text.encode(), "text/html; charset=utf-8")

    def _go(self, lang: str, page: str) -> None:
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", f"/{self.server.token}/{lang}/{page}")
        self._finish(b"")

    def _plain(self, status: HTTPStatus) -> None:
        self._send(status, f"{status.value} {status.phrase}\n".encode(), "text/plain; charset=utf-8")

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self._finish(body)

    def _finish(self, body: bytes) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
