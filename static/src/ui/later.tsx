/** A part of a page whose code comes when it is first shown, or while nobody waits for it. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { fetchedOnce } from "../model/fetched";
import { Skeleton } from "./basics";
import { Empty } from "./states";

export interface Later<P> extends FunctionComponent<P> {
  /** Fetches the code before it is asked for; whether that fails is told when it is. */
  ahead: () => void;
}

export function later<P extends object>(load: () => Promise<{ default: FunctionComponent<P> }>): Later<P> {
  const code = fetchedOnce(async () => (await load()).default);
  function Shown(props: P) {
    const [Part, setPart] = useState(code.kept);
    const [failed, setFailed] = useState(false);
    const [tries, setTries] = useState(0);
    // Also where it is there by now: it may have come after this was drawn.
    useEffect(() => {
      let gone = false;
      code.get().then(
        (part) => !gone && setPart(() => part),
        () => !gone && setFailed(true),
      );
      return () => {
        gone = true;
      };
    }, [tries]);
    if (Part) return <Part {...props} />;
    if (!failed) return <Skeleton rows={6} slow="This part of the page has not come yet. The connection may be slow." />;
    // A browser may remember that a script did not come: then only the page anew helps.
    const again = (): void => {
      setFailed(false);
      setTries(tries + 1);
    };
    return (
      <Empty icon="warning" title="This could not be loaded">
        <p>The server may be away, or have been updated since you opened the page.</p>
        <p class="buttons">
          <button type="button" onClick={again}>
            Try again
          </button>
          <button type="button" class="quiet" onClick={() => location.reload()}>
            Load the page anew
          </button>
        </p>
      </Empty>
    );
  }
  return Object.assign(Shown, { ahead: () => void code.get().catch(() => undefined) });
}

const AHEAD_AFTER_MS = 1_500;

/** Fetches what a page may show next, once it stands: who asks for it then does not wait. */
export function useAhead(parts: readonly { ahead: () => void }[]): void {
  useEffect(() => {
    const timer = setTimeout(() => parts.forEach((part) => part.ahead()), AHEAD_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
}
