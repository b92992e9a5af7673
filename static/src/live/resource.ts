/** What a page reads from the server: the old answer stays in sight while a new one is fetched, and after a failure. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError, awaitedUnder, givenUp } from "../api/client";
import { afterFailure, waitAfter } from "../model/pace";
import { fetchedAgain } from "./anew";
import { follow, paused } from "./socket";

/** What is being waited for, and how to wait no longer: what is followed is not asked for again then, until somebody wants it. */
export interface Pending {
  what: () => string;
  cancel: () => void;
}

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
  pending: Pending;
}

export interface Following {
  /** Fetched again when something happens that fits. */
  pattern?: string;
  pace?: number;
  /** Fetched again so often, in ms: for what history does not tell. Less often where it takes long. */
  every?: number;
  /** Fetched again when it changes, while the old answer stays in sight: a version of what is shown. */
  version?: string | number;
}

const RETRY_MS = 3_000;
/** For so long an answer is awaited while things happen; after that it is asked for anew. */
const PATIENCE_MS = 10_000;

/** Fetches when `key` changes, when something fits the pattern that is followed, and again while the server is away. */
export function useResource<T>(key: string, fetcher: (signal: AbortSignal) => Promise<T>, following?: Following): Resource<T> {
  const [state, setState] = useState<{ key: string; data?: T; error: ApiError | null; loading: boolean }>({
    key,
    error: null,
    loading: true,
  });
  const latest = useRef(fetcher);
  latest.current = fetcher;
  const abort = useRef<AbortController | null>(null);
  const retry = useRef(0);
  const again = useRef(0);
  /** Whether an answer is awaited, and whether something happened meanwhile. */
  const awaited = useRef({ busy: false, behind: false, since: 0 });
  /** Whether somebody did not wait for it, or may not see it. */
  const left = useRef(false);
  const every = useRef(0);
  every.current = following?.every ?? 0;

  /** The answer that is in sight, by its key; and what ends the word that it is fetched again. */
  const inSight = useRef<string | null>(null);
  const told = useRef(() => undefined as void);

  /** `timed`: the clock asks, and nothing says that what is shown is out of date. */
  const load = useCallback((timed = false) => {
    clearTimeout(retry.current);
    clearTimeout(again.current);
    abort.current?.abort();
    told.current();
    if (!timed && inSight.current === key) told.current = fetchedAgain();
    left.current = false;
    const began = performance.now();
    awaited.current = { busy: true, behind: false, since: began };
    const next = (): void => {
      if (!every.current) return;
      const look = (): void => {
        if (paused.peek() || document.hidden) again.current = setTimeout(look, every.current);
        else load(true);
      };
      again.current = setTimeout(look, waitAfter(performance.now() - began, every.current));
    };
    const settled = (): boolean => {
      const { behind } = awaited.current;
      awaited.current = { busy: false, behind: false, since: 0 };
      return behind;
    };
    const controller = (abort.current = new AbortController());
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, error: null, loading: true }));
    latest.current(controller.signal).then(
      (data) => {
        if (controller.signal.aborted) return;
        told.current();
        inSight.current = key;
        setState({ key, data, error: null, loading: false });
        if (settled()) load();
        else next();
      },
      (error: unknown) => {
        if (controller.signal.aborted) return;
        told.current();
        const behind = settled();
        const failure = error instanceof ApiError ? error : new ApiError(-1, "BUG", String(error), "", "", "this page");
        setState((before) => ({ ...before, key, error: failure, loading: false }));
        const retried = (): void => {
          if (paused.peek()) retry.current = setTimeout(retried, RETRY_MS);
          else load();
        };
        const then = afterFailure(failure.status);
        if (then === "never") left.current = true;
        else if (then === "soon") retry.current = setTimeout(retried, RETRY_MS);
        else if (behind) load();
        else next();
      },
    );
  }, [key]);

  useEffect(() => {
    load();
    return () => {
      clearTimeout(retry.current);
      clearTimeout(again.current);
      abort.current?.abort();
      told.current();
    };
  }, [load]);

  const version = following?.version;
  const seen = useRef({ load, version });
  useEffect(() => {
    const anew = seen.current.load === load && seen.current.version !== version;
    seen.current = { load, version };
    if (anew) load();
  }, [load, version]);

  // What happens all the time may not keep every answer from coming: the one that is awaited is taken, and asked for again.
  const heard = useCallback(() => {
    const { busy, since } = awaited.current;
    if (left.current) return;
    if (busy && performance.now() - since < PATIENCE_MS) awaited.current.behind = true;
    else load();
  }, [load]);

  const pattern = following?.pattern ?? "";
  const pace = following?.pace;
  useEffect(() => (pattern ? follow(pattern, heard, pace) : undefined), [pattern, pace, heard]);

  const pending = useRef<Pending>({ what: () => "", cancel: () => undefined });
  pending.current.what = () => (abort.current ? awaitedUnder(abort.current.signal) : "");
  pending.current.cancel = () => {
    const what = pending.current.what();
    clearTimeout(retry.current);
    clearTimeout(again.current);
    abort.current?.abort();
    told.current();
    awaited.current = { busy: false, behind: false, since: 0 };
    left.current = true;
    setState((before) => ({ ...before, key, error: givenUp(what), loading: false }));
  };

  const reload = useCallback(() => load(), [load]);
  const current = state.key === key;
  return { data: current ? state.data : undefined, error: current ? state.error : null, loading: !current || state.loading, reload, pending: pending.current };
}
