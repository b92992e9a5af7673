/** What is known of the row that is chosen: its payloads are fetched now, by the position of the record that has them. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { exact, segment } from "../../api/client";
import { may } from "../../api/session";
import type { Run } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Json, Num, at, print } from "../../model/json";
import { type Rec, isEdit, title } from "../../model/records";
import { look } from "../../model/status";
import { duration } from "../../model/time";
import { attempts, span, statusAt } from "../../model/tally";
import type { Row } from "../../model/waterfall";
import { choose, chosen, link } from "../../shell/route";
import { wallTime } from "../../shell/settings";
import { Act } from "../../ui/acting";
import { Actor } from "../../ui/actor";
import { Id, Skeleton, Status, TabPanel, Tabs, Time } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Edge } from "../../ui/edge";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";
import { Publish } from "../events/publish";
import { type Moment, goToPosition } from "./moment";
import { recordOf } from "./timeline";

const EMIT = "events:emit";

interface Props {
  run: Run;
  row: Row;
  records: readonly Rec[];
  moment: Moment;
  onClose: () => void;
}

export function Inspector({ run, row, records, moment, onClose }: Props) {
  const status = statusAt(row, moment.position, moment.at);
  const record = recordOf(row, moment);
  const tabs = tabsOf(row, status, record);
  const open = tabs.find((tab) => tab.id === chosen("show"))?.id ?? tabs[0].id;
  return (
    <aside class={`card inspector ${chosen("step") ? "asked" : ""}`} aria-label={row.kind === "run" ? "The run" : `Step ${row.label}`}>
      <Edge />
      <header class="inspector-head">
        <div>
          <h2 class="cut" title={row.label}>
            {row.kind === "run" ? "Run" : row.label}
          </h2>
          <Status status={status} />
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      <Facts run={run} row={row} record={record} moment={moment} />
      <Tabs label="inspector" items={tabs} open={open} onOpen={(id) => choose({ show: id === tabs[0].id ? null : id })} />
      <TabPanel label="inspector" open={open}>
        <Shown key={`${row.id} ${open}`} tab={open} run={run} row={row} records={records} record={record} moment={moment} />
      </TabPanel>
    </aside>
  );
}

function tabsOf(row: Row, status: string, record: Rec | undefined): { id: string; label: string }[] {
  if (row.kind === "run") {
    const first = status === "failed" ? ["error", "input", "output"] : ["input", "output"];
    return named([...first, "records"]);
  }
  if (row.kind === "group") return named(["records"]);
  const failed = status === "failed" || status === "timed_out";
  const waiting = status === "waiting" || status === "sleeping";
  const edited = record && isEdit(record) && record.kind !== "step.restored" ? ["edit"] : [];
  return named([failed ? "error" : waiting ? "wait" : "output", ...edited, "records", "raw"]);
}

/** Tabs, called as their ids are. */
export function named(ids: string[]): { id: string; label: string }[] {
  return ids.map((id) => ({ id, label: id[0].toUpperCase() + id.slice(1) }));
}

function Facts({ run, row, record, moment }: { run: Run; row: Row; record: Rec | undefined; moment: Moment }) {
  const { from, to } = span(row);
  const facts: [string, ComponentChildren][] = [];
  if (row.kind === "run") {
    facts.push(["Id", <Id id={run.id} whole />], ["Began", <Time at={run.created_at} />]);
    if (run.worker_id) facts.push(["Worker", <a class="mono" href={link("/workers", { worker: run.worker_id })}>{run.worker_id}</a>]);
  } else if (row.kind === "step") {
    facts.push(["Kind", KINDS[row.type] ?? row.type]);
    const begun = !moment.past || from <= moment.at;
    if (!Number.isNaN(from) && begun) {
      facts.push(["Began", <span class="mono">{wallTime(from)}</span>]);
      facts.push(["Took", <span class="mono">{duration((Number.isNaN(to) || to > moment.at ? moment.at : to) - from)}</span>]);
    }
    const tries = attempts(row, moment.position);
    if (tries > 1) facts.push(["Tries", String(tries)]);
    if (row.about) facts.push([row.type === "invoke_function" ? "Invokes" : "About", <span class="mono">{row.about}</span>]);
    if (row.childRunId) facts.push(["Child run", <a href={link(`/runs/${row.childRunId}`)}>{row.childRunId}</a>]);
    if (row.compensationFor) facts.push(["Undoes", <span class="mono">{row.compensationFor}</span>]);
    const written = /^kv:([^/]+)\/(.+)$/.exec(row.records[0]?.name ?? "");
    if (written) facts.push(["Writes", <a class="mono" href={link(`/kv/${segment(written[1])}`, { key: written[2] })}>{written[1]}/{written[2]}</a>]);
    if (record) facts.push(["Position", <span class="mono">{record.position}</span>]);
  }
  if (facts.length === 0) return null;
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const KINDS: Record<string, string> = {
  invoke: "runs your code",
  sleep: "sleeps",
  wait_for_event: "waits for an event",
  invoke_function: "runs another function",
  invoke_function_async: "starts another function",
  compensate: "undoes a step",
  emit: "emits an event",
  publish: "publishes to a topic",
};

function Shown({ tab, run, row, records, record, moment }: Omit<Props, "onClose"> & { tab: string; record: Rec | undefined }) {
  if (tab === "records") return <RecordList of={row.kind === "run" ? records : row.kind === "group" ? within(row) : row.records} all={records} moment={moment} />;
  if (row.kind === "run") return <OfRun run={run} tab={tab} past={moment.past} />;
  if (!record) return <p class="muted pad">Not reached by this moment.</p>;
  if (tab === "edit") return <OfEdit of={row.records} record={record} />;
  return <OfRecord tab={tab} record={record} />;
}

function OfRun({ run, tab, past }: { run: Run; tab: string; past: boolean }) {
  const whole = useResource(`run ${run.id} ${run.updated_at}`, (signal) => exact(`/runs/${run.id}`, {}, signal));
  if (whole.error) return <Failed error={whole.error} onRetry={whole.reload} />;
  if (!whole.data) return <Skeleton rows={5} of={whole} />;
  const value = at(whole.data, tab);
  if (tab === "error") return <ErrorShown error={value} />;
  if (tab === "output" && (past || value === null || value === undefined)) return <p class="muted pad">No output {past ? "by this moment" : "yet"}.</p>;
  return <JsonView key={tab} value={value ?? null} label={`${tab} of the run`} />;
}

function OfRecord({ tab, record }: { tab: string; record: Rec }) {
  const entry = useResource(`entry ${record.position}`, (signal) => exact(`/history/${record.position}`, {}, signal));
  if (entry.error) return <Failed error={entry.error} onRetry={entry.reload} />;
  if (!entry.data) return <Skeleton rows={5} of={entry} />;
  const data = at(entry.data, "data");
  if (tab === "raw") return <JsonView value={entry.data} label={`entry ${record.position}`} />;
  if (tab === "error") return <ErrorShown error={at(data, "error")} />;
  if (tab === "wait") return <Wait record={record} payload={at(data, "payload")} match={at(data, "match")} value={at(data, "value")} />;
  return <JsonView value={at(data, "output") ?? null} label={`output of ${record.name}`} />;
}

function Wait({ record, payload, match, value }: { record: Rec; payload?: Json; match?: Json; value?: Json }) {
  const [publishing, setPublishing] = useState(false);
  const awaited = record.kind === "step.waiting" && !/[*>]/.test(record.about);
  return (
    <div class="pad">
      <p>
        {record.kind === "step.sleeping" ? "Sleeps" : record.kind === "step.invoking" ? "Waits for a run of " : "Waits for an event "}
        {record.about && <code>{record.about}</code>}
        {typeof match === "string" && match !== "" && (
          <>
            {" "}
            with <code>{match}</code>
            {typeof value === "string" && value !== "" && (
              <>
                {" "}
                = <code>{value}</code>
              </>
            )}
          </>
        )}
        {!Number.isNaN(record.until) && (
          <>
            ; {record.kind === "step.sleeping" ? "goes on" : "gives up"} <Time at={record.until} />
          </>
        )}
        .
      </p>
      {awaited && (
        <p class="buttons">
          <Act icon="bolt" label="Publish it…" allowed={may(EMIT)} permission={EMIT} onClick={() => setPublishing(true)} />
        </p>
      )}
      {publishing && <Publish begin={{ name: record.about, data: print(fitting(match, value), 2) }} onClose={() => setPublishing(false)} />}
      {payload !== undefined && payload !== null && (
        <>
          <h3>What it asks</h3>
          <JsonView value={payload} label="what it asks" />
        </>
      )}
    </div>
  );
}

/** What the step gave itself, and what counts instead. */
function OfEdit({ of, record }: { of: readonly Rec[]; record: Rec }) {
  const own = of.findLast((one) => one.position <= record.position && (one.kind === "step.completed" || one.kind === "step.carried"));
  const sides = useResource(`edit ${own?.position} ${record.position}`, (signal) =>
    Promise.all([own, record].map(async (one) => (one ? at(await exact(`/history/${one.position}`, {}, signal), "data") : undefined))),
  );
  if (sides.error) return <Failed error={sides.error} onRetry={sides.reload} />;
  if (!sides.data) return <Skeleton rows={5} of={sides} />;
  const reason = at(sides.data[1], "reason");
  return (
    <>
      <p class="pad-x">
        {own ? "What the step gave, and what counts instead" : "It gave nothing itself"}
        {typeof reason === "string" && reason !== "" && <>: “{reason}”</>}
        {record.actor && <span class="muted"> by <Actor id={record.actor} /></span>}
      </p>
      <DiffView before={at(sides.data[0], "output")} after={at(sides.data[1], "output")} label="What was edited" />
    </>
  );
}

/** Data that has the value at the path that is waited for, as far as it is a path. */
function fitting(match: Json | undefined, value: Json | undefined): Json {
  const path = typeof match === "string" ? /^data((?:\.\w+)+)$/.exec(match)?.[1].slice(1).split(".") : undefined;
  if (!path) return new Map();
  return path.reduceRight<Json>((inner, key) => new Map([[key, inner]]), value ?? null);
}

export function ErrorShown({ error }: { error: Json | undefined }) {
  const text = (name: string): string => {
    const value = at(error, name);
    return typeof value === "string" ? value : value instanceof Num ? value.text : "";
  };
  const details = at(error, "details");
  if (error === undefined || error === null) return <p class="muted pad">No error by this moment.</p>;
  return (
    <div class="error-shown pad">
      <p class="error-message">{text("message")}</p>
      <p class="small muted">
        {text("code") && <code>{text("code")}</code>} {at(error, "retryable") === false ? "not to be tried again" : "may be tried again"}
      </p>
      {text("stack") && (
        <pre class="stack" tabIndex={0} aria-label="Stack">
          {text("stack")}
        </pre>
      )}
      {details instanceof Map && details.size > 0 && <JsonView value={details} label="details of the error" />}
    </div>
  );
}

/** The records of all that a group has, as they came. */
function within(group: Row): Rec[] {
  const found = group.children.flatMap((row) => (row.kind === "group" ? within(row) : row.records));
  return found.sort((a, b) => a.position - b.position);
}

const SHOWN_MAX = 200;

function RecordList({ of, all, moment }: { of: readonly Rec[]; all: readonly Rec[]; moment: Moment }) {
  return (
    <ol class="record-list">
      {of.slice(-SHOWN_MAX).map((record) => (
        <li key={record.position} class={record.position > moment.position ? "later" : ""}>
          <button type="button" class="quiet" onClick={() => goToPosition(all, record.position)}>
            <Icon name={look(record.kind.split(".")[1]).icon} class={look(record.kind.split(".")[1]).role} />
            <span>{title(record)}</span>
            <span class="mono small muted">{wallTime(record.at)}</span>
          </button>
          {record.error && <p class="small muted">{record.error.message}</p>}
        </li>
      ))}
    </ol>
  );
}
