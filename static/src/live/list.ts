/** The rows of a list, newest first: more as one scrolls, newer ones as they come. What is under the pointer stays. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, awaitedUnder, givenUp } from "../api/client";
import { type Page, type PageOf, type State, appended, newest, shown, taken, topped } from "../model/listed";
import { afterFailure } from "../model/pace";
import { fetchedAgain } from "./anew";
import type { Pending } from "./resource";
import { follow, paused } from "./socket";

const PAGE = 100;
const REFRESHED_MAX = 1_000;
const ROWS_MAX = 5_000;
const PACE_MS = 700;
const RETRY_MS = 3_000;

export interface Source<T> {
  /** What is listed: another key is another list. */
  key: string;
  fetch: (limit: number, cursor: string, signal?: AbortSignal) => Promise<Page<T>>;
  /** Greater for newer items, and never the same for two. */
  order: (item: T) => string | number;
  patterns: readonly string[];
  /** Whether rows may not move now. */
  still: () => boolean;
  /** What is told of them: only what the expression is true of. */
  filter?: string;
  /** Where it happens that what is shown may have become another: all of it is looked at anew then. */
  changes?: readonly string[];
  /** Rows that came after the newest, instead of all of them anew; `order` has to be where a page can begin. */
  newer?: (than: T, signal?: AbortSignal) => Promise<PageOf<T>>;
  /** Told how many have come, before they are fetched. */
  heard?: (many: number) => void;
}

export interface List<T> {
  rows: readonly T[];
  total: number;
  exact: boolean;
  /** Newer ones that are held back until they are asked for. */
  held: number;
  /** Whether those are all that came. */
  heldAll: boolean;
  more: boolean;
  /** Where the next page begins; "" at the end. */
  cursor: string;
  loading: boolean;
  error: ApiError | null;
  showNew: () => void;
  next: () => void;
  reload: () => void;
  pending: Pending;
}

export function useList<T>(source: Source<T>): List<T> {
  const { key } = source;
  const given = useRef(source);
  given.current = source;
  const empty: State<T> = { key, rows: [], total: 0, exact: true, cursor: "", waiting: [], apart: "", loading: true, error: null };
  const [held, setState] = useState<State<T>>(empty);
  const state = held.key === key ? held : empty;
  const latest = useRef(state);
  latest.current = state;
  const busy = useRef(false);
  const timer = useRef(0);
  /** What ends the first page that is awaited, and whether somebody did not wait for it. */
  const asking = useRef(new AbortController());
  const left = useRef(false);
  /** Of the first pages that were asked for, the last one, and the last one that is shown. */
  const turns = useRef({ asked: 0, shown: 0 });
  /** Ends the word that what is shown is fetched again. */
  const told = useRef(() => undefined as void);

  const refresh = useCallback(
    (ended?: AbortSignal) => {
      clearTimeout(timer.current);
      left.current = false;
      asking.current = new AbortController();
      const { signal } = asking.current;
      const loaded = latest.current.key === key ? latest.current.rows.length + latest.current.waiting.length : 0;
      const limit = Math.min(REFRESHED_MAX, Math.max(PAGE, loaded));
      const turn = ++turns.current.asked;
      told.current();
      const ends = loaded > 0 ? fetchedAgain() : () => undefined;
      told.current = ends;
      // An answer that was overtaken by a later one, or is of another list, is of no use any more.
      const late = (): boolean => turn < turns.current.shown || given.current.key !== key || ended?.aborted === true;
      given.current.fetch(limit, "", signal).then(
        (page) => {
          ends();
          if (late()) return;
          turns.current.shown = turn;
          setState((before) => taken(before.key === key ? before : empty, page, given.current.order, given.current.still()));
        },
        (error: unknown) => {
          ends();
          if (!(error instanceof ApiError) || late()) return;
          setState((before) => ({ ...(before.key === key ? before : empty), error, loading: false }));
          const again = (): void => {
            if (paused.peek()) timer.current = setTimeout(again, RETRY_MS);
            else refresh(ended);
          };
          const then = afterFailure(error.status);
          if (then === "never") left.current = true;
          else if (then === "soon") timer.current = setTimeout(again, RETRY_MS);
        },
      );
    },
    [key],
  );

  /** What came after the newest row; all of it anew where that is not known, or something may have been missed. */
  const catchUp = useCallback(
    (signal: AbortSignal, many: number) => {
      if (left.current) return;
      const { newer, still } = given.current;
      const top = latest.current.key === key && !latest.current.error ? newest(latest.current) : undefined;
      const awaited = turns.current.asked > turns.current.shown;
      if (!newer || top === undefined || many === 0 || awaited) return refresh(signal);
      newer(top, signal).then(
        (page) => {
          if (given.current.key !== key) return;
          setState((before) => (before.key === key ? topped(before, page.items, given.current.order, still(), ROWS_MAX) : before));
          if (page.next) timer.current = setTimeout(() => catchUp(signal, 1), PACE_MS);
        },
        (error: unknown) => error instanceof ApiError && refresh(signal),
      );
    },
    [key, refresh],
  );

  useEffect(() => {
    const abort = new AbortController();
    refresh(abort.signal);
    const ends = given.current.patterns.map((pattern) =>
      follow(
        pattern,
        (_, many) => {
          given.current.heard?.(many);
          catchUp(abort.signal, many);
        },
        PACE_MS,
        given.current.filter,
      ),
    );
    for (const pattern of given.current.changes ?? []) ends.push(follow(pattern, () => left.current || refresh(abort.signal), PACE_MS));
    return () => {
      abort.abort();
      asking.current.abort();
      told.current();
      clearTimeout(timer.current);
      for (const end of ends) end();
    };
  }, [refresh, catchUp]);

  const next = useCallback(() => {
    const { cursor } = latest.current;
    if (!cursor || busy.current) return;
    busy.current = true;
    given.current
      .fetch(PAGE * 2, cursor)
      .then(
        (page) => setState((before) => (before.cursor === cursor ? appended(before, page) : before)),
        (error: unknown) => error instanceof ApiError && setState((before) => ({ ...before, error })),
      )
      .finally(() => (busy.current = false));
  }, [key]);

  const reload = useCallback(() => refresh(), [refresh]);
  const pending = useRef<Pending>({ what: () => "", cancel: () => undefined });
  pending.current.what = () => awaitedUnder(asking.current.signal);
  pending.current.cancel = () => {
    const what = pending.current.what();
    clearTimeout(timer.current);
    asking.current.abort();
    told.current();
    left.current = true;
    setState((before) => ({ ...(before.key === key ? before : empty), error: givenUp(what), loading: false }));
  };
  const showNew = useCallback(
    () =>
      setState((before) => {
        const { newer, order } = given.current;
        // Of those that are fetched as they come, too many may have come to be held back.
        if (newer) return topped(before, [], order, false, ROWS_MAX);
        return shown(before);
      }),
    [],
  );
  return {
    rows: state.rows,
    total: state.total,
    exact: state.exact,
    held: state.waiting.length,
    heldAll: state.apart === "",
    more: state.cursor !== "",
    cursor: state.cursor,
    loading: state.loading,
    error: state.error as ApiError | null,
    showNew,
    next,
    reload,
    pending: pending.current,
  };
}
