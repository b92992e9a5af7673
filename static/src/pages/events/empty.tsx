/** Where no event is listed: how to see more, or how to get the first. */
import { events } from "../../api/events";
import { useResource } from "../../live/resource";
import { parseEvents } from "../../model/filter";
import { type Asked, type Widening, wideningsOf } from "../../model/widening";
import { Command, Empty } from "../../ui/states";

export function NoEvents({ asked, onAsk, onPublish }: { asked: Asked; onAsk: (asked: Asked) => void; onPublish: () => void }) {
  const ways = wideningsOf(asked);
  return ways.length > 0 ? <NoneFits ways={ways} onAsk={onAsk} /> : <NoneEver onPublish={onPublish} />;
}

/** Only ways that lead to something are offered, as soon as that is known. */
function NoneFits({ ways, onAsk }: { ways: readonly Widening[]; onAsk: (asked: Asked) => void }) {
  const tried = useResource(`wider ${JSON.stringify(ways)}`, (signal) => Promise.all(ways.map((way) => leads(way.asked, signal))));
  const useful = tried.data ? ways.filter((_, index) => tried.data?.[index]) : ways;
  return (
    <Empty icon="search" title="No event fits the filter">
      {tried.data && useful.length === 0 && <p class="muted">Nor would one without any part of it: none has come here yet.</p>}
      <p class="buttons widen">
        {(useful.length > 0 ? useful : ways.slice(-1)).map((way) => (
          <button key={way.label} type="button" class="cut" title={way.label} onClick={() => onAsk(way.asked)}>
            {way.label}
          </button>
        ))}
      </p>
    </Empty>
  );
}

/** Whether something is there, or may be farther back than is looked at once. */
async function leads(asked: Asked, signal: AbortSignal): Promise<boolean> {
  const page = await events({ ...parseEvents(asked.q).query, pattern: asked.pattern, filter: asked.filter }, 1, "", signal);
  return page.items.length > 0 || page.next !== "";
}

function NoneEver({ onPublish }: { onPublish: () => void }) {
  return (
    <Empty icon="events" title="No event has come here yet">
      <p class="muted">Programs emit them with an SDK, over HTTP, or from a terminal:</p>
      <Command text={`ironflow emit order.placed -d '{"id": 1}'`} />
      <button type="button" class="primary" onClick={onPublish}>
        Publish the first one
      </button>
    </Empty>
  );
}
