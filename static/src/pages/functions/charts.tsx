/** How the runs of a function went over a day, and how long each of the newest took. */
import { get } from "../../api/client";
import type { FunctionShape, RunStats, RunSummary, RunsPage } from "../../api/types";
import { useResource } from "../../live/resource";
import { tookEach } from "../../model/figures";
import { duration } from "../../model/time";
import { link, navigate } from "../../shell/route";
import { AsTable } from "../../ui/as_table";
import { Skeleton, short } from "../../ui/basics";
import { Histogram } from "../../ui/histogram";
import { Failed } from "../../ui/states";

const BUCKETS = 48;
const PACE_MS = 5_000;
const NEWEST = 100;
const HEIGHT = 96;

export function Charts({ of }: { of: FunctionShape }) {
  const following = { pattern: "system.run.*.*", pace: PACE_MS };
  const day = useResource(`chart ${of.id}`, (signal) => get<RunStats>("/stats/runs", { function_id: of.id, since: "24h", buckets: BUCKETS }, signal), following);
  const newest = useResource(`took ${of.id}`, (signal) => get<RunsPage>("/runs", { function_id: of.id, status: "completed", limit: NEWEST }, signal), following);
  const runs = (q: string): void => navigate(link("/runs", { q: `function:${of.id} ${q}` }));
  return (
    <div class="charts pad-x">
      {day.error && !day.data ? <Failed error={day.error} onRetry={day.reload} /> : <Histogram stats={day.data} wanted={BUCKETS} onRange={(since, until) => runs(`since:${since} until:${until}`)} onStatus={(status) => runs(`status:${status} since:24h`)} />}
      {newest.error && !newest.data && <Failed error={newest.error} onRetry={newest.reload} />}
      {!newest.data && !newest.error && <Skeleton rows={3} of={newest} />}
      {newest.data && <Took runs={newest.data.runs} more={newest.data.total > newest.data.runs.length} />}
    </div>
  );
}

/** A bar a run, the newest at the right. */
function Took({ runs, more }: { runs: readonly RunSummary[]; more: boolean }) {
  const took = tookEach(runs);
  if (took.length === 0) return <p class="muted small">None has completed yet.</p>;
  const longest = Math.max(1, ...took.map((one) => one.ms));
  const said = took.length === 1 ? `The ${more ? "newest" : "one"} that completed took ${duration(took[0].ms)}` : `${more ? "The newest" : "All"} ${took.length} that completed, each as long as it took: up to ${duration(longest)}`;
  return (
    <figure class="took-chart" aria-label={said}>
      <svg width="100%" height={HEIGHT} viewBox={`0 0 ${Math.max(took.length, 20)} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {took.map((one, index) => {
          const tall = Math.max(2, (one.ms / longest) * HEIGHT);
          return (
            <rect key={one.id} x={index + 0.12} width={0.76} y={HEIGHT - tall} height={tall} class="fill-ok" onClick={() => navigate(link(`/runs/${one.id}`))}>
              <title>{duration(one.ms)}</title>
            </rect>
          );
        })}
      </svg>
      <figcaption class="faint small">{said}</figcaption>
      <AsTable label="How long each took" heads={["Run", "Took"]}>
        {[...took].reverse().map((one) => (
          <tr key={one.id}>
            <td>
              <a class="mono" href={link(`/runs/${one.id}`)}>
                {short(one.id)}
              </a>
            </td>
            <td class="tabular">{duration(one.ms)}</td>
          </tr>
        ))}
      </AsTable>
    </figure>
  );
}
