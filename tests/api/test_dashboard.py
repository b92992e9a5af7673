"""The dashboard as it is served, and the counts behind its charts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import falcon.asgi
import falcon.testing
import httpx
import pytest

from app.api import dashboard

PAGE = b"<!doctype html><title>built</title>"
SCRIPT = b"export const x = 1;"


@pytest.fixture
def built(tmp_path: Path) -> Any:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_bytes(PAGE)
    (tmp_path / "routes.json").write_text(json.dumps(["runs", "runs/:id", "events"]))
    (tmp_path / "assets" / "main-AB12.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "main-AB12.js.br").write_bytes(b"packed")
    (tmp_path / "secret.js").write_bytes(b"not an asset")
    return _client(tmp_path)


def _client(folder: Path) -> Any:
    app: Any = falcon.asgi.App()
    dashboard.add(app, "1.2.3", folder)
    return falcon.testing.TestClient(app)


@pytest.mark.parametrize("path", ["/", "/runs", "/runs/run_1", "/runs/run_1/more"])
def test_the_page_is_served_at_the_paths_of_its_own_pages(built: Any, path: str) -> None:
    answer = built.simulate_get(path)

    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["Cache-Control"] == "no-cache"
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nowhere", "/nowhere/else", "/runsx", "/events/one", "/health/of/it"])
def test_a_browser_gets_the_page_where_nothing_is_and_hears_that_nothing_is(built: Any, path: str) -> None:
    tag = built.simulate_get("/").headers["ETag"]

    answer = built.simulate_get(path, headers={"Accept": BROWSER, "If-None-Match": tag})

    assert (answer.status_code, answer.content) == (404, PAGE)
    assert (answer.headers["Cache-Control"], answer.headers["Vary"]) == ("no-cache", "Accept-Encoding, Accept")
    assert "ETag" not in answer.headers
    assert answer.headers["Content-Security-Policy"] == built.simulate_get("/").headers["Content-Security-Policy"]


def test_a_page_is_found_with_a_slash_more(built: Any) -> None:
    assert built.simulate_get("/events/", headers={"Accept": BROWSER}).status_code == 200
    assert built.simulate_get("/runs/", headers={"Accept": BROWSER}).status_code == 200


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/nowhere", "*/*"),
        ("/nowhere", "application/json"),
        ("/nowhere", "text/html;q=0"),
        ("/nowhere", "text/html;q=0.5, application/json"),
        ("/nowhere", "nonsense"),
        ("/api", BROWSER),
        ("/api/v1/nowhere", BROWSER),
        ("/ironflow.v1.NoService", BROWSER),
        ("/assets/a/b.js", BROWSER),
    ],
)
def test_clients_of_the_api_are_told_in_json_that_nothing_is_there(http: httpx.Client, path: str, accept: str) -> None:
    answer = http.get(path, headers={"Accept": accept})

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/json")
    assert answer.json()["code"] == "NOT_FOUND"


def test_what_is_sent_to_where_nothing_is_is_refused_in_json(http: httpx.Client) -> None:
    answer = http.post("/nowhere", json={}, headers={"Accept": BROWSER})

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/nowhere", "/runsx", "/api/v1/nowhere", "/assets", "/assets/none-1.js"])
def test_other_paths_are_not_the_page(built: Any, path: str) -> None:
    assert built.simulate_get(path).status_code == 404


@pytest.mark.parametrize("name", ["../secret.js", "%2e%2e%2fsecret.js", "..%2fsecret.js", ".hidden", "main", "a/b.js"])
def test_nothing_but_assets_is_served_as_one(built: Any, name: str) -> None:
    assert built.simulate_get(f"/assets/{name}").status_code == 404


def test_an_asset_is_kept_for_ever_and_sent_packed_to_who_can_unpack(built: Any) -> None:
    plain = built.simulate_get("/assets/main-AB12.js")
    packed = built.simulate_get("/assets/main-AB12.js", headers={"Accept-Encoding": "gzip, br"})
    refused = built.simulate_get("/assets/main-AB12.js", headers={"Accept-Encoding": "br;q=0, gzip"})

    assert (plain.content, plain.headers["Content-Type"]) == (SCRIPT, "text/javascript; charset=utf-8")
    assert "immutable" in plain.headers["Cache-Control"]
    assert (packed.content, packed.headers["Content-Encoding"]) == (b"packed", "br")
    assert refused.content == SCRIPT
    assert plain.headers["Vary"] == "Accept-Encoding"


def test_the_page_is_not_sent_again_to_who_has_it(built: Any) -> None:
    tag = built.simulate_get("/").headers["ETag"]

    again = built.simulate_get("/", headers={"If-None-Match": tag})

    assert (again.status_code, again.content) == (304, b"")


def test_without_a_build_the_page_says_how_to_make_one(tmp_path: Path) -> None:
    answer = _client(tmp_path / "none").simulate_get("/")

    assert answer.status_code == 200
    assert "make ui" in answer.text
    assert "1.2.3" in answer.text


def test_counts_of_an_hour_are_in_stretches_of_it(http: httpx.Client) -> None:
    answer = http.get("/api/v1/stats/runs", params={"since": "1h", "buckets": 4}).json()

    assert (answer["bucket_ms"], answer["buckets"], answer["totals"]) == (900_000, [], {})
    answer = http.get("/api/v1/stats/runs/outcomes", params={"since": "1h", "buckets": 4}).json()
    assert (answer["bucket_ms"], answer["buckets"]) == (900_000, [])
    refused = http.get("/api/v1/stats/runs/outcomes", params={"since": "2999-01-01T00:00:00Z"})
    assert (refused.status_code, refused.json()["field"]) == (400, "since")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"buckets": "0"}, "buckets"),
        ({"buckets": "501"}, "buckets"),
        ({"since": "soon"}, "since"),
        ({"since": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "since"),
        ({"status": "done"}, "status"),
    ],
)
def test_counts_that_make_no_sense_are_refused(http: httpx.Client, query: dict[str, str], field: str) -> None:
    answer = http.get("/api/v1/stats/runs", params=query)

    assert (answer.status_code, answer.json()["field"]) == (400, field)


def test_how_many_events_came_lately_is_counted(http: httpx.Client) -> None:
    events = [{"name": f"tick.{number}"} for number in range(30)]
    http.post("/api/v1/events", json={"events": events})

    told = http.get("/api/v1/stats/events", params={"since": "1m"}).json()

    assert (told["events"], told["exact"], told["per_second"]) == (30, True, 0.5)
    assert http.get("/api/v1/stats/events", params={"since": told["until"]}).json()["events"] == 0
    for since in ("2999-01-01T00:00:00Z", "soon"):
        assert http.get("/api/v1/stats/events", params={"since": since}).json()["field"] == "since"
