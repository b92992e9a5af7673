/** What a step gave in the last run of the function that went well: what to begin with, and what to measure an edit by. */
import { ApiError, exact, get, segment } from "../../api/client";
import type { Run, RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { type Json, at, print } from "../../model/json";
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

export interface Precedents {
  outputs: readonly Json[];
  /** How many more there are that were not looked at. */
  leftOut: number;
}

/** What the step gave in the last runs of the function that went well; null while nobody knows. */
export function usePrecedents(run: Run, stepId: string): Precedents | null {
  const path = stepId.startsWith(`${run.id}:`) ? stepId.slice(run.id.length + 1) : stepId;
  return useResource(`precedents ${run.id} ${path}`, (signal) => precedentsOf(run.id, path, signal)).data ?? null;
}

async function precedentsOf(runId: string, path: string, signal: AbortSignal): Promise<Precedents> {
  const told = await exact(`/runs/${runId}/steps/${segment(path)}/precedents`, {}, signal);
  const outputs = at(told, "outputs") as Json[];
  return { outputs: outputs.map((one) => at(one, "output") ?? null), leftOut: Number(print(at(told, "left_out") ?? null)) };
}

/** Where an output is of another kind than what the code has had so far: in runs that went well, or else in this one. */
export function KindsTold({ precedents, before, after }: { precedents: Precedents | null; before: Json; after: Json }) {
  const many = precedents?.outputs.length ?? 0;
  const told = kindsChanged(many > 0 ? (precedents as Precedents).outputs : [before], after);
  if (told.length === 0 && many === 0) return null;
  const runs = `${counted(many, "run")} that went well`;
  return (
    <div role="status">
      {told.length > 0 && (
        <ul class="kinds-told">
          {told.map((one) => (
            <li key={one} class="small">
              <Icon name="warning" size={12} class="warn" /> {one}
            </li>
          ))}
        </ul>
      )}
      {many > 0 && (
        <p class="kinds-of small muted">
          {told.length > 0 ? "Compared with what it gave in" : "Its values are of the kinds that it gave in"} {runs}
          {(precedents?.leftOut ?? 0) > 0 && `, and not with ${precedents?.leftOut} more, which are large`}.
        </p>
      )}
    </div>
  );
}
