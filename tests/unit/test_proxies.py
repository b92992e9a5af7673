"""Who asks, by what proxies say: those that are trusted, and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from app.api.proxies import HOPS_MAX, Peer, Proxies, address_of
from app.outbound.reach import networks
from app.settings import SettingsError, resolve

TRUSTED = Proxies(networks("127.0.0.1, 10.0.0.0/8, fd00::/8"))


def ask(address: str, *headers: tuple[str, str], proxies: Proxies = TRUSTED) -> Peer:
    def all_of(name: str) -> Sequence[str]:
        return [value for key, value in headers if key == name]

    return proxies.peer(address, all_of)


@pytest.mark.parametrize(
    ("headers", "address"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9:4711"], "203.0.113.9"),
        (["[2001:db8::9]:4711"], "2001:db8::9"),
        (["2001:db8::9"], "2001:db8::9"),
        (["::ffff:203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9, 10.0.0.2, fd00::1"], "203.0.113.9"),
        (["6.6.6.6, 203.0.113.9"], "203.0.113.9"),  # what is left of the client, it may have written itself
        (["6.6.6.6", "203.0.113.9"], "203.0.113.9"),  # in a line of its own too
        (["127.0.0.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        (["203.0.113.9, unknown"], "127.0.0.1"),  # the proxy hides it, so the proxy it is
        (["203.0.113.9, _secret, 10.0.0.2"], "10.0.0.2"),
        (["203.0.113.9, <script>"], "127.0.0.1"),
        (["10.0.0.7, 10.0.0.2"], "10.0.0.7"),
        ([""], "127.0.0.1"),
        ([", ,"], "127.0.0.1"),
        ([], "127.0.0.1"),
        (["6.6.6.6," * 5_000 + "203.0.113.9"], "203.0.113.9"),
        (["6.6.6.6," + "10.0.0.2," * HOPS_MAX], "10.0.0.2"),
    ],
)
def test_the_first_hop_from_the_right_that_is_no_proxy_asks(headers: list[str], address: str) -> None:
    assert ask("127.0.0.1", *(("x-forwarded-for", line) for line in headers)).address == address


@pytest.mark.parametrize(
    ("told", "peer"),
    [
        (
            'for="[2001:db8::9]:4711";proto=https;host=ironflow.example',
            Peer("2001:db8::9", "https", "ironflow.example"),
        ),
        ("for=203.0.113.9;proto=HTTPS, for=10.0.0.2;proto=http", Peer("203.0.113.9", "https")),
        ("for=6.6.6.6;proto=https;host=evil, For=203.0.113.9;host=a:1", Peer("203.0.113.9", "", "a:1")),
        ("for=_hidden", Peer("127.0.0.1")),
        ('for="', Peer("127.0.0.1")),
    ],
)
def test_the_standard_header_says_it_too(told: str, peer: Peer) -> None:
    assert ask("127.0.0.1", ("forwarded", told)) == peer


def test_what_a_proxy_passes_on_as_it_came_does_not_count_beside_what_it_adds_to() -> None:
    both = (("forwarded", "for=6.6.6.6;proto=https;host=evil"), ("x-forwarded-for", "203.0.113.9"))

    assert ask("127.0.0.1", *both) == Peer("203.0.113.9")


@pytest.mark.parametrize(
    ("chain", "schemes", "scheme"),
    [
        ("203.0.113.9", "https", "https"),
        ("203.0.113.9", "https, http", "http"),  # the first is the client's own
        ("203.0.113.9, 10.0.0.2", "https, http", "https"),
        ("203.0.113.9, 10.0.0.2", "https", "https"),
        ("203.0.113.9", "gopher", ""),
    ],
)
def test_the_scheme_is_the_one_that_the_outermost_proxy_was_asked_by(chain: str, schemes: str, scheme: str) -> None:
    told = ask("127.0.0.1", ("x-forwarded-for", chain), ("x-forwarded-proto", schemes))

    assert told.scheme == scheme


@pytest.mark.parametrize("host", ["a b", "a/../b", "a\r\nX: 1", "user@host", "[::1", "a:123456", "x" * 300])
def test_a_host_that_is_none_is_not_believed(host: str) -> None:
    assert ask("127.0.0.1", ("x-forwarded-for", "203.0.113.9"), ("x-forwarded-host", host)).host == ""


@pytest.mark.parametrize("address", ["203.0.113.9", "11.0.0.1", "::1", "fc00::1", "localhost", "", "10.0.0.1.evil"])
@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded"])
def test_nobody_else_is_believed(address: str, header: str) -> None:
    said = (header, "for=6.6.6.6" if header == "forwarded" else "6.6.6.6")

    assert ask(address, said, ("x-forwarded-proto", "https"), ("x-forwarded-host", "evil")) == Peer(address)
    assert ask("127.0.0.1", said, ("x-forwarded-proto", "https"), proxies=Proxies()) == Peer("127.0.0.1")


def test_what_is_behind_sees_the_request_as_the_client_sent_it() -> None:
    headers = SimpleNamespace(
        items=lambda: [("host", "127.0.0.1:9123"), ("x-forwarded-for", "2001:db8::9"), ("a", "b")],
        get=lambda name, default=None: {"host": "127.0.0.1:9123", "a": "b"}.get(name, default),
        get_all=lambda name: {"x-forwarded-for": ["2001:db8::9"], "x-forwarded-host": ["ironflow.example"]}.get(
            name, []
        ),
    )
    places = {"http_version": "1.1", "server": "127.0.0.1:9123", "authority": None, "headers": headers}
    scope: Any = SimpleNamespace(
        proto="http", scheme="http", method="GET", path="/a", query_string="", client="10.1.2.3:4711", **places
    )

    seen = TRUSTED.scope_of(scope)

    assert (address_of(seen.client), seen.scheme, seen.path) == ("2001:db8::9", "http", "/a")
    assert (seen.headers.get("host"), seen.headers.get("a"), seen.headers.get("c", 1)) == ("ironflow.example", "b", 1)
    assert [value for name, value in seen.headers.items() if name == "host"] == ["ironflow.example"]
    scope.client = "203.0.113.9:4711"
    assert TRUSTED.scope_of(scope) is scope


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"trusted_proxies": "10.0.0.0/33"}, "10.0.0.0/33"),
        ({"trusted_proxies": "proxy.example"}, "proxy.example"),
        ({"trusted_proxies": "10.0.0.1, 0.0.0.0/0"}, "everybody would be believed"),
        ({"trusted_proxies": "127.0.0.1", "dev": "true"}, "--dev asks nobody who they are"),
    ],
)
def test_settings_that_would_let_others_in_are_refused(flags: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        resolve(flags, environment={})


def test_the_proxies_are_named_by_the_environment_and_the_file_too(tmp_path: Any) -> None:
    file = tmp_path / "ironflow.yaml"
    file.write_text("apiVersion: ironflow/v1\nkind: Server\nspec:\n  trustedProxies: 10.0.0.1\n")

    assert resolve({}, file=file, environment={}).trusted_proxies == "10.0.0.1"
    settings = resolve({}, environment={"IRONFLOW_TRUSTED_PROXIES": "10.0.0.0/8"})
    assert (settings.trusted_proxies, settings.is_local, settings.is_private) == ("10.0.0.0/8", True, False)


def test_a_header_is_read_in_time_in_proportion_to_its_length() -> None:
    """Name after name that is none took minutes."""
    assert ask("127.0.0.1", ("forwarded", "a" * 300_000 + ";for=203.0.113.9")).address == "203.0.113.9"
