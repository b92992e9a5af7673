/** A table that fits into the page: few rows, each with the same columns. */
import type { ComponentChildren } from "preact";
import type { Resource } from "../live/resource";
import { Skeleton } from "./basics";
import { Failed } from "./states";

export interface Column<T> {
  name: string;
  show: (item: T) => ComponentChildren;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Not cut off when it is long. */
  whole?: boolean;
}

interface Props<T> {
  label: string;
  resource: Resource<unknown>;
  items: readonly T[] | undefined;
  id: (item: T) => string;
  columns: readonly Column<T>[];
  widths: string;
  current?: string;
  onSelect?: (item: T) => void;
  empty: ComponentChildren;
}

export function ListCard<T>({ label, resource, items, id, columns, widths, current, onSelect, empty }: Props<T>) {
  return (
    <div class="card list-card">
      {resource.error && <Failed error={resource.error} onRetry={resource.reload} />}
      {!items && !resource.error && <Skeleton rows={8} />}
      {items?.length === 0 && empty}
      {items && items.length > 0 && (
        <div class="list-scroll" tabIndex={0} role="region" aria-label={label}>
          <div class="list" role="table" aria-label={label} style={{ "--widths": widths }}>
            <div role="rowgroup" class="list-head">
              <div class="list-row" role="row">
                {columns.map((column) => (
                  <span key={column.name} role="columnheader" class={column.wide ? "wide" : ""}>
                    {column.name}
                  </span>
                ))}
              </div>
            </div>
            <div role="rowgroup">
              {items.map((item) => (
                <div
                  key={id(item)}
                  class={`list-row ${onSelect ? "row" : ""} ${id(item) === current ? "current" : ""}`}
                  role="row"
                  onClick={(event) => {
                    if (onSelect && !(event.target as Element).closest("a, button")) onSelect(item);
                  }}
                >
                  {columns.map((column) => (
                    <span key={column.name} role="cell" class={`${column.wide ? "wide" : ""} ${column.whole ? "" : "cut"}`}>
                      {column.show(item)}
                    </span>
                  ))}
                </div>
              ))}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}
