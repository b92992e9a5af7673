/** What was decided and done, by whom; and all of history behind it. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { Decisions } from "./decisions";
import { Explorer } from "./explorer";

const TABS = [
  { id: "audit", label: "Audit" },
  { id: "history", label: "History" },
];
const FILTERS = ["decision", "entry", "action", "actor", "kind", "type", "stream", "since", "until"];

export default function Audit() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  const cleared = Object.fromEntries(FILTERS.map((name) => [name, null]));
  return (
    <div class="page full">
      <PageHead title="Audit and history" />
      <PageTabs label="audit" items={TABS} open={open} onOpen={(id) => choose({ ...cleared, tab: id === TABS[0].id ? null : id })} />
      {open === "audit" ? <Decisions /> : <Explorer />}
    </div>
  );
}
