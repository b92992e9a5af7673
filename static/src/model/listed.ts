/** What a list shows when a page of it comes in. */

export interface PageOf<T> {
  items: readonly T[];
  /** Where the next page begins; "" at the end. */
  next: string;
}

/** A page of what is numbered from 1 on, the newest first: the next one begins before its last. */
export function numbered<T>(items: readonly T[], limit: number, number: (item: T) => number): PageOf<T> {
  const last = items.at(-1);
  return { items, next: last !== undefined && items.length === limit && number(last) > 1 ? String(number(last)) : "" };
}

export interface Page<T> extends PageOf<T> {
  /** How many there are; NaN where nobody counts them. */
  total: number;
  exact: boolean;
}

export interface State<T> {
  key: string;
  rows: readonly T[];
  total: number;
  exact: boolean;
  cursor: string;
  waiting: readonly T[];
  /** Where the page behind those that wait begins, where it is not known what lies between them and the rows; "" where they join. */
  apart: string;
  loading: boolean;
  error: Error | null;
}

/** The state with the first rows as they are now; newer ones are held back while nothing may move. A page that does not reach down
 * to what was there leaves no gap: the older rows are let go with it, and are fetched again behind the page. */
export function taken<T>(before: State<T>, page: Page<T>, order: (item: T) => string | number, still: boolean): State<T> {
  const top = before.rows[0];
  const last = page.items.at(-1);
  const settled = { ...before, total: page.total, exact: page.exact, loading: false, error: null };
  if (page.next && last !== undefined && top !== undefined && order(last) > order(top)) {
    const joins = before.waiting.length > 0 && order(last) <= order(before.waiting[0]);
    const waiting = [...page.items, ...(joins ? before.waiting.filter((row) => order(row) < order(last)) : [])];
    const held = { ...settled, waiting, apart: joins ? before.apart : page.next };
    return still ? held : shown(held);
  }
  // A page may be empty and still not be the last: nothing was found as far as was looked.
  const older = page.next ? before.rows.filter((row) => last === undefined || order(row) < order(last)) : [];
  const news = still && top !== undefined ? page.items.filter((row) => order(row) > order(top)) : [];
  return {
    ...settled,
    rows: [...page.items.slice(news.length), ...older],
    waiting: news,
    apart: "",
    cursor: older.length > 0 ? before.cursor : page.next,
  };
}

/** The state with what waited on top; alone, where it is not known what lies between. */
export function shown<T>(before: State<T>): State<T> {
  const { rows, waiting, apart, cursor } = before;
  return { ...before, rows: apart ? waiting : [...waiting, ...rows], waiting: [], apart: "", cursor: apart || cursor };
}

/** The state with newer rows on top of what there is, or held back while nothing may move. Of more than `most` rows, shown or
 * held back, the oldest are let go; they begin anew behind the last one, whose order is where a page can begin. */
export function topped<T>(before: State<T>, items: readonly T[], order: (item: T) => string | number, still: boolean, most: number): State<T> {
  const top = newest(before);
  const news = top === undefined ? items : items.filter((row) => order(row) > order(top));
  const settled = { ...before, loading: false, error: null };
  if (still && before.rows.length > 0) return { ...settled, waiting: [...news, ...before.waiting].slice(0, most) };
  const { rows, cursor, ...rest } = shown({ ...settled, waiting: [...news, ...before.waiting] });
  const kept = rows.slice(0, most);
  const last = kept.at(-1);
  return { ...rest, rows: kept, cursor: kept.length < rows.length && last !== undefined ? String(order(last)) : cursor };
}

/** The newest row that there is, shown or held back. */
export function newest<T>(state: State<T>): T | undefined {
  return state.waiting[0] ?? state.rows[0];
}

/** The state with a further page behind what there is. */
export function appended<T>(before: State<T>, page: Page<T>): State<T> {
  return { ...before, rows: [...before.rows, ...page.items], cursor: page.next, total: page.total, exact: page.exact };
}
