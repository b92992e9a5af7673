/** Who may call: keys, people, and the roles that say what they may. */
import { choose, chosen } from "../../shell/route";
import { PageHead } from "../../shell/head";
import { PageTabs } from "../../ui/page_tabs";
import { ApiKeys } from "./keys";
import { Roles } from "./roles";
import { Users } from "./users";

const TABS = [
  { id: "keys", label: "API keys" },
  { id: "users", label: "Users" },
  { id: "roles", label: "Roles" },
];

export default function Access() {
  const open = TABS.find((tab) => tab.id === chosen("tab"))?.id ?? TABS[0].id;
  return (
    <div class="page full">
      <PageHead title="Keys and users" />
      <PageTabs label="access" items={TABS} open={open} onOpen={(id) => choose({ tab: id === TABS[0].id ? null : id, one: null })} />
      {open === "keys" && <ApiKeys />}
      {open === "users" && <Users />}
      {open === "roles" && <Roles />}
    </div>
  );
}
