/** What a group gets next. Looking takes nothing from its members. */
import { get } from "../../api/client";
import type { GroupShape, PeekedMessage } from "../../api/admin";
import { useResource } from "../../live/resource";
import { eventLink } from "../../shell/route";
import { Skeleton, Time, short } from "../../ui/basics";
import { EntryLink } from "../../ui/side";
import { Failed } from "../../ui/states";

const EVERY_MS = 3_000;
const SHOWN = 20;

export function Next({ of, path }: { of: GroupShape; path: string }) {
  const next = useResource(`next ${of.name}`, (signal) => get<{ messages: PeekedMessage[] }>(`${path}/peek`, { limit: SHOWN }, signal), { every: EVERY_MS });
  const messages = next.data?.messages;
  return (
    <>
      {next.error && <Failed error={next.error} onRetry={next.reload} />}
      {!messages && !next.error && <Skeleton rows={4} />}
      {messages?.length === 0 && <p class="muted pad">Nothing waits: all that fits is settled.</p>}
      {messages && messages.length > 0 && (
        <>
          <p class="muted small pad">The first {messages.length}, as they are; looking takes none of them.</p>
          <ul class="pad-x">
            {messages.map((one) => (
              <li key={one.position} class="letter">
                <div>
                  {one.event_id ? <a href={eventLink(one.event_id)}>{one.topic}</a> : one.topic} <span class="muted small">{short(one.event_id)}</span>
                </div>
                <p class="small muted">
                  position <EntryLink position={one.position} /> recorded <Time at={one.recorded_at} />, {one.delivered ? "delivered: a member has it, or settled it already" : "waits"}
                </p>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
