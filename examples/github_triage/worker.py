"""Triage of GitHub webhooks: two durable functions whose every step is recorded.

Each step appends one line to a ledger file, so that you can count how often it really ran, whatever was killed.

    .venv/bin/python examples/github_triage/worker.py
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ironflow import Context, Retry, Worker, function

LEDGER = Path(os.environ.get("TRIAGE_LEDGER", "ledger.ndjson"))


@function("triage-issue", triggers=["github.issues.opened"], retry=Retry(max_attempts=5, initial_delay="200ms"))
async def triage_issue(ctx: Context) -> dict[str, Any]:
    issue = ctx.event.data["issue"]
    labels = await ctx.step.run("classify", classify, ctx, issue["title"], issue.get("body") or "")
    await ctx.step.sleep("let the author edit", "500ms")
    assignee = await ctx.step.run("assign", assign, ctx, labels)
    await ctx.step.run("notify", notify, ctx, f"#{issue['number']} {labels} -> {assignee}")
    return {"issue": issue["number"], "labels": labels, "assignee": assignee}


@function("review-pull-request", triggers=["github.pull_request.*"], retry=Retry(max_attempts=5, initial_delay="200ms"))
async def review_pull_request(ctx: Context) -> dict[str, Any]:
    pull = ctx.event.data["pull_request"]
    action = ctx.event.data["action"]
    size = await ctx.step.run("classify", size_of, ctx, pull.get("additions") or 0, pull.get("deletions") or 0)
    await ctx.step.run("check style", check_style, ctx)
    await ctx.step.sleep("let the checks start", "500ms")
    reviewer = await ctx.step.run("assign", assign, ctx, [size])
    await ctx.step.run("notify", notify, ctx, f"#{pull['number']} {action} ({size}) -> {reviewer}")
    return {"pull_request": pull["number"], "action": action, "size": size, "reviewer": reviewer}


def classify(ctx: Context, title: str, body: str) -> list[str]:
    record(ctx, "classify")
    text = f"{title} {body}".lower()
    words = {"bug": ("error", "fail", "bug", "spelling"), "question": ("how", "?"), "docs": ("readme", "docs")}
    return [label for label, signs in words.items() if any(sign in text for sign in signs)] or ["untriaged"]


def size_of(ctx: Context, additions: int, deletions: int) -> str:
    record(ctx, "classify")
    return "small" if additions + deletions < 50 else "large"


def check_style(ctx: Context) -> str:
    """Fails at the first attempt, as flaky services do; the run is retried and goes on where it was."""
    record(ctx, "check style")
    if ctx.attempt == 1:
        raise ConnectionError("the style service is warming up")
    return "clean"


def assign(ctx: Context, labels: list[str]) -> str:
    record(ctx, "assign")
    team = ("ada", "grace", "edsger", "barbara")
    return team[sum(map(len, labels)) % len(team)]


def notify(ctx: Context, text: str) -> None:
    record(ctx, "notify", text=text)


def record(ctx: Context, step: str, **more: Any) -> None:
    """One line in the ledger, on disk before the step returns."""
    line = json.dumps({"run": ctx.run_id, "function": ctx.function_id, "step": step, "attempt": ctx.attempt, **more})
    with LEDGER.open("a") as ledger:
        ledger.write(line + "\n")
        ledger.flush()
        os.fsync(ledger.fileno())


if __name__ == "__main__":
    Worker([triage_issue, review_pull_request]).start()
