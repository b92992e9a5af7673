/** Why a run that is to start has not started yet, where somebody would otherwise look for what is wrong with it. */
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { Run, WorkerShape } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Waiting, whyQueued } from "../../model/queue";
import { link } from "../../shell/route";
import { Icon } from "../../ui/icon";

const EVERY_MS = 3_000;
const QUEUE_MAX = 10_000;

export function Queued({ run }: { run: Run }) {
  const waits = run.status === "waiting_for_capacity" && may("capacity:read");
  const told = useResource(
    `queued ${run.id} ${waits}`,
    async (signal) => {
      if (!waits) return null;
      const [queue, { workers }] = await Promise.all([
        get<Waiting[]>("/capacity/queue", { function: run.function_id, limit: QUEUE_MAX }, signal),
        get<{ workers: WorkerShape[] }>("/workers", {}, signal),
      ]);
      return whyQueued(run.id, run.function_id, queue, workers);
    },
    waits ? { every: EVERY_MS } : undefined,
  );
  const known = waits ? told.data : null;
  if (!known) return null; // nothing that would be worth an error
  return (
    <section class="error-card retrying" aria-label="Why it has not started">
      <Icon name={known.nobody ? "warning" : "hourglass"} size={20} class={known.nobody ? "warn" : "wait"} />
      <div class="error-told">
        <p class="error-message">It has not started: {known.why}</p>
        <p class="buttons small">
          <span class="muted tabular">
            {known.place.toLocaleString("en")} of {known.of.toLocaleString("en")} in the queue of its function
          </span>
          <a href={link("/workers")}>Workers</a>
          <a href={link("/functions", { function: run.function_id })}>{run.function_id}</a>
        </p>
      </div>
    </section>
  );
}
