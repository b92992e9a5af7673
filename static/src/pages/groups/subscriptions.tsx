/** Who follows what: every live subscription at the node that answers, and how far each is; members of groups too. */
import { useState } from "preact/hooks";
import type { SubscriptionShape, SubscriptionsPage } from "../../api/admin";
import { get } from "../../api/client";
import { type Paged, usePaged } from "../../live/paged";
import { choose, chosen, link } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Id, Skeleton, Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Filters } from "../../ui/filters";
import { ShowMore } from "../../ui/more";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";

const EVERY_MS = 2_000;
const LIMIT = 100;
const STATUSES = ["", "live", "catching_up", "paused"];
const TRANSPORTS = ["", "sse", "websocket", "connect", "grpc", "nats"];
const NAMES: Record<string, string> = { sse: "server-sent events", websocket: "WebSocket", connect: "Connect", grpc: "gRPC", nats: "NATS" };

const POLICIES: Record<string, string> = {
  buffer: "reads the rest from the store: nothing is missed",
  drop: "what does not fit is left out, and counted",
  disconnect: "is let go, and resumes where it was",
};

export function Subscriptions() {
  const query = { q: chosen("q"), transport: chosen("by"), status: chosen("is") };
  const filtered = Object.values(query).some((value) => value !== "");
  const [about, setAbout] = useState({ node: "", total: 0 });
  const list = useSubscriptions(query, (page) => setAbout({ node: page.node, total: page.total }));
  return (
    <>
      <Filters
        fields={[
          { name: "q", label: "Find", placeholder: "a pattern, a group, who" },
          { name: "by", label: "By", list: TRANSPORTS },
          { name: "is", label: "Status", list: STATUSES },
        ]}
      />
      {about.node && (
        <p class="muted small">
          <span class="tabular">{about.total.toLocaleString("en")}</span> at node <span class="mono">{about.node}</span>: other nodes have their own. What guests of NATS follow by themselves, only NATS knows.
        </p>
      )}
      <Browse
        label="Subscriptions"
        noun="subscription"
        param="subscription"
        resource={list}
        items={list.items}
        more={list}
        id={(one) => one.id}
        columns={[
          { name: "Follows", width: "minmax(140px, 1.6fr)", show: (one) => <span class="mono">{one.patterns.join(", ")}</span> },
          { name: "Who", width: "minmax(110px, 1fr)", show: (one) => <Who of={one} />, wide: true },
          { name: "By", width: "130px", show: (one) => NAMES[one.transport], wide: true, alone: true },
          { name: "Status", width: "116px", show: (one) => <Status status={one.status} /> },
          { name: "Behind", width: "76px", show: (one) => <Count of={one.lag} />, wide: true },
          { name: "Waiting", width: "76px", show: (one) => <Count of={one.buffered} />, wide: true },
          { name: "Dropped", width: "76px", show: (one) => <Count of={one.dropped} />, wide: true, alone: true },
          { name: "Since", width: "96px", show: (one) => <Time at={one.since} />, wide: true, alone: true },
        ]}
        empty={
          filtered ? (
            <Empty icon="search" title="No subscription fits the filter">
              <button type="button" onClick={() => choose({ q: null, by: null, is: null })}>
                Show all
              </button>
            </Empty>
          ) : (
            <Empty icon="groups" title="Nobody follows anything at this node">
              <p class="muted">Whoever subscribes shows here, until they go. This one shows events as they come:</p>
              <Command text="ironflow subscribe 'order.>'" />
            </Empty>
          )
        }
        side={(one, close) => <OneSubscription key={one.id} of={one} onClose={close} />}
      />
    </>
  );
}

function OneSubscription({ of, onClose }: { of: SubscriptionShape; onClose: () => void }) {
  return (
    <Side title={of.patterns.join(", ")} under={<Status status={of.status} />} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} />],
          ["Who", <Who of={of} />],
          of.address && ["From", <span class="mono">{of.address}</span>],
          ["By", NAMES[of.transport]],
          ["Since", <Time at={of.since} />],
          of.filter && ["Only", <code>{of.filter}</code>],
          of.group && ["Member of", <a href={link("/groups", { group: of.group })}>{of.group}</a>],
          of.position !== undefined && ["Position", <EntryLink position={of.position} />],
          of.lag !== undefined && ["Behind", <span class="tabular">{of.lag.toLocaleString("en")} positions</span>],
          ["Waiting", <span class="tabular">{of.buffered.toLocaleString("en")} for its connection</span>],
          of.inflight !== undefined && ["In hand", <span class="tabular">{of.inflight.toLocaleString("en")}</span>],
          ["Dropped", <span class="tabular">{of.dropped.toLocaleString("en")}</span>],
          ["When slow", of.group ? of.policy : (POLICIES[of.policy] ?? of.policy)],
        ]}
      />
    </Side>
  );
}

/** Those who take from one group at this node. */
export function Members({ of }: { of: string }) {
  const list = useSubscriptions({ group: of });
  if (list.error) return <Failed error={list.error} onRetry={list.reload} />;
  if (!list.items) return <Skeleton rows={3} of={list} />;
  if (list.items.length === 0) return <p class="muted pad">Nobody takes from it at this node.</p>;
  return (
    <>
      <ul class="pad-x">
        {list.items.map((one) => (
          <li key={one.id} class="letter">
            <div>
              <a href={link("/groups", { tab: "subscriptions", q: one.id, subscription: one.id })}>
                <Who of={one} />
              </a>{" "}
              <span class="muted small">{NAMES[one.transport]}</span>
            </div>
            <p class="small muted">
              {one.inflight} in hand, {one.buffered} waiting, since <Time at={one.since} />
            </p>
          </li>
        ))}
      </ul>
      <ShowMore of={list} label="Show more subscriptions" />
    </>
  );
}

function useSubscriptions(query: Record<string, string>, took?: (page: SubscriptionsPage) => void): Paged<SubscriptionShape> {
  return usePaged(
    `subscriptions ${JSON.stringify(query)}`,
    async (cursor, signal) => {
      const page = await get<SubscriptionsPage>("/subscriptions", { ...query, limit: LIMIT, cursor }, signal);
      took?.(page);
      return { items: page.subscriptions, next: page.next_cursor ?? "" };
    },
    { every: EVERY_MS },
  );
}

function Who({ of }: { of: SubscriptionShape }) {
  return <Actor id={of.actor || of.address} none="somebody here" />;
}

function Count({ of }: { of: number | undefined }) {
  return of ? <span class="tabular">{of.toLocaleString("en")}</span> : <span class="muted">{of === undefined ? "–" : "none"}</span>;
}
