/** The runs that an event started: counted by status in its row, one by one beside the list; both as they go on. */
import { useEffect } from "preact/hooks";
import { get } from "../../api/client";
import type { EventSummary, RunsPage } from "../../api/types";
import type { EventRuns } from "../../live/event_runs";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { link } from "../../shell/route";
import { Status, short } from "../../ui/basics";
import { Counts } from "../../ui/counts";

const LISTED_MAX = 10;
const PACE_MS = 1_000;

export function RunCounts({ event, runs }: { event: EventSummary; runs: EventRuns }) {
  useEffect(() => runs.seen(event.id), [event.id, runs.seen]);
  const counts = runs.of(event.id);
  if (counts && Object.keys(counts).length > 0) return <Counts of={counts} href={(status) => link("/runs", { q: `event:${event.id} status:${status}` })} />;
  // Runs that were there before, or that one may not read.
  const many = event.run_ids.length;
  return many > 0 ? (
    <span class="chip tiny">
      {counted(many, "run")}
    </span>
  ) : null;
}

export function RunsOf({ event }: { event: EventSummary }) {
  const told = useResource(`runs of ${event.id}`, (signal) => get<RunsPage>("/runs", { event_id: event.id, limit: LISTED_MAX }, signal), {
    pattern: "system.run.*.*",
    pace: PACE_MS,
  });
  const runs = told.data?.runs ?? [];
  const others = event.run_ids.filter((id) => !runs.some((run) => run.id === id)).slice(0, LISTED_MAX - runs.length);
  if (told.data && runs.length + others.length === 0) return <span class="muted">nothing: no function waits for it</span>;
  return (
    <ul class="runs-of">
      {runs.map((run) => (
        <li key={run.id}>
          <Status status={run.status} /> <a href={link(`/runs/${run.id}`)}>{run.function_id}</a> <span class="faint mono small">{short(run.id)}</span>
        </li>
      ))}
      {others.map((id) => (
        <li key={id}>
          <a href={link(`/runs/${id}`)}>{short(id)}</a>
        </li>
      ))}
      {told.data && told.data.total > runs.length && (
        <li>
          <a href={link("/runs", { q: `event:${event.id}` })}>all {told.data.total.toLocaleString("en")}</a>
        </li>
      )}
    </ul>
  );
}
