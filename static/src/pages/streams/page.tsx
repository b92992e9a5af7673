/** Entities that events were appended to: each has a stream of its own, with versions. */
import { get } from "../../api/client";
import type { StreamInfo } from "../../api/data";
import { usePaged } from "../../live/paged";
import { PageHead } from "../../shell/head";
import { choose, chosen, link, navigate } from "../../shell/route";
import { Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Filters } from "../../ui/filters";
import { Command, Empty } from "../../ui/states";
import { Elsewhere } from "./elsewhere";

const LIMIT = 100;

export function streamPath(type: string, id: string): string {
  return `/streams/${encodeURIComponent(type)}/${encodeURIComponent(id)}`;
}

export default function Streams() {
  const [type, search, gone] = [chosen("type"), chosen("search"), chosen("deleted")];
  const streams = usePaged(
    `streams ${type} ${search} ${gone}`,
    async (cursor, signal) => {
      const query = { type, search, include_deleted: gone ? "true" : undefined, limit: LIMIT, cursor };
      const page = await get<{ streams: StreamInfo[]; total: number; next_cursor?: string }>("/streams", query, signal);
      return { items: page.streams, next: page.next_cursor ?? "", total: page.total };
    },
    { pattern: "entity:>", pace: 2_000 },
  );
  return (
    <div class="page full">
      <PageHead title="Entity streams" />
      <Filters
        fields={[
          { name: "type", label: "Type", placeholder: "order" },
          { name: "search", label: "Id", placeholder: "a part of it" },
        ]}
      >
        <label class="check small">
          <input type="checkbox" checked={gone !== ""} onChange={(event) => choose({ deleted: event.currentTarget.checked ? "yes" : null })} /> deleted ones too
        </label>
      </Filters>
      <Browse
        label="Entity streams"
        noun="entity"
        param="stream"
        resource={streams}
        items={streams.items}
        more={streams}
        id={(one) => `${one.entityType}/${one.entityId}`}
        copies="Entity"
        onOpen={(one) => navigate(link(streamPath(one.entityType, one.entityId)))}
        columns={[
          { name: "Entity", width: "minmax(160px, 1.6fr)", show: (one) => one.entityId },
          { name: "Type", width: "minmax(100px, 1fr)", show: (one) => <span class="mono">{one.entityType}</span> },
          { name: "Version", width: "80px", show: (one) => <span class="tabular">{one.version}</span> },
          { name: "Status", width: "110px", show: (one) => <Status status={one.deleted ? "archived" : "active"} />, wide: true },
          { name: "Began", width: "110px", show: (one) => <Time at={one.createdAt} />, wide: true },
          { name: "Last event", width: "110px", show: (one) => <Time at={one.lastEventAt} />, wide: true },
        ]}
        empty={
          type || search ? (
            <Empty icon="search" title="No entity fits the filter">
              <button type="button" onClick={() => choose({ type: null, search: null })}>
                Show all
              </button>
            </Empty>
          ) : (
            <Empty icon="streams" title="No entity has events here">
              <p class="muted">The first event that is appended to one begins its stream:</p>
              <Command text={`ironflow stream append order/o-8 placed -d '{"total": 120}'`} />
              <Elsewhere />
            </Empty>
          )
        }
      />
    </div>
  );
}
