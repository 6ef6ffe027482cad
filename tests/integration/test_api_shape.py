"""The API as others see it: by the NL API Design Rules' own linter, and over real HTTP."""

import json
import logging
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.identity.roles import Role
from app.logs import log_config
from app.main import create_app
from client.oauth import ServiceLogin
from tests.callers import World, make_world, organisation

ROOT = Path(__file__).parents[2]
RULES = ROOT.parent / "shared" / "standards" / "nl-api-design-rules-linter.yaml"
SPECTRAL = ["npx", "--yes", "@stoplight/spectral-cli@6"]


def _quiet(*command: str, seconds: int = 200) -> subprocess.CompletedProcess[str]:
    # npx asks nothing and its own notices stay out of the findings
    env = {**os.environ, "CI": "1", "NO_UPDATE_NOTIFIER": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False, env=env)


def test_spectral_finds_no_error_by_the_nl_api_design_rules(tmp_path: Path) -> None:
    if shutil.which("npx") is None:
        pytest.skip("NOT CHECKED against the NL API Design Rules: node (npx) is not installed here")
    if not RULES.is_file():
        pytest.skip(f"NOT CHECKED against the NL API Design Rules: their linter's rules are not at {RULES}")
    if _quiet(*SPECTRAL, "--version").returncode != 0:
        pytest.skip("NOT CHECKED against the NL API Design Rules: npx could not get @stoplight/spectral-cli@6")
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(create_app().openapi()), encoding="utf-8")
    done = _quiet(*SPECTRAL, "lint", "--format", "json", "--quiet", "-r", str(RULES), str(document))
    findings = json.loads(done.stdout[done.stdout.index("[") :])
    errors = [f"{finding['code']} at {'/'.join(map(str, finding['path']))}" for finding in findings]
    assert errors == []
    assert done.returncode == 0, done.stderr


def test_the_whole_way_over_real_http(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    world = make_world(url=url)
    who = world.register(organisation("waterbeek-desk", Role.PRIVACY_OFFICER))
    with _served(world, url):
        with httpx.Client(base_url=f"{url}/v1", auth=ServiceLogin(url, who.name, who.private)) as client:
            answer = client.get("/health", params={"access_token": "never-log-this"})
            assert answer.json()["status"] == "up"
            token = answer.request.headers["Authorization"].removeprefix("Bearer ")
            assert world.identity.tokens.check(token).role is Role.PRIVACY_OFFICER
        missing = httpx.get(f"{url}/v1/nothing/", params={"surname": "never-log-this"})
        assert (missing.status_code, missing.headers["x-frame-options"]) == (404, "DENY")
    said = capfd.readouterr().err
    assert "GET /v1/health HTTP/1.1" in said
    assert "POST /v1/tokens HTTP/1.1" in said
    assert "never-log-this" not in said
    assert token not in said
    assert "eyJ" not in said


@contextmanager
def _served(world: World, url: str) -> Iterator[None]:
    """uvicorn with our log configuration, in a thread of its own, for as long as the block lasts."""
    port = int(url.rpartition(":")[2])
    server = uvicorn.Server(uvicorn.Config(world.app(), "127.0.0.1", port, log_config=log_config()))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < until, "the server takes too long to start"
            time.sleep(0.02)
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        for name in ("vroegsein", "uvicorn", "uvicorn.access"):  # other tests read these logs through pytest
            logging.getLogger(name).handlers.clear()
            logging.getLogger(name).propagate = True
