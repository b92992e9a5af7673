/** One event: what it carries, what it started, and what it came of. */
import { exact, get } from "../../api/client";
import type { Entry, EventSummary } from "../../api/types";
import { type Resource, useResource } from "../../live/resource";
import { type Json, at } from "../../model/json";
import { eventLink, link } from "../../shell/route";
import { Id, Skeleton, TabPanel, Tabs, Time, short } from "../../ui/basics";
import { choose, chosen } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Edge } from "../../ui/edge";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";
import { ProjectionsOf } from "./projections";
import { RunsOf } from "./runs";
import { SchemaOf } from "./schema";

const TABS = [
  { id: "data", label: "Data" },
  { id: "schema", label: "Schema" },
  { id: "projections", label: "Projections" },
  { id: "lineage", label: "Causes" },
];

interface Effect {
  entry: Entry;
  effects: Effect[];
}

interface Lineage {
  causes: Entry[];
  effects: Effect[];
  truncated: boolean;
}

interface Props {
  event: EventSummary;
  /** Changes when something was published: this one may have been. */
  published: number;
  onClose: () => void;
  onAgain: () => void;
}

export function EventInspector({ event, published, onClose, onAgain }: Props) {
  const whole = useResource(`event ${event.id}`, (signal) => exact(`/events/${event.id}`, {}, signal), { version: published });
  const anew = whole.data ? at(whole.data, "reemitted_as") : undefined;
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? "data";
  return (
    <aside class="card inspector asked" aria-label={`Event ${event.name}`}>
      <Edge />
      <header class="inspector-head">
        <div>
          <h2 class="cut">{event.name}</h2>
          <Id id={event.id} whole />
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      <dl class="facts">
        <Fact name="Recorded">
          <Time at={event.timestamp} /> <span class="faint mono">at {event.position}</span>
        </Fact>
        <Fact name="Source">
          {event.source} <span class="faint">version {event.version}</span>
        </Fact>
        {event.emitted_by && <Fact name="By"><Actor id={event.emitted_by} /></Fact>}
        {event.run_id && (
          <Fact name="From run">
            <a href={link(`/runs/${event.run_id}`)}>{short(event.run_id)}</a>
          </Fact>
        )}
        {event.entity_type && (
          <Fact name="Entity">
            {event.entity_type}/{event.entity_id} <span class="faint">version {event.entity_version}</span>
          </Fact>
        )}
        {event.reemitted_from && (
          <Fact name="Repeats">
            <EventLink id={event.reemitted_from} />
          </Fact>
        )}
        {Array.isArray(anew) && anew.length > 0 && (
          <Fact name="Repeated">
            {(anew as string[]).map((id) => (
              <EventLink key={id} id={id} />
            ))}
          </Fact>
        )}
        <Fact name="Started">
          <RunsOf event={event} />
        </Fact>
      </dl>
      <p class="buttons pad-x">
        <button type="button" class="small" onClick={onAgain} title="Publish this one again (e)">
          Publish again…
        </button>
        <a class="small" href={link("/runs", { q: `event:${event.id}` })}>
          its runs
        </a>
      </p>
      <Tabs label="event" items={TABS} open={open} onOpen={(id) => choose({ show: id === "data" ? null : id })} />
      <TabPanel label="event" open={open}>
        {open === "lineage" && <LineageShown key={event.position} position={event.position} />}
        {open === "schema" && <SchemaOf key={event.id} id={event.id} />}
        {open === "projections" && <ProjectionsOf key={event.id} id={event.id} />}
        {open === "data" && <Payload key={event.id} of={whole} />}
      </TabPanel>
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function EventLink({ id }: { id: string }) {
  return (
    <a class="listed mono" href={eventLink(id)}>
      {short(id)}
    </a>
  );
}

function Payload({ of: event }: { of: Resource<Json> }) {
  if (event.error) return <Failed error={event.error} onRetry={event.reload} />;
  if (!event.data) return <Skeleton rows={4} of={event} />;
  const metadata = at(event.data, "metadata");
  return (
    <>
      <JsonView value={at(event.data, "data") ?? null} label="data" />
      {metadata instanceof Map && metadata.size > 0 && (
        <>
          <h3 class="pad-x">Metadata</h3>
          <JsonView value={metadata} label="metadata" />
        </>
      )}
    </>
  );
}

function LineageShown({ position }: { position: number }) {
  const lineage = useResource(`lineage ${position}`, (signal) => get<Lineage>(`/history/${position}/lineage`, {}, signal));
  if (lineage.error) return <Failed error={lineage.error} onRetry={lineage.reload} />;
  if (!lineage.data) return <Skeleton rows={4} of={lineage} />;
  const { causes, effects, truncated } = lineage.data;
  return (
    <div class="lineage">
      <h3>Came of</h3>
      {causes.length === 0 && <p class="muted">nothing that is recorded: it came from outside</p>}
      <ul>
        {causes.map((entry) => (
          <EntryLine key={entry.position} entry={entry} />
        ))}
      </ul>
      <h3>What came of it</h3>
      {effects.length === 0 && <p class="muted">nothing yet</p>}
      <Effects effects={effects} />
      {truncated && <p class="muted">There is more than is shown: see `ironflow why`.</p>}
    </div>
  );
}

function Effects({ effects }: { effects: Effect[] }) {
  if (effects.length === 0) return null;
  return (
    <ul>
      {effects.map((effect) => (
        <li key={effect.entry.position}>
          <EntryLine entry={effect.entry} />
          <Effects effects={effect.effects} />
        </li>
      ))}
    </ul>
  );
}

function EntryLine({ entry }: { entry: Entry }) {
  const [noun, id] = entry.stream.split("/");
  const name = typeof entry.data.name === "string" ? entry.data.name : "";
  return (
    <div class="entry-line">
      <span class="mono faint">{entry.position}</span> {entry.kind.replace(/[._]/g, " ")} {name && <b>{name}</b>}{" "}
      {noun === "run" && <a href={link(`/runs/${id}`, { at: entry.position })}>{short(id)}</a>}
    </div>
  );
}
