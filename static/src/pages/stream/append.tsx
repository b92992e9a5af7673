/** Appending an event to an entity, if it is still at the version that whoever writes it has seen. */
import { useState } from "preact/hooks";
import { ApiError, get, request } from "../../api/client";
import type { StreamEvent, StreamInfo } from "../../api/data";
import { type Json, print, readable } from "../../model/json";
import { Field } from "../../ui/acting";
import { Actor } from "../../ui/actor";
import { Ask } from "../../ui/ask";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { JsonEditor } from "../../ui/json_editor";
import { eventsBetween, stateAt } from "./folded";

const NEWS_MAX = 20;

interface Props {
  of: StreamInfo;
  base: string;
  onClose: () => void;
  onDone: () => void;
}

/** What came since the version that was expected. */
interface News {
  version: number;
  events: readonly StreamEvent[];
  before: Json | undefined;
  after: Json | undefined;
}

export function Append({ of, base, onClose, onDone }: Props) {
  const [name, setName] = useState("");
  const [text, setText] = useState("{}");
  const [expected, setExpected] = useState(String(of.version));
  const [news, setNews] = useState<News | null>(null);
  const read = readable(text);
  const unknown = expected !== "" && !/^\d{1,15}$/.test(expected) ? "The expected version is a number, or empty for any" : "";
  const json = (key: string): string =>
    `{"name":${JSON.stringify(name)},"entityType":${JSON.stringify(of.entityType)},"expectedVersion":${expected || "-1"},"data":${typeof read === "string" ? "null" : print(read.value)}${key && `,"idempotencyKey":"${key}"`}}`;
  async function append(key: string): Promise<void> {
    setNews(null);
    try {
      await request("POST", `${base}/events`, { json: json(key) });
    } catch (error) {
      if (error instanceof ApiError && error.code === "VERSION_CONFLICT") setNews(await since(of, base, Number(expected)));
      throw error;
    }
  }
  return (
    <Ask title={`Append to ${of.entityId}`} verb="Append" done="Appended" wrong={typeof read === "string" ? read : unknown} run={(_reason, _version, key) => append(key)} onClose={onClose} onDone={onDone}>
      <p class="muted">{expected ? `It becomes version ${Number(expected) + 1}. If another event comes first, this one is refused.` : "It comes after whatever is there."}</p>
      <Field label="Event" value={name} onValue={setName} required placeholder="paid" />
      <Field label="Expected version" note="empty: any" value={expected} onValue={setExpected} wrong={unknown !== ""} />
      <JsonEditor label="Data" rows={8} value={text} wrong={typeof read === "string"} onValue={setText} />
      {news && <Conflict of={news} onTake={() => [setExpected(String(news.version)), setNews(null)]} />}
    </Ask>
  );
}

function Conflict({ of, onTake }: { of: News; onTake: () => void }) {
  return (
    <section class="conflict" aria-label="Changed meanwhile" role="alert">
      <p>
        <Icon name="warning" class="warn" /> <b>It is at version {of.version} by now.</b> Nothing of yours is appended yet.
      </p>
      <ul>
        {of.events.slice(0, NEWS_MAX).map((one) => (
          <li key={one.version}>
            {one.version} <span class="mono">{one.name}</span>
            {one.emittedBy && <span class="muted"> by <Actor id={one.emittedBy} /></span>}
          </li>
        ))}
        {of.events.length > NEWS_MAX && <li class="muted">and {of.events.length - NEWS_MAX} more</li>}
      </ul>
      <DiffView before={of.before} after={of.after} label="What came meanwhile" />
      <p class="buttons">
        <button type="button" class="small" onClick={onTake}>
          Append after version {of.version}
        </button>
      </p>
    </section>
  );
}

async function since(of: StreamInfo, base: string, expected: number): Promise<News> {
  const type = of.entityType;
  const { version } = await get<StreamInfo>(base, { type });
  const first = Math.min(expected, version);
  const [events, before, after] = await Promise.all([eventsBetween(base, type, first + 1, Math.min(version, first + NEWS_MAX + 1)), stateAt(base, type, first), stateAt(base, type, version)]);
  return { version, events, before: before.state, after: after.state };
}
