/** The rows of the list of runs: more as one scrolls, newer ones as they come. What is under the pointer stays there. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get } from "../../api/client";
import type { RunSummary, RunsPage } from "../../api/types";
import { follow } from "../../live/socket";

const PAGE = 100;
const REFRESHED_MAX = 1_000;
const PACE_MS = 700;
const RETRY_MS = 3_000;

export interface RunList {
  rows: readonly RunSummary[];
  total: number;
  exact: boolean;
  /** Newer runs that are held back until they are asked for. */
  held: number;
  more: boolean;
  loading: boolean;
  error: ApiError | null;
  showNew: () => void;
  next: () => void;
  reload: () => void;
}

export interface State {
  key: string;
  rows: readonly RunSummary[];
  total: number;
  exact: boolean;
  cursor: string;
  waiting: readonly RunSummary[];
  loading: boolean;
  error: ApiError | null;
}

/** `still` tells whether rows may not move now. */
export function useRuns(query: Record<string, string>, still: () => boolean): RunList {
  const key = JSON.stringify(query);
  const empty: State = { key, rows: [], total: 0, exact: true, cursor: "", waiting: [], loading: true, error: null };
  const [held, setState] = useState<State>(empty);
  const state = held.key === key ? held : empty;
  const latest = useRef(state);
  latest.current = state;
  const busy = useRef(false);
  const timer = useRef(0);

  const refresh = useCallback(
    (signal?: AbortSignal) => {
      clearTimeout(timer.current);
      const loaded = latest.current.key === key ? latest.current.rows.length : 0;
      const limit = Math.min(REFRESHED_MAX, Math.max(PAGE, loaded));
      get<RunsPage>("/runs", { ...query, limit }, signal).then(
        (page) => setState((before) => taken(before.key === key ? before : empty, page, still())),
        (error: unknown) => {
          if (!(error instanceof ApiError)) return;
          setState((before) => ({ ...(before.key === key ? before : empty), error, loading: false }));
          if (error.status === 0 || error.status === 503) timer.current = setTimeout(refresh, RETRY_MS);
        },
      );
    },
    [key],
  );

  useEffect(() => {
    const abort = new AbortController();
    refresh(abort.signal);
    const end = follow("system.run.*.*", () => refresh(abort.signal), PACE_MS);
    return () => {
      abort.abort();
      clearTimeout(timer.current);
      end();
    };
  }, [refresh]);

  const next = useCallback(() => {
    const { cursor } = latest.current;
    if (!cursor || busy.current) return;
    busy.current = true;
    get<RunsPage>("/runs", { ...query, limit: PAGE * 2, cursor })
      .then(
        (page) => setState((before) => (before.cursor === cursor ? appended(before, page) : before)),
        (error: unknown) => error instanceof ApiError && setState((before) => ({ ...before, error })),
      )
      .finally(() => (busy.current = false));
  }, [key]);

  const showNew = useCallback(() => setState((before) => ({ ...before, rows: [...before.waiting, ...before.rows], waiting: [] })), []);
  return {
    rows: state.rows,
    total: state.total,
    exact: state.exact,
    held: state.waiting.length,
    more: state.cursor !== "",
    loading: state.loading,
    error: state.error,
    showNew,
    next,
    reload: refresh,
  };
}

/** The state with the first rows as they are now; newer ones are held back while nothing may move. */
export function taken(before: State, page: RunsPage, still: boolean): State {
  const top = before.rows[0]?.id ?? "";
  const last = page.runs.at(-1)?.id ?? "";
  const whole = page.next_cursor === undefined;
  const older = whole ? [] : before.rows.filter((row) => row.id < last);
  const news = still && top ? page.runs.filter((row) => row.id > top) : [];
  const rows = [...page.runs.slice(news.length), ...older];
  const cursor = older.length > 0 ? before.cursor : (page.next_cursor ?? "");
  return {
    ...before,
    rows,
    waiting: news,
    cursor,
    total: page.total,
    exact: page.total_exact,
    loading: false,
    error: null,
  };
}

function appended(before: State, page: RunsPage): State {
  return { ...before, rows: [...before.rows, ...page.runs], cursor: page.next_cursor ?? "", total: page.total, exact: page.total_exact };
}
