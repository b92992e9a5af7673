/** A delivery that the server makes up and signs, looked at as one that comes: first what would be proven, then, if
 * somebody wants, the event that it becomes. */
import { request } from "../../api/client";
import type { Tried, WebhookSource } from "../../api/admin";
import { useResource } from "../../live/resource";
import { type Json, of as json, parse } from "../../model/json";
import { link, navigate } from "../../shell/route";
import { Skeleton } from "../../ui/basics";
import { Ask } from "../../ui/ask";
import { JsonView } from "../../ui/json_view";
import { Facts } from "../../ui/side";
import { Failed } from "../../ui/states";
import { Checks } from "./checks";

export function Trial({ of, path, onClose, onDone }: { of: WebhookSource; path: string; onClose: () => void; onDone: () => void }) {
  const seen = useResource(`trial ${of.id}`, (signal) => request<Tried>("POST", `${path}/test`, { body: {}, signal }));
  const told = seen.data;
  const paused = of.status === "paused";
  return (
    <Ask
      title={`Send ${of.name} a test`}
      verb="Deliver it"
      done={(sent: Tried) => (sent.status === "held" ? "Delivered, and held: the source is paused" : `Delivered: it is the event ${sent.event_name}`)}
      waiting={!told}
      wrong={told && !told.verified ? "It would be refused" : ""}
      run={() => request<Tried>("POST", `${path}/test`, { body: { deliver: true } })}
      onClose={onClose}
      onDone={(sent: Tried) => {
        onDone();
        if (sent.delivery_id) navigate(link("/webhooks", { tab: "deliveries", of: of.id, delivery: sent.delivery_id }));
      }}
    >
      <p class="muted">The server makes a delivery up, and signs it with the secret of the source. Nothing is recorded yet.</p>
      {seen.error && <Failed error={seen.error} onRetry={seen.reload} />}
      {!told && !seen.error && <Skeleton rows={4} />}
      {told && (
        <>
          <h3>What was looked at</h3>
          <Checks of={told.checks} />
          <Facts of={[["Event", <span class="mono">{told.event_name}</span>], told.external_id && ["Sender's id", <span class="mono">{told.external_id}</span>], told.error && ["Trouble", told.error]]} />
          <details>
            <summary>What is sent</summary>
            <JsonView value={parsed(told.request_body)} label="body" />
            <JsonView value={json(told.request_headers)} label="headers" />
          </details>
          <p>{paused ? "Delivered, it is held: the source is paused." : `Delivered, it becomes an event ${told.event_name}, and starts whatever that starts.`}</p>
        </>
      )}
    </Ask>
  );
}

function parsed(text: string): Json {
  try {
    return parse(text);
  } catch {
    return text;
  }
}
