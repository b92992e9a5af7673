/** The edge of what stands at the right side of a page: it is dragged, or moved by the arrows. The width is remembered,
 * and is the same on all pages. */
import { effect } from "@preact/signals";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { NARROWEST, fitting, moved, widest } from "../model/edge";
import { remembered } from "../shell/settings";

/** 0 while nobody has chosen: the style sheet says how wide it is then. */
const width = remembered<number>("inspector", 0);

effect(() => {
  const { style } = document.documentElement;
  if (width.value > 0) style.setProperty("--inspector", `${width.value}px`);
  else style.removeProperty("--inspector");
});

/** The first thing in it. */
export function Edge() {
  const element = useRef<HTMLDivElement>(null);
  const [seen, setSeen] = useState(NARROWEST);
  const beside = (): HTMLElement => (element.current as HTMLDivElement).parentElement as HTMLElement;
  useLayoutEffect(() => {
    const observer = new ResizeObserver(() => setSeen(beside().offsetWidth));
    observer.observe(beside());
    return () => observer.disconnect();
  }, []);
  return (
    <div
      ref={element}
      class="edge"
      role="separator"
      tabIndex={0}
      aria-orientation="vertical"
      aria-label="Width of what stands beside the list"
      aria-valuenow={seen}
      aria-valuemin={NARROWEST}
      aria-valuemax={widest(innerWidth)}
      aria-valuetext={`${seen} pixels`}
      title="Drag, or move with the arrows; a double click makes it as wide as it was at first"
      onPointerDown={(event) => {
        event.preventDefault(); // no text is chosen on the way
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
        width.value = fitting(beside().getBoundingClientRect().right - event.clientX, innerWidth);
      }}
      onDblClick={() => (width.value = 0)}
      onKeyDown={(event) => {
        const to = moved(event.key, event.shiftKey, seen, innerWidth);
        if (to === null) return;
        event.preventDefault();
        width.value = to;
      }}
    />
  );
}
