"""A board of GitHub's webhooks: the open issues and pull requests of each repository.

.venv/bin/python examples/github_board/board.py
"""

from __future__ import annotations

from typing import Any

from ironflow import ProjectedEvent, Worker, projection

GONE = ("closed", "deleted", "transferred")
EVENTS = ["github.issues.*", "github.pull_request.*"]


@projection(
    "github-board", events=EVENTS, partition_key="$.data.repository.full_name", initial={"issues": {}, "pulls": {}}
)
def board(state: dict[str, Any], event: ProjectedEvent) -> dict[str, Any]:
    """Numbers and titles of what is open."""
    kind, noun = ("issues", "issue") if "issue" in event.data else ("pulls", "pull_request")
    thing = event.data[noun]
    number = str(thing["number"])
    if event.data["action"] in GONE or thing.get("state", "open") != "open":
        state[kind].pop(number, None)
    else:
        state[kind][number] = thing["title"]
    return state


if __name__ == "__main__":
    Worker(projections=[board]).start()
