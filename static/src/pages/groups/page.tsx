/** Consumer groups: what each gets, how far it is, and what could not be delivered. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { GroupList } from "./list";
import { Undelivered } from "./undelivered";

const TABS = [
  { id: "groups", label: "Groups" },
  { id: "dead", label: "Dead letters" },
];

export default function Groups() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Consumer groups" />
      <PageTabs label="groups" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, group: null, letter: null })} />
      {open === "groups" ? <GroupList /> : <Undelivered />}
    </div>
  );
}
