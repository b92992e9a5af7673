/** How a projection has kept up within the last hour: its lag, in time and in positions, and how much it folds. */
import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { PaceSample, ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { SERIES, type SeriesName } from "../../model/progress";
import { ms } from "../../model/time";
import { Skeleton } from "../../ui/basics";
import { LineChart } from "../../ui/line_chart";
import { Failed } from "../../ui/states";

const EVERY_MS = 15_000;

export function Pace({ of, path }: { of: ProjectionSummary; path: string }) {
  const [series, setSeries] = useState<SeriesName>("seconds");
  const pace = useResource(`${path} pace`, (signal) => get<{ samples: PaceSample[] }>(`${path}/pace`, {}, signal), { every: EVERY_MS, version: of.generation });
  const { label, value, told } = SERIES[series];
  const points = pace.data?.samples.map((one) => ({ at: ms(one.at), value: value(one) }));
  return (
    <section class="card section" aria-label="How it keeps up">
      <div class="buttons">
        <h2>How it keeps up</h2>
        <span class="grow" />
        <select value={series} aria-label="What the chart shows" onChange={(event) => setSeries(event.currentTarget.value as SeriesName)}>
          {(Object.keys(SERIES) as SeriesName[]).map((name) => (
            <option key={name} value={name}>
              {SERIES[name].label}
            </option>
          ))}
        </select>
      </div>
      {pace.error && <Failed error={pace.error} onRetry={pace.reload} />}
      {!points && !pace.error && <Skeleton rows={3} of={pace} />}
      {points && points.length < 2 && <p class="muted">It is looked at every 15 seconds: there is a line as soon as that has happened twice.</p>}
      {points && points.length >= 2 && <LineChart points={points} label={label} told={told} />}
    </section>
  );
}
