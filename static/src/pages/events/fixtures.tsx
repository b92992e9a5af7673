/** What to begin an event with: one that was published here lately, or the newest of its name. */
import { events } from "../../api/events";
import type { EventSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { preview } from "../../model/json";
import { Time } from "../../ui/basics";

const LATELY_MAX = 6;
const CHARS = 60;

interface Props {
  environment: string;
  /** The name that is written; "" for none yet. */
  name: string;
  /** Changes when something was published. */
  published: number;
  onTake: (event: EventSummary) => void;
}

export function Fixtures({ environment, name, published, onTake }: Props) {
  const lately = useResource(`lately ${environment}`, (signal) => events({ source: "dashboard" }, LATELY_MAX, "", signal, environment), { version: published });
  const newest = useResource(`newest ${environment} ${name}`, async (signal) => (name ? events({ name }, 1, "", signal, environment) : null), { version: published });
  const last = newest.data?.items[0];
  const rows = lately.data?.items ?? [];
  if (!last && rows.length === 0) return null;
  return (
    <section class="plan fixtures" aria-label="Begin with">
      {last && (
        <>
          <h3>The newest of this name</h3>
          <Fixture event={last} onTake={onTake} />
        </>
      )}
      {rows.length > 0 && (
        <>
          <h3>Published here lately</h3>
          {rows.map((event) => (
            <Fixture key={event.id} event={event} onTake={onTake} />
          ))}
        </>
      )}
    </section>
  );
}

function Fixture({ event, onTake }: { event: EventSummary; onTake: (event: EventSummary) => void }) {
  return (
    <button type="button" class="quiet fixture" title="Write this one again" onClick={() => onTake(event)}>
      <span class="cut">{event.name}</span>
      <span class="faint small">
        <Time at={event.timestamp} />
      </span>
      <span class="cut mono faint small">{preview(event.data, CHARS)}</span>
    </button>
  );
}
