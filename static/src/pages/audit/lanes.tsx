/** History over time: a lane for each noun, counted by the server, and a scrubber over all of them. What it counts is the
 * newest stretch up to where one looks, and it says which that is. */
import { useEffect, useState } from "preact/hooks";
import { type Query, get } from "../../api/client";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { type FacetsShape, busiest, endOf, partOf, parts, tall } from "../../model/lanes";
import { clockTime, ms } from "../../model/time";
import { choose, chosen } from "../../shell/route";
import { clock } from "../../shell/settings";
import { ActorName } from "../../ui/actor";
import { AsTable } from "../../ui/as_table";
import { Skeleton } from "../../ui/basics";
import { Failed } from "../../ui/states";

const EVERY_MS = 5_000;
const FACETS_SHOWN = 8;
const TALL = 20;

export function Lanes({ query }: { query: Query }) {
  const moment = chosen("until");
  const [end, setEnd] = useState(moment);
  const told = useResource(`facets ${JSON.stringify(query)} ${end}`, (signal) => get<FacetsShape>("/history/facets", { ...query, at: end }, signal), end ? undefined : { every: EVERY_MS });
  const of = told.data;
  const part = of ? (moment === end ? parts(of) - 1 : partOf(of, moment)) : null;
  // What lies outside of the stretch is the end of another one.
  useEffect(() => {
    if (moment === "" || (of && part === null)) setEnd(moment);
  }, [moment, of, part]);
  if (told.error && !of) return <Failed error={told.error} onRetry={told.reload} />;
  if (!of) return <Skeleton rows={3} />;
  if (of.entries === 0) return null;
  const most = Math.max(...of.lanes.flatMap((lane) => lane.slices));
  const count = parts(of);
  const now = part ?? count - 1;
  const time = (index: number): string => clockTime(ms(endOf(of, index)), clock.value === "utc" ? "utc" : "local");
  const scrub = (index: number): void => choose({ until: index >= count - 1 ? end || null : endOf(of, index) });
  const shown = of.lanes.reduce((sum, lane) => sum + lane.slices.slice(0, now + 1).reduce((a, b) => a + b, 0), 0);
  return (
    <section class="card lanes" aria-label="History over time">
      {of.lanes.map((lane) => (
        <div key={lane.lane} class="lane">
          <button type="button" class="link cut" title={`Only ${lane.lane}.*`} onClick={() => choose({ kind: `${lane.lane}.*` })}>
            {lane.lane}
          </button>
          <svg width="100%" height={TALL} viewBox={`0 0 ${count} ${TALL}`} preserveAspectRatio="none" aria-hidden="true">
            {lane.slices.map((entries, index) => {
              const height = tall(entries, most) * (TALL - 2);
              return entries > 0 && <rect key={index} x={index + 0.1} width={0.8} y={TALL - height} height={height} class={index <= now ? "fill-run" : "fill-none"} />;
            })}
          </svg>
          <span class="tabular muted small">{lane.count.toLocaleString("en")}</span>
        </div>
      ))}
      <div class="lane">
        <label class="muted small" for="lanes-scrubber">
          As of
        </label>
        <input
          id="lanes-scrubber"
          type="range"
          min={0}
          max={Math.max(1, count - 1)}
          value={now}
          aria-valuetext={`${now === count - 1 ? "the end" : time(now)}, ${shown} of ${of.entries} entries before it`}
          onInput={(event) => scrub(Number(event.currentTarget.value))}
        />
        {moment ? (
          <button type="button" class="small" onClick={() => choose({ until: null })}>
            Now
          </button>
        ) : (
          <span class="muted small">now</span>
        )}
      </div>
      <p class="line small">
        <span class="muted grow">
          {counted(of.entries, "entry", "entries")} at positions {of.first.toLocaleString("en")} to {of.last.toLocaleString("en")}
          {!of.whole && "; what is before is not counted"}
        </span>
        <span class="muted tabular">
          {time(-1)} – {time(count - 1)}
        </span>
      </p>
      <Facet label="Kinds" of={of.kinds.map((one) => [one.kind, one.count])} open={chosen("kind")} onOpen={(kind) => choose({ kind })} />
      <Facet label="By" of={of.actors.map((one) => [one.actor, one.count])} open={chosen("actor")} onOpen={(actor) => choose({ actor })} />
      <AsTable label="History over time" heads={["Lane", "Entries", "Most by"]}>
        {of.lanes.map((lane) => (
          <tr key={lane.lane}>
            <th scope="row">{lane.lane}</th>
            <td class="tabular">{lane.count.toLocaleString("en")}</td>
            <td class="tabular">{time(busiest(lane.slices))}</td>
          </tr>
        ))}
      </AsTable>
    </section>
  );
}

function Facet({ label, of, open, onOpen }: { label: string; of: readonly (readonly [string, number])[]; open: string; onOpen: (value: string | null) => void }) {
  const named = of.filter(([name]) => name !== "");
  if (named.length === 0) return null;
  return (
    <p class="buttons facet">
      <span class="muted small">{label}</span>
      {named.slice(0, FACETS_SHOWN).map(([name, count]) => (
        <button key={name} type="button" class="chip tiny" aria-pressed={name === open} onClick={() => onOpen(name === open ? null : name)}>
          <span class="mono">
            <ActorName id={name} />
          </span>{" "}
          <span class="tabular">{count.toLocaleString("en")}</span>
        </button>
      ))}
      {named.length > FACETS_SHOWN && <span class="muted small">and {named.length - FACETS_SHOWN} more</span>}
    </p>
  );
}
