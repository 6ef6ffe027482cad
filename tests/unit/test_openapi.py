"""The description of the API: made without anything at hand, and by the NL API Design Rules."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.main import create_app
from tests.callers import ask

Operation = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app().openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].removeprefix("#/components/schemas/")
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def test_it_is_made_without_settings_home_or_network(tmp_path: Path) -> None:
    code = (
        "import json, socket, sys; from app.main import create_app; socket.socket = None; "
        "sys.stdout.write(json.dumps(create_app().openapi()))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={"VROEGSEIN_PUBLIC_URL": "not a URL", "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith('{"openapi": "3.1.0"')
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_anybody_may_read_it_from_any_page() -> None:
    answer = ask(create_app(), "GET", "/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json()["info"]["version"] == answer.headers["api-version"]
    assert "access-control-allow-origin" not in ask(create_app(), "GET", "/v1/health").headers


def test_it_says_which_version_where_and_whom_to_ask(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+([-+].+)?", document["info"]["version"])
    assert all(document["info"]["contact"][field] for field in ("name", "url", "email"))
    assert [server["url"] for server in document["servers"]] == ["/v1"]


def test_addresses_are_kebab_case_and_end_without_a_slash(document: dict[str, Any]) -> None:
    for path in document["paths"]:
        assert re.fullmatch(r"(/([a-z0-9-]+|\{[a-zA-Z]+\}))+(/_[a-z]+)?", path), path


def test_query_keys_are_camel_case_and_carry_no_token(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", parameter["name"])
                assert "token" not in parameter["name"].lower()
                assert "assertion" not in parameter["name"].lower()


def test_every_answer_names_the_version_header(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            assert "API-Version" in answer["headers"], (method, path, status)


def test_every_error_is_a_problem_and_none_is_422(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert "422" not in operation["responses"], (method, path)
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                [(media_type, content)] = answer["content"].items()
                assert media_type == "application/problem+json"
                assert {"status", "title", "detail"} <= resolved(document, content["schema"])["properties"].keys()
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_can_go_wrong_everywhere_is_told_everywhere(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        expected = {"406"}
        if operation.get("parameters") or method in ("post", "put", "patch"):
            expected.add("400")
        if "requestBody" in operation:
            expected |= {"413", "415"}
        if "security" in operation:
            expected |= {"401", "403"}
        assert expected <= operation["responses"].keys(), (method, path)


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-zA-Z0-9]*", name) for name in names)


def test_all_but_health_and_tokens_need_a_token(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if (path, method) not in {("/health", "get"), ("/tokens", "post")}:
            assert "ClientCredentials" in operation["security"][0], (method, path)
