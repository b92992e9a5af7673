/** The parts of a page that has several lists. */
import { type TabItem, Tabs } from "./basics";

export function PageTabs(props: { label: string; items: readonly TabItem[]; open: string; onOpen: (id: string) => void }) {
  return (
    <div class="page-tabs">
      <Tabs {...props} />
    </div>
  );
}
