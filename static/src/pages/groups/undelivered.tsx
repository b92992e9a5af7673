/** The dead letters of every group, by event. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { UndeliveredItem } from "../../api/admin";
import { usePaged } from "../../live/paged";
import { eventLink, link } from "../../shell/route";
import { Id, Time } from "../../ui/basics";
import { Act, act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { Facts, Side } from "../../ui/side";
import { Empty } from "../../ui/states";

const EVERY_MS = 3_000;
const LIMIT = 200;
/** What lies behind, each group has in a list of its own. */
const OFFSET_MAX = 10_000;
const MANAGE = "outbox:manage";

export function Undelivered() {
  const letters = usePaged(
    "dead letters",
    async (cursor, signal) => {
      const offset = Number(cursor);
      const { items } = await get<{ items: UndeliveredItem[] }>("/outbox/dead-letter", { limit: LIMIT, offset }, signal);
      return { items, next: items.length === LIMIT && offset + LIMIT <= OFFSET_MAX ? String(offset + LIMIT) : "" };
    },
    { every: EVERY_MS },
  );
  const [discarding, setDiscarding] = useState<UndeliveredItem | null>(null);
  const allowed = may(MANAGE);
  const path = (one: UndeliveredItem): string => `/outbox/dead-letter/${segment(one.event_id)}`;
  return (
    <>
      <Browse
        label="Dead letters"
        noun="dead letter"
        param="letter"
        resource={letters}
        items={letters.items}
        more={letters}
        id={(one) => one.id}
        columns={[
          { name: "Message", width: "minmax(140px, 1.2fr)", show: (one) => one.topic },
          { name: "Group", width: "minmax(100px, 0.8fr)", show: (one) => groupOf(one), wide: true },
          { name: "Why", width: "minmax(140px, 2fr)", show: (one) => one.last_error },
          { name: "Deliveries", width: "90px", show: (one) => <span class="tabular">{one.attempts}</span>, wide: true },
          { name: "Dead", width: "110px", show: (one) => <Time at={one.dead_at} />, wide: true },
        ]}
        empty={
          <Empty icon="check" title="Everything could be delivered">
            <p class="muted">What a group's members refuse too often, or too long, is kept here instead of being lost.</p>
          </Empty>
        }
        side={(one, close) => (
          <Side title={one.topic} onClose={close}>
            <p class="error-message pad-x">{one.last_error}</p>
            <Facts
              of={[
                ["Event", <Id id={one.event_id} />],
                ["Deliveries", one.attempts],
                ["Dead", <Time at={one.dead_at} />],
              ]}
            />
            <p class="buttons pad-x">
              <a class="button small" href={eventLink(one.event_id)}>
                Its event
              </a>
              <a class="button small" href={link("/groups", { group: groupOf(one), show: "dead" })}>
                All of {groupOf(one)}
              </a>
              <Act allowed={allowed} permission={MANAGE} label="Deliver once more" onClick={() => void act(request("POST", `${path(one)}/requeue`, { body: {} }), "It is delivered once more").then(letters.reload)} />
              <Act allowed={allowed} permission={MANAGE} label="Discard…" onClick={() => setDiscarding(one)} />
            </p>
          </Side>
        )}
      />
      {discarding && (
        <Ask title="Discard dead letters" verb="Discard" done="Discarded" danger run={() => request("DELETE", path(discarding))} onClose={() => setDiscarding(null)} onDone={letters.reload}>
          <p>{discarding.topic} is not delivered to the groups that could not take it. The event stays in history.</p>
        </Ask>
      )}
    </>
  );
}

/** The group that could not deliver it. */
function groupOf(of: UndeliveredItem): string {
  return of.kind.replace(/^group:/, "");
}
