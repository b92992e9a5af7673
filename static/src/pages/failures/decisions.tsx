/** What is decided of a group of failures: it is mended, it is known and disturbs nobody, or it is open again. History keeps
 * who decided it, and why. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may, me } from "../../api/session";
import type { FailureGroup } from "../../api/types";
import { useResource } from "../../live/resource";
import { useKeys } from "../../shell/keys";
import { Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";

const MANAGE = "failures:manage";
const FOR_GOOD = "for good";
const SPANS = ["1d", "7d", "30d", FOR_GOOD];

type Decision = "resolve" | "mute" | "reopen" | "assign";

export function Decisions({ of, onDone }: { of: FailureGroup; onDone: () => void }) {
  const [asking, setAsking] = useState<Decision | "">("");
  const allowed = may(MANAGE);
  const open = of.status === "open";
  const barred = lacks(MANAGE);
  useKeys("Group of failures", [
    { keys: "z", label: open ? "Resolve…" : "Open again…", barred, run: () => setAsking(open ? "resolve" : "reopen") },
    { keys: "m", label: "Mute…", barred: barred || (open ? "" : `it is ${of.status} already`), run: () => setAsking("mute") },
    { keys: "a", label: "Assign…", barred, run: () => setAsking("assign") },
  ]);
  return (
    <div class="pad-x">
      <p class="buttons">
        {open && <Act allowed={allowed} permission={MANAGE} label="Resolve…" onClick={() => setAsking("resolve")} />}
        {open && <Act allowed={allowed} permission={MANAGE} label="Mute…" onClick={() => setAsking("mute")} />}
        {!open && <Act allowed={allowed} permission={MANAGE} label="Open again…" onClick={() => setAsking("reopen")} />}
        <Act allowed={allowed} permission={MANAGE} label="Assign…" onClick={() => setAsking("assign")} />
      </p>
      {of.assigned && (
        <p class="small">
          <b><Actor id={of.assigned.assignee} /></b> looks after it <span class="muted">since <Time at={of.assigned.at} />{of.assigned.actor && of.assigned.actor !== of.assigned.assignee && <>, by <Actor id={of.assigned.actor} /></>}</span>
        </p>
      )}
      <Last of={of} />
      {asking && <Form of={of} decision={asking} onClose={() => setAsking("")} onDone={onDone} />}
    </div>
  );
}

function Last({ of: { decided: mark, status } }: { of: FailureGroup }) {
  if (!mark) return null;
  return (
    <p class="small muted">
      {mark.reopened_position !== undefined && "Opened again by a newer version that fails so. "}
      <Actor id={mark.actor} none="Somebody" /> <Time at={mark.at} />
      {mark.reason && `: “${mark.reason}”`}
      {status === "muted" && mark.muted_until && (
        <>
          ; it ends <Time at={mark.muted_until} />
        </>
      )}
    </p>
  );
}

const SAID: Record<Decision, { title: string; verb: string; done: string; told: string }> = {
  resolve: { title: "Resolve these failures", verb: "Resolve", done: "Resolved", told: "They leave the list, until a newer version of the function fails so again." },
  mute: { title: "Mute these failures", verb: "Mute", done: "Muted", told: "They leave the list, however often it still fails so." },
  assign: { title: "Who looks after these failures", verb: "Assign", done: "Assigned", told: "It is recorded, and stays whatever is decided of them. Leave it empty for nobody." },
  reopen: { title: "Open these failures again", verb: "Open again", done: "Open again", told: "They are listed among what needs somebody." },
};

function Form({ of, decision, onClose, onDone }: { of: FailureGroup; decision: Decision; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  const [span, setSpan] = useState(SPANS[1]);
  const [assignee, setAssignee] = useState(of.assigned?.assignee ?? "");
  const people = useResource(`people ${decision}`, (signal) => (decision === "assign" && may("users:read") ? get<{ email: string }[]>("/users", {}, signal) : Promise.resolve([])));
  const { title, verb, done, told } = SAID[decision];
  const body = { reason, ...(decision === "mute" && span !== FOR_GOOD ? { duration: span } : {}), ...(decision === "assign" ? { assignee } : {}) };
  return (
    <Ask
      title={title}
      verb={verb}
      done={done}
      wrong=""
      run={() => request("POST", `/failures/${encodeURIComponent(of.fingerprint)}/${decision}`, { body })}
      onClose={onClose}
      onDone={onDone}
    >
      <p class="muted">{told}</p>
      {decision === "assign" && (
        <label class="field">
          <span>
            Who <span class="faint">{me.value?.user ? "me, a name or an address" : "a name or an address"}</span>
          </span>
          <input list="people" autocomplete="off" spellcheck={false} value={assignee} onInput={(event) => setAssignee(event.currentTarget.value)} />
          <datalist id="people">
            {(people.data ?? []).map((one) => (
              <option key={one.email} value={one.email} />
            ))}
          </datalist>
        </label>
      )}
      {decision === "mute" && <Field label="For" value={span} onValue={setSpan} list={SPANS} />}
      <Field label="Reason" note="is kept in history, for those who come after you" value={reason} onValue={setReason} required={decision !== "assign"} placeholder={decision === "resolve" ? "mended in 1.4.2" : undefined} />
    </Ask>
  );
}
