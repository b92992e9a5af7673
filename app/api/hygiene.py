"""What browsers are told about every answer (fetched as a document or not): not to guess types, not to frame us, not to
tell others where somebody was, and what a page of ours may load and run.

Scripts are our own files only, and may put text into a page only through Trusted Types, so that data of users cannot
become markup by mistake.
"""

from __future__ import annotations

import base64
import hashlib
import re

import falcon.asgi

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_DATA = "default-src 'none'; frame-ancestors 'none'"
_PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types ironflow"
)
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


class Hygiene:
    """A header that a resource has set itself stays."""

    async def process_response(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, succeeded: bool
    ) -> None:
        for name, value in _ALWAYS.items():
            _set(resp, name, value)
        if resp.get_header("Access-Control-Allow-Origin"):
            resp.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        page = (resp.content_type or "").startswith("text/html")
        _set(resp, "Content-Security-Policy", page_policy(resp.data or b"") if page else _DATA)


def page_policy(page: bytes) -> str:
    """The policy of a page; a style that is written in it is named by its hash."""
    hashes = [base64.b64encode(hashlib.sha256(style).digest()).decode() for style in _STYLE.findall(page)]
    return _PAGE.format(styles="".join(f" 'sha256-{one}'" for one in hashes))


def _set(resp: falcon.asgi.Response, name: str, value: str) -> None:
    if resp.get_header(name) is None:
        resp.set_header(name, value)
