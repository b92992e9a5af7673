/** The functions that workers registered: what starts them, whether they start, and what waits for them. */
import { useMemo } from "preact/hooks";
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { CapacityStat, FunctionFigures, FunctionShape } from "../../api/types";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { begunOf, parts, successOf, tookOf } from "../../model/figures";
import { PageHead } from "../../shell/head";
import { listKeys, ofNoRow, useKeys } from "../../shell/keys";
import { choose, chosen, environment } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { ListCard } from "../../ui/list_card";
import { Missing } from "../../ui/missing";
import { Elsewhere } from "../../ui/not_here";
import type { BreakerState } from "./breaker";
import { Came, FirstFunction } from "./first";
import { FunctionInspector } from "./inspector";

const CAPACITY_EVERY_MS = 3_000;
const LIMIT = 1_000;
const FIGURES_EVERY_MS = 30_000;
/** Of so many functions, in so many calls, is asked how their runs went. */
const FIGURES_AT_ONCE = 100;
const FIGURES_CALLS_MAX = 10;
const SINCE = "24h";

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
  const ids = items?.map((one) => one.id) ?? [];
  const figures = useResource("figures", (signal) => (may("runs:read") ? figuresOf(ids, signal) : Promise.resolve(NO_FIGURES)), { every: FIGURES_EVERY_MS, version: ids.join() });
  const pushed = items?.some((one) => one.endpoint_url) ?? false;
  const breakers = useResource(`breakers ${pushed}`, (signal) => (pushed ? get<BreakerState[]>("/circuit-breakers", {}, signal) : Promise.resolve([])), { every: CAPACITY_EVERY_MS });
  const states = useMemo(() => new Map(breakers.data?.map((one) => [one.function_id, one])), [breakers.data]);
  const went = figures.data ?? NO_FIGURES;
  const of = (id: string): CapacityStat | undefined => loads.get(id);
  const wanted = chosen("function");
  const selected = items?.find((one) => one.id === wanted);
  const select = (one: FunctionShape | undefined): void => {
    if (one) choose({ function: one.id, show: null });
  };
  const move = (step: number): void => {
    if (items) select(items[Math.max(0, Math.min(items.length - 1, (selected ? items.indexOf(selected) : -1) + step))]);
  };
  useKeys("Functions", [
    ...listKeys("function", move),
    { keys: "r", label: "Look again", run: () => [functions, figures].forEach((one) => one.reload()) },
    { keys: "Escape", label: "Close the function", run: () => choose({ function: null }) },
    ...(selected ? [] : ofNoRow({ i: "Start a run of it", P: "Pause or resume" })),
  ]);
  return (
    <div class="page full">
      <PageHead title="Functions">
        <span class="muted tabular">{items?.length ? `${items.length.toLocaleString("en")}${functions.more ? " so far" : ""}` : ""}</span>
      </PageHead>
      <Came items={items} />
      {wanted && !selected && items && items.length > 0 && (
        <Missing label="See all functions" onClose={() => choose({ function: null, show: null })}>
          There is no function <span class="mono">{wanted}</span> in {environment.value}
          {functions.more ? ", as far as they are listed" : ""}. <Elsewhere kind="function" id={wanted} query={{ function: wanted }} />
        </Missing>
      )}
      <div class={`split ${selected ? "" : "closed"}`}>
        <ListCard
          label="Functions"
          noun="function"
          resource={functions}
          items={items}
          id={(one) => one.id}
          widths={selected ? "minmax(130px, 1.3fr) 92px 104px 84px" : "minmax(140px, 1.2fr) 92px minmax(100px, 1.5fr) 112px 124px 76px 44px 96px 76px"}
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
                  <span class="faint mono small">
                    v{one.version}
                    {one.pinned && " pinned"}
                  </span>
                </>
              ),
            },
            { name: "Status", show: (one) => <State of={one} breaker={states.get(one.id)} /> },
            ...(selected ? [] : [{ name: "Started by", show: (one: FunctionShape) => <Triggers of={one} />, wide: true }]),
            { name: "24 hours", show: (one) => <Went of={went.get(one.id)} /> },
            ...(selected ? [] : [{ name: "p50 / p95", show: (one: FunctionShape) => <Took of={went.get(one.id)} />, wide: true }]),
            { name: "Now", show: (one) => <Load of={of(one.id)} limit={one.concurrency?.limit} /> },
            ...(selected
              ? []
              : [
                  { name: "Mode", show: (one: FunctionShape) => one.preferred_mode, wide: true },
                  { name: "Retries", show: (one: FunctionShape) => `${one.retry.max_attempts - 1}×, ${one.retry.on_exhausted}`, wide: true },
                  { name: "Changed", show: (one: FunctionShape) => <Time at={one.updated_at} />, wide: true },
                ]),
          ]}
          empty={<FirstFunction />}
        />
        {selected && (
          <FunctionInspector
            key={selected.id}
            of={selected}
            load={of(selected.id)}
            went={went.get(selected.id)}
            breaker={states.get(selected.id)}
            onReset={breakers.reload}
            onChange={functions.reload}
            onClose={() => choose({ function: null })}
          />
        )}
      </div>
    </div>
  );
}

/** Whether it starts; and of one that would, whether its endpoint is left alone by the circuit breaker. */
function State({ of, breaker }: { of: FunctionShape; breaker: BreakerState | undefined }) {
  if (!breaker || breaker.state === "closed" || of.status !== "active") return <Status status={of.status} />;
  const said = breaker.state === "open" ? "left alone" : "on trial";
  return (
    <span class="status" title={`its endpoint failed ${breaker.consecutive_fails === 1 ? "once" : `${breaker.consecutive_fails} times`}: ${breaker.last_error ?? ""}`}>
      <Icon name="warning" class={breaker.state === "open" ? "fail" : "warn"} /> {said}
    </span>
  );
}

function Triggers({ of }: { of: FunctionShape }) {
  if (of.triggers.length === 0) return <span class="muted">invoked only</span>;
  return <span class="mono">{of.triggers.map((one) => one.event ?? one.cron).join(", ")}</span>;
}

const NO_FIGURES: ReadonlyMap<string, FunctionFigures> = new Map();

/** Of the first functions, how their runs of a day went. */
async function figuresOf(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, FunctionFigures>> {
  const found = new Map<string, FunctionFigures>();
  for (const some of parts(ids, FIGURES_AT_ONCE, FIGURES_CALLS_MAX)) {
    const told = await get<{ functions: FunctionFigures[] }>("/stats/functions", { since: SINCE, function_id: some.join() }, signal);
    for (const one of told.functions) found.set(one.function_id, one);
  }
  return found;
}

function Went({ of }: { of: FunctionFigures | undefined }) {
  if (!of) return null;
  if (of.begun === 0) return <span class="faint">no run</span>;
  const success = successOf(of);
  return (
    <span class="tabular">
      {begunOf(of)} {of.begun === 1 ? "run" : "runs"}
      {success && (
        <span class={success.bad ? "fail" : "muted"} title={success.said}>
          , {success.text}
        </span>
      )}
    </span>
  );
}

function Took({ of }: { of: FunctionFigures | undefined }) {
  const took = of && tookOf(of);
  if (!took) return <span class="faint">–</span>;
  return (
    <span class="mono small" title={took.said}>
      {took.text}
    </span>
  );
}

function Load({ of, limit }: { of: CapacityStat | undefined; limit: number | undefined }) {
  if (!of || of.queued + of.active_leases === 0) {
    return limit ? (
      <span class="faint tabular" title={`none is at work of at most ${limit} at a time`}>
        0/{limit}
      </span>
    ) : (
      <span class="faint">idle</span>
    );
  }
  return (
    <span class="status">
      {of.active_leases > 0 && (
        <>
          <Icon name="dot" class="run" /> {of.active_leases}
          {limit ? `/${limit}` : ""}
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
