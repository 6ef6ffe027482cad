"""`vroegsein desk serve` begins only where it is plain how people sign in; each form checks where it came from."""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from cli.desk_serve import NO_SIGN_IN
from cli.main import main
from desk import signal_page, signing_in, working, worklist
from desk.asking import filled_in, signed_in, worker


def test_without_a_way_to_sign_in_it_refuses_to_start_and_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["desk", "serve", "--home", str(tmp_path)])
    assert stopped.value.code == 1
    assert NO_SIGN_IN.split(".", maxsplit=1)[0] in capsys.readouterr().err


def test_every_form_is_checked_and_every_page_but_signing_in_asks_who_looks() -> None:
    routes = [
        route
        for part in (signing_in, worklist, signal_page, working)
        for route in part.router.routes
        if isinstance(route, APIRoute)
    ]
    assert len(routes) >= 9
    for route in routes:
        asked = _dependencies(route)
        assert filled_in in asked or route.methods == {"GET"}, route.path
        if route.path not in {"/sign-in", "/locked", "/sign-out"}:
            assert worker in asked, route.path
    assert signed_in in _dependencies(next(route for route in routes if route.path == "/sign-out"))


def _dependencies(route: APIRoute) -> set[object]:
    waiting = [route.dependant]
    found: set[object] = set()
    while waiting:
        one = waiting.pop()
        found.add(one.call)
        waiting += one.dependencies
    return found
