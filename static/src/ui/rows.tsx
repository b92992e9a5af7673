/** A long list that scrolls: only rows in sight are in the page, in a pool that is used again. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { inSight, scrolledTo } from "../model/window";
import { useView } from "./view";

interface Props {
  count: number;
  height: number;
  label: string;
  row: (index: number) => ComponentChildren;
  /** A row that is kept in sight when it changes; -1 for none. */
  cursor?: number;
  /** Told when the end comes into sight. */
  onEnd?: () => void;
  onTop?: (atTop: boolean) => void;
  role?: "rowgroup" | "treegrid";
  class?: string;
  after?: ComponentChildren;
}

export function Rows({ count, height, label, row, cursor = -1, onEnd, onTop, role = "rowgroup", class: more = "", after }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [view, measure] = useView(element);

  useEffect(() => {
    const scroller = element.current;
    if (!scroller || cursor < 0) return;
    scroller.scrollTop = scrolledTo(cursor, scroller.scrollTop, scroller.clientHeight, height);
  }, [cursor]);

  const { first, last } = inSight(view.top, view.height, height, count);
  useEffect(() => {
    if (onEnd && last >= count) onEnd();
  }, [last, count]);

  const pool = Math.ceil(view.height / height) + 18;
  // While only the place changes, rows that stay in sight are the same elements, and are not gone through again.
  const made = useMemo(() => new Map<number, VNode>(), [row, pool, height]);
  const shown: VNode[] = [];
  for (let index = first; index < last; index++) {
    let one = made.get(index);
    if (!one) {
      one = (
        <div key={index % pool} class="pooled" role="presentation" style={{ transform: `translateY(${index * height}px)`, height: `${height}px` }}>
          {row(index)}
        </div>
      );
      made.set(index, one);
    }
    shown.push(one);
  }
  for (const index of made.keys()) if (index < first || index >= last) made.delete(index);
  return (
    <div
      ref={element}
      class={`rows ${more}`}
      role={role}
      aria-label={label}
      tabIndex={0}
      onScroll={(event) => {
        measure();
        onTop?.(event.currentTarget.scrollTop < height);
      }}
    >
      <div class="rows-all" role="presentation" style={{ height: `${count * height}px` }}>
        {shown}
      </div>
      {after}
    </div>
  );
}
