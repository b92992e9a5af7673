/** What a step gave in the last run of the function that went well: what to begin with, and what to measure an edit by. */
import { ApiError, exact, get, segment } from "../../api/client";
import type { Run, RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Json, at } from "../../model/json";
import { kindsChanged } from "../../model/kinds";
import { Icon } from "../../ui/icon";

export interface Example {
  runId: string;
  output: Json;
}

/** Null while nothing is known, and where no run went well or had that step. */
export function useExample(run: Run, stepId: string): Example | null {
  const path = stepId.startsWith(`${run.id}:`) ? stepId.slice(run.id.length + 1) : stepId;
  return useResource(`example ${run.id} ${path}`, (signal) => exampleOf(run.id, path, signal)).data ?? null;
}

async function exampleOf(runId: string, path: string, signal: AbortSignal): Promise<Example | null> {
  const { run } = await get<{ run: RunSummary | null }>(`/runs/${runId}/last-good`, {}, signal);
  if (!run) return null;
  try {
    const told = await exact(`/runs/${run.id}/steps/${segment(path)}/output`, {}, signal);
    const output = at(told, "output") ?? null;
    return output === null ? null : { runId: run.id, output };
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null; // it did not come to that step
    throw error;
  }
}

/** Where an output is of another kind than what the code has had so far. */
export function KindsTold({ before, after }: { before: Json; after: Json }) {
  const told = kindsChanged(before, after);
  if (told.length === 0) return null;
  return (
    <ul class="kinds-told" role="status">
      {told.map((one) => (
        <li key={one} class="small">
          <Icon name="warning" size={12} class="warn" /> {one}
        </li>
      ))}
    </ul>
  );
}
