"""The documentation as it is served: whole, linked, and without a word of markup from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import falcon.asgi
import falcon.testing
import pytest

from app import resources
from app.api import dashboard, docs
from app.api.docs_pages import Documentation

MADE_HERE = ("script", "iframe", "object", "style", "form")
"""Elements that no page has."""


class Page(HTMLParser):
    """What a page is made of, as far as it matters to whoever follows its links."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.here: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.elements.add(tag)
        self.anchors += [told["id"]] if "id" in told else []
        self.links += [told[name] for name in ("href", "src") if name in told]
        self.sources += [told["title"].partition(" ")[0]] if told.get("class") == "source" else []
        self.here += [told.get("href", "")] if "aria-current" in told else []


@pytest.fixture(scope="module")
def site() -> dict[str, Page]:
    """Every page of this repository, by its address."""
    documentation = Documentation(resources.root(), "1.2.3")
    return {
        address: Page(documentation.read(path).decode())
        for address, path in documentation.files().items()
        if path.endswith(".md")
    }


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Any]:
    """A server of two pages."""
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    (tmp_path / "docs" / "README.md").write_text("# Index\n\n## How to: do\n\n[steps](guides/steps.md)\n")
    (tmp_path / "docs" / "guides" / "steps.md").write_text(
        "<!-- made -->\n# Steps `& more`\n\n<script>alert(1)</script> <b onclick=x>bold</b>\n\n"
        "[up](../README.md#how-to-do), [code](../../app/steps.py), [bad](javascript:alert(1)), [out](https://a.example)\n"
    )
    (tmp_path / "docs" / "page.css").write_text("main {}")
    (tmp_path / "docs" / "secret.txt").write_text("not of the documentation")
    app: Any = falcon.asgi.App()
    docs.add(app, "1.2.3", tmp_path)
    return falcon.testing.TestClient(app)


def test_every_link_of_every_page_leads_somewhere(site: dict[str, Page]) -> None:
    files = Documentation(resources.root(), "").files()
    for address, page in site.items():
        assert len(set(page.anchors)) == len(page.anchors), address
        for link in page.links:
            where, _, anchor = link.partition("#")
            if "://" in link:
                continue
            assert where in ("", "/") or where in files, f"{address}: {link}"
            if anchor:
                assert anchor in site[where or address].anchors, f"{address}: {link}"
        for source in page.sources:
            assert (resources.root() / source).exists(), f"{address}: {source}"
        assert page.elements.isdisjoint(MADE_HERE), address


def test_every_page_is_found_from_the_first_one(site: dict[str, Page]) -> None:
    found, todo = {"/docs"}, ["/docs"]
    while todo:
        for link in site[todo.pop()].links:
            where = link.partition("#")[0]
            if where in site and where not in found:
                found.add(where)
                todo.append(where)

    assert found == set(site)


def test_a_page_says_where_it_is_and_may_load_nothing_from_elsewhere(client: Any) -> None:
    answer = client.simulate_get("/docs/guides/steps")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Steps &amp; more · Ironflow</title>" in answer.text
    assert Page(answer.text).here == ["/docs/guides/steps"]
    assert answer.headers["Content-Security-Policy"] == dashboard.POLICY
    assert answer.headers["Cache-Control"] == "no-cache"


def test_markup_in_a_page_is_text_and_only_links_to_pages_are_links(client: Any) -> None:
    page = client.simulate_get("/docs/guides/steps").text

    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;b onclick=x&gt;bold" in page
    assert "made" not in page
    links = Page(page).links
    assert "/docs#how-to-do" in links
    assert "https://a.example" in links
    assert not [link for link in links if "javascript" in link]
    assert '<a class="source" title="app/steps.py in the source repository">code</a>' in page


@pytest.mark.parametrize("path", ["/docs/", "/docs/guides/steps.md", "/docs/page.css"])
def test_what_is_asked_for_by_another_spelling_is_found(client: Any, path: str) -> None:
    assert client.simulate_get(path).status_code == 200


@pytest.mark.parametrize("path", ["nowhere", "secret.txt", "../docs/secret.txt", "%2e%2e/docs/secret.txt", "guides"])
def test_nothing_but_the_documentation_is_served(client: Any, path: str) -> None:
    answer = client.simulate_get(f"/docs/{path}")

    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    assert "/docs/guides/steps" in Page(answer.text).links


def test_a_page_is_not_sent_again_to_who_has_it_until_it_changes(client: Any, tmp_path: Path) -> None:
    tag = {"If-None-Match": client.simulate_get("/docs").headers["ETag"]}
    assert client.simulate_get("/docs", headers=tag).status_code == 304

    (tmp_path / "docs" / "README.md").write_text("# Other\n\n## How to\n\n[steps](guides/steps.md)\n")

    assert "Other" in client.simulate_get("/docs", headers=tag).text
