/** The partitions of a projection, each with where it is; one of them is chosen for what stands below. */
import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { PartitionItem, ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { countedText } from "../../model/progress";
import { choose, chosen } from "../../shell/route";
import { Skeleton, Time } from "../../ui/basics";
import { size } from "../../ui/json_view";
import { EntryLink } from "../../ui/side";
import { Failed } from "../../ui/states";

const PAGE = 50;

export function Partitions({ of, path }: { of: ProjectionSummary; path: string }) {
  const [search, setSearch] = useState("");
  const [pages, setPages] = useState<readonly string[]>([]);
  const after = pages[pages.length - 1] ?? "";
  const found = useResource(`${path} partitions ${search} ${after}`, (signal) => get<{ items: PartitionItem[]; total: number }>(`${path}/partitions`, { q: search, after, limit: PAGE }, signal), { version: `${of.last_event_id} ${of.generation}` });
  const items = found.data?.items;
  return (
    <section class="card section" aria-label="Partitions">
      <div class="buttons">
        <h2>Partitions</h2>
        <span class="muted tabular">{found.data && countedText(found.data.total)}</span>
        <span class="grow" />
        <input
          type="search"
          value={search}
          placeholder="part of a key"
          aria-label="Find partitions"
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            setPages([]);
          }}
        />
      </div>
      {found.error && <Failed error={found.error} onRetry={found.reload} />}
      {!items && !found.error && <Skeleton rows={3} of={found} />}
      {items?.length === 0 && <p class="muted">{search ? "No partition has that in its key." : "No event that it folds has come yet: there is no partition."}</p>}
      {items && items.length > 0 && (
        <div class="list-scroll letters" tabIndex={0} role="region" aria-label="Partitions">
          <table class="plain">
            <thead>
              <tr>
                <th>Key</th>
                <th>Position</th>
                <th>Last event</th>
                <th>Saved</th>
                <th>State</th>
              </tr>
            </thead>
            <tbody>
              {items.map((one) => (
                <tr key={one.partition_key} aria-current={one.partition_key === chosen("partition") ? "true" : undefined}>
                  <td>
                    <button type="button" class="small" onClick={() => choose({ partition: one.partition_key, at: null })}>
                      {one.partition_key}
                    </button>
                  </td>
                  <td>
                    <EntryLink position={one.last_event_seq} />
                  </td>
                  <td>
                    <Time at={one.last_event_time} />
                  </td>
                  <td class="tabular">{one.version.toLocaleString("en")}×</td>
                  <td class="tabular">{size(one.size_bytes)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(pages.length > 0 || items?.length === PAGE) && (
        <p class="buttons">
          <button type="button" class="small" disabled={pages.length === 0} onClick={() => setPages(pages.slice(0, -1))}>
            Previous partitions
          </button>
          <button type="button" class="small" disabled={items?.length !== PAGE} onClick={() => items && setPages([...pages, items[items.length - 1].partition_key])}>
            Next partitions
          </button>
        </p>
      )}
    </section>
  );
}
