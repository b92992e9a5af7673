/** The state of a partition as of a position. One steps back from change to change, and forth again the same way; what the
 * last event changed stands beside it. */
import { useState } from "preact/hooks";
import { exact, get } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { Num, at } from "../../model/json";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { Skeleton, Time } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { EntryLink } from "../../ui/side";
import { Failed } from "../../ui/states";

/** So many are offered of those that fit what is typed. */
const PARTITIONS = 100;

export function PartitionState({ of, path }: { of: ProjectionSummary; path: string }) {
  const partition = chosen("partition");
  const wanted = chosen("at");
  const position = Number(wanted || of.last_event_seq);
  const [later, setLater] = useState<readonly string[]>([]);
  const [typed, setTyped] = useState("");
  const known = useResource(`${path} partitions ${typed}`, (signal) => get<{ partitions: string[] }>(`${path}/partitions`, { limit: PARTITIONS, q: typed }, signal));
  const shown = useResource(`${path} state ${partition} ${position} ${of.generation}`, async (signal) => {
    const now = at(await exact(path, { partition, at: wanted || undefined }, signal), "state");
    const last = at(now, "last_event_seq");
    const seq = last instanceof Num ? Number(last.text) : 0;
    const before = seq > 1 ? at(await exact(path, { partition, at: seq - 1 }, signal), "state") : undefined;
    return { state: at(now, "state"), before: at(before, "state"), seq, event: at(now, "last_event_id"), when: at(now, "last_event_time") };
  });
  const one = shown.data;
  const back = (): void => {
    if (!one || one.seq <= 1) return;
    setLater([...later, wanted]);
    choose({ at: one.seq - 1 });
  };
  const forth = (): void => {
    if (later.length === 0) return choose({ at: null });
    choose({ at: later[later.length - 1] || null });
    setLater(later.slice(0, -1));
  };
  const present = (): void => {
    setLater([]);
    choose({ at: null });
  };
  useKeys("State", [
    { keys: "ArrowLeft", label: "The state before the last change", run: back },
    { keys: "ArrowRight", label: "Forth again", run: forth },
    { keys: "End", label: "Now", run: present },
    { keys: "Escape", label: "Now", quiet: true, run: present },
  ]);
  return (
    <div class="card">
      <div class="moment-bar">
        <label>
          <span class="muted">Partition</span>{" "}
          <input type="text" list="partitions" value={partition} placeholder="none" aria-label="Partition" onInput={(event) => setTyped(event.currentTarget.value)} onChange={(event) => choose({ partition: event.currentTarget.value, at: wanted || null })} />
          <datalist id="partitions">
            {known.data?.partitions.map((key) => (
              <option key={key} value={key} />
            ))}
          </datalist>
        </label>
        <button type="button" class="icon-only" aria-label="Before the last change" title="Before the last change (←)" disabled={!one || one.seq <= 1} onClick={back}>
          <Icon name="back" />
        </button>
        <input
          type="range"
          min={1}
          max={Math.max(1, of.last_event_seq)}
          value={Math.min(position, of.last_event_seq)}
          aria-label="Position"
          onChange={(event) => {
            setLater([]);
            choose({ at: Number(event.currentTarget.value) === of.last_event_seq ? null : event.currentTarget.value });
          }}
        />
        <button type="button" class="icon-only" aria-label="Forth again" title="Forth again (→)" disabled={!wanted} onClick={forth}>
          <Icon name="forward" />
        </button>
        <span class="tabular muted">{wanted ? `at position ${wanted}` : "now"}</span>
        {wanted && (
          <button type="button" class="small" onClick={present}>
            Now
          </button>
        )}
      </div>
      {shown.error && <Failed error={shown.error} onRetry={shown.reload} />}
      {!one && !shown.error && <Skeleton rows={6} />}
      {one && (one.state === undefined || one.state === null) && (
        <p class="muted pad">
          {wanted ? "This partition had no state then." : `This partition has no state yet: ${of.lag > 0 ? "what has come is not folded yet." : "no event that it folds has come."}`}
          {!partition && known.data && known.data.partitions.length > 0 && ` There are others: ${known.data.partitions.slice(0, 5).join(", ")}.`}
        </p>
      )}
      {one && one.state !== undefined && one.state !== null && (
        <div class="two-up">
          <div>
            <h3 class="pad-x">State</h3>
            <JsonView value={one.state} label={`state of ${of.name}`} />
          </div>
          <div>
            <h3 class="pad-x">
              What the last event changed, at position <EntryLink position={one.seq} />
              {typeof one.when === "string" && (
                <>
                  , <Time at={one.when} />
                </>
              )}
            </h3>
            <DiffView before={one.before} after={one.state} label="What the last event changed" />
          </div>
        </div>
      )}
    </div>
  );
}
