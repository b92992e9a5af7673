/** The state of a partition as of a position. One steps back from change to change, and forth again the same way; what the
 * last event changed stands beside it. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, exact, get, told } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { type Json, Num, at, parse } from "../../model/json";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { Skeleton, Time } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { EntryLink } from "../../ui/side";
import { Failed } from "../../ui/states";

/** How far the server is on the way to a state of the past. */
interface PastProgress {
  begun: number;
  position: number;
  until: number;
  events: number;
}

/** The state as of a position, null if there was none; who waits is told how far the server is. */
async function recalled(path: string, partition: string, moment: string, signal: AbortSignal, tell: (one: PastProgress) => void): Promise<Json> {
  let state: Json | undefined;
  await told(`${path}/past`, { partition, at: moment }, signal, (datum) => {
    const one = parse(datum);
    switch (at(one, "type")) {
      case "progress":
        return tell(JSON.parse(datum) as PastProgress);
      case "error":
        throw new ApiError(412, String(at(one, "code")), String(at(one, "message")), "", "", `${path}/past`);
      default:
        state = at(one, "state") === null ? null : one;
    }
  });
  if (state === undefined) throw new ApiError(0, "UNREACHABLE", "the answer ended before the state", "it is asked again", "", `${path}/past`);
  return state;
}

function Folding({ of: { begun, position, until, events }, onCancel }: { of: PastProgress; onCancel?: () => void }) {
  return (
    <p class="buttons pad-x" role="status">
      <progress max={Math.max(1, until - begun)} value={position - begun} aria-label="How far the state is folded" />
      <span class="muted small tabular">
        {counted(events, "event")} folded, at position {position.toLocaleString("en")} of {until.toLocaleString("en")}
      </span>
      {onCancel && (
        <button type="button" class="small" onClick={onCancel}>
          Cancel
        </button>
      )}
    </p>
  );
}

/** So many are offered of those that fit what is typed. */
const PARTITIONS = 100;

/** Of one that has partitions, the one that changed last is shown where none is chosen. */
export function PartitionState({ of, path }: { of: ProjectionSummary; path: string }) {
  const partition = chosen("partition");
  const choosing = of.partitions !== undefined && partition === "";
  const newest = useResource(`${path} newest ${choosing}`, (signal) => (choosing ? get<{ partitions: string[] }>(`${path}/partitions`, { order: "recent", limit: 1 }, signal) : Promise.resolve(null)));
  const [first] = newest.data?.partitions ?? [];
  useEffect(() => {
    if (choosing && first) choose({ partition: first });
  }, [choosing, first]);
  if (choosing && first === undefined && newest.loading)
    return (
      <div class="card">
        <Skeleton rows={6} />
      </div>
    );
  return <StateOf key={partition} of={of} path={path} partition={partition} />;
}

function StateOf({ of, path, partition }: { of: ProjectionSummary; path: string; partition: string }) {
  const wanted = chosen("at");
  const position = Number(wanted || of.last_event_seq);
  const [later, setLater] = useState<readonly string[]>([]);
  const [typed, setTyped] = useState("");
  const known = useResource(`${path} partitions ${typed}`, (signal) => get<{ partitions: string[] }>(`${path}/partitions`, { limit: PARTITIONS, q: typed }, signal));
  const [progress, setProgress] = useState<PastProgress | null>(null);
  const shown = useResource(`${path} state ${partition} ${position} ${of.generation}`, async (signal) => {
    setProgress(null);
    const past = (moment: string): Promise<Json> => recalled(path, partition, moment, signal, setProgress);
    const now = wanted ? await past(wanted) : at(await exact(path, { partition }, signal), "state");
    const last = at(now, "last_event_seq");
    const seq = last instanceof Num ? Number(last.text) : 0;
    const before = seq > 1 ? await past(String(seq - 1)) : undefined;
    setProgress(null);
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
    { keys: "ArrowLeft", label: "Previous state, before the last change", run: back },
    { keys: "ArrowRight", label: "Next state again", run: forth },
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
        <button type="button" class="icon-only" aria-label="Previous state" title="Previous state, before the last change (←)" disabled={!one || one.seq <= 1} onClick={back}>
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
        <button type="button" class="icon-only" aria-label="Next state" title="Next state again (→)" disabled={!wanted} onClick={forth}>
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
      {shown.loading && progress && <Folding of={progress} onCancel={wanted ? present : undefined} />}
      {!one && !shown.error && <Skeleton rows={6} of={shown} />}
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
