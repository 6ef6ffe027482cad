"""Calling a webhook: at a public address, the very one that was checked, by TLS to its name, briefly, nothing read."""

import ipaddress
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app import webhooks
from app.public_addresses import NotPublic, is_public, public_only
from app.webhooks import Failure
from signals.pilot import Agreement
from tests.budget import examples
from tests.hooks import HOST, PUBLIC, URL, Hook, listening
from tests.world import agreement_document

NOT_PUBLIC = [
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"),
    *("192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
    *("224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64"),
    *("2001::/32", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hook")


@pytest.fixture
def hook(place: Path) -> Iterator[Hook]:
    with listening(place) as hook:
        yield hook


def call(hook: Hook, turn: int = 1) -> Failure | None:
    return hook.caller.call(URL, b"{}", {"Content-Type": "application/cloudevents+json"}, turn)


@given(st.sampled_from(NOT_PUBLIC), st.integers(min_value=0))
@settings(max_examples=examples(200))
@example("169.254.0.0/16", 0xA9FE)  # 169.254.169.254: what clouds give their secrets away at
def test_no_address_of_a_range_that_is_not_public_is_called(network: str, number: int) -> None:
    among = ipaddress.ip_network(network)
    assert not is_public(str(among[number % among.num_addresses]))


@given(st.ip_addresses(v=4))
@settings(max_examples=examples(100))
def test_no_address_of_ipv4_is_public_by_being_written_as_one_of_ipv6(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for prefix in ("::", "::ffff:0:0", "64:ff9b::"):
        assert not is_public(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + number)))
    assert not is_public(str(ipaddress.IPv6Address((0x2002 << 112) + (number << 80))))


def test_usual_addresses_are_public_and_what_is_no_address_is_not() -> None:
    assert all(map(is_public, ("8.8.8.8", "145.97.39.155", "2606:4700::1111", "2a00:1450:400e::64")))
    assert not any(map(is_public, ("", "localhost", "8.8.8", "0x7f000001", "2130706433", "fe80::1%eth0", "2a00::1%1")))


def test_one_address_that_is_not_public_among_many_is_enough() -> None:
    for addresses in ([], [PUBLIC, "10.0.0.1"], ["::1", PUBLIC]):
        with pytest.raises(NotPublic):
            public_only(addresses)


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example.com/x", "https://127.0.0.1/x", "https://[::1]/x", "https://localhost/x", "https://2130706433/",
     "https://0x7f.1/", "https://hooks.example.com:8443/x", "https://a:b@hooks.example.com/x", "https://10.0.0.1.",
     "https://hooks.example.com/x?key=1", "https://hooks.example.com/#x", "https://hooks.example.com\\@127.0.0.1/",
     "https://hooks.example.com/x\n", "ftp://hooks.example.com/", "//hooks.example.com/x", "https://hooks.example.com./x"],
)  # fmt: skip
def test_a_webhook_is_https_to_a_name_and_a_path_and_nothing_else(url: str) -> None:
    with pytest.raises(ValidationError):
        Agreement.model_validate(agreement_document("aland", "housing", webhook=url))


def test_a_call_is_made_out_to_the_address_that_was_looked_up_and_by_tls_to_the_name(hook: Hook) -> None:
    assert call(hook) is None
    ((path, headers, body),) = hook.calls
    assert (path, headers["Host"], body) == ("/vroegsein", HOST, b"{}")
    assert (hook.dialled, hook.looked_up) == ([PUBLIC], [HOST])


def test_a_name_that_has_another_address_the_second_time_is_asked_once_a_call_and_checked_each_time(hook: Hook) -> None:
    answers = [[PUBLIC], ["127.0.0.1"], [PUBLIC, "::ffff:10.0.0.1"]]
    hook.addresses = lambda: answers[len(hook.looked_up) - 1]
    assert [call(hook), call(hook), call(hook)] == [None, Failure.NOT_PUBLIC, Failure.NOT_PUBLIC]
    assert hook.dialled == [PUBLIC]
    assert len(hook.looked_up) == 3


def test_of_several_addresses_each_has_its_turn(hook: Hook) -> None:
    hook.addresses = lambda: [PUBLIC, "2606:4700::1111"]
    for turn in (1, 2):
        call(hook, turn)
    assert hook.dialled == ["2606:4700::1111", PUBLIC]


def test_a_certificate_of_another_name_gets_no_request(place: Path) -> None:
    with listening(place, "other.example.com") as hook:
        assert call(hook) is Failure.TLS
        assert hook.calls == []


@pytest.mark.parametrize(
    ("status", "failure"),
    [(204, None), (302, Failure.REDIRECT), (410, Failure.CLIENT_ERROR), (500, Failure.SERVER_ERROR)],
)
def test_a_redirect_is_not_followed_and_an_answer_without_an_end_not_heard_out(
    hook: Hook, status: int, failure: Failure | None
) -> None:
    hook.answers, begun = [status], time.monotonic()
    assert call(hook) is failure
    assert len(hook.calls) == 1
    assert time.monotonic() - begun < 4  # the hook writes for five seconds to whoever listens


def test_who_does_not_answer_is_left(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "WHOLE_CALL", 0.2)
    hook.answers = [None]
    assert call(hook) is Failure.TIMEOUT


def test_who_is_not_there_is_named_by_its_kind(hook: Hook) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        hook.port = nobody.getsockname()[1]
        assert call(hook) is Failure.UNREACHABLE

    def fails() -> list[str]:
        raise socket.gaierror

    hook.addresses = fails
    assert call(hook) is Failure.UNKNOWN_HOST


def test_the_service_itself_looks_names_up_and_takes_no_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "ALL_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert webhooks.Caller().call("https://localhost/x", b"", {}, 1) is Failure.NOT_PUBLIC
    made = webhooks.direct()
    assert isinstance(made, httpx.AsyncHTTPTransport)
    assert "Proxy" not in type(made._pool).__name__
