/** Documents that functions read, with their revisions; and the secrets there are, by name only. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { Compare } from "./compare";
import { Documents } from "./documents";
import { Secrets } from "./secrets";

const TABS = [
  { id: "documents", label: "Documents" },
  { id: "secrets", label: "Secrets" },
  { id: "compare", label: "Compare environments" },
];

export default function Config() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Configuration" />
      <PageTabs label="config" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, name: null })} />
      {open === "documents" && <Documents />}
      {open === "secrets" && <Secrets />}
      {open === "compare" && <Compare />}
    </div>
  );
}
