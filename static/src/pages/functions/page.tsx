/** The functions that workers registered: what starts them, whether they start, and what waits for them. */
import { useMemo } from "preact/hooks";
import { get } from "../../api/client";
import type { CapacityStat, FunctionShape } from "../../api/types";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { PageHead } from "../../shell/head";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { ListCard } from "../../ui/list_card";
import { Command, Empty } from "../../ui/states";
import { FunctionInspector } from "./inspector";

const CAPACITY_EVERY_MS = 3_000;
const LIMIT = 1_000;

const WORKER = `from ironflow import Context, Worker, function

@function("hello", triggers=["user.joined"])
async def hello(ctx: Context):
    return await ctx.step.run("greet", lambda: f"Hello {ctx.event.data['name']}")

Worker([hello]).start()`;

export default function Functions() {
  const functions = usePaged(
    "functions",
    async (cursor, signal) => {
      const page = await get<{ functions: FunctionShape[]; next_cursor?: string }>("/functions", { limit: LIMIT, cursor }, signal);
      return { items: page.functions, next: page.next_cursor ?? "" };
    },
    { pattern: "system.function.>", pace: 500 },
  );
  const capacity = useResource("capacity", (signal) => get<CapacityStat[]>("/capacity/stats", { limit: 1_000 }, signal), { every: CAPACITY_EVERY_MS });
  const items = functions.items;
  const loads = useMemo(() => new Map(capacity.data?.map((one) => [one.function_id, one])), [capacity.data]);
  const of = (id: string): CapacityStat | undefined => loads.get(id);
  const selected = items?.find((one) => one.id === chosen("function"));
  const select = (one: FunctionShape | undefined): void => {
    if (one) choose({ function: one.id, show: null });
  };
  const move = (step: number): void => {
    if (items) select(items[Math.max(0, Math.min(items.length - 1, (selected ? items.indexOf(selected) : -1) + step))]);
  };
  useKeys("Functions", [
    { keys: "j", label: "Next function", run: () => move(1) },
    { keys: "k", label: "Previous function", run: () => move(-1) },
    { keys: "ArrowDown", label: "Next function", quiet: true, run: () => move(1) },
    { keys: "ArrowUp", label: "Previous function", quiet: true, run: () => move(-1) },
    { keys: "r", label: "Look again", run: functions.reload },
    { keys: "Escape", label: "Close the function", run: () => choose({ function: null }) },
  ]);
  return (
    <div class="page full">
      <PageHead title="Functions">
        <span class="muted tabular">{items?.length ? `${items.length.toLocaleString("en")}${functions.more ? " so far" : ""}` : ""}</span>
      </PageHead>
      <div class={`split ${selected ? "" : "closed"}`}>
        <ListCard
          label="Functions"
          resource={functions}
          items={items}
          id={(one) => one.id}
          widths={selected ? "minmax(140px, 1.3fr) 96px minmax(120px, 1.4fr) 80px" : "minmax(160px, 1.3fr) 110px minmax(160px, 1.6fr) 96px 76px 90px 110px"}
          current={selected?.id}
          onSelect={select}
          more={functions}
          columns={[
            {
              name: "Function",
              show: (one) => (
                <>
                  <button type="button" class="link" onClick={() => select(one)}>
                    {one.id}
                  </button>{" "}
                  <span class="faint mono small">v{one.version}</span>
                </>
              ),
            },
            { name: "Status", show: (one) => <Status status={one.status} /> },
            { name: "Started by", show: (one) => <Triggers of={one} />, wide: true },
            { name: "Now", show: (one) => <Load of={of(one.id)} /> },
            ...(selected
              ? []
              : [
                  { name: "Mode", show: (one: FunctionShape) => one.preferred_mode, wide: true },
                  { name: "Retries", show: (one: FunctionShape) => `${one.retry.max_attempts - 1}×, ${one.retry.on_exhausted}`, wide: true },
                  { name: "Changed", show: (one: FunctionShape) => <Time at={one.updated_at} />, wide: true },
                ]),
          ]}
          empty={
            <Empty icon="functions" title="No function is registered here">
              <p class="muted">A worker registers the functions that it serves. This is one, whole:</p>
              <Command text={WORKER} />
            </Empty>
          }
        />
        {selected && <FunctionInspector key={selected.id} of={selected} load={of(selected.id)} onClose={() => choose({ function: null })} />}
      </div>
    </div>
  );
}

function Triggers({ of }: { of: FunctionShape }) {
  if (of.triggers.length === 0) return <span class="muted">invoked only</span>;
  return <span class="mono">{of.triggers.map((one) => one.event ?? one.cron).join(", ")}</span>;
}

function Load({ of }: { of: CapacityStat | undefined }) {
  if (!of || of.queued + of.active_leases === 0) return <span class="faint">idle</span>;
  return (
    <span class="status">
      {of.active_leases > 0 && (
        <>
          <Icon name="dot" class="run" /> {of.active_leases}
        </>
      )}
      {of.queued > 0 && (
        <span title={`the oldest waits ${Math.round(of.oldest_queue_age_seconds)} s`}>
          <Icon name="circle" class="idle" /> {of.queued}
        </span>
      )}
    </span>
  );
}
