/** Webhooks: who may deliver, and what came. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { Deliveries } from "./deliveries";
import { Sources } from "./sources";

const TABS = [
  { id: "sources", label: "Sources" },
  { id: "deliveries", label: "Deliveries" },
];

export default function Webhooks() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Webhooks" />
      <PageTabs label="webhooks" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, source: null, delivery: null, status: null })} />
      {open === "sources" ? <Sources /> : <Deliveries />}
    </div>
  );
}
