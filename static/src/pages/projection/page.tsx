/** One projection: the state of a partition now or at any position, what the last event changed, and building it anew. */
import { useEffect, useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { ProjectionSummary, RebuildJob } from "../../api/data";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { rateText, standing } from "../../model/progress";
import { duration } from "../../model/time";
import { PageHead, crumb } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { siblingKeys } from "../../shell/listed";
import { eventLink, link, navigate } from "../../shell/route";
import { Badge, Skeleton, Status, Time, short } from "../../ui/basics";
import { Act, act, hold, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Icon } from "../../ui/icon";
import { Facts } from "../../ui/side";
import { NotHere } from "../../ui/not_here";
import { Failed } from "../../ui/states";
import { Lag, LeftOut } from "../projections/page";
import { decidedOn } from "./decided";
import { Definition } from "./definition";
import { Pace } from "./pace";
import { Parked } from "./parked";
import { Partitions } from "./partitions";
import { RebuildDialog } from "./rebuild_dialog";
import { PartitionState } from "./state";
import { Stopped } from "./stopped";

const EVERY_MS = 1_000;
const ROWS = 100;
const MANAGE = "projections:manage";

export default function ProjectionPage({ id: name }: { id: string }) {
  const path = `/projections/${segment(name)}`;
  // Without its state, which has a place of its own.
  const listed = useResource(
    `projection ${name}`,
    async (signal) => {
      await get(`${path}/status`, {}, signal);
      const every = await get<ProjectionSummary[]>("/projections", {}, signal);
      return every.find((one) => one.name === name);
    },
    { every: EVERY_MS },
  );
  useEffect(() => void (crumb.value = name), [name]);
  if (listed.error && !listed.data) {
    if (listed.error.status !== 404) return <Failed error={listed.error} onRetry={listed.reload} />;
    return <NotHere kind="projection" id={name} list="/projections">See the projections there are</NotHere>;
  }
  if (!listed.data) return <Skeleton rows={10} of={listed} />;
  return <Loaded of={listed.data} path={path} reload={listed.reload} />;
}

function Loaded({ of, path, reload }: { of: ProjectionSummary; path: string; reload: () => void }) {
  const [asking, setAsking] = useState<"" | "rebuild" | "delete">("");
  const paused = of.status === "paused";
  const now = standing(of);
  const allowed = may(MANAGE);
  const steer = (): void =>
    hold({
      held: paused,
      revision: decidedOn(of)?.version,
      turn: (off, reason, ifMatch) => request("POST", `${path}/${off ? "pause" : "resume"}`, { body: { reason }, ifMatch }),
      done: (off) => (off ? "Paused: it folds no further, and can still be read" : "It goes on"),
      then: reload,
    });
  useKeys("Projection", [
    { keys: "b", label: "Rebuild…", barred: lacks(MANAGE), run: () => setAsking("rebuild") },
    { keys: "P", label: paused ? "Resume" : "Pause", barred: lacks(MANAGE), run: steer },
    { keys: "r", label: "Look again", run: reload },
    ...siblingKeys(of.name, "projection", (name) => navigate(link(`/projections/${segment(name)}`))),
  ]);
  return (
    <div class="page">
      <PageHead
        title={of.name}
        actions={
          <span class="buttons">
            <Act allowed={allowed} permission={MANAGE} label="Rebuild…" onClick={() => setAsking("rebuild")} />
            <Act allowed={allowed} permission={MANAGE} label="Delete…" onClick={() => setAsking("delete")} />
            <Act allowed={allowed} permission={MANAGE} label={paused ? "Resume" : "Pause"} onClick={steer} />
          </span>
        }
      >
        <span class="faint mono">v{of.version}</span>
        <Badge>
          <Status status={now.status} />
        </Badge>
      </PageHead>
      {of.description && <p class="muted">{of.description}</p>}
      {now.why && (
        <p class="card section notice">
          <Icon name="warning" class="warn" /> {now.why}
        </p>
      )}
      {of.error_message && <Stopped of={of} path={path} reload={reload} />}
      <div class="two-up">
        <div class="card section">
          <h2>How far it is</h2>
          <Facts
            of={[
              ["Position", <span class="mono">{of.last_event_seq}</span>],
              ["Lag", <Lag of={of} />],
              ["Rate", rateText(of) || <span class="muted">not seen yet</span>],
              ["Last event", of.last_event_id ? <a class="mono" href={eventLink(of.last_event_id)}>{short(of.last_event_id)}</a> : <span class="muted">none yet</span>],
              ["Mode", of.mode],
              ["Folds", <span class="mono">{of.events.join(", ") || "every event"}</span>],
              of.partition_key && ["Partition", <span class="mono">{of.partition_key}</span>],
              ["On errors", of.on_error],
              ["Left out", <LeftOut of={of} />],
              ["Generation", of.generation],
              ["Changed", <Time at={of.updated_at} />],
            ]}
          />
        </div>
        <div class="stacked">
          <Rebuilding of={of} path={path} />
          <Pace of={of} path={path} />
        </div>
      </div>
      {of.parked > 0 && <Parked of={of} path={path} reload={reload} />}
      {of.partitions !== undefined && <Partitions of={of} path={path} />}
      {of.mode === "sql" && <Rows path={path} />}
      {of.mode === "external" ? <p class="card section muted">What it makes of its events is where its handler puts it: no state of it is here.</p> : of.mode !== "sql" && <PartitionState of={of} path={path} />}
      {(of.mode === "declared" || of.mode === "sql") && <Definition of={of} path={path} />}
      {asking === "rebuild" && (
        <RebuildDialog of={of} path={path} onClose={() => setAsking("")} onDone={reload} />
      )}
      {asking === "delete" && (
        <Ask title={`Delete ${of.name}`} verb="Delete" done="Deleted" danger typed={of.name} reasoned seen={decidedOn(of)} look={reload} run={(reason, ifMatch) => request("DELETE", path, { query: { reason }, ifMatch })} onClose={() => setAsking("")} onDone={() => navigate(link("/projections"))}>
          <p>Its states are dropped, of each partition. What was done to it stays in history, and it can be registered anew.</p>
        </Ask>
      )}
    </div>
  );
}

function Rebuilding({ of, path }: { of: ProjectionSummary; path: string }) {
  if (of.rebuild_begun_at === undefined)
    return (
      <div class="card section">
        <h2>Last rebuild</h2>
        <p class="muted">It has never been built anew.</p>
      </div>
    );
  return <Rebuild key={of.rebuild_begun_at} of={of} path={path} />;
}

function Rebuild({ of, path }: { of: ProjectionSummary; path: string }) {
  const building = of.building !== undefined;
  const job = useResource(`rebuild ${of.name} ${building} ${of.generation}`, (signal) => get<RebuildJob>(`${path}/rebuild`, {}, signal), building ? { every: EVERY_MS } : undefined);
  const told = job.data;
  return (
    <div class="card section">
      <h2>Last rebuild</h2>
      {job.error && <Failed error={job.error} onRetry={job.reload} />}
      {!told && !job.error && <Skeleton rows={3} of={job} />}
      {told && (
        <>
          <progress class="whole" max={100} value={told.progress} aria-label="Progress of the rebuild" />
          <Facts
            of={[
              ["Status", <Status status={told.status} note={`${Math.round(told.progress)}%`} />],
              ["Events", `${told.eventsProcessed.toLocaleString("en")} of ${told.totalEvents.toLocaleString("en")}`],
              ["Began", <Time at={told.startedAt} />],
              building && told.estimatedRemainingMs !== undefined && ["Still", duration(told.estimatedRemainingMs)],
              told.error && ["Trouble", told.error],
            ]}
          />
          {building && (
            <p class="buttons">
              <Act allowed={may(MANAGE)} permission={MANAGE} label="Cancel it" onClick={() => void act(request("POST", `${path}/cancel`, { body: {} }), "Cancelled: the present generation serves on").then(job.reload)} />
            </p>
          )}
        </>
      )}
    </div>
  );
}

interface Table {
  columns: string[];
  rows: unknown[][];
  total_count: number;
}

function Rows({ path }: { path: string }) {
  const [where, setWhere] = useState("");
  const [offset, setOffset] = useState(0);
  const table = useResource(`${path} rows ${where} ${offset}`, (signal) => get<Table>(`${path}/rows`, { where, limit: ROWS, offset }, signal));
  const total = table.data?.total_count ?? 0;
  return (
    <div class="card section">
      <h2>Its table</h2>
      <form
        class="filters"
        onSubmit={(event) => {
          event.preventDefault();
          setOffset(0);
          setWhere(String(new FormData(event.currentTarget).get("where") ?? ""));
        }}
      >
        <label class="field">
          Where <input name="where" placeholder="total > 100" spellcheck={false} />
        </label>
        <button type="submit">Show</button>
      </form>
      {table.error && <Failed error={table.error} onRetry={table.reload} />}
      {!table.data && !table.error && <Skeleton rows={5} of={table} />}
      {table.data && (
        <>
          <p class="buttons">
            <span class="muted small tabular">
              {total > ROWS ? `${(offset + 1).toLocaleString("en")}–${Math.min(offset + ROWS, total).toLocaleString("en")} of ` : ""}
              {counted(total, "row")}
            </span>
            {total > ROWS && (
              <>
                <button type="button" class="small" disabled={offset === 0} onClick={() => setOffset(offset - ROWS)}>
                  Previous rows
                </button>
                <button type="button" class="small" disabled={offset + ROWS >= total} onClick={() => setOffset(offset + ROWS)}>
                  Next rows
                </button>
              </>
            )}
          </p>
          <div class="list-scroll" tabIndex={0} role="region" aria-label="Rows">
            <table class="plain">
              <thead>
                <tr>
                  {table.data.columns.map((column) => (
                    <th key={column}>{column}</th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {table.data.rows.map((row, index) => (
                  <tr key={index}>
                    {row.map((value, at) => (
                      <td key={at} class="mono">
                        {value === null ? "" : String(value)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </>
      )}
    </div>
  );
}
