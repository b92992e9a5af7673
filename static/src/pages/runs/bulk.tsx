/** Doing the same to many runs: those that are chosen, or all that fit the filter. The server counts beforehand what that
 * is, and says afterwards what became of each. */
import { useEffect, useRef, useState } from "preact/hooks";
import { curl, request } from "../../api/client";
import { may } from "../../api/session";
import type { RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { tagsOf, usableTags } from "../../model/tags";
import { link } from "../../shell/route";
import { Problem, said } from "../../ui/acting";
import { Skeleton, Status, short } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Failed } from "../../ui/states";
import { copy } from "../../ui/toast";

export const VERBS = [
  { id: "resume", label: "Resume…", done: "resumed" },
  { id: "replay", label: "Replay…", done: "replayed" },
  { id: "pause", label: "Pause…", done: "paused" },
  { id: "cancel", label: "Cancel…", done: "cancelled" },
  { id: "tag", label: "Tag…", done: "tagged" },
] as const;

export type Verb = (typeof VERBS)[number];
/** Ids, or the parameters of a filter. */
export type Target = { run_ids: string[] } | Record<string, string>;

interface Outcome {
  matched: number;
  changed: number;
  more: boolean;
  runs: RunSummary[];
  refused: { run_id: string; error: string }[];
  made: { run_id: string; replays: string }[];
}

/** What is asked for while nothing usable is typed: which runs that would be is the same for every tag. */
const ANY_TAG = { add: ["any"] };
const ASK_AFTER_MS = 250;
/** What leaves a run in a state in which it fits again: the newest would be done a second time. */
const FIT_AGAIN: readonly string[] = ["tag", "replay"];
const NARROW = "narrow the filter by since: or until: to reach them.";
const SAMPLE = 5;
const TYPED_FROM = 100;
const REFUSED_SHOWN = 20;

/** `asked`: how many are chosen, or fit the filter; "" where that is not known. */
export function BulkBar({ asked, fitting, onVerb, onAll, onClear }: { asked: number; fitting: string; onVerb: (verb: Verb) => void; onAll: () => void; onClear: () => void }) {
  return (
    <div class="bulk-bar" role="toolbar" aria-label="What is done to the chosen runs">
      <b class="tabular">{asked.toLocaleString("en")} chosen</b>
      {VERBS.map((verb) => {
        const allowed = may(`runs:${verb.id}`);
        return (
          <button key={verb.id} type="button" class="small" disabled={!allowed} title={allowed ? "" : `It needs the permission runs:${verb.id}`} onClick={() => onVerb(verb)}>
            {verb.label}
          </button>
        );
      })}
      <span class="grow" />
      {fitting && (
        <button type="button" class="small quiet" onClick={onAll}>
          Choose all {fitting} that fit the filter
        </button>
      )}
      <button type="button" class="small quiet" onClick={onClear}>
        Choose none
      </button>
    </div>
  );
}

export function BulkDialog({ verb, target, total, onClose, onDone }: { verb: Verb; target: Target; total: number; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [undo, setUndo] = useState(false);
  const [tags, setTags] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const path = `/runs/bulk/${verb.id}`;
  const tagging = verb.id === "tag" ? tagsOf(tags) : null;
  const body = { ...target, ...(undo ? { compensate: true } : {}), ...tagging };
  const looked = JSON.stringify({ ...target, ...(tagging && (usableTags(tagging) ? tagging : ANY_TAG)), dry_run: true });
  const settled = useSettled(looked);
  const preview = useResource(`bulk ${verb.id} ${settled}`, (signal) => request<Outcome>("POST", path, { json: settled, signal }));
  const before = useRef<Outcome | undefined>(undefined);
  if (preview.data) before.current = preview.data;
  const found = preview.error ? undefined : (preview.data ?? before.current);
  const seen = settled === looked && preview.data !== undefined;
  const again = FIT_AGAIN.includes(verb.id);
  const count = found?.matched.toLocaleString("en") ?? "";
  const sure = (found?.matched ?? 0) <= TYPED_FROM || typed === String(found?.matched);

  async function make(event: Event): Promise<void> {
    event.preventDefault();
    if (busy || !seen) return;
    setBusy(true);
    setProblem("");
    try {
      setOutcome(await request<Outcome>("POST", path, { body: { ...body, reason }, idempotencyKey: crypto.randomUUID() }));
      onDone();
    } catch (error) {
      setProblem(said(error));
    }
    setBusy(false);
  }

  const title = `${verb.label.replace("…", "")} ${found ? `${count} ${found.matched === 1 ? "run" : "runs"}` : "runs"}`;
  if (outcome) {
    return (
      <Dialog title={title} onClose={onClose}>
        <p>
          {outcome.changed.toLocaleString("en")} of {outcome.matched.toLocaleString("en")} {verb.done}
          {outcome.made.length > 0 && (
            <>
              , such as <a href={link(`/runs/${outcome.made[0].run_id}`)}>{short(outcome.made[0].run_id)}</a>
            </>
          )}
          .{outcome.more && ` More fit the filter: ${again ? NARROW : "do it again for the next."}`}
        </p>
        <Refused title="These were not:" runs={outcome.refused} />
        <div class="buttons end">
          <button type="button" class="primary" onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        {preview.error && <Failed error={preview.error} onRetry={preview.reload} />}
        {!found && !preview.error && <Skeleton rows={4} />}
        {found && (
          <div class="bulk-preview">
            <p>
              {found.matched === 0 ? "None of them can be " : "This is "}
              {found.matched === 0 ? `${verb.done} as it is now.` : `what will be ${verb.done}${found.more ? (again ? ", the newest of those that fit" : ", and more of the kind are left for another time") : ""}:`}
            </p>
            <ul>
              {found.runs.slice(0, SAMPLE).map((run) => (
                <li key={run.id}>
                  <Status status={run.status} /> <span class="cut">{run.function_id}</span> <span class="mono small muted">{short(run.id)}</span>
                </li>
              ))}
            </ul>
            {found.matched > SAMPLE && <p class="muted small">… and {(found.matched - SAMPLE).toLocaleString("en")} more</p>}
            {!("run_ids" in target) && !found.more && total > found.matched && (
              <p class="muted small">{(total - found.matched).toLocaleString("en")} others that fit the filter are in a state in which that cannot be asked.</p>
            )}
            {found.more && again && <p class="muted small">More fit the filter: {NARROW}</p>}
            <Refused title="These cannot be:" runs={found.refused} />
          </div>
        )}
        {verb.id === "cancel" && (
          <label class="check">
            <input type="checkbox" checked={undo} onChange={(event) => setUndo(event.currentTarget.checked)} />
            Let them undo what they did, where they can
          </label>
        )}
        {verb.id === "tag" && (
          <label class="field">
            <span>
              Tags <span class="faint">with commas between; one with a minus before it is taken away</span>
            </span>
            <input value={tags} required autocomplete="off" placeholder="looked-at, -new" onInput={(event) => setTags(event.currentTarget.value)} />
          </label>
        )}
        <label class="field">
          <span>
            Reason <span class="faint">is recorded with each of them</span>
          </span>
          <input value={reason} required autocomplete="off" onInput={(event) => setReason(event.currentTarget.value)} />
        </label>
        {found && found.matched > TYPED_FROM && (
          <label class="field">
            <span>
              Type <code>{found.matched}</code> to go on
            </span>
            <input value={typed} inputMode="numeric" autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
        )}
        <Problem text={problem} />
        <div class="buttons end">
          <button type="button" class="quiet small" onClick={() => copy(curl("POST", path, JSON.stringify({ ...body, reason })), "curl")}>
            Copy as curl
          </button>
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Leave it
          </button>
          <button type="submit" class={verb.id === "cancel" ? "danger" : "primary"} disabled={busy || !seen || !found || found.matched === 0 || !sure}>
            {busy ? "Sending…" : title}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What a text was when nobody had changed it for a moment. */
function useSettled(text: string): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), ASK_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return settled;
}

function Refused({ title, runs }: { title: string; runs: Outcome["refused"] }) {
  if (runs.length === 0) return null;
  return (
    <>
      <p>{title}</p>
      <ul class="bulk-refused">
        {runs.slice(0, REFUSED_SHOWN).map((run) => (
          <li key={run.run_id} class="small muted">
            {run.error}
          </li>
        ))}
        {runs.length > REFUSED_SHOWN && <li class="small muted">… and {runs.length - REFUSED_SHOWN} more</li>}
      </ul>
    </>
  );
}
