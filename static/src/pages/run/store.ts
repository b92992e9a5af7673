/** The records of one run, kept as they come: the first page shows at once, and what happens later is added. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { records as fetched } from "../../api/timeline";
import { follow } from "../../live/socket";
import { type Rec, merged } from "../../model/records";

export interface Records {
  all: readonly Rec[];
  loading: boolean;
  error: ApiError | null;
  reload: () => void;
}

const RETRY_MS = 3_000;

export function useRecords(runId: string): Records {
  const [state, setState] = useState<{ all: readonly Rec[]; loading: boolean; error: ApiError | null }>({ all: [], loading: true, error: null });
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const { look, end } = recordsAfter(
      runId,
      0,
      (more) => setState((before) => ({ all: merged(before.all, more), loading: false, error: null })),
      (error) => setState((before) => ({ ...before, loading: false, error })),
    );
    again.current = look;
    return end;
  }, [runId]);

  return { ...state, reload: () => again.current() };
}

/** Tells what there is of a run after a position, and what comes, until it is ended; none may have come, too. `again` is
 * said of a failure after which it looks again by itself. */
export function recordsAfter(runId: string, after: number, take: (more: readonly Rec[]) => void, fail: (error: ApiError, again: boolean) => void): { look: () => void; end: () => void } {
  const abort = new AbortController();
  let busy = false;
  let wanted = false;
  let timer = 0;
  let shown = 0;
  const look = async (): Promise<void> => {
    if (busy) {
      wanted = true;
      return;
    }
    busy = true;
    wanted = false;
    clearTimeout(timer);
    let held: Rec[] = [];
    const show = (): void => {
      const more = held;
      held = [];
      shown += more.length;
      take(more);
    };
    try {
      await fetched(
        runId,
        after,
        (page) => {
          after = page.at(-1)?.position ?? after;
          held.push(...page);
          if (held.length >= shown) show(); // each time twice as many: all are folded a few times, not once a page
        },
        abort.signal,
      );
      show();
    } catch (error) {
      if (abort.signal.aborted || !(error instanceof ApiError)) return;
      show();
      const again = error.status === 0 || error.status === 503;
      fail(error, again);
      if (again) timer = setTimeout(look, RETRY_MS);
    } finally {
      busy = false;
    }
    if (wanted) void look();
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
