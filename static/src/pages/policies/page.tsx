/** What roles give, to whom, and policies: what is denied all the same. The playground says what they would decide. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { PolicyList } from "./list";
import { Matrix } from "./matrix";
import { Playground } from "./playground";
import { Principals } from "./principals";

const TABS = [
  { id: "policies", label: "Policies" },
  { id: "playground", label: "Playground" },
  { id: "roles", label: "Roles" },
  { id: "principals", label: "Principals" },
];

export default function Policies() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Policies" />
      <PageTabs label="policies" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, policy: null, principal: null })} />
      {open === "policies" && <PolicyList />}
      {open === "playground" && <Playground />}
      {open === "roles" && <Matrix />}
      {open === "principals" && <Principals />}
    </div>
  );
}
