/** A long list that scrolls: only rows in sight are in the page, in a pool that is used again. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { elementOf, inSight, scrolledTo, turnedFor } from "../model/window";
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

  const sight = inSight(view.top, view.height, height, count);
  const { first, last } = sight;
  const pool = last - first;
  const turned = useRef({ turn: 0, sight });
  turned.current = { turn: turnedFor(turned.current.turn, turned.current.sight, sight), sight };
  useEffect(() => {
    if (onEnd && last >= count) onEnd();
  }, [last, count]);

  // While only the place changes, rows that stay in sight are the same elements, and are not gone through again.
  const made = useMemo(() => [] as { index: number; vnode: VNode }[], [row, pool, height]);
  const shown: VNode[] = [];
  for (let index = first; index < last; index++) {
    const key = elementOf(index, turned.current.turn, pool);
    if (made[key]?.index !== index) {
      const vnode = (
        <div key={key} class="pooled" role="presentation" style={{ transform: `translateY(${index * height}px)`, height: `${height}px` }}>
          {row(index)}
        </div>
      );
      made[key] = { index, vnode };
    }
    shown.push(made[key].vnode);
  }
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
