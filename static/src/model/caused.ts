/** What came of a run: the events that it emitted, the runs that these began, their events, and so on. */
import type { Entry } from "../api/types";

export interface Effect {
  entry: Entry;
  effects: Effect[];
}

export interface Emitted {
  id: string;
  name: string;
  position: number;
  /** Whether it only carries the input of a run that a step asked for. */
  invokes: boolean;
  runs: Begun[];
}

export interface Begun {
  id: string;
  functionId: string;
  status: string;
  events: Emitted[];
}

/** Read off what an entry of a run caused, as the server tells it: of each run the first and the last entry are in it. */
export function emittedOf(effects: readonly Effect[]): Emitted[] {
  return effects.filter(({ entry }) => entry.kind === "event.emitted").map(({ entry, effects: runs }) => ({
    id: text(entry.data.id),
    name: text(entry.data.name),
    position: entry.position,
    invokes: entry.data.source === "invoke",
    runs: runs.filter((one) => one.entry.kind === "run.created").map(begun),
  }));
}

function begun({ entry, effects }: Effect): Begun {
  const last = effects.findLast((one) => one.entry.stream === entry.stream)?.entry.kind ?? entry.kind;
  return { id: entry.stream.slice("run/".length), functionId: text(entry.data.function_id), status: STATUS[last] ?? "running", events: emittedOf(effects) };
}

/** What a run is whose last entry is of that kind. */
const STATUS: Record<string, string> = {
  ...{ "run.created": "waiting_for_capacity", "run.woken": "waiting_for_capacity", "run.released": "waiting_for_capacity", "run.resumed": "waiting_for_capacity" },
  ...{ "run.suspended": "waiting", "run.retrying": "waiting", "run.paused": "paused", "run.unwinding": "unwinding" },
  ...{ "run.completed": "completed", "run.failed": "failed", "run.cancelled": "cancelled" },
};

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
