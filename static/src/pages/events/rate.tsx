/** How many events come a second, counted as they arrive, and the notice that not all of them are shown. */
import { useEffect, useRef, useState } from "preact/hooks";
import { connection, paused } from "../../live/socket";
import { type Heard, perSecond, rate, recent, sampleAt } from "../../model/rate";
import { choose } from "../../shell/route";

const EVERY_MS = 1_000;

export interface Rate {
  /** Events a second. */
  value: number;
  /** Of about so many, one is shown. */
  sample: number;
  add: (many: number) => void;
}

/** `sampled`: whether a part may be shown; `still`: whether what is shown may not change now. */
export function useRate(sampled: boolean, still: () => boolean): Rate {
  const heard = useRef<readonly Heard[]>([]);
  const since = useRef(performance.now());
  const [told, setTold] = useState({ value: 0, sample: 1 });
  const given = useRef({ sampled, still });
  given.current = { sampled, still };
  useEffect(() => {
    const look = (): void => {
      const now = performance.now();
      heard.current = recent(heard.current, now);
      const value = rate(heard.current, since.current, now);
      setTold((before) => {
        const sample = !given.current.sampled ? 1 : given.current.still() ? before.sample : sampleAt(value, before.sample);
        return value === before.value && sample === before.sample ? before : { value, sample };
      });
    };
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, []);
  const add = (many: number): void => {
    if (many > 0) heard.current = [...heard.current, { at: performance.now(), many }];
  };
  return { value: told.value, sample: sampled ? told.sample : 1, add };
}

export function RateMeter({ of }: { of: Rate }) {
  if (connection.value !== "live" || paused.value) return null;
  return (
    <span class="muted tabular" title="Events of this environment that came in the last 5 seconds, those not shown too">
      {perSecond(of.value)} events/s
    </span>
  );
}

/** Never silent about what is left out. */
export function SampleNotice({ of, all }: { of: Rate; all: boolean }) {
  if (all)
    return (
      <p class="notice" role="status">
        Every event is shown, however many come.
        <button type="button" class="small" onClick={() => choose({ sample: null })}>
          Show a sample when many come
        </button>
      </p>
    );
  if (of.sample === 1) return null;
  return (
    <p class="notice" role="status">
      <span>
        More come than can be followed: showing <b class="tabular">1 in {of.sample.toLocaleString("en")}</b>.
      </span>
      <button type="button" class="small" onClick={() => choose({ sample: "no" })}>
        Show all
      </button>
    </p>
  );
}
