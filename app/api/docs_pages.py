"""The documentation as pages: Markdown of the repository in, HTML out.

Links between its files lead between its pages, wherever the reader is; links to source code, which no server has, are
plain text. HTML that is written in the Markdown is shown as text, comments are not shown. A heading's anchor is made
of its words, as forges make it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.resources import DOCUMENTATION

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

ROOT = "/docs"
INDEX = "docs/README.md"
NOT_FOUND = "# There is no such page\n\nThe documentation [begins here](docs/README.md)."
ELSEWHERE = "source/"
"""Before the addresses of pages that are not below docs/ in the repository."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · Ironflow</title>
<link rel="stylesheet" href="/docs/page.css">
</head>
<body>
<a class="skip" href="#content">Skip to the text</a>
<header>
<a href="/docs">Ironflow documentation</a> <span>{version}</span> <a class="console" href="/">Dashboard</a>
</header>
<main id="content">
{content}
</main>
<nav aria-label="Documentation">
{sidebar}
</nav>
</body>
</html>
"""

_WITHIN = re.compile(r"(?![\w.+-]+:|//)([^#]*)(#.*)?")
_COMMENT = re.compile(r"\s*<!--.*?-->\s*", re.DOTALL)


def address(path: str) -> str:
    """Of the page, image or style that is at this path of the repository."""
    name = path.removeprefix("docs/") if path.startswith("docs/") else ELSEWHERE + path
    name = name.removesuffix(".md").removesuffix("README").rstrip("/")
    return f"{ROOT}/{name}".rstrip("/")


def anchor(text: str) -> str:
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


class Link(NamedTuple):
    title: str
    path: str


class Documentation:
    """What is below the folder. Nothing is read before it is asked for."""

    def __init__(self, folder: Path, version: str) -> None:
        self._folder = folder
        self._version = version
        self._known: Mapping[str, str] = {}

    def files(self) -> Mapping[str, str]:
        """The path of each page, image and style, by its address."""
        if not self._known:
            found = (file for pattern in DOCUMENTATION for file in sorted(self._folder.glob(pattern)))
            paths = [file.relative_to(self._folder).as_posix() for file in found]
            self._known = {address(path): path for path in paths}
        return self._known

    def read(self, path: str) -> bytes:
        """A page as HTML; other files as they are. Raises FileNotFoundError."""
        content = (self._folder / path).read_bytes()
        return self._page(content.decode(), path) if path.endswith(".md") else content

    def not_found(self) -> bytes:
        return self._page(NOT_FOUND, "")

    def _page(self, text: str, path: str) -> bytes:
        markdown = _markdown()
        tokens = markdown.parse(text)
        self._lead(tokens, posixpath.dirname(path))
        title = next((_words(inside) for opening, inside in _pairs(tokens) if opening.tag == "h1"), "Documentation")
        content = markdown.renderer.render(tokens, markdown.options, {})
        page = PAGE.format(
            title=escape(title), version=escape(self._version), content=content, sidebar=self._sidebar(markdown, path)
        )
        return page.encode()

    def _lead(self, tokens: Sequence[Token], folder: str) -> None:
        """Give headings their anchors, and links and images the addresses of what they name."""
        taken: dict[str, int] = {}
        for opening, inside in _pairs(tokens):
            if opening.type == "heading_open":
                name = anchor(_words(inside))
                taken[name] = taken.get(name, -1) + 1
                opening.attrSet("id", f"{name}-{taken[name]}" if taken[name] else name)
        for token in (child for one in tokens for child in one.children or ()):
            if token.type == "image":
                token.attrSet("src", address(_joined(folder, str(token.attrGet("src")))))
            elif token.type == "link_open":
                self._lead_link(token, folder)

    def _lead_link(self, token: Token, folder: str) -> None:
        match = _WITHIN.fullmatch(str(token.attrGet("href")))
        if match is None:
            token.attrSet("rel", "noreferrer")
            return
        named, fragment = match[1], match[2] or ""
        if not named:
            return
        found = self.files().get(address(_joined(folder, named)))
        if found is not None:
            token.attrSet("href", address(found) + fragment)
        else:
            token.attrs = {"class": "source", "title": f"{_joined(folder, named)} in the source repository"}

    def _sidebar(self, markdown: MarkdownIt, current: str) -> str:
        """What the index links to, below its headings."""
        lines = []
        for heading, links in _sections(markdown.parse((self._folder / INDEX).read_text("utf-8"))):
            lines.append(f"<h2>{escape(heading)}</h2>\n<ul>")
            for title, path in links:
                here = ' aria-current="page"' if path == current else ""
                lines.append(f'<li><a href="{escape(address(path))}"{here}>{escape(title)}</a></li>')
            lines.append("</ul>")
        return "\n".join(lines)


def _sections(tokens: Sequence[Token]) -> Iterator[tuple[str, list[Link]]]:
    """Of the index: each heading of the second level, up to a colon, and the links below it, once each."""
    heading, links, seen = "", list[Link](), set[str]()
    for opening, inside in _pairs(tokens):
        if opening.type == "heading_open":
            if links:
                yield heading, links
            heading, links = _words(inside).partition(":")[0], []
        for at, token in enumerate(inside.children or ()):
            match = _WITHIN.fullmatch(str(token.attrGet("href"))) if token.type == "link_open" else None
            if match is not None and (path := _file(_joined("docs", match[1]))) not in seen:
                seen.add(path)
                title = _words(inside, at)
                links.append(Link(title[:1].upper() + title[1:], path))
    if links:
        yield heading, links


def _file(path: str) -> str:
    """A folder is read by its README."""
    return path if path.endswith(".md") else f"{path.rstrip('/')}/README.md"


def _joined(folder: str, named: str) -> str:
    return posixpath.normpath(posixpath.join(folder, named))


def _pairs(tokens: Sequence[Token]) -> Iterator[tuple[Token, Token]]:
    """What holds text, with what opened it."""
    return ((tokens[at - 1], token) for at, token in enumerate(tokens) if token.type == "inline")


def _words(inside: Token, link: int | None = None) -> str:
    """The text of it, or of the link in it that opens at that child."""
    words = []
    for token in (inside.children or [])[(link or 0) :]:
        if link is not None and token.type == "link_close":
            break
        words.append(" " if token.type == "softbreak" else token.content)
    return "".join(words)


def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    rules: dict[str, Any] = markdown.renderer.rules  # type: ignore[attr-defined]
    rules["html_block"] = rules["html_inline"] = _as_text
    return markdown


def _as_text(tokens: Sequence[Token], at: int, _options: Any, _env: Any) -> str:
    return escape(_COMMENT.sub("", tokens[at].content))
