/** A list that is read page by page. Its first page follows what happens; once more was asked for, rows stay as they are
 * until somebody looks again, so that none is missing between two pages. */
import { useRef, useState } from "preact/hooks";
import { ApiError } from "../api/client";
import type { PageOf } from "../model/listed";
import { toast } from "../ui/toast";
import { type Following, type Resource, useResource } from "./resource";

export interface Paged<T> extends Resource<PageOf<T>> {
  items: readonly T[] | undefined;
  more: boolean;
  next: () => void;
}

export function usePaged<T>(key: string, fetch: (cursor: string, signal?: AbortSignal) => Promise<PageOf<T>>, following?: Following): Paged<T> {
  const first = useResource(key, (signal) => fetch("", signal), following);
  const [kept, setKept] = useState<{ key: string; page: PageOf<T> } | null>(null);
  const busy = useRef(false);
  const page = kept?.key === key ? kept.page : first.data;
  async function next(): Promise<void> {
    if (!page?.next || busy.current) return;
    busy.current = true;
    try {
      const further = await fetch(page.next);
      setKept({ key, page: { items: [...page.items, ...further.items], next: further.next } });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, true);
    } finally {
      busy.current = false;
    }
  }
  const reload = (): void => {
    setKept(null);
    first.reload();
  };
  return { ...first, items: page?.items, more: Boolean(page?.next), next: () => void next(), reload };
}
