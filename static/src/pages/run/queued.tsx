/** Why a run that is to start, or to go on, has not yet, where somebody would otherwise look for what is wrong with it. */
import type { ComponentChildren } from "preact";
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { Run, WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Guarded, type Hands, type Waiting, waitsFor, wantsHands, whyQueued } from "../../model/queue";
import { link } from "../../shell/route";
import { clock } from "../../shell/settings";
import { Again, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";

const EVERY_MS = 3_000;
const QUEUE_MAX = 10_000;

export function Queued({ run }: { run: Run }) {
  const waits = run.status === "waiting_for_capacity" && may("capacity:read");
  const told = useResource(
    `queued ${run.id} ${waits}`,
    async (signal) => {
      if (!waits) return null;
      const queue = await get<Waiting[]>("/capacity/queue", { function: run.function_id, limit: QUEUE_MAX }, signal);
      return whyQueued(run.id, run.function_id, queue, wantsHands(run.id, queue) ? await hands(signal) : NOBODY, run.started_at !== null);
    },
    waits ? { every: EVERY_MS } : undefined,
  );
  if (run.status === "waiting" && !run.started_at && run.due_at) {
    const due = (
      <>
        it starts {clock.value === "relative" ? "" : "at "}
        <Time at={run.due_at} />
      </>
    );
    return <Card of={run} why={due} />;
  }
  const known = waits ? told.data : null;
  if (!known) return null; // nothing that would be worth an error
  return (
    <Card
      of={run}
      nobody={known.nobody}
      why={
        <>
          {known.why}
          {known.until && (
            <>
              ; <Again at={known.until} />
            </>
          )}
        </>
      }
    >
      <span class="muted tabular">
        {known.place.toLocaleString("en")} of {known.of.toLocaleString("en")} in the queue of its function
      </span>
      <a href={link("/workers")}>Workers</a>
    </Card>
  );
}

function Card({ of, why, nobody = false, children }: { of: Run; why: ComponentChildren; nobody?: boolean; children?: ComponentChildren }) {
  return (
    <section class="error-card retrying" aria-label={of.started_at ? "Why it does not go on" : "Why it has not started"}>
      <Icon name={nobody ? "warning" : "hourglass"} size={20} class={nobody ? "warn" : "wait"} />
      <div class="error-told">
        <p class="error-message">{waitsFor(of.started_at !== null)}: {why}</p>
        <p class="buttons small">
          {children}
          <a href={link("/functions", { function: of.function_id })}>{of.function_id}</a>
        </p>
      </div>
    </section>
  );
}

const NOBODY: Hands = { workers: null, breakers: null };

/** Who could start it, as far as one may see that. */
async function hands(signal: AbortSignal): Promise<Hands> {
  const [workers, breakers] = await Promise.all([
    may("workers:read") ? get<{ workers: WorkerShape[] }>("/workers", {}, signal).then((told) => told.workers) : null,
    may("functions:read") ? get<Guarded[]>("/circuit-breakers", {}, signal) : null,
  ]);
  return { workers, breakers };
}
