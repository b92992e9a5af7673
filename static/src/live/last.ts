/** What was there last stays, until there is something else: a form that is open outlives what is fetched anew. */
import { useRef } from "preact/hooks";

export function useLast<T>(now: T | undefined): T | undefined {
  const last = useRef(now);
  if (now !== undefined) last.current = now;
  return last.current;
}
