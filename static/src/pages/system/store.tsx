/** What the store takes up. */
import type { SystemFigures } from "../../api/admin";
import { size } from "../../ui/json_view";
import { EntryLink, Facts } from "../../ui/side";

export function Store({ of: { store } }: { of: SystemFigures }) {
  const { snapshots } = store;
  const bytes = (value: number) => <span class="tabular">{size(value)}</span>;
  const many = (value: number): string => `${snapshots.whole ? "" : "up to at least "}${value.toLocaleString("en")}`;
  return (
    <div class="card section">
      <h2>Storage</h2>
      <Facts
        of={[
          ["Kind", store.kind === "sqlite" ? "SQLite" : "Postgres"],
          ["Position", <EntryLink position={store.position} />],
          ["Database", bytes(store.database_bytes)],
          store.free_bytes !== undefined && ["Free in it", bytes(store.free_bytes)],
          store.history_bytes !== undefined && ["History", bytes(store.history_bytes)],
          store.snapshots_bytes !== undefined && ["Snapshots take", bytes(store.snapshots_bytes)],
          store.log_bytes !== undefined && ["Write-ahead log", bytes(store.log_bytes)],
          ["Snapshots", `${many(snapshots.entities)} of entities, ${many(snapshots.projections)} of projections`],
        ]}
      />
    </div>
  );
}
