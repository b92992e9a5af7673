"""IronflowService over gRPC, from outside: what it answers, and how it refuses."""

from __future__ import annotations

from typing import Any

import grpc
import httpx
import pytest

from ironflow.v1 import ironflow_pb2, ironflow_pb2_grpc, types_pb2, worker_pb2, worker_pb2_grpc
from tests.support.history import until_there_are
from tests.support.rpc import Service

RUN = "run_0123456789abcdefghjkmnpqrs"


def refused(call: Service, method: str, request: Any, *metadata: tuple[str, str]) -> tuple[grpc.StatusCode, str]:
    """Status and stable code with which the call is refused."""
    with pytest.raises(grpc.RpcError) as told:
        call(method, request, *metadata)
    error: Any = told.value
    return error.code(), dict(error.trailing_metadata())["ironflow-code"]


@pytest.fixture
def function(call: Service) -> str:
    """A function for `order.*` that no worker serves: its runs stay where they are."""
    triggers = [types_pb2.Trigger(event="order.*")]
    call("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="ship", triggers=triggers))
    return "ship"


def emit(call: Service, data: Any, name: str = "order.placed", **more: Any) -> Any:
    request = ironflow_pb2.TriggerRequest(event=name, **more)
    request.data.update(data)
    return call("Emit", request)


def test_a_run_is_read_with_what_it_was_started_with(call: Service, function: str) -> None:
    data = {"n": 1, "f": 1.5, "deep": [{"x": None}, True]}
    [run_id] = emit(call, data).run_ids

    run = call("GetRun", ironflow_pb2.GetRunRequest(id=run_id))

    assert (run.id, run.function_id, run.event_name) == (run_id, function, "order.placed")
    assert run.status == types_pb2.RUN_STATUS_WAITING_FOR_CAPACITY
    assert dict(run.input) == {**data, "deep": [{"x": None}, True]}
    assert [one.id for one in call("ListRuns", ironflow_pb2.ListRunsRequest()).runs] == [run_id]


def test_a_run_whose_caller_hangs_up_is_cancelled_unless_it_was_there_before(
    call: Service, channel: grpc.Channel, environment: str, http: httpx.Client, function: str
) -> None:
    invoke = ironflow_pb2.InvokeFunctionRequest
    earlier = call("InvokeFunction", invoke(function_id=function, idempotency_key="k")).run_id
    begin: Any = ironflow_pb2_grpc.IronflowServiceStub(channel).InvokeFunctionSync

    callers = []
    for key in ("k", "mine"):
        request = ironflow_pb2.InvokeFunctionSyncRequest(function_id=function, idempotency_key=key, timeout_ms=60_000)
        callers.append(begin.future(request, metadata=[("x-ironflow-environment-id", environment)], timeout=60))
    until_there_are(http, 2)
    for caller in callers:
        assert caller.cancel()

    mine = call("InvokeFunction", invoke(function_id=function, idempotency_key="mine")).run_id
    ended = http.get(f"/api/v1/runs/{mine}", params={"wait": "10"}).json()
    assert (ended["status"], ended["cancellation_cause"]) == ("cancelled", "request")
    assert http.get(f"/api/v1/runs/{earlier}").json()["status"] == "waiting_for_capacity"


def test_the_run_that_emits_is_named_in_metadata(call: Service, function: str) -> None:
    request = ironflow_pb2.TriggerRequest(event="a.b")
    assert call("Emit", request, ("x-ironflow-run-id", RUN)).event_id


@pytest.mark.parametrize("run_id", ["../x", "run_", f"{RUN}x", RUN.upper(), RUN.replace("run", "evt")])
def test_a_forged_run_is_refused_as_over_http(call: Service, run_id: str) -> None:
    request = ironflow_pb2.TriggerRequest(event="a.b")

    assert refused(call, "Emit", request, ("x-ironflow-run-id", run_id)) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "INVALID_ARGUMENT",
    )


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        ("GetRun", ironflow_pb2.GetRunRequest(id="run_\0"), "RUN_NOT_FOUND"),
        ("GetRunSteps", ironflow_pb2.GetRunStepsRequest(run_id="\0"), "RUN_NOT_FOUND"),
        ("CancelRun", ironflow_pb2.CancelRunRequest(id="\0"), "RUN_NOT_FOUND"),
        ("CancelRun", ironflow_pb2.CancelRunRequest(id=RUN, reason="\0"), "INVALID_ARGUMENT"),
        ("ResumeRun", ironflow_pb2.ResumeRunRequest(run_id="\0"), "RUN_NOT_FOUND"),
        ("GetFunction", ironflow_pb2.GetFunctionRequest(id="\0"), "FUNCTION_NOT_FOUND"),
        ("ListRuns", ironflow_pb2.ListRunsRequest(search="\0"), "INVALID_ARGUMENT"),
        ("ListRuns", ironflow_pb2.ListRunsRequest(cursor="\0"), "INVALID_ARGUMENT"),
        ("ListRuns", ironflow_pb2.ListRunsRequest(function_id="\0"), "INVALID_ARGUMENT"),
        ("ListRuns", ironflow_pb2.ListRunsRequest(event_id="\0"), "INVALID_ARGUMENT"),
        ("InvokeFunction", ironflow_pb2.InvokeFunctionRequest(function_id="\0"), "FUNCTION_NOT_FOUND"),
        ("Emit", ironflow_pb2.TriggerRequest(event="a\0"), "INVALID_ARGUMENT"),
        ("Emit", ironflow_pb2.TriggerRequest(event="a", idempotency_key="\0"), "INVALID_ARGUMENT"),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a\0"), "INVALID_ARGUMENT"),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a", description="\0"), "INVALID_ARGUMENT"),
    ],
)
def test_a_nul_is_the_callers_fault_on_either_store(call: Service, method: str, request_: Any, code: str) -> None:
    status, told = refused(call, method, request_)

    assert told == code
    assert status in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("ListRuns", ironflow_pb2.ListRunsRequest(status=99)),  # type: ignore[arg-type]
        ("ListRuns", ironflow_pb2.ListRunsRequest(since={"seconds": 2**60})),
        ("ListRuns", ironflow_pb2.ListRunsRequest(limit=-1)),
        ("ListFunctions", ironflow_pb2.ListFunctionsRequest(offset=-1)),
        ("ListFunctions", ironflow_pb2.ListFunctionsRequest(limit=1_001)),
        ("TriggerSync", ironflow_pb2.TriggerSyncRequest(event="a", timeout_ms=-1)),
        ("Emit", ironflow_pb2.TriggerRequest(event="a", data_value={"number_value": float("nan")})),
        ("Emit", ironflow_pb2.TriggerRequest(event="a", data_value={"number_value": float("inf")})),
        ("Emit", ironflow_pb2.TriggerRequest(event="a", version=-1)),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a b")),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a.*")),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a..b")),
        ("RegisterFunction", ironflow_pb2.RegisterFunctionRequest(id="a", triggers=[{"event": "a..b"}])),
    ],
)
def test_what_makes_no_sense_is_refused(call: Service, method: str, request_: Any) -> None:
    assert refused(call, method, request_) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT")


@pytest.mark.parametrize(
    ("method", "request_"),
    [
        ("DeleteRun", ironflow_pb2.DeleteRunRequest(id=RUN)),
        ("ListRuns", ironflow_pb2.ListRunsRequest(offset=1)),
    ],
)
def test_what_is_not_built_says_so(call: Service, method: str, request_: Any) -> None:
    assert refused(call, method, request_) == (grpc.StatusCode.UNIMPLEMENTED, "UNIMPLEMENTED")


def test_each_event_of_a_batch_has_its_own_answer(call: Service, function: str) -> None:
    bad = ironflow_pb2.TriggerRequest(event="a", data_value={"number_value": float("nan")})
    events = [{"event": "order.placed"}, {"event": "a..b"}, bad, {"event": "c.d"}]

    results = call("TriggerBatch", ironflow_pb2.TriggerBatchRequest(events=events)).results

    assert [len(one.run_ids) for one in results] == [1, 0, 0, 0]
    assert [bool(one.event_id) for one in results] == [True, False, False, True]
    assert [one.error.code for one in results] == ["", "INVALID_ARGUMENT", "INVALID_ARGUMENT", ""]


def test_a_payload_as_deep_as_protobuf_reads_comes_back(call: Service, function: str) -> None:
    deep: Any = 1
    for _ in range(31):
        deep = {"x": deep}
    [run_id] = emit(call, deep).run_ids

    assert call("GetRun", ironflow_pb2.GetRunRequest(id=run_id)).input["x"]


def test_an_invoked_function_answers_with_its_own_run(call: Service, function: str) -> None:
    other = ironflow_pb2.RegisterFunctionRequest(id="audit", triggers=[{"event": ">"}])
    call("RegisterFunction", other)
    request = ironflow_pb2.InvokeFunctionRequest(function_id="ship", idempotency_key="k")

    invoked = call("InvokeFunction", request)

    assert call("GetRun", ironflow_pb2.GetRunRequest(id=invoked.run_id)).function_id == "ship"
    assert call("InvokeFunction", request) == invoked


def test_a_worker_with_a_bad_environment_is_refused(channel: grpc.Channel) -> None:
    stub = worker_pb2_grpc.WorkerServiceStub(channel)  # type: ignore[no-untyped-call]
    hello = worker_pb2.WorkerMessage(register=worker_pb2.WorkerRegister(function_ids=["f"], max_concurrent_jobs=1))

    with pytest.raises(grpc.RpcError) as told:
        next(stub.Connect(iter([hello]), metadata=[("x-ironflow-environment-id", "a b")], timeout=30))

    error: Any = told.value
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "method", ["IronflowService/Trigger", "IronflowService/GetRun", "PubSubService/Subscribe", "WorkerService/Connect"]
)
def test_bytes_that_are_no_message_are_the_callers_fault(channel: grpc.Channel, method: str) -> None:
    streams = channel.stream_stream if method.startswith("Worker") else channel.unary_stream
    make: Any = channel.unary_unary if method.startswith("Ironflow") else streams
    call = make(f"/ironflow.v1.{method}")
    request: Any = iter([b"\xff\xff"]) if method.startswith("Worker") else b"\xff\xff"

    with pytest.raises(grpc.RpcError) as told:
        next(call(request, timeout=30))

    error: Any = told.value
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert dict(error.trailing_metadata())["ironflow-code"] == "INVALID_ARGUMENT"


def test_a_worker_of_functions_that_cannot_be_is_refused(channel: grpc.Channel) -> None:
    stub = worker_pb2_grpc.WorkerServiceStub(channel)  # type: ignore[no-untyped-call]
    hello = worker_pb2.WorkerMessage(register=worker_pb2.WorkerRegister(function_ids=["f\0"], max_concurrent_jobs=1))

    with pytest.raises(grpc.RpcError) as told:
        next(stub.Connect(iter([hello]), timeout=30))

    error: Any = told.value
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_a_refusal_is_counted_by_its_code_whichever_face_tells_it(call: Service, http: httpx.Client) -> None:
    def counted(code: str) -> float:
        lines = http.get("/metrics").text.splitlines()
        return sum(float(one.split()[-1]) for one in lines if one.startswith(f'ironflow_refusals_total{{code="{code}"'))

    missing, invalid = counted("RUN_NOT_FOUND"), counted("INVALID_ARGUMENT")

    http.get(f"/api/v1/runs/{RUN}")
    http.post("/ironflow.v1.IronflowService/GetRun", json={"id": RUN})
    refused(call, "GetRun", ironflow_pb2.GetRunRequest(id=RUN))
    for path in ("/api/v1/events", "/ironflow.v1.IronflowService/Trigger"):
        http.post(path, json={"name": 5, "event": ""})

    assert (counted("RUN_NOT_FOUND") - missing, counted("INVALID_ARGUMENT") - invalid) == (3, 2)
