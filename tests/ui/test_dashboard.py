"""The dashboard in a real browser: runs dashboard.test.mjs with Node, on each store, each part against a server of its
own. The gallery of all pages (`light`, `dark`, `narrow`, and the `states` in which nothing has come) is gone through by
`make test-ui` only, since it takes several minutes on each; `make test-ui ARGS="-k 'postgres and narrow'"` goes through
a part of it.

Skipped, with the reason, where there is no Chromium, no Node or no build of the dashboard.
`make shots` keeps pictures of every page, instead of looking for what is unfit.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 900
GALLERY = ["light", "dark", "narrow", "states"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S + 30)]


def _chromium() -> str:
    named = os.environ.get("IRONFLOW_CHROMIUM", "")
    found = named or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no Chromium: install Debian's `chromium`, or name one with IRONFLOW_CHROMIUM")
    return found


@pytest.mark.parametrize("part", ["walks", *GALLERY])
@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_the_dashboard_works_in_a_browser(
    request: pytest.FixtureRequest, tmp_path: Path, store: str, part: str
) -> None:
    if part in GALLERY and not (os.environ.get("IRONFLOW_UI_GALLERY") or os.environ.get("IRONFLOW_UI_SHOTS")):
        pytest.skip("all pages are looked at by `make test-ui`")
    if shutil.which("node") is None:
        pytest.skip("no Node: the dashboard needs Node 20")
    if not (ROOT / "static" / "dist" / "index.html").exists() or not (ROOT / "static" / "node_modules").exists():
        pytest.skip("the dashboard is not built: run `make ui`")
    environment = {
        **os.environ,
        "IRONFLOW_CHROMIUM": _chromium(),
        "IRONFLOW_PYTHON": sys.executable,
        "IRONFLOW_UI_DATA": str(tmp_path),
        "IRONFLOW_UI_PART": part,
        "IRONFLOW_UI_DATABASE_URL": request.getfixturevalue("postgres_url") if store == "postgres" else "",
    }

    done = subprocess.run(
        [
            "node",
            "--test",
            str(ROOT / "tests" / "ui" / "dashboard.test.mjs"),
        ],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )

    print(*re.findall(r"^# (?:pass|fail|skipped) \d+", done.stdout, re.MULTILINE))
    failed = "\n".join(re.findall(r"^ *not ok .*", done.stdout, re.MULTILINE))
    assert done.returncode == 0, f"{failed}\n{done.stdout[-20_000:]}\n{done.stderr[-5_000:]}"
