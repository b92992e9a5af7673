/** Values of expressions for the rows of a list that are in sight. The server evaluates them; each is asked for once. */
import { useRef, useState } from "preact/hooks";
import { ApiError, exactly } from "../api/client";
import { type Json, at } from "../model/json";

/** So many are asked for at once, a moment after the first came into sight. */
const TOGETHER_MAX = 100;
const AFTER_MS = 60;
/** The server reads so many bytes of events at once, of the first in any case; the others are asked for again. */
const LEFT_OUT = "RESOURCE_EXHAUSTED";
const KEPT_MAX = 5_000;
/** After the server was away or busy; what it refused is not asked for again. */
const AGAIN_MS = 3_000;
const PASSING = new Set([0, 429, 503]);

export interface Columns {
  /** What the expressions are of an event, in their order: `value` or `error`; undefined while nobody knows. */
  of: (id: string) => readonly Json[] | undefined;
  /** That the row of an event is in sight. */
  want: (id: string) => void;
  /** Why nothing comes; "" where all is well. */
  problem: string;
}

interface Held {
  key: string;
  values: Map<string, readonly Json[]>;
  wanted: Set<string>;
  timer: number;
  busy: boolean;
  /** The expressions were refused: asking again would come to the same. */
  refused: boolean;
}

const SEPARATOR = "\n";

export function useColumns(expressions: readonly string[]): Columns {
  const key = expressions.join(SEPARATOR);
  const held = useRef<Held | null>(null);
  if (held.current?.key !== key) {
    clearTimeout(held.current?.timer);
    held.current = { key, values: new Map(), wanted: new Set(), timer: 0, busy: false, refused: false };
  }
  const [told, setTold] = useState({ key: "", problem: "", count: 0 });
  const mine = held.current;

  const ask = async (): Promise<void> => {
    mine.timer = 0;
    const ids = [...mine.wanted].slice(0, TOGETHER_MAX);
    if (ids.length === 0 || mine.busy) return;
    mine.busy = true;
    let problem = "";
    let after = AFTER_MS;
    try {
      const answer = await exactly("POST", "/events/watch", { body: { expressions, events: ids } });
      const rows = at(answer, "expressions") as Json[];
      if (mine.values.size > KEPT_MAX) mine.values.clear();
      ids.forEach((id, index) => {
        const values = rows.map((row) => (at(row, "values") as Json[])[index]);
        if (values.some((one) => at(one, "code") === LEFT_OUT)) return;
        mine.values.set(id, values);
        mine.wanted.delete(id);
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      after = AGAIN_MS;
      mine.refused = !PASSING.has(error.status);
      problem = error.hint ? `${error.message}: ${error.hint}` : error.message;
    }
    mine.busy = false;
    if (held.current !== mine) return;
    later(after);
    setTold((before) => ({ key, problem, count: before.count + 1 }));
  };
  const later = (after: number): void => {
    if (!mine.timer && !mine.busy && !mine.refused && mine.wanted.size > 0) mine.timer = setTimeout(() => void ask(), after);
  };
  return {
    of: (id) => mine.values.get(id),
    want: (id) => {
      if (expressions.length === 0 || mine.values.has(id)) return;
      mine.wanted.add(id);
      later(AFTER_MS);
    },
    problem: told.key === key ? told.problem : "",
  };
}
