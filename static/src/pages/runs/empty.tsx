/** What the list of runs shows where it has none: nothing fits, or nothing ever ran, and the next step of each. */
import { get } from "../../api/client";
import type { FunctionShape, RunsPage } from "../../api/types";
import { useResource } from "../../live/resource";
import { quoted } from "../../model/quoted";
import { environment, link } from "../../shell/route";
import { Time } from "../../ui/basics";
import { Command, Empty } from "../../ui/states";

export function NoneFits({ query, onTimeless, onClear }: { query: Record<string, string>; onTimeless: () => void; onClear: () => void }) {
  return (
    <Empty icon="search" title="No run fits the filter">
      <LastOne query={query} onTimeless={onTimeless} />
      <button type="button" onClick={onClear}>
        Clear the filter
      </button>
    </Empty>
  );
}

/** The newest run that fits, where only a time leaves it out. */
function LastOne({ query: { since, until, ...rest }, onTimeless }: { query: Record<string, string>; onTimeless: () => void }) {
  const timed = since !== undefined || until !== undefined;
  const last = useResource(`last run ${JSON.stringify(rest)} ${timed}`, async (signal) => (timed ? (await get<RunsPage>("/runs", { ...rest, limit: 1 }, signal)).runs : []));
  const [one] = last.data ?? [];
  if (!one) return <p class="muted">{last.loading ? "Looking…" : timed ? "Nor does any of another time." : "Runs start when an event comes that a function waits for."}</p>;
  return (
    <p>
      Nothing in this range. The last one began <Time at={one.created_at} /> –{" "}
      <button type="button" class="link" onClick={onTimeless}>
        leave the time out
      </button>
    </p>
  );
}

/** Nothing has run in the environment: for want of a function, or of an event. */
export function NoneEver() {
  const known = useResource(`functions ${environment.value}`, async (signal) => (await get<{ functions: FunctionShape[] }>("/functions", { limit: 1 }, signal)).functions, { pattern: "system.function.>" });
  const [one] = known.data ?? [];
  const trigger = one?.triggers.find((each) => each.event)?.event;
  const flag = environment.value === "default" ? "" : ` --env ${quoted(environment.value)}`;
  if (one)
    return (
      <Empty icon="runs" title="Nothing has run here yet">
        <p class="muted">
          <a href={link("/functions")}>Functions are registered</a>, but no event has come that starts one.
        </p>
        {trigger && <Command text={`ironflow emit ${quoted(trigger)} -d '{"id": 1}'${flag}`} />}
      </Empty>
    );
  return (
    <Empty icon="runs" title="Nothing has run here yet">
      <p class="muted">A run starts when an event comes that triggers a function, and no function is registered here. See it all at once:</p>
      <Command text={`ironflow demo${flag}`} />
      <p class="muted">or start a worker of yours, and emit an event:</p>
      <Command text={`ironflow emit order.placed -d '{"id": 1}'${flag}`} />
    </Empty>
  );
}
