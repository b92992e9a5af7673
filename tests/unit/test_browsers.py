"""What pages in a browser may ask of the server: by where they come from, and by the name they call it."""

from __future__ import annotations

from typing import Any

import falcon.asgi
import pytest
from falcon import testing

from app.api.browsers import Browsers
from app.api.refusals import on_error

APP = "https://app.example.com"


class Resource:
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.media = {}

    on_post = on_put = on_delete = on_get


def ask(method: str = "POST", *, host: str = "localhost:9123", browsers: Browsers | None = None, **headers: str) -> Any:
    """The answer of an app that listens on this machine; `_` in a header's name is a hyphen."""
    app: Any = falcon.asgi.App(middleware=[browsers or Browsers(local_only=True)])
    app.add_error_handler(Exception, on_error)
    app.add_route("/", Resource())
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return testing.simulate_request(app, method, "/", headers=told, host=host)


def refused(answer: Any) -> str:
    """The field for which the answer is a refusal, or nothing."""
    if answer.status_code != 403:
        assert answer.status_code in (200, 204)
        return ""
    assert answer.json["code"] == "PERMISSION_DENIED"
    assert "--allow-origin" in answer.json["hint"]
    return str(answer.json["field"])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_program_is_asked_nothing(method: str) -> None:
    assert not refused(ask(method))
    assert not refused(ask(method, Sec_Fetch_Mode="cors"))  # as Node sends it


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""} | {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "http://localhost:5173", "Sec_Fetch_Site": "same-site"},
        {"Origin": "http://localhost:9123.evil.example"},
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
    ],
)
def test_another_sites_page_is_refused(method: str, headers: dict[str, str]) -> None:
    if method == "HEAD":
        assert ask(method, **headers).status_code == 403
    else:
        assert refused(ask(method, **headers)) == "Origin"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost:9123"},
        {"Origin": "http://localhost:9123", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "https://behind.a.proxy", "Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
    ],
)
def test_the_servers_own_pages_are_let_in(headers: dict[str, str]) -> None:
    assert not refused(ask("POST", **headers))


def test_a_link_may_be_followed_and_a_form_not_sent() -> None:
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}

    assert not refused(ask("GET", **link))
    assert refused(ask("POST", **link)) == "Origin"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:9123", "127.0.0.1.evil.example", "a.b]", "localhost.a.b"]
)
def test_a_name_that_is_made_to_point_here_is_not_ours(host: str) -> None:
    assert refused(ask("GET", host=host)) == "Host"
    assert refused(ask("POST", host=host, Origin=f"http://{host}")) == "Host"
    assert not refused(ask("GET", host=host, browsers=Browsers(local_only=False)))


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:9123", "LOCALHOST.", "app.localhost", "127.0.0.1:1", "[::1]:9123", "10.0.0.1", "box"],
)
def test_names_of_this_machine_are_ours(host: str) -> None:
    assert not refused(ask("GET", host=host))


def test_an_allowed_origin_is_let_in_and_told_so() -> None:
    browsers = Browsers(allowed=[APP], local_only=True)

    answer = ask("POST", browsers=browsers, Origin=APP, Sec_Fetch_Site="cross-site")
    preflight = ask(
        "OPTIONS",
        browsers=browsers,
        Origin=APP,
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="content-type, if-match",
    )

    assert not refused(answer)
    assert answer.headers["access-control-allow-origin"] == APP
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert answer.headers["vary"] == "Origin"
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == APP
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == "content-type, if-match"
    assert refused(ask("POST", browsers=browsers, Origin="https://app.example.com.evil")) == "Origin"
    assert refused(ask("POST", browsers=browsers, Origin="http://app.example.com")) == "Origin"
    assert not refused(ask("GET", browsers=browsers, host="app.example.com"))
    assert "access-control-allow-origin" not in ask("GET", browsers=browsers).headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("http://localhost:5173", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:3000", True),
        ("http://[::1]:3000", True),
        ("http://10.0.0.1:3000", False),
        ("http://box", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_in_development_pages_of_this_machine_are_let_in(origin: str, allowed: bool) -> None:
    browsers = Browsers(dev=True, local_only=True)

    answer = ask("POST", browsers=browsers, Origin=origin, Sec_Fetch_Site="same-site")

    assert refused(answer) == ("" if allowed else "Origin")
    assert answer.headers.get("access-control-allow-origin", "") == (origin if allowed else "")
