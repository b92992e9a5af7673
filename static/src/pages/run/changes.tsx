/** What differs: between two moments of the run, A and B, or, without a B, what the record of A changed; or between
 * this run and another one. The URL has with whom: `with` is `good`, or the id of a run. */
import { useState } from "preact/hooks";
import { stateAt } from "../../api/timeline";
import type { Run } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Json, type Obj, at } from "../../model/json";
import { type Rec, title } from "../../model/records";
import { choose, chosen } from "../../shell/route";
import { Skeleton, short } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Empty, Failed } from "../../ui/states";
import { Compared } from "./compared";
import type { Moment } from "./moment";

interface Props {
  run: Run;
  records: readonly Rec[];
  moment: Moment;
  compared: number;
}

/** What a person compares, in the order in which it is read. */
const SHOWN = ["status", "attempt", "error", "pause_reason", "cancellation_cause", "input", "waits", "notes", "output"];
const OF_STEPS = ["status", "attempt", "output", "error"];

const GOOD = "good";
const OTHER = "other";

export default function Changes(props: Props) {
  const { run } = props;
  const wanted = chosen("with");
  const [asking, setAsking] = useState(false);
  const origin = run.forked_from?.run_id ?? "";
  const open = asking ? OTHER : wanted === "" || wanted === GOOD || wanted === origin ? wanted : OTHER;
  const pick = (value: string): void => {
    setAsking(value === OTHER);
    if (value !== OTHER) choose({ with: value });
  };
  return (
    <div class="changes">
      <form
        class="changes-bar"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = new FormData(event.currentTarget).get("other");
          setAsking(false);
          choose({ with: String(typed ?? "").trim() });
        }}
      >
        <label class="changes-with">
          Compare with
          <select value={open} onChange={(event) => pick(event.currentTarget.value)}>
            <option value="">another moment of this run</option>
            <option value={GOOD}>the last run that went well</option>
            {origin && (
              <option value={origin}>
                {run.forked_from?.position ? "the run it was forked from" : "the run it repeats"}, {short(origin)}
              </option>
            )}
            <option value={OTHER}>another run…</option>
          </select>
        </label>
        {open === OTHER && (
          <>
            <input name="other" class="mono" required aria-label="Id of the other run" placeholder="run_… or how its id begins" spellcheck={false} autocomplete="off" defaultValue={asking ? "" : wanted} />
            <button type="submit">Compare</button>
          </>
        )}
      </form>
      {open === "" && <Moments {...props} />}
      {open !== "" && !asking && <Compared key={wanted} run={run} other={wanted === GOOD ? null : wanted} moment={props.moment} />}
    </div>
  );
}

function Moments({ run: { id: runId }, records, moment, compared }: Props) {
  const a = moment.index;
  const b = compared >= 0 ? compared : a - 1;
  const [before, after] = a < b ? [a, b] : [b, a];
  const from = records[before];
  const to = records[after];
  const states = useResource(`changes ${runId} ${from?.position} ${to.position}`, async (signal) => {
    const wanted = [from, to].map((record) => (record ? stateAt(runId, record.position, signal) : undefined));
    const [first, second] = await Promise.all(wanted);
    return { first: first && comparable(first), second: second && comparable(second) };
  });
  return (
    <>
      <p class="changes-told">
        <Side name={a < b ? "A" : compared >= 0 ? "B" : "before"} record={from} />
        <span class="muted">→</span>
        <Side name={a < b ? "B" : "A"} record={to} />
        {compared < 0 && <span class="faint small">press b at another moment to compare with it</span>}
      </p>
      {states.error && <Failed error={states.error} onRetry={states.reload} />}
      {!states.error && !states.data && <Skeleton rows={8} />}
      {states.data && before === after && <Empty title="A and B are the same moment" />}
      {states.data && before !== after && <DiffView before={states.data.first} after={states.data.second} label="Changes" />}
    </>
  );
}

function Side({ name, record }: { name: string; record: Rec | undefined }) {
  return (
    <span>
      <b>{name}</b> {record ? `${record.position} ${title(record)}` : "nothing yet"}
    </span>
  );
}

/** A state as it is compared: steps by their path, and nothing that changes with each record. */
function comparable(state: Json): Json {
  const shown: Obj = new Map();
  if (!(state instanceof Map)) return state;
  const told = (key: string): Json => state.get(key) ?? null;
  for (const key of SHOWN) if (told(key) !== null) shown.set(key, told(key));
  const steps: Obj = new Map();
  for (const step of (at(state, "steps") as Json[]) ?? []) {
    const kept: Obj = new Map();
    for (const key of OF_STEPS) {
      const value = at(step, key);
      if (value !== undefined && value !== null) kept.set(key, value);
    }
    steps.set(String(at(step, "path")), kept);
  }
  shown.set("steps", steps);
  return shown;
}
