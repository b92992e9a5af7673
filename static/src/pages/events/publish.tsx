/** Publishing an event by hand: a name, JSON, and what it started. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, curl, get, quoted, request } from "../../api/client";
import { print, readable } from "../../model/json";
import { environment, link } from "../../shell/route";
import { short } from "../../ui/basics";
import { Dialog, sendByKey } from "../../ui/dialog";
import { Icon } from "../../ui/icon";
import { JsonEditor } from "../../ui/json_editor";
import { copy } from "../../ui/toast";
import { DryRunShown, useDryRun } from "./rehearsal";

interface Emitted {
  event_id: string;
  run_ids: string[];
  duplicate?: boolean;
  outcomes?: { function_id: string; outcome: string; run_id?: string }[];
}

interface Props {
  name: string;
  data: string;
  /** The event that this one repeats, changed or not; "" for none. */
  again?: string;
  onPublished?: () => void;
  onClose: () => void;
}

export function Publish({ name: first, data: begin, again = "", onPublished, onClose }: Props) {
  const [name, setName] = useState(first);
  const [data, setData] = useState(begin);
  const [key, setKey] = useState("");
  const [names, setNames] = useState<string[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [sent, setSent] = useState<Emitted | null>(null);
  const read = readable(data);
  // As it was written: digits beyond 2^53 included.
  const body =
    typeof read === "string" || !name.trim()
      ? ""
      : `{"name":${JSON.stringify(name.trim())},"data":${print(read.value)},"idempotency_key":${JSON.stringify(key)},"source":"dashboard"${again ? `,"reemitted_from":${JSON.stringify(again)}` : ""}}`;
  const dry = useDryRun(sent ? "" : body);

  useEffect(() => {
    get<{ names: { name: string }[] }>("/events/names").then(
      (told) => setNames(told.names.map((one) => one.name)),
      () => setNames([]),
    );
  }, []);

  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (busy || !body) return;
    setBusy(true);
    setProblem("");
    try {
      setSent(await request<Emitted>("POST", "/events", { json: body }));
      onPublished?.();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.hint ? `${error.message}: ${error.hint}` : error.message);
    } finally {
      setBusy(false);
    }
  }

  const shown = typeof read === "string" ? data : print(read.value);
  const cli = `ironflow emit ${name || "NAME"} -d ${quoted(shown)}${again ? ` --reemitted-from ${again}` : ""}${environment.value === "default" ? "" : ` --env ${environment.value}`}`;
  return (
    <Dialog title="Publish an event" onClose={onClose}>
      <form onSubmit={(event) => void submit(event)} onKeyDown={sendByKey}>
        {again && (
          <p class="muted small">
            It will say that it repeats <span class="mono">{short(again)}</span>.
          </p>
        )}
        <label class="field">
          Name
          <input value={name} list="event-names" required placeholder="order.placed" spellcheck={false} autocomplete="off" onInput={(event) => setName(event.currentTarget.value)} />
        </label>
        <datalist id="event-names">
          {names.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <JsonEditor label="Data" rows={9} value={data} wrong={typeof read === "string"} onValue={setData} />
        {typeof read === "string" && (
          <p class="problem" role="alert">
            <Icon name="warning" class="fail" /> {read}
          </p>
        )}
        <label class="field">
          <span>
            Idempotency key <span class="faint">sent twice with one key, it is recorded once</span>
          </span>
          <input value={key} spellcheck={false} autocomplete="off" onInput={(event) => setKey(event.currentTarget.value)} />
        </label>
        <DryRunShown told={dry} />
        {problem && !dry.problem && (
          <p class="problem" role="alert">
            <Icon name="warning" class="fail" /> {problem}
          </p>
        )}
        {sent && (
          <div class="sent" role="status">
            <Icon name="check" class="ok" /> {sent.duplicate ? "It was there already" : "Recorded"}
            {sent.run_ids.length === 0 && ", and started nothing"}
            {sent.run_ids.map((id) => (
              <a key={id} href={link(`/runs/${id}`)} onClick={onClose}>
                {short(id)}
              </a>
            ))}
            {sent.outcomes?.map((one) => (
              <span key={one.function_id} class="muted">
                {one.function_id}: {one.outcome}
              </span>
            ))}
          </div>
        )}
        <div class="buttons end">
          <button type="button" class="quiet small" onClick={() => copy(cli, "Command")}>
            Copy as CLI
          </button>
          <button type="button" class="quiet small" onClick={() => copy(curl("POST", "/events", `{"name":${JSON.stringify(name)},"data":${shown}}`), "curl")}>
            Copy as curl
          </button>
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class="primary" disabled={busy || typeof read === "string"} title="Ctrl-Enter">
            {busy ? "Sending…" : sent ? "Publish again" : "Publish"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
