/** Deliveries: what came, how it was proven step by step, what became of it, and making it an event once more. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { CapturedDelivery, Delivery, WebhookSource } from "../../api/admin";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { type Json, of as json, parse } from "../../model/json";
import { chosen, eventLink, link } from "../../shell/route";
import { Id, Skeleton, Status, Time } from "../../ui/basics";
import { Act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { Filters } from "../../ui/filters";
import { JsonView, size } from "../../ui/json_view";
import { Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { Checks } from "./checks";

const EVERY_MS = 3_000;
const LIMIT = 100;
const MANAGE = "webhooks:manage";
const STATUSES = ["", "accepted", "held", "failed", "rejected"];

export function Deliveries() {
  const [source, status] = [chosen("of"), chosen("status")];
  const deliveries = usePaged(
    `deliveries ${source} ${status}`,
    async (cursor, signal) => {
      const page = await get<{ deliveries: Delivery[]; next_cursor?: string }>("/webhook-deliveries", { source, status, limit: LIMIT, cursor }, signal);
      return { items: page.deliveries, next: page.next_cursor ?? "" };
    },
    { every: EVERY_MS },
  );
  const sources = useResource("sources", (signal) => get<{ sources: WebhookSource[] }>("/webhook-sources", {}, signal));
  const sender = (one: Delivery): string => sources.data?.sources.find((each) => each.id === one.source_id)?.name ?? one.source_id;
  return (
    <>
      <Filters
        fields={[
          { name: "of", label: "Source", placeholder: "its id or name" },
          { name: "status", label: "Status", list: STATUSES },
        ]}
      />
      <Browse
        label="Deliveries"
        noun="delivery"
        param="delivery"
        resource={deliveries}
        items={deliveries.items}
        more={deliveries}
        id={(one) => one.id}
        columns={[
          { name: "Delivery", width: "minmax(90px, 0.8fr)", show: (one) => <Time at={one.created_at} /> },
          { name: "Source", width: "minmax(80px, 0.8fr)", show: sender },
          { name: "Status", width: "110px", show: (one) => <Status status={one.status} /> },
          { name: "Event", width: "minmax(110px, 1fr)", show: (one) => <span class="mono">{one.event_name}</span>, wide: true },
          { name: "Proven by", width: "100px", show: (one) => proof(one.signature_key), wide: true, alone: true },
          { name: "Size", width: "80px", show: (one) => size(one.body_bytes), wide: true, alone: true },
          { name: "Trouble", width: "minmax(120px, 1.6fr)", show: (one) => one.error ?? "", wide: true },
        ]}
        empty={
          <Empty icon="webhooks" title={source || status ? "No delivery fits the filter" : "Nothing was delivered yet"}>
            <p class="muted">What a sender delivers shows here, also what was refused.{!status && " One can be made up:"}</p>
            {!status && <Command text={`ironflow webhook test ${source || "github"}`} />}
          </Empty>
        }
        side={(one, close) => <One key={one.id} of={one} sender={sender(one)} onClose={close} onChange={deliveries.reload} />}
      />
    </>
  );
}

function One({ of, sender, onClose, onChange }: { of: Delivery; sender: string; onClose: () => void; onChange: () => void }) {
  const path = `/webhook-deliveries/${segment(of.id)}`;
  const [asking, setAsking] = useState(false);
  const whole = useResource(`delivery ${of.id} ${of.replays} ${of.status}`, (signal) => get<CapturedDelivery>(path, {}, signal));
  const told = whole.data;
  return (
    <Side title={of.event_name || "Delivery"} under={<Status status={of.status} />} onClose={onClose}>
      {of.error && <p class="error-message pad-x">{of.error}</p>}
      <Facts
        of={[
          ["Id", <Id id={of.id} />],
          ["Source", <a href={link("/webhooks", { source: of.source_id })}>{sender}</a>],
          of.external_id && ["Sender's id", <span class="mono">{of.external_id}</span>],
          ["Came", <Time at={of.created_at} />],
          ["Proven by", proof(of.signature_key)],
          of.event_id && ["Event", <a href={eventLink(of.event_id)}>{of.event_name}</a>],
          of.replays > 0 && ["Replayed", of.replays === 1 ? "once" : `${of.replays} times`],
        ]}
      />
      <p class="buttons pad-x">
        <Act allowed={may(MANAGE)} permission={MANAGE} label={of.event_id ? "Make it an event once more…" : "Make it an event…"} onClick={() => setAsking(true)} />
      </p>
      {whole.error && <Failed error={whole.error} onRetry={whole.reload} />}
      {!told && !whole.error && <Skeleton rows={6} of={whole} />}
      {told && (
        <>
          <h3 class="pad-x">What was looked at</h3>
          <Checks of={told.checks} />
          <h3 class="pad-x">Body{told.body_cut && ", its beginning"}</h3>
          <JsonView value={body(told.request_body)} label="body" />
          <h3 class="pad-x">Headers</h3>
          <JsonView value={json(told.request_headers)} label="headers" />
        </>
      )}
      {asking && (
        <Ask title="Make it an event" verb="Make it" done="It is an event" run={() => request("POST", `${path}/replay`, { body: {} })} onClose={() => setAsking(false)} onDone={onChange}>
          <p>{of.event_id ? "A further event is recorded, and starts whatever it starts." : "An event is recorded of what came then, if its signature can be proven."}</p>
        </Ask>
      )}
    </Side>
  );
}

function body(text: string): Json {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

/** A source without a secret is known by nothing but its address, which nobody else is told. */
function proof(key: string): string {
  return key === "" || key === "none" ? "its address" : key;
}
