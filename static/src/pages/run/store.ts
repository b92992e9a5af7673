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
  const last = useRef(0);
  const again = useRef<() => void>(() => undefined);

  useEffect(() => {
    const abort = new AbortController();
    let busy = false;
    let wanted = false;
    let timer = 0;
    let shown = 0;
    last.current = 0;
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
        setState((before) => ({ all: merged(before.all, more), loading: false, error: null }));
      };
      try {
        await fetched(
          runId,
          last.current,
          (page) => {
            last.current = page.at(-1)?.position ?? last.current;
            held.push(...page);
            if (held.length >= shown) show(); // each time twice as many: all are folded a few times, not once a page
          },
          abort.signal,
        );
        show();
      } catch (error) {
        if (abort.signal.aborted || !(error instanceof ApiError)) return;
        show();
        setState((before) => ({ ...before, loading: false, error }));
        if (error.status === 0 || error.status === 503) timer = setTimeout(() => void look(), RETRY_MS);
      } finally {
        busy = false;
      }
      if (wanted) void look();
    };
    again.current = () => void look();
    void look();
    const end = follow(`system.run.${runId}.>`, () => void look());
    return () => {
      abort.abort();
      clearTimeout(timer);
      end();
    };
  }, [runId]);

  return { ...state, reload: () => again.current() };
}
