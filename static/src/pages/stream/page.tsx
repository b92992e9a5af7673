/** One entity: its versions, what happened with each, the runs that came of it, and its state at any of them. */
import { useEffect, useState } from "preact/hooks";
import { exact, get, segment } from "../../api/client";
import { may } from "../../api/session";
import type { StreamEvent, StreamInfo } from "../../api/data";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { Num, at, objects, print } from "../../model/json";
import { PageHead, crumb } from "../../shell/head";
import { choose, chosen, link } from "../../shell/route";
import { Badge, Id, Skeleton, Status, TabPanel, Tabs, Time, short } from "../../ui/basics";
import { Act } from "../../ui/acting";
import { Actor } from "../../ui/actor";
import { Browse } from "../../ui/browse";
import { DiffView } from "../../ui/diff_view";
import { JsonView } from "../../ui/json_view";
import { PageTabs } from "../../ui/page_tabs";
import { EntryLink, Facts, Side } from "../../ui/side";
import { NotHere } from "../../ui/not_here";
import { Empty, Failed } from "../../ui/states";
import { Append } from "./append";
import { Delete } from "./delete";
import { DELETED, StateTab } from "./state";

const LIMIT = 100;
const APPEND = "entities:append";
const DELETE = "streams:delete";

const PARTS = [
  { id: "events", label: "Events" },
  { id: "state", label: "State" },
];

export default function StreamPage({ id: path }: { id: string }) {
  const [type, id] = [path.slice(0, path.indexOf("/")), path.slice(path.indexOf("/") + 1)];
  const base = `/streams/${segment(id)}`;
  useEffect(() => void (crumb.value = path), [path]);
  const info = useResource(`stream ${path}`, (signal) => get<StreamInfo>(base, { type }, signal), { pattern: "entity:>", pace: 1_000 });
  if (info.error && !info.data) {
    if (info.error.status !== 404) return <Failed error={info.error} onRetry={info.reload} />;
    return <NotHere kind="entity" id={path} list="/streams">See the entities there are</NotHere>;
  }
  if (!info.data) return <Skeleton rows={10} of={info} />;
  return <Loaded of={info.data} base={base} reload={info.reload} />;
}

function Loaded({ of, base, reload }: { of: StreamInfo; base: string; reload: () => void }) {
  const [appending, setAppending] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const type = of.entityType;
  const events = usePaged(`stream ${type} ${of.entityId} ${of.version}`, async (cursor, signal) => {
    const page = await exact(`${base}/history`, { type, limit: LIMIT, direction: "backward", from_version: cursor }, signal);
    const next = at(page, "nextVersion");
    return { items: objects<StreamEvent>(at(page, "events"), "data", "metadata"), next: next instanceof Num ? next.text : "" };
  });
  // What is looked at of a version stays in sight from one to the next.
  const go = (version: number): void => choose({ version: Math.max(1, Math.min(of.version, version)) });
  const now = Number(chosen("version")) || of.version + 1;
  const open = PARTS.find((part) => part.id === chosen("tab"))?.id ?? PARTS[0].id;
  return (
    <div class="page full">
      <PageHead
        title={of.entityId}
        actions={
          <span class="buttons">
            <Act allowed={may(APPEND)} barred={of.deleted ? DELETED : ""} permission={APPEND} label="Append an event…" onClick={() => setAppending(true)} />
            <Act allowed={may(DELETE)} permission={DELETE} label={of.deleted ? "Purge…" : "Delete…"} onClick={() => setDeleting(true)} />
          </span>
        }
      >
        <span class="faint mono">{type}</span>
        <Badge>
          <Status status={of.deleted ? "archived" : "active"} note={`version ${of.version}`} />
        </Badge>
      </PageHead>
      <PageTabs label="entity" items={PARTS} open={open} onOpen={(id) => choose({ tab: id === PARTS[0].id ? null : id, show: null, against: null })} />
      {open === "state" ? (
        <StateTab of={of} base={base} />
      ) : (
        <Browse
          label="Versions"
          noun="version"
          param="version"
          resource={events}
          items={events.items}
          more={events}
          id={(one) => String(one.version)}
          copies="Version"
          keys={[
            { keys: "ArrowLeft", label: "Previous version", run: () => go(now - 1) },
            { keys: "ArrowRight", label: "Next version", run: () => go(now + 1) },
            { keys: "Home", label: "First version", run: () => go(1) },
            { keys: "End", label: "Newest version", run: () => go(of.version) },
          ]}
          columns={[
            { name: "Version", width: "72px", show: (one) => one.version },
            { name: "Event", width: "minmax(130px, 1fr)", show: (one) => <span class="mono">{one.name}</span> },
            { name: "Data", width: "minmax(140px, 1.6fr)", show: (one) => <span class="mono muted">{print(one.data)}</span>, wide: true, alone: true },
            { name: "By", width: "minmax(90px, 0.8fr)", show: (one) => <Appender of={one} />, wide: true, alone: true },
            { name: "Runs", width: "64px", show: (one) => <span class="tabular">{one.runs?.length || ""}</span>, wide: true },
            { name: "When", width: "100px", show: (one) => <Time at={one.timestamp} />, wide: true },
          ]}
          empty={<Empty icon="streams" title="Nothing of it is left" />}
          side={(one, close) => <Version key={one.version} of={one} before={events.items?.find((other) => other.version === one.version - 1)} onClose={close} />}
        />
      )}
      {deleting && <Delete of={of} base={base} onClose={() => setDeleting(false)} onDone={reload} />}
      {appending && <Append of={of} base={base} onClose={() => setAppending(false)} onDone={reload} />}
    </div>
  );
}

const TABS = [
  { id: "event", label: "Event" },
  { id: "before", label: "Against the one before" },
];

/** Who appended it: a key or a person, or the run whose code did. */
function Appender({ of }: { of: StreamEvent }) {
  if (of.emittedBy) return <Actor id={of.emittedBy} />;
  if (of.runId) return <a href={link(`/runs/${of.runId}`)}>{short(of.runId)}</a>;
  return <span class="faint">{of.source || "–"}</span>;
}

function Version({ of, before, onClose }: { of: StreamEvent; before: StreamEvent | undefined; onClose: () => void }) {
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? TABS[0].id;
  return (
    <Side title={of.name} under={<span class="muted">version {of.version}</span>} onClose={onClose}>
      <Facts
        of={[
          ["Event", <Id id={of.id} />],
          ["Position", <EntryLink position={of.position} />],
          ["When", <Time at={of.timestamp} />],
          of.emittedBy && ["By", <Actor id={of.emittedBy} />],
          of.source && ["Source", of.source],
          of.runId && ["Made by", <a href={link(`/runs/${of.runId}`)}>{short(of.runId)}</a>],
          of.runs && of.runs.length > 0 && [
            "Runs",
            of.runs.map((run) => (
              <div key={run.runId}>
                <Status status={run.status} /> <a href={link(`/runs/${run.runId}`)}>{run.functionId}</a>
              </div>
            )),
          ],
        ]}
      />
      <p class="buttons pad-x">
        <button type="button" class="small" onClick={() => choose({ tab: "state", version: of.version, show: null })}>
          See the state then
        </button>
      </p>
      <Tabs label="version" items={TABS} open={open} onOpen={(id) => choose({ show: id === TABS[0].id ? null : id })} />
      <TabPanel label="version" open={open}>
        {open === "event" && <JsonView value={of.data} label="data" />}
        {open === "before" && <DiffView before={before?.data} after={of.data} label="Against the event before" />}
      </TabPanel>
    </Side>
  );
}
