/** All of history, newest first: every entry with what caused it and what came of it. */
import type { ComponentChildren } from "preact";
import { exact, file, get } from "../../api/client";
import type { Entry } from "../../api/types";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { type Json, at, objects, print } from "../../model/json";
import { rangeOf } from "../../model/range";
import { useKeys } from "../../shell/keys";
import { choose, chosen, link, timeRange } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Skeleton, TabPanel, Tabs, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Download } from "../../ui/download";
import { Filters } from "../../ui/filters";
import { JsonView } from "../../ui/json_view";
import { Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { Lanes } from "./lanes";
import { VerifyButton } from "./verify";

const EVERY_MS = 3_000;
const LIMIT = 100;

type Kept = Omit<Entry, "data"> & { data: Json };

export function Explorer() {
  const unbound = chosen("since") || chosen("until") ? null : rangeOf(timeRange.value);
  const query = { kind: chosen("kind"), stream: chosen("stream"), actor: chosen("actor"), since: chosen("since"), at: chosen("until"), ...(unbound && { since: unbound.since, at: unbound.until }) };
  const filtered = Object.values(query).some((value) => value !== "");
  const entries = usePaged(
    `history ${JSON.stringify(query)}`,
    async (cursor, signal) => {
      const page = await exact("/history", { ...query, direction: "backward", limit: LIMIT, cursor }, signal);
      const next = at(page, "next_cursor");
      return { items: objects<Kept>(at(page, "entries"), "data"), next: typeof next === "string" ? next : "" };
    },
    { every: EVERY_MS },
  );
  const wanted = chosen("entry");
  const listed = entries.items?.some((one) => String(one.position) === wanted) ?? false;
  return (
    <>
      <Filters
        fields={[
          { name: "kind", label: "Kind", placeholder: "run.*, kv.put" },
          { name: "stream", label: "Stream", placeholder: "run/…, entity/order/o-8" },
          { name: "actor", label: "By", placeholder: "a key or a user" },
          { name: "since", label: "Since", placeholder: "24h, or a time" },
          { name: "until", label: "As of", placeholder: "a position, or a time" },
        ]}
      >
        {(["jsonl", "csv"] as const).map((format) => (
          <Download
            key={format}
            label={format === "csv" ? "CSV" : "JSON lines"}
            title="Keep all that fits as a file"
            name={`history.${format}`}
            permission="audit:export"
            make={() => file("/history/export", { ...query, format })}
          />
        ))}
        <VerifyButton />
      </Filters>
      <Lanes query={{ kind: query.kind, stream: query.stream, actor: query.actor, since: query.since }} />
      {wanted && !listed && entries.items && <Elsewhere position={wanted} />}
      <Browse
        label="History"
        noun="entry"
        param="entry"
        resource={entries}
        items={entries.items}
        more={entries}
        id={(one) => String(one.position)}
        copies="Position"
        columns={[
          { name: "Position", width: "84px", show: (one) => <span class="mono">{one.position}</span> },
          { name: "Kind", width: "minmax(120px, 1fr)", show: (one) => <span class="mono">{one.kind}</span>, below },
          { name: "Stream", width: "minmax(140px, 1.4fr)", show: (one) => <span class="mono">{one.stream}</span>, wide: true },
          { name: "Says", width: "minmax(140px, 1.8fr)", show: (one) => <span class="mono muted">{print(one.data)}</span>, wide: true, alone: true },
          { name: "By", width: "minmax(80px, 0.8fr)", show: (one) => <Actor id={byOf(one)} />, wide: true, alone: true },
          { name: "When", width: "96px", show: (one) => <Time at={one.recorded_at} />, wide: true },
        ]}
        empty={
          <Empty icon="audit" title={filtered ? "Nothing fits the filter" : "Nothing has happened here yet"}>
            {!filtered && <Command text={`ironflow emit order.placed -d '{"id": 1}'`} />}
          </Empty>
        }
        side={(one, close) => <OneEntry key={one.position} of={one} onClose={close} />}
      />
    </>
  );
}

/** What it happened to, and when. */
function below(one: Kept) {
  const by = byOf(one);
  return (
    <>
      <span class="mono">{one.stream}</span>
      <span>
        <Time at={one.recorded_at} />
        {by && <> by <Actor id={by} /></>}
      </span>
    </>
  );
}

/** What is linked to may lie far behind the rows that are loaded. */
function Elsewhere({ position }: { position: string }) {
  return (
    <p class="muted">
      Position {position} is not among these.{" "}
      <button type="button" class="small" onClick={() => choose({ until: position, kind: null, stream: null, actor: null, since: null })}>
        Show history as of it
      </button>
    </p>
  );
}

/** The caller; of what was reported without one, the worker; "" for neither. */
function byOf({ actor, data }: Kept): string {
  if (actor) return actor;
  const id = at(data, "worker_id");
  return typeof id === "string" && id !== "" ? `worker ${id}` : "";
}

const TABS = [
  { id: "data", label: "What it says" },
  { id: "lineage", label: "Causes and effects" },
];

function OneEntry({ of, onClose }: { of: Kept; onClose: () => void }) {
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? TABS[0].id;
  const [noun, ...rest] = of.stream.split("/");
  useKeys("Entry", [{ keys: "s", label: "Only its stream", run: () => choose({ stream: of.stream }) }]);
  return (
    <Side title={of.kind} under={<span class="muted">position {of.position}</span>} onClose={onClose}>
      <Facts
        of={[
          ["Stream", noun === "run" ? <a href={link(`/runs/${rest.join("/")}`, { at: of.position })}>{of.stream}</a> : <span class="mono">{of.stream}</span>],
          ["Version", of.version],
          ["When", <Time at={of.recorded_at} />],
          ["By", <Actor id={byOf(of)} />],
          of.correlation && ["Began with", <span class="mono">{of.correlation}</span>],
          of.causation && ["Caused by", <span class="mono">{of.causation}</span>],
        ]}
      />
      <p class="buttons pad-x">
        <button type="button" class="small" onClick={() => choose({ stream: of.stream })}>
          Only its stream
        </button>
        <button type="button" class="small" onClick={() => choose({ kind: of.kind })}>
          Only its kind
        </button>
      </p>
      <Tabs label="entry" items={TABS} open={open} onOpen={(id) => choose({ show: id === TABS[0].id ? null : id })} />
      <TabPanel label="entry" open={open}>
        {open === "data" ? <JsonView value={of.data} label={`entry ${of.position}`} /> : <Lineage position={of.position} />}
      </TabPanel>
    </Side>
  );
}

interface Effect {
  entry: Entry;
  effects: Effect[];
}

function Lineage({ position }: { position: number }) {
  const told = useResource(`lineage ${position}`, (signal) => get<{ causes: Entry[]; effects: Effect[]; truncated: boolean }>(`/history/${position}/lineage`, {}, signal));
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={5} of={told} />;
  const { causes, effects, truncated } = told.data;
  return (
    <div class="pad-x">
      <h3>What caused it</h3>
      {causes.length === 0 && <p class="muted">Nothing in history: somebody outside did it.</p>}
      <ol>
        {causes.map((one) => (
          <Named key={one.position} of={one} />
        ))}
      </ol>
      <h3>What came of it</h3>
      {effects.length === 0 && <p class="muted">Nothing yet.</p>}
      <Effects of={effects} />
      {truncated && <p class="muted">There is more than is shown.</p>}
    </div>
  );
}

function Effects({ of }: { of: readonly Effect[] }) {
  if (of.length === 0) return null;
  return (
    <ul class="branches">
      {of.map((one) => (
        <Named key={one.entry.position} of={one.entry}>
          <Effects of={one.effects} />
        </Named>
      ))}
    </ul>
  );
}

function Named({ of, children }: { of: Entry; children?: ComponentChildren }) {
  return (
    <li>
      <button type="button" class="quiet small" onClick={() => choose({ entry: of.position, until: of.position, kind: null, stream: null, actor: null, since: null })}>
        <span class="mono">{of.position}</span> {of.kind}
      </button>
      {children}
    </li>
  );
}
