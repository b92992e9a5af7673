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
