"""A recorded run in a debugger: where it stops, what it shows, and what it would change. On each store."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.debugger.dap.attaching import Place
from app.debugger.sources import ServerChanges, ServerSource
from ironflow import Client
from ironflow.bundle import Bundle
from ironflow.context import current_run
from ironflow.entities import EntityEvent
from tests.api.test_pull_protocol import Puller, emit, step
from tests.dap.conftest import Editor

CANARY = "sk_live_canary"


def test_a_session_begins_in_the_order_of_the_protocol(offline: Editor, exported: Bundle) -> None:
    assert [event["event"] for event in offline.events] == ["stopped"]
    assert offline.stop()["reason"] == "entry"
    [thread] = offline.get("threads")["threads"]
    assert thread["name"] == f"{exported.run_id} · greet · failed"


def test_steps_go_from_boundary_to_boundary_and_back(offline: Editor) -> None:
    names = []
    for _ in range(5):
        names.append(offline.frames()[0]["name"])
        offline.get("next", threadId=1)

    assert names == ["run.created", "fetch", "charge", "charge #2", "run.failed"]
    assert offline.stop()["reason"] == "pause"
    back = []
    for _ in range(4):
        offline.get("stepBack", threadId=1)
        back.append(offline.frames()[0]["name"])
    assert back == names[-2::-1]


def test_the_finest_step_is_a_record(offline: Editor) -> None:
    lines = [offline.line()]
    for _ in range(3):
        offline.get("next", threadId=1, granularity="instruction")
        lines.append(offline.line())

    assert lines == [1, 2, 3, 4]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.sampled_from(["next", "instruction"]), max_size=8))
def test_as_many_steps_back_lead_to_where_one_was(offline: Editor, moves: list[str]) -> None:
    offline.get("goto", threadId=1, targetId=0)
    places = [(offline.line(), offline.scope("State"))]
    for move in moves:
        offline.get("next", threadId=1, granularity="instruction" if move == "instruction" else "statement")
        places.append((offline.line(), offline.scope("State")))
    last = offline.line()
    for move, (line, _) in zip(reversed(moves), reversed(places[:-1]), strict=True):
        if offline.line() == last and line == last:
            continue  # it had been at the end already
        if move == "instruction":
            offline.get("stepBack", threadId=1, granularity="instruction")
        else:
            offline.get("goto", threadId=1, targetId=line - 1)
        assert offline.line() == line
    assert list(offline.scope("State")) == list(places[0][1])


def test_it_stops_where_a_step_fails_both_ways(offline: Editor) -> None:
    offline.get("setExceptionBreakpoints", filters=["step_failed", "run_failed"])

    stops = []
    for _ in range(4):
        offline.get("continue", threadId=1)
        stops.append((offline.stop()["reason"], offline.frames()[0]["name"]))
    assert [one for one in stops if one[0] == "exception"] == [
        ("exception", "charge"),
        ("exception", "charge #2"),
        ("exception", "run.failed"),
    ]
    offline.get("reverseContinue", threadId=1)
    told = offline.get("exceptionInfo", threadId=1)
    assert (told["exceptionId"], told["description"]) == ("E", "declined 2")
    offline.get("reverseContinue", threadId=1)
    offline.get("reverseContinue", threadId=1)
    assert offline.stop()["reason"] == "entry"


def test_breakpoints_on_steps_take_patterns_conditions_and_counts(offline: Editor) -> None:
    told = offline.get(
        "setFunctionBreakpoints",
        breakpoints=[
            {"name": "char*", "hitCondition": ">= 2"},
            {"name": "refund"},
            {"name": "fetch", "condition": "step.output.amount > 100"},
            {"name": "fetch", "condition": "step."},
        ],
    )["breakpoints"]

    assert [one["verified"] for one in told] == [True, False, True, False]
    assert "no such step" in told[1]["message"]
    assert "CEL" in told[3]["message"]
    offline.get("continue", threadId=1)
    assert offline.stop()["hitBreakpointIds"] == [told[0]["id"]]
    assert offline.frames()[0]["name"] == "charge #2"


def test_lines_of_the_transcript_stop_and_tell(offline: Editor) -> None:
    source = offline.frames()[0]["source"]
    text = offline.get("source", source=source, sourceReference=source["sourceReference"])["content"]
    lines = text.splitlines()
    number = next(at for at, line in enumerate(lines, 1) if "fetch completed" in line)

    told = offline.get(
        "setBreakpoints",
        source=source,
        breakpoints=[
            {"line": number, "logMessage": "took {step.output.amount} of {event.data.order.id}"},
            {"line": number + 1},
            {"line": len(lines) + 1},
        ],
    )["breakpoints"]
    assert [one["verified"] for one in told] == [True, True, False]

    offline.get("continue", threadId=1)
    [output] = [event["body"] for event in offline.events if event["event"] == "output"]
    assert (output["output"], output["line"]) == ("took 99 of 7\n", number)
    assert offline.line() == number + 1


def test_lines_of_code_are_said_not_to_be_recorded(offline: Editor) -> None:
    [told] = offline.get("setBreakpoints", source={"path": "worker.py"}, breakpoints=[{"line": 3}])["breakpoints"]

    assert not told["verified"]
    assert "transcript" in told["message"]


def test_who_set_this_is_a_data_breakpoint_backwards(offline: Editor) -> None:
    offline.get("goto", threadId=1, targetId=10_000)
    number = offline.number("State")
    info = offline.get("dataBreakpointInfo", variablesReference=number, name="fetch")
    [told] = offline.get("setDataBreakpoints", breakpoints=[{"dataId": info["dataId"]}])["breakpoints"]
    assert told["verified"]

    offline.get("reverseContinue", threadId=1)

    assert offline.stop()["reason"] == "data breakpoint"
    assert offline.frames()[0]["name"] == "fetch"
    assert "set by" in offline.say("why fetch.amount")


def test_scopes_show_what_was_known_and_page(offline: Editor) -> None:
    offline.get("next", threadId=1)
    state, step = offline.scope("State"), offline.scope("Step")
    assert (list(state), step["status"]["value"]) == (["fetch"], '"completed"')
    assert len(step["output"]["value"]) <= 120

    [order] = offline.get("variables", variablesReference=offline.number("Event"))["variables"]
    inner = offline.get("variables", variablesReference=order["variablesReference"])["variables"]
    lines = next(one for one in inner if one["name"] == "lines")
    page = offline.get("variables", variablesReference=lines["variablesReference"], filter="indexed", start=1, count=1)
    assert [(one["name"], one["value"]) for one in page["variables"]] == [("[1]", "2")]
    assert lines["indexedVariables"] == 3
    hovered = offline.get("evaluate", expression="state.fetch.amount * 2", context="hover")
    assert hovered["result"] == "198"


def test_what_a_reference_stood_for_is_gone_after_the_next_stop(offline: Editor) -> None:
    number = offline.number("State")
    offline.get("next", threadId=1)

    assert "last stop" in offline.refused("variables", variablesReference=number)


def test_only_the_output_of_a_step_can_be_changed_and_is_staged(offline: Editor) -> None:
    offline.get("next", threadId=1)
    number = offline.number("Step")
    assert "read-only" in offline.refused("setVariable", variablesReference=number, name="name", value='"x"')
    assert "JSON" in offline.refused("setVariable", variablesReference=number, name="output", value="{")
    output = offline.get("variables", variablesReference=number)["variables"]
    reference = next(one["variablesReference"] for one in output if one["name"] == "output")

    offline.get("setVariable", variablesReference=reference, name="amount", value="50")

    assert {event["event"] for event in offline.events} == {"invalidated", "output"}
    assert '"amount": 50' in offline.scope("State")["fetch ◇"]["value"]
    assert "bundle" in offline.refused("evaluate", expression='commit "it was wrong"', context="repl")


def test_an_edit_is_committed_with_a_reason_and_the_run_goes_on(editor: Editor, client: Client, failed: str) -> None:
    editor.get("goto", threadId=1, targetId=10_000)
    assert "why" in editor.refused("evaluate", expression="commit", context="repl")
    editor.say("set fetch.amount 50")
    assert "patched" in editor.say('commit "the price was wrong"')

    step = client.runs.step_output(failed, "fetch")
    assert step.output["amount"] == 50
    assert editor.say("edits") == "nothing is staged"
    editor.get("setExceptionBreakpoints", filters=["patched"])
    editor.get("continue", threadId=1)
    assert editor.stop()["reason"] == "exception"


def test_a_fork_is_another_thread(editor: Editor, client: Client, failed: str) -> None:
    editor.get("setFunctionBreakpoints", breakpoints=[{"name": "charge"}])
    editor.get("continue", threadId=1)

    said = editor.say('fork "try it with another card"')

    stop = editor.stop()
    assert stop["threadId"] == 2
    [forked] = [one for one in editor.get("threads")["threads"] if one["id"] == 2]
    assert forked["name"].split(" ")[0] in said
    assert client.runs.get(forked["name"].split(" ")[0])["id"] != failed


def test_verbs_move_and_compare(editor: Editor) -> None:
    editor.say("next")
    assert editor.line() > 1
    editor.say("back")
    assert editor.line() == 1
    position = editor.say("next").split()[0]
    assert editor.say(f"goto {position}").startswith(position)
    assert "+ fetch" in editor.say("diff 1")
    assert "commit" in editor.say("help")
    assert "position" in editor.refused("evaluate", expression="goto nowhere", context="repl").lower()
    found = editor.get("completions", text="state.f", column=8)["targets"]
    assert [one["label"] for one in found] == ["state.fetch"]


@pytest.mark.parametrize(
    ("at", "name"), [("failure", "run.failed"), ("end", "run.failed"), ("start", "run.created"), (1, "run.created")]
)
def test_a_session_begins_where_it_is_asked_to(editor: Editor, failed: str, at: object, name: str) -> None:
    editor.ask("attach", runId=failed, at=at)
    editor.ask("configurationDone")

    assert editor.frames()[0]["name"] == name


def test_nonsense_is_refused_and_harmless(editor: Editor) -> None:
    assert "not supported" in editor.refused("readMemory")
    assert "thread" in editor.refused("stackTrace", threadId=99)
    assert "missing" in editor.refused("variables")
    assert editor.refused("attach", runId="run_nowhere")
    assert "at:" in editor.refused("attach", runId=editor.say("run.id").strip('"'), at="yesterday")
    assert "recorded" in editor.refused("attach", runId="run_x", mode="live")
    assert editor.refused("evaluate", expression="1 +", context="watch")
    assert "reason" in editor.refused("restartFrame", frameId=8)
    assert editor.line() == 1


def test_nothing_is_answered_before_attach(editor: Editor) -> None:
    fresh = Editor(lambda arguments: (_ for _ in ()).throw(AssertionError))

    assert "attach" in fresh.refused("threads")


def test_an_edit_is_sent_as_it_is_made_where_the_configuration_says_why(
    editor: Editor, client: Client, failed: str
) -> None:
    assert "reason" in editor.refused("attach", runId=failed, edit="commit")
    editor.ask("attach", runId=failed, at="end", edit="commit", reason="the price was wrong")
    editor.ask("configurationDone")

    editor.get("setExpression", expression="state.fetch.amount", value="50")

    step = client.runs.step_output(failed, "fetch")
    assert (step.output["amount"], step.patch_reason) == (50, "the price was wrong")
    editor.say('patch fetch.amount 60 "no, this one"')
    assert client.runs.step_output(failed, "fetch").output["amount"] == 60
    editor.get("goto", threadId=1, targetId=2)
    editor.get("restartFrame", frameId=8)
    assert editor.stop()["threadId"] == 2


def test_who_gives_a_value_or_a_reason_wrongly_is_told_how(editor: Editor) -> None:
    editor.get("goto", threadId=1, targetId=10_000)

    assert "JSON" in editor.refused("evaluate", expression="patch fetch.amount", context="repl")
    assert "why" in editor.refused("evaluate", expression="inject charge 5", context="repl")
    assert "read-only" in editor.refused("setExpression", expression="state.nothing", value="1")
    assert "JSON" in editor.refused("setExpression", expression="state.fetch", value="{")
    assert "neither" in editor.refused("attach", runId="run_x", edit="later")


def test_a_fork_is_a_session_of_its_own_where_the_client_can_have_one(client: Client, failed: str) -> None:
    editor = Editor(lambda arguments: Place(ServerSource(client), ServerChanges(client), arguments["runId"]))
    editor.get("initialize", adapterID="ironflow", supportsStartDebuggingRequest=True)
    editor.ask("attach", runId=failed, at="end", reason="try it with euros", stepOver=["fetch"])
    editor.ask("configurationDone")

    editor.get("restartFrame", frameId=8)

    [asked] = [one for one in editor.heard() if one["type"] == "request"]
    configuration = asked["arguments"]["configuration"]
    assert configuration["runId"] not in ("", failed)
    assert (configuration["at"], len(editor.get("threads")["threads"])) == ("end", 1)
    editor.get("goto", threadId=1, targetId=0)
    editor.get("next", threadId=1)
    assert editor.frames()[0]["name"] == "charge"  # and not fetch
    assert "stepOver" in editor.refused("attach", runId=failed, stepOver="fetch")


def test_state_is_asked_by_jsonpath_too(offline: Editor) -> None:
    offline.get("goto", threadId=1, targetId=10_000)

    assert offline.get("evaluate", expression="$.fetch.amount", context="watch")["result"] == "99"
    assert offline.say("$[?@.amount > 50].amount") == "[1] [99]"
    assert "there is nothing" in offline.refused("evaluate", expression="$.nowhere", context="watch")


def test_what_a_run_wrote_is_shown_as_it_was_and_secrets_by_name_only(http: httpx.Client, client: Client) -> None:
    client.kv.create_bucket("stock")
    client.secrets.set("stripe", CANARY)
    worker = Puller(http)
    worker.register_function(secrets=["stripe", "unset"])
    worker.register()
    run_id = emit(http)
    client.secrets.set("unset", "for the job to be handed out")
    job = worker.job()
    for number, name in enumerate(("reserve", "release")):
        writes = [{"operation": "put", "bucket": "stock", "key": "a", "value": number}]
        worker.report(job, "progress", steps=[step(job, name, writes=writes)], step_offset=number)
        if name == "reserve":
            token = current_run.set(run_id)
            client.streams.append("order", "7", EntityEvent("order.reserved", {"count": 5}))
            current_run.reset(token)
    worker.report(job, "completed", step_offset=2)
    editor = Editor(lambda arguments: Place(ServerSource(client), ServerChanges(client), run_id, client))
    editor.attach(at="end")

    written = editor.scope("Streams & KV")
    assert {name: one["value"] for name, one in written.items()} == {"order/7": "version 1", "stock:a": "revision 2"}
    assert _opened(editor, written["order/7"]) == {"1 order.reserved": '{1} {"count": 5}'}
    assert _opened(editor, written["stock:a"]) == "1"
    assert {name: one["value"] for name, one in editor.scope("Secrets (names only)").items()} == {
        "stripe": '"revision 1"',
        "unset": '"revision 1"',
    }
    editor.get("setFunctionBreakpoints", breakpoints=[{"name": "reserve"}])
    editor.get("reverseContinue", threadId=1)
    written = editor.scope("Streams & KV")
    assert list(written) == ["order/7", "stock:a"]  # before the next record
    assert _opened(editor, written["stock:a"]) == "0"
    assert CANARY not in json.dumps(editor.everything)
    editor.get("goto", threadId=1, targetId=0)
    assert editor.scope("Streams & KV") == {}
    assert editor.scope("Secrets (names only)")["unset"]["value"] == '"not set"'


def _opened(editor: Editor, lazy: dict[str, Any]) -> Any:
    """What is in a value that is asked for when it is opened."""
    [inner] = editor.get("variables", variablesReference=lazy["variablesReference"])["variables"]
    if not inner["variablesReference"]:
        return inner["value"]
    listed = editor.get("variables", variablesReference=inner["variablesReference"])["variables"]
    return {one["name"]: one["value"] for one in listed}
