/** Sources: the address that a sender delivers to, how its signature is proven, and giving either anew. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { WebhookSource } from "../../api/admin";
import { useResource } from "../../live/resource";
import { share } from "../../model/figures";
import { of as json } from "../../model/json";
import { useKeys } from "../../shell/keys";
import { link } from "../../shell/route";
import { Id, Status, Time } from "../../ui/basics";
import { Act, Field, hold, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { JsonView } from "../../ui/json_view";
import { Icon } from "../../ui/icon";
import { Left } from "../../ui/left";
import { Once } from "../../ui/once";
import { Facts, Side } from "../../ui/side";
import { Command, Empty } from "../../ui/states";
import { Trial } from "./trial";

const EVERY_MS = 5_000;
const MANAGE = "webhooks:manage";
const GRACE_S = 86_400;

export function Sources() {
  const sources = useResource("sources", (signal) => get<{ sources: WebhookSource[] }>("/webhook-sources", {}, signal), { every: EVERY_MS });
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<WebhookSource | null>(null);
  return (
    <>
      <p class="buttons">
        <Act allowed={may(MANAGE)} permission={MANAGE} label="New source…" onClick={() => setMaking(true)} />
      </p>
      <Browse
        label="Sources"
        noun="source"
        sideKeys={{ P: "Pause or resume" }}
        param="source"
        resource={sources}
        items={sources.data?.sources}
        id={(one) => one.id}
        keys={[{ keys: "n", label: "New source", barred: lacks(MANAGE), run: () => setMaking(true) }]}
        columns={[
          { name: "Source", width: "minmax(130px, 1.2fr)", show: (one) => one.name },
          { name: "Status", width: "110px", show: (one) => <Status status={one.status} /> },
          { name: "Kind", width: "minmax(80px, 0.8fr)", show: (one) => one.source_type, wide: true, alone: true },
          { name: "Makes events", width: "minmax(110px, 1fr)", show: (one) => <span class="mono">{one.event_prefix}…</span>, wide: true },
          { name: "Proven by", width: "110px", show: (one) => (one.verify_secret_set ? "signature" : <span class="muted">address only</span>), wide: true, alone: true },
          { name: "24 hours", width: "90px", show: (one) => <Day of={one} />, wide: true, alone: true },
          { name: "Failed", width: "80px", show: (one) => <Failing of={one} /> },
          { name: "Last delivery", width: "100px", show: (one) => (one.activity?.last_at ? <Time at={one.activity.last_at} /> : <span class="muted">never</span>), wide: true },
        ]}
        empty={
          <Empty icon="webhooks" title="Nobody delivers here yet">
            <p class="muted">A source is an address for one sender. What it delivers becomes an event, once its signature is proven.</p>
            <Command text="ironflow webhook create github --provider github" />
          </Empty>
        }
        side={(one, close) => <Source key={one.id} of={one} onClose={close} onChange={sources.reload} onMade={setMade} />}
      />
      {making && <NewSource onClose={() => setMaking(false)} onMade={setMade} onDone={sources.reload} />}
      {made && (
        <Once title={`Where ${made.name} delivers`} what="The address" text={`${location.origin}${made.ingest_path ?? ""}`} onClose={() => setMade(null)}>
          Give it to the sender. Whoever has it can deliver: it is shown this once, and only its beginning is kept.
        </Once>
      )}
    </>
  );
}

interface SourceProps {
  of: WebhookSource;
  onClose: () => void;
  onChange: () => void;
  onMade: (source: WebhookSource) => void;
}

function Source({ of, onClose, onChange, onMade }: SourceProps) {
  const path = `/webhook-sources/${segment(of.id)}`;
  const [asking, setAsking] = useState<"" | "test" | "secret" | "expire" | "token" | "delete">("");
  const allowed = may(MANAGE);
  const paused = of.status === "paused";
  const steer = (): void =>
    hold({
      held: paused,
      turn: (off, reason) => request("POST", `${path}/${off ? "pause" : "resume"}`, { body: off ? { reason } : {} }),
      done: (off) => (off ? "What comes is held" : "It makes events again"),
      then: onChange,
    });
  useKeys("Source", [{ keys: "P", label: paused ? "Resume" : "Pause", barred: lacks(MANAGE), run: steer }]);
  return (
    <Side title={of.name} under={<Status status={of.status} note={of.source_type} />} onClose={onClose}>
      <Facts
        of={[
          ["Id", <Id id={of.id} />],
          ["Address", <span class="mono">…/{of.ingest_token_prefix}…</span>],
          ["Events", <span class="mono">{of.event_prefix}…</span>],
          ["Secret", of.verify_secret_set ? "set" : "none: whoever has the address may deliver"],
          of.verify_secret_prev_set && [
            "The one before",
            <>
              counts on for <Left until={of.verify_secret_prev_expires_at} over="a moment" />{" "}
              <Act allowed={allowed} permission={MANAGE} label="End it now…" onClick={() => setAsking("expire")} />
            </>,
          ],
          of.activity?.last_at && [
            "Last",
            <>
              <Time at={of.activity.last_at} />, {of.activity.last_status}
            </>,
          ],
          of.activity && ["24 hours", <Day of={of} words />],
          ["Made", <Time at={of.created_at} />],
        ]}
      />
      <p class="buttons pad-x">
        <a class="button small" href={link("/webhooks", { tab: "deliveries", of: of.id })}>
          Deliveries
        </a>
        <Act allowed={allowed} permission={MANAGE} label={paused ? "Resume" : "Pause"} onClick={steer} />
        <Act allowed={allowed} permission={MANAGE} label="Send a test…" onClick={() => setAsking("test")} />
        <Act allowed={allowed} permission={MANAGE} label="New secret…" onClick={() => setAsking("secret")} />
        <Act allowed={allowed} permission={MANAGE} label="New address…" onClick={() => setAsking("token")} />
        <Act allowed={allowed} permission={MANAGE} label="Delete…" onClick={() => setAsking("delete")} />
      </p>
      <h3 class="pad-x">How it is proven</h3>
      <JsonView value={json(of.verify_config)} label="how it is proven" />
      {asking === "test" && <Trial of={of} path={path} onClose={() => setAsking("")} onDone={onChange} />}
      {asking === "expire" && (
        <Ask title={`End the secret before of ${of.name}`} verb="End it" done="Only the newest secret counts" danger run={() => request("DELETE", `${path}/previous-secret`)} onClose={() => setAsking("")} onDone={onChange}>
          <p>What the sender still signs with it is refused from then on.</p>
        </Ask>
      )}
      {asking === "secret" && <Secret of={of} path={path} onClose={() => setAsking("")} onDone={onChange} />}
      {asking === "token" && (
        <Ask
          title={`A new address for ${of.name}`}
          typed={of.name}
          verb="Make it"
          done="Made: the old address no longer counts"
          danger
          run={async () => onMade(await request<WebhookSource>("POST", `${path}/token`, { body: { expected_updated_at: of.updated_at } }))}
          onClose={() => setAsking("")}
          onDone={onChange}
        >
          <p>What is sent to the address that it has now is refused from then on.</p>
        </Ask>
      )}
      {asking === "delete" && (
        <Ask title={`Delete ${of.name}`} verb="Delete" done="Deleted" danger typed={of.name} run={() => request("DELETE", path)} onClose={() => setAsking("")} onDone={onChange}>
          <p>What is sent to it is refused from then on. Its deliveries can still be read.</p>
        </Ask>
      )}
    </Side>
  );
}

/** What came to a source of late. */
function Day({ of, words = false }: { of: WebhookSource; words?: boolean }) {
  const told = of.activity;
  if (!told) return <span class="muted">–</span>;
  const count = `${told.deliveries.toLocaleString("en")}${told.exact ? "" : "+"}`;
  return <span class="tabular">{words ? `${count} ${told.deliveries === 1 ? "delivery" : "deliveries"}, ${told.failed.toLocaleString("en")} failed` : count}</span>;
}

/** Which part of it was refused, or became no event. */
function Failing({ of }: { of: WebhookSource }) {
  const told = of.activity;
  if (!told || told.deliveries === 0) return <span class="muted">–</span>;
  return (
    <span class="tabular" title={`${told.failed} of ${told.deliveries} in 24 hours`}>
      {told.failed > 0 && <Icon name="warning" class="fail" />} {share(told.failed, told.deliveries)}
    </span>
  );
}

function Secret({ of, path, onClose, onDone }: { of: WebhookSource; path: string; onClose: () => void; onDone: () => void }) {
  const [secret, setSecret] = useState("");
  const [grace, setGrace] = useState(String(GRACE_S));
  const wrong = /^\d{1,8}$/.test(grace) ? "" : "How long the old one counts is a number of seconds";
  const body = { verify_secret: secret, grace_seconds: Number(grace), expected_updated_at: of.updated_at };
  return (
    <Ask title={`A new secret for ${of.name}`} verb="Keep it" done="Kept" typed={of.name} wrong={wrong} run={() => request("PUT", `${path}/secret`, { body })} onClose={onClose} onDone={onDone}>
      <Field label="Secret" note="is not shown again" value={secret} onValue={setSecret} required secret />
      <Field label="The old one counts on for" note="seconds" value={grace} onValue={setGrace} wrong={wrong !== ""} />
    </Ask>
  );
}

function NewSource({ onClose, onMade, onDone }: { onClose: () => void; onMade: (source: WebhookSource) => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [provider, setProvider] = useState("");
  const [prefix, setPrefix] = useState("");
  const [secret, setSecret] = useState("");
  const body = { name, provider, event_prefix: prefix, verify_secret: secret };
  return (
    <Ask title="New source" verb="Make it" done={`Made ${name}`} run={async () => onMade(await request<WebhookSource>("POST", "/webhook-sources", { body }))} onClose={onClose} onDone={onDone}>
      <Field label="Name" value={name} onValue={setName} required placeholder="stripe" />
      <Field label="Provider" note="whose signature is known here, such as stripe or github; empty for any" value={provider} onValue={setProvider} />
      <Field label="Names of its events begin with" note="the provider, if you say nothing" value={prefix} onValue={setPrefix} />
      <Field label="Secret" note="that it signs with; is not shown again" value={secret} onValue={setSecret} secret />
    </Ask>
  );
}
