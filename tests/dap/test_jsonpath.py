"""JSONPath, by examples of RFC 9535."""

from __future__ import annotations

from typing import Any

import pytest

from app.debugger.jsonpath import BadQuery, select

STORE = {
    "book": [
        {"category": "reference", "author": "Rees", "price": 8.95},
        {"category": "fiction", "author": "Waugh", "price": 12.99},
        {"category": "fiction", "author": "Melville", "isbn": "0-553", "price": 8.99},
        {"category": "fiction", "author": "Tolkien", "isbn": "0-395", "price": 22.99},
    ],
    "bicycle": {"color": "red", "price": 399, "a b": None},
}
ROOT = {"store": STORE, "limit": 10}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("$", ROOT),
        ("$.store.bicycle.color", "red"),
        ("$['store']['bicycle'][\"a b\"]", None),
        ("$.store.book[*].author", ["Rees", "Waugh", "Melville", "Tolkien"]),
        ("$..author", ["Rees", "Waugh", "Melville", "Tolkien"]),
        ("$.store..price", [8.95, 12.99, 8.99, 22.99, 399]),
        ("$.store.book[-1].author", "Tolkien"),
        ("$.store.book[0,1].author", ["Rees", "Waugh"]),
        ("$.store.book[:2].author", ["Rees", "Waugh"]),
        ("$.store.book[::-2].author", ["Tolkien", "Waugh"]),
        ("$..book[?@.isbn].author", ["Melville", "Tolkien"]),
        ("$..book[?@.price < $.limit].author", ["Rees", "Melville"]),
        ("$..book[?@.price<10 && !@.isbn || @.author == 'Waugh'].author", ["Rees", "Waugh"]),
        ("$..book[?(@.isbn == null)]", []),
        ("$..*", None),
        ("$.store.book[?@.price >= true]", []),
        ("$.store.bicycle.*", ["red", 399, None]),
        ("$.nowhere[*]", []),
    ],
)
def test_a_query_selects_what_the_standard_says(query: str, expected: Any) -> None:
    found = select(query, ROOT)

    assert len(found) == 25 if query == "$..*" else found == expected


@pytest.mark.parametrize(
    "query", ["", "store", "$.", "$[", "$[0", "$[1:2:3:4]", "$[?]", "$.a b", "$[?length(@)>1]", "$.no"]
)
def test_what_is_no_query_is_refused(query: str) -> None:
    with pytest.raises(BadQuery):
        select(query, ROOT)


def test_a_query_is_read_to_no_great_depth() -> None:
    with pytest.raises(BadQuery):
        select("$[?" + "!" * 5_000 + "@.a]", ROOT)
