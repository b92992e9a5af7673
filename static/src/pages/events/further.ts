/** What a pattern or an expression lets through may lie far back, and the server looks at so many events at a time. So the
 * page looks on by itself for a while, until there is enough to fill it; after that it asks. */
import { useEffect, useState } from "preact/hooks";
import type { List } from "../../live/list";

const ENOUGH = 30;
const LOOKS_MAX = 8;

export interface Further {
  /** Looking on by itself. */
  looking: boolean;
  /** There is more to look at than was looked at by itself. */
  asks: boolean;
  look: () => void;
}

export function useFurther<T>(key: string, list: List<T>): Further {
  const [held, setHeld] = useState({ key, looks: 0, rows: 0 });
  const mine = held.key === key ? held : { key, looks: 0, rows: 0 };
  const { cursor, loading } = list;
  const count = list.rows.length;
  useEffect(() => {
    if (!cursor || loading) return;
    if (count - mine.rows >= ENOUGH) setHeld({ key, looks: 0, rows: count });
    else if (mine.looks < LOOKS_MAX && list.error === null) {
      setHeld({ ...mine, looks: mine.looks + 1 });
      list.next();
    }
  }, [key, cursor, loading]);
  return {
    looking: cursor !== "" && mine.looks > 0 && mine.looks < LOOKS_MAX,
    asks: cursor !== "" && mine.looks >= LOOKS_MAX,
    look: () => {
      setHeld({ key, looks: 1, rows: count });
      list.next();
    },
  };
}
