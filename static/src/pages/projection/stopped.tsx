/** The event that a projection stands still at, and what can become of it: the same again, on without it, or put aside. */
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { may } from "../../api/session";
import { useKeys } from "../../shell/keys";
import { eventLink } from "../../shell/route";
import { Act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Icon } from "../../ui/icon";
import { decidedOn } from "./decided";

const MANAGE = "projections:manage";

type Choice = "retry" | "skip" | "park";

/** What each comes to, said before it is done. */
const CHOICES = {
  retry: { label: "Retry…", key: "R", title: "Try the event again", verb: "Retry", done: "It is tried again", told: "The same event goes to the reducer again: do this once the reducer is mended. If it fails again, the projection stands still again." },
  skip: { label: "Skip…", key: "S", title: "Skip the event", verb: "Skip it", done: "It goes on after it", told: "The projection goes on after the event, and never has it in its state, unless another version is folded. This cannot be taken back." },
  park: { label: "Park…", key: "A", title: "Park the event", verb: "Park it", done: "It is parked", told: "The projection goes on after the event. It is kept in the list of parked events, where it can be retried or discarded later." },
} as const;

/** Why it stands still, and the three ways on. */
export function Stopped({ of, path, reload }: { of: ProjectionSummary; path: string; reload: () => void }) {
  const [asking, setAsking] = useState<Choice | "">("");
  const allowed = may(MANAGE);
  useKeys(
    "Stopped at an event",
    (Object.keys(CHOICES) as Choice[]).map((choice) => ({ keys: CHOICES[choice].key, label: CHOICES[choice].label, barred: lacks(MANAGE), run: () => setAsking(choice) })),
  );
  const chosen = asking && CHOICES[asking];
  const rebuilding = of.error_generation !== undefined && of.error_generation !== of.generation;
  return (
    <section class="error-card" aria-label="Error">
      <Icon name="cross" size={20} class="fail" />
      <div class="error-told">
        <p class="error-message">{of.error_message}</p>
        <p class="small">
          {rebuilding ? "The rebuild was stopped by " : "Nothing is folded any more since "}
          {of.error_event_id ? <a class="entry-link" href={eventLink(of.error_event_id)}>this event</a> : "an event"}
          {rebuilding ? "; what it is to replace serves on." : "."}
        </p>
        <p class="buttons">
          {(Object.keys(CHOICES) as Choice[]).map((choice) => (
            <Act key={choice} allowed={allowed} permission={MANAGE} label={CHOICES[choice].label} onClick={() => setAsking(choice)} />
          ))}
        </p>
      </div>
      {chosen && (
        <Ask
          title={chosen.title}
          verb={chosen.verb}
          done={chosen.done}
          danger={asking === "skip"}
          reasoned
          seen={decidedOn(of)}
          look={reload}
          run={(reason, ifMatch) => request("POST", `${path}/${asking === "retry" ? "resume" : asking}`, { body: asking === "retry" ? { reason } : { reason, event_id: of.error_event_id }, ifMatch })}
          onClose={() => setAsking("")}
          onDone={reload}
        >
          <p>{chosen.told}</p>
        </Ask>
      )}
    </section>
  );
}
