/** Publishing an event by hand: what it carries, what its schema says of that, what it would do, and what it did. */
import { useEffect, useState } from "preact/hooks";
import { exactly, request } from "../../api/client";
import type { EventSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { useSettled } from "../../live/settled";
import { type Draft, bodyOf, commandOf, problemsOf } from "../../model/draft";
import { at, print } from "../../model/json";
import { environment, link } from "../../shell/route";
import { Field, Problem, said } from "../../ui/acting";
import { useAttempt } from "../../ui/attempt";
import { short } from "../../ui/basics";
import { CopyCurl } from "../../ui/copy_curl";
import { Dialog, sendByKey } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { JsonEditor } from "../../ui/json_editor";
import { JsonView } from "../../ui/json_view";
import { copy } from "../../ui/toast";
import { Fixtures } from "./fixtures";
import { DryRunShown, useDryRun } from "./rehearsal";
import { type SchemaTold, Verdicts } from "./schema";

interface Emitted {
  event_id: string;
  run_ids: string[];
  duplicate?: boolean;
  outcomes?: { function_id: string; outcome: string; run_id?: string }[];
}

interface Props {
  begin: Partial<Draft>;
  onPublished?: () => void;
  onClose: () => void;
}

const SETTLED_AFTER_MS = 400;
const NOTHING: Draft = { name: "", data: '{\n  "id": 1\n}', metadata: "", version: "1", key: "", again: "" };

/** What an event can be published again with. */
export function draftOf(event: EventSummary): Partial<Draft> {
  return { name: event.name, data: print(event.data, 2), version: String(event.version), again: event.id };
}

export function Publish({ begin, onPublished, onClose }: Props) {
  const [draft, setDraft] = useState<Draft>({ ...NOTHING, ...begin });
  const [place, setPlace] = useState(environment.value);
  const within = place.trim() || "default";
  const asked = useSettled(within, SETTLED_AFTER_MS);
  const named = useSettled(draft.name.trim(), SETTLED_AFTER_MS);
  const [loaded, setLoaded] = useState(0);
  const [names, setNames] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const attempt = useAttempt();
  const [problem, setProblem] = useState("");
  const [sent, setSent] = useState<Emitted | null>(null);
  const [count, setCount] = useState(0);
  // An event is known in its own environment only.
  const told = within === environment.value ? draft : { ...draft, again: "" };
  const body = bodyOf(told);
  const wrong = problemsOf(draft);
  const dry = useDryRun(sent || asked !== within ? "" : body, asked);
  const change = (changes: Partial<Draft>): void => {
    setSent(null);
    setDraft((before) => ({ ...before, ...changes }));
  };

  useEffect(() => {
    const abort = new AbortController();
    request<{ names: { name: string }[] }>("GET", "/events/names", { environment: asked, signal: abort.signal }).then(
      (answer) => setNames(answer.names.map((one) => one.name)),
      () => setNames([]),
    );
    return () => abort.abort();
  }, [asked]);

  async function take(event: EventSummary): Promise<void> {
    try {
      const whole = await exactly("GET", `/events/${event.id}`, { environment: asked });
      const metadata = at(whole, "metadata");
      change({ ...draftOf(event), metadata: metadata instanceof Map && metadata.size > 0 ? print(metadata, 2) : "" });
      setLoaded((before) => before + 1);
    } catch (error) {
      setProblem(said(error));
    }
  }

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy || !body) return;
    setBusy(true);
    setProblem("");
    try {
      setSent(await attempt((key) => request<Emitted>("POST", "/events", { json: bodyOf({ ...told, key: told.key || key }), environment: within })));
      setCount((before) => before + 1);
      onPublished?.();
    } catch (error) {
      setProblem(said(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Dialog title="Publish an event" onClose={onClose} class="wide">
      <form onSubmit={(event) => void submit(event)} onKeyDown={sendByKey}>
        <div class="publish-grid">
          <div class="publish-form">
            <label class="field">
              Name
              <input value={draft.name} list="event-names" required placeholder="order.placed" spellcheck={false} autocomplete="off" onInput={(event) => change({ name: event.currentTarget.value })} />
            </label>
            <datalist id="event-names">
              {names.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
            <JsonEditor key={`data ${loaded}`} label="Data" rows={9} value={draft.data} wrong={wrong.data !== ""} onValue={(data) => change({ data })} />
            <Problem text={wrong.data} />
            <details open={draft.metadata !== "" || undefined}>
              <summary>Metadata, version, key, environment</summary>
              <div class="publish-more">
                <JsonEditor key={`metadata ${loaded}`} label="Metadata" rows={3} value={draft.metadata} placeholder='{"tenant": "a"}' wrong={wrong.metadata !== ""} onValue={(metadata) => change({ metadata })} />
                <Problem text={wrong.metadata} />
                <div class="publish-pair">
                  <Field label="Version" value={draft.version} wrong={wrong.version !== ""} onValue={(version) => change({ version })} />
                  <Field label="Environment" value={place} onValue={setPlace} placeholder="default" />
                </div>
                <Field label="Idempotency key" note="sent twice with one key, it is recorded once" value={draft.key} onValue={(key) => change({ key })} />
              </div>
            </details>
            <Problem text={wrong.version} />
          </div>
          <div class="publish-told">
            {told.again && (
              <p class="muted small repeat">
                <span>
                  It will say that it repeats <span class="mono">{short(told.again)}</span>.
                </span>
                <button type="button" class="small" onClick={() => change({ again: "" })}>
                  It is a new one
                </button>
              </p>
            )}
            <SchemaShown of={dry.dry?.schema} environment={asked} />
            <DryRunShown told={dry} />
            {problem !== dry.problem && <Problem text={problem} />}
            {sent && <Sent of={sent} environment={within} onLeave={onClose} />}
            <Fixtures environment={asked} name={named} published={count} onTake={(event) => void take(event)} />
          </div>
        </div>
        <div class="buttons end">
          <button type="button" class="quiet small" onClick={() => copy(commandOf(told, within), "Command")}>
            Copy as CLI
          </button>
          <CopyCurl of={() => [{ method: "POST", path: "/events", body }]} within={within} barred={!body} />
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" disabled={busy || (draft.name.trim() !== "" && !body)} title="Ctrl-Enter">
            {busy ? "Sending…" : sent ? "Publish again" : "Publish"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What the schema says of it, and the schema. */
function SchemaShown({ of, environment: within }: { of: SchemaTold | undefined; environment: string }) {
  const [kept, setKept] = useState(of);
  useEffect(() => {
    if (of) setKept(of);
  }, [of]);
  if (!kept || kept.versions.length === 0) return null;
  return (
    <section class="plan" aria-label="Schema">
      <h3>Schema</h3>
      <Verdicts of={kept} />
      {kept.versions.includes(kept.version) && <SchemaText name={kept.event_name} version={kept.version} environment={within} />}
    </section>
  );
}

function SchemaText({ name, version, environment: within }: { name: string; version: number; environment: string }) {
  const path = `/events/schemas/${encodeURIComponent(name)}/${version}`;
  const told = useResource(`${within} ${path}`, (signal) => exactly("GET", path, { signal, environment: within }));
  const schema = told.data && at(told.data, "schema");
  if (schema === undefined) return null;
  return (
    <details>
      <summary>Version {version}</summary>
      <JsonView value={schema} label="schema" />
    </details>
  );
}

function Sent({ of, environment: within, onLeave }: { of: Emitted; environment: string; onLeave: () => void }) {
  const env = within === environment.value ? {} : { env: within };
  return (
    <div class="sent" role="status">
      <Icon name="check" class="ok" /> {of.duplicate ? "It was there already" : "Recorded"}
      {of.run_ids.length === 0 && ", and started nothing"}
      {of.run_ids.map((id) => (
        <a key={id} href={link(`/runs/${id}`, env)} onClick={onLeave}>
          {short(id)}
        </a>
      ))}
      {of.outcomes?.map((one) => (
        <span key={one.function_id} class="muted">
          {one.function_id}: {one.outcome}
        </span>
      ))}
    </div>
  );
}
