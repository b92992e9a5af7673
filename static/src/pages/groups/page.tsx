/** Who gets what: consumer groups and how far each is, who follows, topics, and what could not be delivered. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { GroupList } from "./list";
import { Subscriptions } from "./subscriptions";
import { Topics } from "./topics";
import { Undelivered } from "./undelivered";

const CHOSEN = ["group", "topic", "letter", "subscription", "q", "by", "is", "show", "cause", "find"];

const TABS = [
  { id: "groups", label: "Groups" },
  { id: "subscriptions", label: "Subscribers" },
  { id: "topics", label: "Topics" },
  { id: "dead", label: "Dead letters" },
];

export default function Groups() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  const cleared = Object.fromEntries(CHOSEN.map((name) => [name, null]));
  return (
    <div class="page full">
      <PageHead title="Subscriptions" />
      <PageTabs label="groups" items={TABS} open={open} onOpen={(id) => choose({ ...cleared, tab: id === TABS[0].id ? null : id })} />
      {open === "groups" && <GroupList />}
      {open === "subscriptions" && <Subscriptions />}
      {open === "topics" && <Topics />}
      {open === "dead" && <Undelivered />}
    </div>
  );
}
