/** Doing the same to many runs: those that are chosen, or all that fit the filter. The server says beforehand which that
 * are; then it does it as a job of its own. */
import { useRef, useState } from "preact/hooks";
import { BULK, startJob } from "../../api/bulk";
import { request } from "../../api/client";
import { may } from "../../api/session";
import type { BulkJob, RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { useSettled } from "../../live/settled";
import { type Verb, type Refusal, TYPED_FROM, VERBS, commandOf, excludedText, reasonsOf, titleOf } from "../../model/bulk";
import { tagsOf, usableTags } from "../../model/tags";
import { environment } from "../../shell/route";
import { Act, Problem, said } from "../../ui/acting";
import { useAttempt } from "../../ui/attempt";
import { Skeleton, Status, short } from "../../ui/basics";
import { CopyCurl } from "../../ui/copy_curl";
import { Dialog } from "../../ui/dialog";
import { Failed } from "../../ui/states";
import { copy } from "../../ui/toast";

/** Ids, or the parameters of a filter. */
export type Target = { run_ids: string[] } | Record<string, string>;

interface Preview {
  matched: number;
  more: boolean;
  runs: RunSummary[];
  refused: Refusal[];
  /** By status, how many fit the filter and cannot be asked it. */
  excluded?: Record<string, number>;
}

/** What is asked for while nothing usable is typed: which runs that would be is the same for every tag. */
const ANY_TAG = { add: ["any"] };
const ASK_AFTER_MS = 250;
const SAMPLE = 5;
const REASONS_SHOWN = 8;
const IDS_TOLD = 20;

/** `asked`: how many are chosen, or fit the filter; "" where that is not known. */
export function BulkBar({ asked, fitting, onVerb, onAll, onClear }: { asked: number; fitting: string; onVerb: (verb: Verb) => void; onAll: () => void; onClear: () => void }) {
  return (
    <div class="bulk-bar" role="toolbar" aria-label="What is done to the chosen runs">
      <b class="tabular">{asked.toLocaleString("en")} chosen</b>
      {VERBS.map((verb) => (
        <Act key={verb.id} allowed={may(`runs:${verb.id}`)} permission={`runs:${verb.id}`} label={verb.label} onClick={() => onVerb(verb)} />
      ))}
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

export function BulkDialog({ verb, target, onClose, onBegun }: { verb: Verb; target: Target; onClose: () => void; onBegun: (job: BulkJob) => void }) {
  const [reason, setReason] = useState("");
  const [typed, setTyped] = useState("");
  const [undo, setUndo] = useState(false);
  const [tags, setTags] = useState("");
  const [problem, setProblem] = useState("");
  const [pace, setPace] = useState("");
  const [busy, setBusy] = useState(false);
  const attempt = useAttempt();
  const path = `/runs/bulk/${verb.id}`;
  const tagging = verb.id === "tag" ? tagsOf(tags) : null;
  const body = { verb: verb.id, ...target, ...(undo ? { compensate: true } : {}), ...tagging, ...(Number(pace) > 0 ? { per_second: Number(pace) } : {}) };
  const looked = JSON.stringify({ ...target, ...(tagging && (usableTags(tagging) ? tagging : ANY_TAG)), dry_run: true });
  const settled = useSettled(looked, ASK_AFTER_MS);
  const preview = useResource(`bulk ${verb.id} ${settled}`, (signal) => request<Preview>("POST", path, { json: settled, signal }));
  const before = useRef<Preview | undefined>(undefined);
  if (preview.data) before.current = preview.data;
  const found = preview.error ? undefined : (preview.data ?? before.current);
  const seen = settled === looked && preview.data !== undefined;
  const count = found ? `${found.more ? "more than " : ""}${found.matched.toLocaleString("en")}` : "";
  const sure = (found?.matched ?? 0) <= TYPED_FROM || typed === String(found?.matched);

  async function make(event: Event): Promise<void> {
    event.preventDefault();
    if (busy || !seen) return;
    setBusy(true);
    setProblem("");
    try {
      const job = await attempt(() => startJob({ ...body, reason }));
      onBegun(job);
      onClose();
    } catch (error) {
      setProblem(said(error));
      setBusy(false);
    }
  }

  const title = titleOf(verb, found ? `${count} ${found.matched === 1 ? "run" : "runs"}` : "runs");
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        {preview.error && <Failed error={preview.error} onRetry={preview.reload} />}
        {!found && !preview.error && <Skeleton rows={4} of={preview} />}
        {found && (
          <div class="bulk-preview">
            <p>
              {found.matched === 0 ? "None of them can be " : "This is "}
              {found.matched === 0 ? `${verb.done} as it is now.` : `what will be ${verb.done}:`}
            </p>
            <ul>
              {found.runs.slice(0, SAMPLE).map((run) => (
                <li key={run.id}>
                  <Status status={run.status} /> <span class="cut">{run.function_id}</span> <span class="mono small muted">{short(run.id)}</span>
                </li>
              ))}
            </ul>
            {found.matched > SAMPLE && <p class="muted small">… and {(found.matched - SAMPLE).toLocaleString("en")} more</p>}
            <Excluded verb={verb} found={found} />
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
        {found && found.matched > 1 && (
          <label class="field">
            <span>
              At most so many a second <span class="faint">empty for as fast as it goes</span>
            </span>
            <input type="number" min={1} max={1000} value={pace} autocomplete="off" onInput={(event) => setPace(event.currentTarget.value)} />
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
          <button type="button" class="quiet small" onClick={() => copy(commandOf(verb.id, body, reason, environment.value), "Command")}>
            Copy as CLI
          </button>
          <CopyCurl of={() => [{ method: "POST", path: BULK, body: JSON.stringify({ ...body, reason }) }]} />
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

/** Those that are left out, by the reason. */
function Excluded({ verb, found }: { verb: Verb; found: Preview }) {
  const reasons = reasonsOf(found.refused);
  const others = excludedText(found.excluded ?? {});
  if (reasons.length === 0 && !others) return null;
  return (
    <>
      <p>Left out:</p>
      <ul class="bulk-refused">
        {others && (
          <li class="small muted">
            {others} – {"fit the filter, but cannot be "}
            {verb.done}
          </li>
        )}
        {reasons.slice(0, REASONS_SHOWN).map((one) => (
          <li key={one.text} class="small muted" title={one.runs.slice(0, IDS_TOLD).join(" ")}>
            <b class="tabular">{one.runs.length.toLocaleString("en")}</b> {one.text}
            {one.runs.length === 1 && <span class="mono"> {short(one.runs[0])}</span>}
            {one.hint && `: ${one.hint}`}
          </li>
        ))}
        {reasons.length > REASONS_SHOWN && <li class="small muted">… for {reasons.length - REASONS_SHOWN} more reasons</li>}
      </ul>
    </>
  );
}
