/** A table, each row with the same columns. Of a long one only the rows in sight are in the page. */
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Resource } from "../live/resource";
import { plural } from "../model/counted";
import { inSight, scrolledTo } from "../model/window";
import { Skeleton } from "./basics";
import { type Further, ShowMore } from "./more";
import { Failed } from "./states";
import { useMedia, useView } from "./view";

/** More rows than these are a long table. */
const SHORT_MAX = 200;
/** Of a long table, in CSS pixels: lists.css says the same. */
const ROW = 36;
/** On a narrow screen, with what stands below. */
const ROW_BELOW = 80;
const HEAD = 32;

export interface Column<T> {
  name: string;
  show: (item: T) => ComponentChildren;
  /** What stands under it on narrow screens, of what is left out there: a line for each child. */
  below?: (item: T) => ComponentChildren;
  /** Left out on narrow screens. */
  wide?: boolean;
  /** Not cut off when it is long. */
  whole?: boolean;
}

interface TableProps<T> {
  label: string;
  /** What people call one of the rows. */
  noun?: string;
  items: readonly T[];
  id: (item: T) => string;
  columns: readonly Column<T>[];
  widths: string;
  current?: string;
  onSelect?: (item: T) => void;
  /** What is there behind these rows: it comes when somebody scrolls to the end, or asks. */
  more?: Further;
}

interface Props<T> extends Omit<TableProps<T>, "items"> {
  resource: Resource<unknown>;
  items: readonly T[] | undefined;
  empty: ComponentChildren;
}

export function ListCard<T>({ resource, items, empty, more, noun = "row", ...table }: Props<T>) {
  return (
    <div class="card list-card">
      {resource.error && <Failed error={resource.error} onRetry={resource.reload} />}
      {!items && !resource.error && <Skeleton rows={8} of={resource} />}
      {items?.length === 0 && empty}
      {items && items.length > 0 && <Table items={items} more={more} {...table} />}
      {more && <ShowMore of={more} label={`Show more ${plural(noun)}`} />}
    </div>
  );
}

function Table<T>({ label, items, id, columns, widths, current, onSelect, more }: TableProps<T>) {
  const element = useRef<HTMLDivElement>(null);
  const [view, measure] = useView(element);
  const long = items.length > SHORT_MAX;
  const narrow = useMedia("(max-width: 767px)");
  const height = narrow && columns.some((column) => column.below) ? ROW_BELOW : ROW;
  /** The columns of a narrow screen: the first of them that gives way takes what the others leave. */
  const kept = widths.split(/ (?![^(]*\))/).filter((_, index) => !columns[index]?.wide);
  const giving = Math.max(0, kept.findIndex((width) => width.includes("fr")));
  const few = kept.map((_, index) => (index === giving ? "minmax(0, 1fr)" : "fit-content(40%)")).join(" ");
  const { first, last } = long ? inSight(view.top, view.height - HEAD, height, items.length) : { first: 0, last: items.length };
  const at = current ? items.findIndex((item) => id(item) === current) : -1;

  useLayoutEffect(() => {
    const scroller = element.current;
    if (!scroller || at < 0) return;
    if (long) scroller.scrollTop = scrolledTo(at, scroller.scrollTop, scroller.clientHeight - HEAD, height);
    else scroller.querySelector(".current")?.scrollIntoView({ block: "nearest" });
  }, [current, at >= 0]);

  return (
    <div
      ref={element}
      class={`list-scroll ${long ? "long" : ""}`}
      tabIndex={0}
      role="region"
      aria-label={label}
      onScroll={(event) => {
        const { scrollTop, clientHeight, scrollHeight } = event.currentTarget;
        measure();
        if (more?.more && scrollTop + clientHeight > scrollHeight - 4 * height) more.next();
      }}
    >
      <div class="list" role="table" aria-label={label} aria-rowcount={items.length + 1} style={{ "--widths": widths, "--few": few, "--row": `${height}px` }}>
        <div role="rowgroup" class="list-head">
          <div class="list-row" role="row" aria-rowindex={1}>
            {columns.map((column) => (
              <span key={column.name} role="columnheader" class={column.wide ? "wide" : ""}>
                {column.name}
              </span>
            ))}
          </div>
        </div>
        <div role="rowgroup" style={{ paddingTop: `${first * height}px`, paddingBottom: `${(items.length - last) * height}px` }}>
          {items.slice(first, last).map((item, index) => (
            <div
              key={id(item)}
              class={`list-row ${onSelect ? "row" : ""} ${id(item) === current ? "current" : ""}`}
              role="row"
              aria-rowindex={first + index + 2}
              onClick={(event) => {
                if (onSelect && !(event.target as Element).closest("a, button, label")) onSelect(item);
              }}
            >
              {columns.map((column) => (
                <span key={column.name} role="cell" class={`${column.wide ? "wide" : ""} ${column.whole ? "" : "cut"}`}>
                  {column.show(item)}
                  {narrow && column.below && <span class="below">{column.below(item)}</span>}
                </span>
              ))}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
