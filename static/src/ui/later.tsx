/** A part of a page whose code comes when it is first shown. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Skeleton } from "./basics";
import { Empty } from "./states";

export function later<P extends object>(load: () => Promise<{ default: FunctionComponent<P> }>): FunctionComponent<P> {
  let Part: FunctionComponent<P> | undefined;
  return function Later(props: P) {
    const [state, setState] = useState<"" | "there" | "failed">("");
    useEffect(() => {
      let gone = false;
      if (!Part)
        load().then(
          (module) => {
            Part = module.default;
            if (!gone) setState("there");
          },
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
  };
}
