/** How far an element is scrolled, and how high it is. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

export interface View {
  top: number;
  height: number;
}

/** Both, and what is to be called when it scrolls. */
export function useView(element: RefObject<HTMLElement | null>): [View, () => void] {
  const [view, setView] = useState<View>({ top: 0, height: 800 });
  const measure = (): void => {
    const scroller = element.current;
    if (scroller) setView({ top: scroller.scrollTop, height: scroller.clientHeight });
  };
  useLayoutEffect(() => {
    const observer = new ResizeObserver(measure);
    observer.observe(element.current as HTMLElement);
    measure();
    return () => observer.disconnect();
  }, []);
  return [view, measure];
}

/** How wide an element is. */
export function useWidth(element: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const measure = (): void => setWidth((element.current as HTMLElement).clientWidth);
    const observer = new ResizeObserver(measure);
    observer.observe(element.current as HTMLElement);
    measure();
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Whether a media query holds. */
export function useMedia(query: string): boolean {
  const [holds, setHolds] = useState(() => matchMedia(query).matches);
  useLayoutEffect(() => {
    const asked = matchMedia(query);
    const changed = (): void => setHolds(asked.matches);
    asked.addEventListener("change", changed);
    changed();
    return () => asked.removeEventListener("change", changed);
  }, [query]);
  return holds;
}
