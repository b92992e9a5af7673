/** Somebody was faster: what they changed, and how one's own change goes on from there. */
import { equal } from "../model/json";
import type { Json } from "../model/json";
import { merged } from "../model/merge";
import { DiffView } from "./diff_view";
import { Icon } from "./icon";

interface Props {
  /** What the change began with. */
  base: Json;
  theirs: Json;
  /** undefined while it is no JSON. */
  ours: Json | undefined;
  what: string;
  /** What the form's button says. */
  verb?: string;
  onTake: (value: Json) => void;
}

export function Conflict({ base, theirs, ours, what, verb = "Save", onTake }: Props) {
  const both = ours === undefined ? null : merged(base, theirs, ours);
  const taken = both !== null && ours !== undefined && equal(both.value, ours);
  return (
    <section class="conflict" aria-label="Changed meanwhile" role="alert">
      <p>
        <Icon name="warning" class="warn" /> <b>{what}</b> Nothing of yours is saved yet.
      </p>
      <div class="field">
        What they changed
        <DiffView before={base} after={theirs} label="What they changed" />
      </div>
      {both && both.conflicts.length > 0 && (
        <p class="small">
          Both of you changed <code>{both.conflicts.join(", ") || "all of it"}</code>: yours is kept there, unless you edit it.
        </p>
      )}
      <p class="buttons">
        <button type="button" class="small" disabled={both === null || taken} onClick={() => both && onTake(both.value)}>
          {taken ? "Theirs is in yours" : "Put theirs into mine"}
        </button>
        <button type="button" class="small" onClick={() => onTake(theirs)}>
          Begin again with theirs
        </button>
        <span class="muted small">{verb} puts yours in place of theirs, as it stands here.</span>
      </p>
    </section>
  );
}
