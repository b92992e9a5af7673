/** The workers: where they are, what they serve, how busy they are; and who waits for what. */
import { get } from "../../api/client";
import { may } from "../../api/session";
import { useResource } from "../../live/resource";
import { type WorkersTold, rowsOf } from "../../model/workers";
import { PageHead } from "../../shell/head";
import { choose, chosen } from "../../shell/route";
import { PageTabs } from "../../ui/page_tabs";
import { Lanes } from "./lanes";
import { Connected } from "./connected";

const EVERY_MS = 2_000;

const TABS = [
  { id: "workers", label: "Workers" },
  { id: "lanes", label: "Who waits for what" },
];

export default function Workers() {
  const told = useResource("workers", (signal) => get<WorkersTold>("/workers", {}, signal), { every: EVERY_MS });
  const connected = told.data?.workers;
  const slots = connected?.reduce((sum, one) => sum + one.max_concurrent, 0) ?? 0;
  const used = connected?.reduce((sum, one) => sum + one.active_jobs, 0) ?? 0;
  const tabs = may("capacity:read") ? TABS : TABS.slice(0, 1);
  const open = tabs.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Workers">
        <span class="muted tabular">{connected && connected.length > 0 ? `${connected.length} connected · ${used} of ${slots} slots in use` : ""}</span>
      </PageHead>
      {tabs.length > 1 && <PageTabs label="workers" items={tabs} open={open} onOpen={(id) => choose({ worker: null, lane: null, tab: id === TABS[0].id ? null : id })} />}
      {open === "workers" && <Connected resource={told} items={told.data && rowsOf(told.data)} rejected={told.data?.rejected ?? []} />}
      {open === "lanes" && <Lanes />}
    </div>
  );
}
