/** What the timeline shows of the run: filtered, put together, and how much of its time. The URL has all of it. */
import type { Ref } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Arrangement, By } from "../../model/arrangement";
import { counted } from "../../model/counted";
import { choose, chosen } from "../../shell/route";
import { Icon } from "../../ui/icon";

const BY: { id: By; label: string }[] = [
  { id: "", label: "As it ran" },
  { id: "name", label: "By name" },
  { id: "outcome", label: "By outcome" },
];
const TYPED_MS = 150;

export function arrangementOf(): Arrangement {
  return { words: chosen("q"), failed: chosen("only") === "failed", by: BY.find((one) => one.id === chosen("by"))?.id ?? "" };
}

interface Props {
  how: Arrangement;
  shown: number;
  steps: number;
  critical: boolean;
  zoomed: boolean;
  field: Ref<HTMLInputElement>;
}

export function TimelineBar({ how, shown, steps, critical, zoomed, field }: Props) {
  return (
    <div class="timeline-bar" role="toolbar" aria-label="What the timeline shows">
      <Words name="q" label="Filter steps" hint="charge -poll timeout" field={field} />
      <button type="button" class="small" aria-pressed={how.failed} title="Only steps of which a try failed (f)" onClick={() => choose({ only: how.failed ? null : "failed" })}>
        <Icon name="cross" size={12} class="fail" /> Failed
      </button>
      <button type="button" class="small of-lanes" aria-pressed={critical} title="What the length of the run is made of (p)" onClick={() => choose({ path: critical ? null : "critical" })}>
        Critical path
      </button>
      <select class="small" aria-label="How steps are put together" value={how.by} onChange={(event) => choose({ by: event.currentTarget.value })}>
        {BY.map((one) => (
          <option key={one.id} value={one.id}>
            {one.label}
          </option>
        ))}
      </select>
      {zoomed && (
        <button type="button" class="small of-lanes" title="Show all of its time (z)" onClick={() => choose({ t: null })}>
          Whole run <Icon name="cross" size={12} />
        </button>
      )}
      <span class="grow" />
      <span class="muted small tabular" role="status">
        {shown === steps ? "" : `${shown.toLocaleString("en")} of `}
        {counted(steps, "step")}
      </span>
    </div>
  );
}

/** A field whose words the URL has by `name`: typed at once, looked for when the typing rests, for a long run has many steps
 * to look through. */
export function Words({ name, label, hint, field }: { name: string; label: string; hint: string; field: Ref<HTMLInputElement> }) {
  const words = chosen(name);
  const [typed, setTyped] = useState(words);
  useEffect(() => setTyped(words), [words]);
  useEffect(() => {
    if (typed === words) return;
    const timer = setTimeout(() => choose({ [name]: typed }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <input
      ref={field}
      type="search"
      placeholder={hint}
      aria-label={label}
      spellcheck={false}
      autocomplete="off"
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
    />
  );
}
