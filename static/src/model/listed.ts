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
  loading: boolean;
  error: Error | null;
}

/** The state with the first rows as they are now; newer ones are held back while nothing may move. */
export function taken<T>(before: State<T>, page: Page<T>, order: (item: T) => string | number, still: boolean): State<T> {
  const top = before.rows[0];
  const last = page.items.at(-1);
  const older = page.next && last !== undefined ? before.rows.filter((row) => order(row) < order(last)) : [];
  const news = still && top !== undefined ? page.items.filter((row) => order(row) > order(top)) : [];
  return {
    ...before,
    rows: [...page.items.slice(news.length), ...older],
    waiting: news,
    cursor: older.length > 0 ? before.cursor : page.next,
    total: page.total,
    exact: page.exact,
    loading: false,
    error: null,
  };
}

/** The state with a further page behind what there is. */
export function appended<T>(before: State<T>, page: Page<T>): State<T> {
  return { ...before, rows: [...before.rows, ...page.items], cursor: page.next, total: page.total, exact: page.exact };
}
