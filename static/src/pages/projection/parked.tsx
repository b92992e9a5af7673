/** The events that a projection goes on without until somebody retries or discards them. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import type { ParkedEvent, ProjectionSummary } from "../../api/data";
import { may } from "../../api/session";
import { useResource } from "../../live/resource";
import { TYPED_FROM } from "../../model/bulk";
import { eventLink } from "../../shell/route";
import { Skeleton, Time } from "../../ui/basics";
import { Act } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { EntryLink } from "../../ui/side";
import { Failed } from "../../ui/states";
import { decidedOn } from "./decided";

const MANAGE = "projections:manage";

interface Asking {
  verb: "retry" | "discard";
  /** None for all. */
  one?: ParkedEvent;
}

export function Parked({ of, path, reload }: { of: ProjectionSummary; path: string; reload: () => void }) {
  const [asking, setAsking] = useState<Asking | null>(null);
  const events = useResource(`${path} parked`, (signal) => get<{ events: ParkedEvent[] }>(`${path}/parked`, {}, signal), { version: `${of.parked} ${of.generation} ${of.error_event_id ?? ""}` });
  const allowed = may(MANAGE);
  const items = events.data?.events;
  const many = items !== undefined && items.length > 1;
  return (
    <section class="card section" aria-label="Parked events">
      <div class="buttons">
        <h2>Parked events</h2>
        <span class="muted tabular">{of.parked.toLocaleString("en")}</span>
        {many && of.mode !== "external" && <Act allowed={allowed} permission={MANAGE} label="Retry all…" onClick={() => setAsking({ verb: "retry" })} />}
        {many && <Act allowed={allowed} permission={MANAGE} label="Discard all…" onClick={() => setAsking({ verb: "discard" })} />}
      </div>
      {events.error && <Failed error={events.error} onRetry={events.reload} />}
      {!items && !events.error && <Skeleton rows={3} of={events} />}
      {items && (
        <ul class="letters" tabIndex={0} aria-label="Parked events">
          {items.map((one) => (
            <li key={one.event_id} class="letter">
              <span>{one.error}</span>
              <span class="muted small">
                <EntryLink position={one.position} /> parked <Time at={one.parked_at} />
                {one.actor && <> by <Actor id={one.actor} /></>}: {one.reason}
              </span>
              <span class="buttons">
                <a class="button small" href={eventLink(one.event_id)}>
                  Its event
                </a>
                <Act allowed={allowed} permission={MANAGE} label="Retry…" onClick={() => setAsking({ verb: "retry", one })} />
                <Act allowed={allowed} permission={MANAGE} label="Discard…" onClick={() => setAsking({ verb: "discard", one })} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {asking && <AskParked of={of} path={path} asking={asking} count={of.parked} onClose={() => setAsking(null)} onDone={reload} />}
    </section>
  );
}

function AskParked({ of, path, asking, count, onClose, onDone }: { of: ProjectionSummary; path: string; asking: Asking; count: number; onClose: () => void; onDone: () => void }) {
  const { verb, one } = asking;
  const what = one ? "the event" : `${count.toLocaleString("en")} events`;
  const seen = decidedOn(of);
  const run = (reason: string, ifMatch?: number): Promise<unknown> => request("POST", `${path}/parked/${verb}`, { body: { reason, event_ids: one ? [one.event_id] : [] }, ifMatch });
  if (verb === "discard")
    return (
      <Ask title={`Discard ${what}`} typed={!one && count > TYPED_FROM ? String(count) : undefined} verb="Discard" done="Discarded" danger reasoned seen={seen} look={onDone} run={run} onClose={onClose} onDone={onDone}>
        <p>{of.name} goes on without {one ? "it" : "them"} for good, unless another version is folded. {one ? "It stays" : "They stay"} in history.</p>
      </Ask>
    );
  return (
    <Ask title={`Retry ${what}`} typed={!one && count > TYPED_FROM ? String(count) : undefined} verb="Retry" done="It is being built" reasoned seen={seen} look={onDone} run={run} onClose={onClose} onDone={onDone}>
      <p>{retried(of)}</p>
    </Ask>
  );
}

function retried(of: ProjectionSummary): string {
  if (of.mode === "external") return "Its handler is given the event once more, and then goes on where it was.";
  const what = of.partition_key && of.mode !== "sql" ? "Its partition" : of.name;
  return `${what} is folded anew, with what is retried in its place among the other events. The present state serves until that has caught up.`;
}
