/** Who gets what: consumer groups and how far each is, topics and who follows them, and what could not be delivered. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { GroupList } from "./list";
import { Topics } from "./topics";
import { Undelivered } from "./undelivered";

const TABS = [
  { id: "groups", label: "Groups" },
  { id: "topics", label: "Topics" },
  { id: "dead", label: "Dead letters" },
];

export default function Groups() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Groups and topics" />
      <PageTabs label="groups" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, group: null, topic: null, letter: null })} />
      {open === "groups" && <GroupList />}
      {open === "topics" && <Topics />}
      {open === "dead" && <Undelivered />}
    </div>
  );
}
