/** Policies: what is denied whatever a role gives. The playground says what they would decide. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { PolicyList } from "./list";
import { Playground } from "./playground";

const TABS = [
  { id: "policies", label: "Policies" },
  { id: "playground", label: "Playground" },
];

export default function Policies() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Policies" />
      <PageTabs label="policies" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, policy: null })} />
      {open === "policies" ? <PolicyList /> : <Playground />}
    </div>
  );
}
