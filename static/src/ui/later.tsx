/** A part of a page whose code comes when it is first shown, or while nobody waits for it. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Skeleton } from "./basics";
import { Empty } from "./states";

export interface Later<P> extends FunctionComponent<P> {
  /** Fetches the code before it is asked for; whether that fails is told when it is. */
  ahead: () => void;
}

export function later<P extends object>(load: () => Promise<{ default: FunctionComponent<P> }>): Later<P> {
  let Part: FunctionComponent<P> | undefined;
  const fetched = async (): Promise<void> => {
    Part ??= (await load()).default;
  };
  function Shown(props: P) {
    const [state, setState] = useState<"" | "there" | "failed">("");
    useEffect(() => {
      let gone = false;
      if (!Part)
        fetched().then(
          () => !gone && setState("there"),
          () => !gone && setState("failed"),
        );
      return () => {
        gone = true;
      };
    }, []);
    if (Part) return <Part {...props} />;
    if (state !== "failed") return <Skeleton rows={6} />;
    return (
      <Empty icon="warning" title="This could not be loaded">
        <p>The server may have been updated since you opened the page.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </Empty>
    );
  }
  return Object.assign(Shown, { ahead: () => void fetched().catch(() => undefined) });
}

const AHEAD_AFTER_MS = 1_500;

/** Fetches what a page may show next, once it stands: who asks for it then does not wait. */
export function useAhead(parts: readonly { ahead: () => void }[]): void {
  useEffect(() => {
    const timer = setTimeout(() => parts.forEach((part) => part.ahead()), AHEAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
}
