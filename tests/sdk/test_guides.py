"""The snippets of the guides are run, in order, as one program a page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", ["steps.md", "testing.md", "checking.md", "coming-from.md"])
def test_the_snippets_of_a_guide_do_what_it_says(page: str) -> None:
    text = (GUIDES / page).read_text("utf-8")
    names: dict[str, object] = {"__name__": "guide"}
    blocks = list(_BLOCK.finditer(text))
    assert len(blocks) >= 2

    for block in blocks:
        before = "\n" * text.count("\n", 0, block.start(1))  # so that a failure names the line of the page
        exec(compile(before + block[1], str(GUIDES / page), "exec"), names)
