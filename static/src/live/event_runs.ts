/** How many runs of each status the events in sight started, asked for together and again when runs change. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import { follow } from "./socket";

/** So many are asked about at once. */
const TOGETHER_MAX = 100;
const AFTER_MS = 60;
const PACE_MS = 1_000;
const KEPT_MAX = 5_000;

export type Counts = Readonly<Record<string, number>>;

export interface EventRuns {
  /** Undefined while nobody knows, or if it may not be known. */
  of: (eventId: string) => Counts | undefined;
  /** That an event is in sight, until the function returned is called. */
  seen: (eventId: string) => () => void;
}

interface Told {
  events: { event_id: string; counts: Counts }[];
}

export function useEventRuns(): EventRuns {
  const [counts, setCounts] = useState<ReadonlyMap<string, Counts>>(new Map());
  const sight = useRef(new Map<string, number>());
  const asking = useRef({ wanted: new Set<string>(), timer: 0, barred: false });

  const ask = useRef(async (): Promise<void> => {
    const mine = asking.current;
    mine.timer = 0;
    const ids = [...mine.wanted].filter((id) => sight.current.has(id)).slice(0, TOGETHER_MAX);
    mine.wanted.clear();
    if (ids.length === 0) return;
    try {
      const told = await get<Told>("/stats/runs/events", { event_id: ids.join(",") });
      setCounts((before) => new Map([...(before.size > KEPT_MAX ? [] : before), ...told.events.map((one) => [one.event_id, one.counts] as const)]));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // Whoever may not read runs sees that there are some; a server that is away is asked again when it is back.
      mine.barred = error.status === 403;
    }
  });
  const later = (ids: Iterable<string>): void => {
    const mine = asking.current;
    if (mine.barred) return;
    for (const id of ids) mine.wanted.add(id);
    if (!mine.timer) mine.timer = setTimeout(() => void ask.current(), AFTER_MS);
  };

  useEffect(() => {
    const end = follow("system.run.*.*", () => later(sight.current.keys()), PACE_MS);
    return () => {
      end();
      clearTimeout(asking.current.timer);
    };
  }, []);

  const seen = useRef((id: string): (() => void) => {
    sight.current.set(id, (sight.current.get(id) ?? 0) + 1);
    later([id]);
    return () => {
      const left = (sight.current.get(id) ?? 1) - 1;
      if (left > 0) sight.current.set(id, left);
      else sight.current.delete(id);
    };
  });
  return { of: (id) => counts.get(id), seen: seen.current };
}
