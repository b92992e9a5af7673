/** What an entity was at any of its versions, what differs from another, and the snapshots that clients keep of it. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may } from "../../api/session";
import type { StreamInfo } from "../../api/data";
import { useResource } from "../../live/resource";
import { madeOf, within } from "../../model/entity_state";
import { print, readable } from "../../model/json";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { Act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Skeleton } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { JsonEditor } from "../../ui/json_editor";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";
import { EVENTS_MAX, type Folded, stateAt } from "./folded";

const APPEND = "entities:append";
/** Why nothing can be added to an entity any more. */
export const DELETED = "It was deleted: its past can be read, nothing can be added";
const SNAPSHOTS_MAX = 200;
const SNAPSHOTS_SHOWN = 8;

interface Kept {
  snapshots: { version: number; createdAt: string; sizeBytes: number }[];
}

export function StateTab({ of, base }: { of: StreamInfo; base: string }) {
  const type = of.entityType;
  const version = within(Number(chosen("version")), of.version);
  const against = chosen("against") ? within(Number(chosen("against")), of.version) : version - 1;
  const kept = useResource(`${base} snapshots ${type} ${of.version}`, (signal) => get<Kept>(`${base}/snapshots`, { type, limit: SNAPSHOTS_MAX }, signal));
  const told = useResource(`${base} state ${type} ${version} ${against}`, async (signal) => {
    const [now, other] = await Promise.all([stateAt(base, type, version, signal), stateAt(base, type, against, signal)]);
    return { now, other };
  });
  const [keeping, setKeeping] = useState(false);
  const go = (wanted: number): void => choose({ version: within(Math.max(1, wanted), of.version) });
  useKeys("State", [
    { keys: "ArrowLeft", label: "Previous version", run: () => go(version - 1) },
    { keys: "ArrowRight", label: "Next version", run: () => go(version + 1) },
    { keys: "Home", label: "First version", run: () => go(1) },
    { keys: "End", label: "Newest version", run: () => go(of.version) },
  ]);
  const marked = kept.data?.snapshots.map((one) => one.version) ?? [];
  return (
    <div class="card state-card">
      <div class="moment-bar">
        <button type="button" class="icon-only" aria-label="Previous version" title="Previous version (←)" disabled={version <= 1} onClick={() => go(version - 1)}>
          <Icon name="back" />
        </button>
        <input
          type="range"
          min={1}
          max={of.version}
          value={version}
          list="snapshots"
          aria-label="Version"
          aria-valuetext={`version ${version} of ${of.version}${marked.includes(version) ? ", with a snapshot" : ""}`}
          onInput={(event) => go(Number(event.currentTarget.value))}
        />
        <datalist id="snapshots">
          {marked.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <button type="button" class="icon-only" aria-label="Next version" title="Next version (→)" disabled={version >= of.version} onClick={() => go(version + 1)}>
          <Icon name="forward" />
        </button>
        <span class="tabular muted">
          version {version} of {of.version}
        </span>
        <label>
          <span class="muted">against</span> <input type="number" min={1} max={of.version} value={chosen("against")} placeholder={String(Math.max(0, version - 1))} aria-label="Against version" onChange={(event) => choose({ against: event.currentTarget.value || null })} />
        </label>
        <Act allowed={may(APPEND)} barred={of.deleted ? DELETED : ""} permission={APPEND} label="Keep a snapshot…" onClick={() => setKeeping(true)} />
      </div>
      {kept.error && <Failed error={kept.error} onRetry={kept.reload} />}
      {marked.length > 0 && (
        <p class="line pad-x small">
          <span class="muted">Snapshots</span>
          {marked.slice(0, SNAPSHOTS_SHOWN).map((one) => (
            <button key={one} type="button" class="small" aria-pressed={one === version} onClick={() => go(one)}>
              <Icon name="diamond" size={12} class="edit" /> {one}
            </button>
          ))}
          {marked.length > SNAPSHOTS_SHOWN && <span class="muted">and {marked.length - SNAPSHOTS_SHOWN} more</span>}
        </p>
      )}
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!told.data && !told.error && <Skeleton rows={6} />}
      {told.data && <Shown of={told.data.now} other={told.data.other} version={version} against={against} />}
      {keeping && told.data && <Keep of={of} base={base} version={version} folded={told.data.now} onClose={() => setKeeping(false)} onDone={() => [kept, told].forEach((one) => one.reload())} />}
    </div>
  );
}

function Shown({ of, other, version, against }: { of: Folded; other: Folded; version: number; against: number }) {
  if (of.beyond) return <p class="muted pad">More than {EVENTS_MAX.toLocaleString("en")} events lie between it and the snapshot before it: keep one there, or read the events.</p>;
  return (
    <>
      <p class="muted small pad-x">{madeOf(of.snapshot, version)}</p>
      <div class="two-up">
        <div>
          <h3 class="pad-x">State at version {version}</h3>
          {of.state === undefined ? <p class="muted pad">Its events carried no data.</p> : <JsonView value={of.state} label={`state at version ${version}`} />}
        </div>
        <div>
          <h3 class="pad-x">{against < 1 ? "Its first event brought" : `What changed since version ${against}`}</h3>
          {other.beyond ? <p class="muted pad">Of version {against} no state is made: too many events lie before it.</p> : <DiffView before={other.state} after={of.state} label={`Against version ${against}`} />}
        </div>
      </div>
    </>
  );
}

interface KeepProps {
  of: StreamInfo;
  base: string;
  version: number;
  folded: Folded;
  onClose: () => void;
  onDone: () => void;
}

function Keep({ of, base, version, folded, onClose, onDone }: KeepProps) {
  const [text, setText] = useState(folded.state === undefined ? "{}" : print(folded.state, 2));
  const read = readable(text);
  const wrong = typeof read === "string" ? read : "";
  const json = (): string => `{"entityType":${JSON.stringify(of.entityType)},"version":${version},"state":${typeof read === "string" ? "null" : print(read.value)}}`;
  return (
    <Ask title={`Keep a snapshot of ${of.entityId}`} verb="Keep it" done={`Kept as of version ${version}`} wrong={wrong} run={() => request("PUT", `${base}/snapshot`, { json: json() })} onClose={onClose} onDone={onDone}>
      <p class="muted">
        Clients that read snapshots begin with it and fold what comes after version {version}. It takes the place of one of the same version. What stands here is what the events said: make it what your reducer would.
      </p>
      <JsonEditor label="State" rows={10} value={text} wrong={wrong !== ""} focused onValue={setText} />
    </Ask>
  );
}
