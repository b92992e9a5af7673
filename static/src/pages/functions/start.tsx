/** Starting a run by hand: with the data that the newest run of the function had, as they are or changed; in a form where
 * its event has a schema. */
import { useEffect, useState } from "preact/hooks";
import { exact, get, request } from "../../api/client";
import { may } from "../../api/session";
import type { FunctionShape, RunsPage } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Json, at, print, readable } from "../../model/json";
import { type SchemaField, fieldsOf, fits, missing } from "../../model/schema_form";
import { link, navigate } from "../../shell/route";
import { Ask } from "../../ui/ask";
import { Skeleton } from "../../ui/basics";
import { JsonEditor } from "../../ui/json_editor";
import { SchemaForm } from "./schema_form";

const INVOKE = "/ironflow.v1.IronflowService/InvokeFunction";

export function Start({ of, onClose }: { of: FunctionShape; onClose: () => void }) {
  const before = useResource(`input of ${of.id}`, (signal) => newestInput(of.id, signal));
  const schema = useResource(`schemas for ${of.id}`, (signal) => schemaOf(of, signal));
  const [text, setText] = useState<string | null>(null);
  const [asJson, setAsJson] = useState(false);
  const [unfit, setUnfit] = useState("");
  useEffect(() => {
    const told = (before.data !== undefined || before.error) && (schema.data !== undefined || schema.error);
    if (text === null && told) setText(before.data ? print(before.data.input, 2) : "{}");
  }, [before.data, before.error, schema.data, schema.error]);
  const read = readable(text ?? "{}");
  const data = typeof read === "string" ? undefined : read.value;
  const known = schema.data;
  const formed = known && !asJson && fits(known.fields, data);
  const needed = formed ? missing(known.fields, data) : [];
  const wrong = typeof read === "string" ? read : formed ? unfit || (needed.length > 0 ? `Missing: ${needed.join(", ")}` : "") : "";
  const body = `"functionId":${JSON.stringify(of.id)},"dataValue":${typeof read === "string" ? "{}" : print(read.value)}`;
  return (
    <Ask
      title={`Start a run of ${of.id}`}
      verb="Start"
      done="Started: this is the run"
      wrong={wrong}
      waiting={text === null}
      run={async (_reason, _version, key) => {
        const { runId } = await request<{ runId: string }>("POST", INVOKE, { json: `{${body}${key && `,"idempotencyKey":"${key}"`}}` });
        navigate(link(`/runs/${runId}`));
      }}
      onClose={onClose}
    >
      {text === null ? (
        <Skeleton rows={6} />
      ) : (
        <>
          <p class="muted">{before.data ? "It begins with the data that its newest run had. It may repeat that run's effects." : "It is started with these data, whatever else would start it."}</p>
          {formed ? (
            <SchemaForm fields={known.fields} data={data} onData={(changed) => setText(print(changed, 2))} onWrong={setUnfit} />
          ) : (
            <JsonEditor label="Data" rows={10} value={text} wrong={wrong !== ""} focused onValue={setText} />
          )}
          {known && (
            <p class="muted small">
              {formed || asJson ? `The schema of ${known.event}, version ${known.version}, says what there is.` : `These data are not as the schema of ${known.event}, version ${known.version}, has them.`}
            </p>
          )}
          <p class="buttons">
            {known && (formed || asJson) && (
              <button type="button" class="quiet small" onClick={() => setAsJson(!asJson)}>
                {asJson ? "As a form" : "As JSON"}
              </button>
            )}
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

interface SchemaFound {
  event: string;
  version: number;
  fields: SchemaField[];
}

/** Of the first event that starts the function and has a schema which a form can be made of; null if none has. */
async function schemaOf(of: FunctionShape, signal: AbortSignal): Promise<SchemaFound | null> {
  if (!may("schemas:read")) return null;
  for (const { event } of of.triggers) {
    if (!event || /[*>]/.test(event)) continue;
    const schemas = at(await exact("/events/schemas", { event_name: event }, signal), "schemas");
    const newest = Array.isArray(schemas) ? schemas[schemas.length - 1] : undefined;
    const fields = fieldsOf(at(newest, "schema"));
    const version = at(newest, "version");
    if (fields) return { event, version: Number(print(version ?? null)), fields };
  }
  return null;
}
