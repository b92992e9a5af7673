/** Where the nodes of a graph stand. The worker that finds out is the only script that is made from a name, so Trusted
 * Types have one policy, which lets through that name and no other. */
import { useEffect, useState } from "preact/hooks";
import worker from "worker:./worker.ts";

export interface Asked {
  nodes: readonly { id: string; width: number; height: number }[];
  edges: readonly (readonly [string, string])[];
  /** With little between them: for the side of a page. */
  tight?: boolean;
}

export interface Point {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  /** Middles of the nodes. */
  nodes: ReadonlyMap<string, Point>;
  /** Bends of the edges, in the order in which they were given. */
  edges: readonly (readonly Point[])[];
}

interface Policies {
  createPolicy(name: string, rules: { createScriptURL: (url: string) => string }): { createScriptURL(url: string): string };
}

const URL_OF_WORKER = new URL(worker, import.meta.url).href;
const policies = (globalThis as { trustedTypes?: Policies }).trustedTypes;
const policy = policies?.createPolicy("ironflow", {
  createScriptURL: (url) => {
    if (url !== URL_OF_WORKER) throw new TypeError(`${url} is not the worker for layouts`);
    return url;
  },
});

/** A line through the bends of an edge, rounded. */
export function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1) as Point;
  let path = `M${first.x} ${first.y}`;
  for (let index = 0; index < rest.length - 1; index++) {
    const [bend, next] = [rest[index], rest[index + 1]];
    const end = index === rest.length - 2 ? last : { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 };
    path += `Q${bend.x} ${bend.y} ${end.x} ${end.y}`;
  }
  return rest.length === 1 ? `${path}L${last.x} ${last.y}` : path;
}

export interface Found<T> {
  /** What was laid out, which may be older than what was asked for last; null before the first. */
  of: T | null;
  layout: Layout | null;
  failed: boolean;
}

/** The layout of what has those nodes and edges; asked for anew when `key` changes. */
export function useLayout<T>(key: string, of: T, asked: (of: T) => Asked): Found<T> {
  const [found, setFound] = useState<Found<T>>({ of: null, layout: null, failed: false });
  useEffect(() => {
    // Trusted Types' own type, which Worker takes where a policy is asked for.
    const thread = new Worker(policy ? policy.createScriptURL(URL_OF_WORKER) : URL_OF_WORKER);
    thread.onmessage = ({ data }: MessageEvent<Layout>) => {
      setFound({ of, layout: data, failed: false });
      thread.terminate();
    };
    thread.onerror = () => setFound((before) => ({ ...before, failed: true }));
    thread.postMessage(asked(of));
    return () => thread.terminate();
  }, [key]);
  return found;
}
