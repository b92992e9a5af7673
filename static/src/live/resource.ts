/** What a page reads from the server: the old answer stays in sight while a new one is fetched, and after a failure. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { follow, paused } from "./socket";

export interface Resource<T> {
  data: T | undefined;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

export interface Following {
  /** Fetched again when something happens that fits. */
  pattern?: string;
  pace?: number;
  /** Fetched again so often, in ms: for what history does not tell. */
  every?: number;
}

const RETRY_MS = 3_000;

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

  const load = useCallback(() => {
    clearTimeout(retry.current);
    abort.current?.abort();
    const controller = (abort.current = new AbortController());
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, error: null, loading: true }));
    latest.current(controller.signal).then(
      (data) => !controller.signal.aborted && setState({ key, data, error: null, loading: false }),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        const told = error instanceof ApiError ? error : new ApiError(-1, "BUG", String(error), "", "", "this page");
        setState((before) => ({ ...before, key, error: told, loading: false }));
        if (told.status === 0 || told.status === 503) retry.current = setTimeout(load, RETRY_MS);
      },
    );
  }, [key]);

  useEffect(() => {
    load();
    return () => {
      clearTimeout(retry.current);
      abort.current?.abort();
    };
  }, [load]);

  const pattern = following?.pattern ?? "";
  const pace = following?.pace;
  const every = following?.every ?? 0;
  useEffect(() => {
    if (!every) return;
    const timer = setInterval(() => !paused.peek() && !document.hidden && load(), every);
    return () => clearInterval(timer);
  }, [every, load]);
  useEffect(() => (pattern ? follow(pattern, load, pace) : undefined), [pattern, pace, load]);

  const current = state.key === key;
  return { data: current ? state.data : undefined, error: current ? state.error : null, loading: !current || state.loading, reload: load };
}
