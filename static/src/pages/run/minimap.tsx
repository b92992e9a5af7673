/** All of the run in a strip: a mark for every bar, where it is in time and how far down. A drag over it zooms in. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Scale, place } from "../../model/scale";
import type { Bar, Row } from "../../model/waterfall";
import { choose } from "../../shell/route";
import { dark } from "../../shell/settings";
import { useWidth } from "../../ui/view";

const HEIGHT = 30;
const DRAGGED_MIN = 0.004;
const PLACES = 1e5;
/** With more rows it is not drawn anew each second that a run goes on, but when something is recorded. */
const OFTEN_MAX = 10_000;

interface Props {
  rows: readonly Row[];
  /** Of the whole run. */
  scale: Scale;
  /** What is shown of it, as places from 0 to 1. */
  zoom: readonly [number, number] | null;
}

/** The part that the URL names; null for all of it. */
export function zoomOf(text: string): readonly [number, number] | null {
  const [from, to] = text.split("-").map(Number);
  return from >= 0 && to <= 1 && from < to ? [from, to] : null;
}

export function zoomTo(from: number, to: number): void {
  const written = (at: number): string => String(Math.round(Math.max(0, Math.min(1, at)) * PLACES) / PLACES);
  choose({ t: `${written(from)}-${written(to)}` });
}

interface Drag {
  /** What is marked so far, as places of the element from 0 to 1. */
  marked: readonly [number, number] | null;
  begin: (event: PointerEvent) => void;
  go: (event: PointerEvent) => void;
  end: () => void;
  stop: () => void;
}

/** A drag over an element that marks a part of its width; `took` is told the part, if it is one. */
export function useDrag(took: (part: readonly [number, number]) => void): Drag {
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const at = (event: PointerEvent): number => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const marked = drag && ([Math.min(...drag), Math.max(...drag)] as const);
  return {
    marked,
    begin: (event) => {
      (event.currentTarget as HTMLElement).setPointerCapture(event.pointerId);
      setDrag([at(event), at(event)]);
    },
    go: (event) => drag && setDrag([drag[0], at(event)]),
    end: () => {
      if (marked && marked[1] - marked[0] > DRAGGED_MIN) took(marked);
      setDrag(null);
    },
    stop: () => setDrag(null),
  };
}

export function Minimap({ rows, scale, zoom }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  useEffect(() => {
    if (width > 0) draw(canvas.current as HTMLCanvasElement, width, rows, scale);
  }, [width, rows, rows.length > OFTEN_MAX ? 0 : scale, dark.value]);
  const drag = useDrag((part) => zoomTo(...part));
  const marked = drag.marked ?? zoom;
  return (
    <span
      class="minimap"
      title="Drag to zoom in, double click for the whole run"
      onPointerDown={drag.begin}
      onPointerMove={drag.go}
      onPointerUp={drag.end}
      onPointerCancel={drag.stop}
      onDblClick={() => choose({ t: null })}
    >
      <canvas ref={canvas} />
      {marked && (
        <>
          <span class="minimap-off" style={{ left: 0, width: `${marked[0] * 100}%` }} />
          <span class="minimap-off" style={{ left: `${marked[1] * 100}%`, right: 0 }} />
        </>
      )}
    </span>
  );
}

/** One pixel at least for each bar; later ones over earlier ones, failures over all. */
function draw(canvas: HTMLCanvasElement, width: number, rows: readonly Row[], scale: Scale): void {
  canvas.width = width;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(canvas);
  const colours = new Map(["ok", "run", "wait", "warn", "fail", "idle", "edit"].map((role) => [role, style.getPropertyValue(`--${role}`).trim()]));
  const high = Math.max(1, Math.min(4, Math.floor((HEIGHT - 4) / rows.length)));
  const step = (HEIGHT - 4 - high) / Math.max(1, rows.length - 1);
  const drawn = new Set<number>(); // what would be painted over itself, in a long run most of it
  for (const failures of [false, true]) {
    rows.forEach((row, index) => {
      const top = Math.round(2 + index * step);
      for (const bar of barsOf(row)) {
        if ((bar.role === "fail") !== failures) continue;
        const left = Math.round(place(scale, bar.from) * width);
        const right = Math.max(left + 1, Math.round(place(scale, Number.isNaN(bar.to) ? Infinity : bar.to) * width));
        const key = (top * 8192 + left) * 8192 + right;
        if (!failures && drawn.has(key)) continue;
        drawn.add(key);
        pen.fillStyle = colours.get(bar.role) ?? "";
        pen.fillRect(Math.min(left, width - 1), top, right - left, failures ? Math.max(2, high) : high);
      }
    });
  }
}

/** The bars of a step, or of all that a group puts together. */
function* barsOf(row: Row): Iterable<Bar> {
  if (row.kind === "step") yield* row.bars;
  else if (row.kind === "group") for (const child of row.children) yield* barsOf(child);
}
