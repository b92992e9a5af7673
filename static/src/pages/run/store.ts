/** The records of one run, kept as they come: the first page shows at once, and what happens later is added. Of a long run
 * the oldest and the newest come, then what the URL names between them, and all of it once somebody asks. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { type Part, around, nearest, part, records as fetched } from "../../api/timeline";
import { follow } from "../../live/socket";
import { type Gap, NEWEST, OLDEST, WHOLE_MAX, gapAt, gapsFrom, gapsOf } from "../../model/gaps";
import { type Rec, isOf, merged, seek } from "../../model/records";
import { chosen } from "../../shell/route";
import { said } from "../../ui/acting";
import { toast } from "../../ui/toast";

export interface Records {
  all: readonly Rec[];
  /** What is not loaded of it. */
  gaps: readonly Gap[];
  loading: boolean;
  error: ApiError | null;
  reload: () => void;
  /** Whether what is between is on its way. */
  filling: boolean;
  /** Load what is between, page by page. */
  fill: (gap?: Gap) => void;
  stop: () => void;
  /** Load a page of what is between, and give it. Where the server does not answer that is said, and nothing is loaded. */
  near: (wanted: Part) => Promise<readonly Rec[]>;
  /** Position of the next record of some kinds, in a direction from an index, loaded or not; 0 where there is none. Undefined
   * where the server does not say, which is told. */
  seek: (from: number, direction: 1 | -1, kinds: readonly string[]) => Promise<number | undefined>;
}

const RETRY_MS = 3_000;

export function useRecords(runId: string): Records {
  const [state, setState] = useState<{ all: readonly Rec[]; loading: boolean; error: ApiError | null }>({ all: [], loading: true, error: null });
  const [filling, setFilling] = useState<AbortController | null>(null);
  const again = useRef<() => void>(() => undefined);
  const gaps = useMemo(() => gapsOf(state.all), [state.all]);
  const show = (page: readonly Rec[]): void => setState((before) => ({ all: merged(before.all, page), loading: false, error: null }));

  useEffect(() => {
    const { look, end } = recordsAfter(
      runId,
      0,
      show,
      (error) => setState((before) => ({ ...before, loading: false, error })),
      async (signal) => {
        const oldest = await part(runId, { limit: OLDEST }, signal);
        const pages = [oldest.records, ...(oldest.newest.version > WHOLE_MAX ? await others(runId, signal) : [])];
        show(pages.reduce(merged));
        return { all: pages[1] ?? pages[0], ended: oldest.after === undefined };
      },
    );
    again.current = look;
    return end;
  }, [runId]);

  const asked = useRef(new Set<number>()).current;
  const [at, b] = [chosen("at"), chosen("b")];
  useEffect(() => {
    for (const position of named()) {
      if (!gapAt(gaps, position) || asked.has(position)) continue;
      asked.add(position);
      void answered(around(runId, position)).then((page) => {
        asked.delete(position);
        if (page) show(page);
      });
    }
  }, [gaps, at, b]);

  const fill = async (which: readonly Gap[]): Promise<void> => {
    const abort = new AbortController();
    setFilling(abort);
    const gathered = gathering(state.all.length, show);
    try {
      for (const { after, before } of which) {
        await fetched(runId, after, gathered.take, abort.signal, before);
        gathered.show();
      }
    } catch (error) {
      gathered.show();
      if (!abort.signal.aborted) toast(said(error), true);
    } finally {
      setFilling((now) => (now === abort ? null : now));
    }
  };
  useEffect(() => () => filling?.abort(), [filling]);

  return {
    ...state,
    gaps,
    reload: () => again.current(),
    filling: filling !== null,
    fill: (gap) => filling === null && void fill(gap ? [gap] : gaps),
    stop: () => setFilling(null),
    near: async (wanted) => {
      const page = await answered(part(runId, wanted));
      if (page) show(page.records);
      return page?.records ?? [];
    },
    seek: async (from, direction, kinds) => {
      const found = seek(state.all, from, direction, (record) => isOf(record, kinds));
      for (const gap of gapsFrom(gaps, from, direction)) {
        if (found >= 0 && (direction === 1 ? found < gap.index : found >= gap.index)) break;
        const between = await answered(nearest(runId, gap, kinds.join(","), direction));
        if (between !== null) return between?.position;
      }
      return state.all[found]?.position ?? 0;
    },
  };
}

async function answered<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    toast(said(error), true);
    return undefined;
  }
}

/** The moments that the URL names, as positions. */
function named(): number[] {
  return [chosen("at"), chosen("b")].map(Number).filter((one) => one > 0);
}

/** The newest records of a long run, and those around what the URL names. */
function others(runId: string, signal: AbortSignal): Promise<readonly (readonly Rec[])[]> {
  const newest = part(runId, { direction: "backward", limit: NEWEST }, signal).then((page) => page.records);
  return Promise.all([newest, ...named().map((position) => around(runId, position, signal))]);
}

interface Gathering {
  take: (page: readonly Rec[]) => void;
  /** Show what was kept back. */
  show: () => void;
  /** So many more are shown, which came another way. */
  shows: (count: number) => void;
}

/** Keeps pages back until they are as many as all that is shown: records are folded a few times, not once a page. */
function gathering(shown: number, show: (page: readonly Rec[]) => void): Gathering {
  let held: Rec[] = [];
  const all = (): void => {
    const page = held;
    held = [];
    shown += page.length;
    show(page);
  };
  return {
    take: (page) => {
      held.push(...page);
      if (held.length >= shown) all();
    },
    show: all,
    shows: (count) => {
      shown += count;
    },
  };
}

/** What is asked for before all that follows: `all` without a gap up to where that begins; `ended` where nothing does. */
type First = (signal: AbortSignal) => Promise<{ all: readonly Rec[]; ended: boolean }>;

/** Tells what there is of a run after a position, and what comes, until it is ended; none may have come, too. `again` is
 * said of a failure after which it looks again by itself. */
export function recordsAfter(
  runId: string,
  after: number,
  take: (more: readonly Rec[]) => void,
  fail: (error: ApiError, again: boolean) => void,
  first?: First,
): { look: () => void; end: () => void } {
  const abort = new AbortController();
  let busy = false;
  let wanted = false;
  let timer = 0;
  const gathered = gathering(0, take);
  const look = async (): Promise<void> => {
    if (busy) {
      wanted = true;
      return;
    }
    busy = true;
    wanted = false;
    clearTimeout(timer);
    try {
      if (after === 0 && first) {
        const begun = await first(abort.signal);
        after = begun.all.at(-1)?.position ?? 0;
        gathered.shows(begun.all.length);
        if (begun.ended) return;
      }
      await fetched(
        runId,
        after,
        (page) => {
          after = page.at(-1)?.position ?? after;
          gathered.take(page);
        },
        abort.signal,
      );
      gathered.show();
    } catch (error) {
      if (abort.signal.aborted || !(error instanceof ApiError)) return;
      gathered.show();
      const again = error.status === 0 || error.status === 503;
      fail(error, again);
      if (again) timer = setTimeout(look, RETRY_MS);
    } finally {
      busy = false;
      if (wanted && !abort.signal.aborted) void look();
    }
  };
  void look();
  const unfollow = follow(`system.run.${runId}.>`, () => void look());
  return {
    look: () => void look(),
    end: () => {
      abort.abort();
      clearTimeout(timer);
      unfollow();
    },
  };
}
