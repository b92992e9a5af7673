/** Several groups of failures at once: counted as one from now on, or resolved. And taking out again what was merged. */
import { useState } from "preact/hooks";
import { ApiError, make, request } from "../../api/client";
import { may } from "../../api/session";
import type { FailureDetail, FailureGroup, MergedFailures } from "../../api/types";
import type { Call } from "../../model/call";
import { counted } from "../../model/counted";
import { apart, refusedText, taker } from "../../model/merging";
import { useKeys } from "../../shell/keys";
import { Time } from "../../ui/basics";
import { Act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";

const MANAGE = "failures:manage";
const path = (fingerprint: string, verb: string): string => `/failures/${encodeURIComponent(fingerprint)}/${verb}`;

/** What is asked of a group. */
interface Asking {
  of: FailureGroup;
  call: Call;
}

function asking(groups: readonly FailureGroup[], verb: string, body: unknown): Asking[] {
  return groups.map((of) => ({ of, call: { method: "POST", path: path(of.fingerprint, verb), body: JSON.stringify(body) } }));
}

interface ChosenProps {
  groups: readonly FailureGroup[];
  onNone: () => void;
  /** When some may have changed, but not all. */
  onSome: () => void;
  /** With the group that has the others now, if they were merged. */
  onDone: (into?: string) => void;
}

/** What is done to the groups that are chosen. */
export function ChosenBar({ groups, onNone, onSome, onDone }: ChosenProps) {
  const [form, setForm] = useState<"" | "merge" | "resolve">("");
  const allowed = may(MANAGE);
  const resolving = (reason: string): Asking[] => asking(groups, "resolve", { reason });
  useKeys("Chosen groups", [{ keys: "M", label: "Merge…", barred: lacks(MANAGE), run: () => setForm("merge") }]);
  return (
    <div class="bulk-bar" role="toolbar" aria-label="What is done to the chosen groups">
      <b class="tabular">{groups.length.toLocaleString("en")} chosen</b>
      <Act allowed={allowed} permission={MANAGE} label="Merge…" onClick={() => setForm("merge")} />
      <Act allowed={allowed} permission={MANAGE} label="Resolve…" onClick={() => setForm("resolve")} />
      <span class="grow" />
      <button type="button" class="small quiet" onClick={onNone}>
        Choose none
      </button>
      {form === "merge" && <Merge groups={groups} onClose={() => setForm("")} onSome={onSome} onDone={onDone} />}
      {form === "resolve" && (
        <Ask
          title={`Resolve ${groups.length.toLocaleString("en")} groups`}
          verb="Resolve"
          done="Resolved"
          reasoned
          run={(reason) => each(resolving(reason), onSome)}
          calls={(reason) => resolving(reason).map(({ call }) => call)}
          onClose={() => setForm("")}
          onDone={() => onDone()}
        >
          <p class="muted">They leave the list, each until a newer version of its function fails so again.</p>
        </Ask>
      )}
    </div>
  );
}

function Merge({ groups, onClose, onSome, onDone }: { groups: readonly FailureGroup[]; onClose: () => void; onSome: () => void; onDone: (into: string) => void }) {
  const [into, setInto] = useState(taker(groups)?.fingerprint ?? "");
  const others = groups.filter((one) => one.fingerprint !== into);
  const merging = (reason: string): Asking[] => asking(others, "merge", { into, reason });
  return (
    <Ask
      title={`Merge ${groups.length.toLocaleString("en")} groups`}
      verb="Merge"
      done="Merged"
      reasoned
      wrong={apart(groups)}
      run={(reason) => each(merging(reason), onSome)}
      calls={(reason) => merging(reason).map(({ call }) => call)}
      onClose={onClose}
      onDone={() => onDone(into)}
    >
      <p class="muted">Their failures are counted as one, those to come too. Each can be split off again.</p>
      <label class="field">
        <span>
          They go into <span class="faint">which gives the group its name, and what was decided of it</span>
        </span>
        <select value={into} onChange={(event) => setInto(event.currentTarget.value)}>
          {groups.map((one) => (
            <option key={one.fingerprint} value={one.fingerprint}>
              {one.title} ({one.failures.toLocaleString("en")})
            </option>
          ))}
        </select>
      </label>
    </Ask>
  );
}

/** Asked of each, whatever becomes of the others: those that refuse are told together, and the rows are read anew. */
async function each(asked: readonly Asking[], onSome: () => void): Promise<void> {
  const refused: string[] = [];
  let last: ApiError | null = null;
  for (const { of, call } of asked) {
    try {
      await make(call);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      refused.push(`${of.message || of.error_type}: ${error.message}`);
      last = error;
    }
  }
  if (!last) return;
  if (refused.length < asked.length) onSome();
  throw new ApiError(last.status, last.code, refusedText(asked.length, refused), last.hint, "", last.where);
}

/** What was merged into a group, and the way out of it. */
export function Merged({ of, onDone }: { of: FailureDetail; onDone: () => void }) {
  const [asking, setAsking] = useState<readonly MergedFailures[] | null>(null);
  const allowed = may(MANAGE);
  return (
    <>
      <ul>
        {of.merged.map((one) => (
          <li key={one.fingerprint} class="letter">
            <span>
              {one.title} {one.step && <span class="muted">in {one.step}</span>}
            </span>
            <span class="buttons">
              <span class="muted small tabular grow">
                {counted(one.failures, "time")}, last <Time at={one.last_seen} />
              </span>
              <Act allowed={allowed} permission={MANAGE} label="Split off…" onClick={() => setAsking([one])} />
            </span>
          </li>
        ))}
      </ul>
      {of.merged.length > 1 && (
        <p class="buttons">
          <Act allowed={allowed} permission={MANAGE} label="Split all…" onClick={() => setAsking(of.merged)} />
        </p>
      )}
      {asking && (
        <Ask
          title={asking.length === 1 ? "Split it off" : `Split ${asking.length} groups off`}
          verb="Split off"
          done={asking.length === 1 ? "It is a group of its own" : "They are groups of their own"}
          reasoned
          run={(reason) => request("POST", path(of.fingerprint, "split"), { body: { reason, fingerprints: asking.map((one) => one.fingerprint) } })}
          onClose={() => setAsking(null)}
          onDone={onDone}
        >
          <p class="muted">{asking.length === 1 ? "It is an open group" : "They are open groups"} of {asking.length === 1 ? "its" : "their"} own again, with what failed so since the merge.</p>
        </Ask>
      )}
    </>
  );
}
