/** Starting a run by hand: with the data that the newest run of the function had, as they are or changed. */
import { useEffect, useState } from "preact/hooks";
import { curl, exact, get, request } from "../../api/client";
import type { FunctionShape, RunsPage } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Json, at, print, readable } from "../../model/json";
import { link, navigate } from "../../shell/route";
import { Ask } from "../../ui/acting";
import { Skeleton } from "../../ui/basics";
import { JsonEditor } from "../../ui/json_editor";
import { copy } from "../../ui/toast";

const INVOKE = "/ironflow.v1.IronflowService/InvokeFunction";

export function Start({ of, onClose }: { of: FunctionShape; onClose: () => void }) {
  const before = useResource(`input of ${of.id}`, (signal) => newestInput(of.id, signal));
  const [text, setText] = useState<string | null>(null);
  const [key] = useState(() => crypto.randomUUID());
  useEffect(() => {
    if (text === null && (before.data !== undefined || before.error)) setText(before.data ? print(before.data.input, 2) : "{}");
  }, [before.data, before.error]);
  const read = readable(text ?? "{}");
  const wrong = typeof read === "string" ? read : "";
  const body = `"functionId":${JSON.stringify(of.id)},"dataValue":${typeof read === "string" ? "{}" : print(read.value)}`;
  return (
    <Ask
      title={`Start a run of ${of.id}`}
      verb="Start"
      done="Started: this is the run"
      wrong={wrong}
      waiting={text === null}
      run={async () => {
        const { runId } = await request<{ runId: string }>("POST", INVOKE, { json: `{${body},"idempotencyKey":${JSON.stringify(key)}}` });
        navigate(link(`/runs/${runId}`));
      }}
      onClose={onClose}
    >
      {text === null ? (
        <Skeleton rows={6} />
      ) : (
        <>
          <p class="muted">{before.data ? "It begins with the data that its newest run had. It may repeat that run's effects." : "It is started with these data, whatever else would start it."}</p>
          <JsonEditor label="Data" rows={10} value={text} wrong={wrong !== ""} focused onValue={setText} />
          <p class="buttons">
            <button type="button" class="quiet small" disabled={wrong !== ""} onClick={() => copy(curl("POST", INVOKE, `{${body}}`), "curl")}>
              Copy as curl
            </button>
          </p>
        </>
      )}
    </Ask>
  );
}

/** The data of the event that started the newest run; null if there was none, or its event cannot be read any more. */
async function newestInput(functionId: string, signal: AbortSignal): Promise<{ input: Json } | null> {
  const { runs } = await get<RunsPage>("/runs", { function_id: functionId, limit: 1 }, signal);
  const [newest] = runs;
  if (!newest?.event_id) return null;
  const input = at(await exact(`/events/${newest.event_id}`, {}, signal), "data");
  return input === undefined ? null : { input };
}
