/** Who did what to the run, and what was decided about it. */
import type { AuditEvent } from "../../api/admin";
import { useAudit } from "../../live/audit";
import { Actor } from "../../ui/actor";
import { Status, Time } from "../../ui/basics";
import { ListCard } from "../../ui/list_card";
import { EntryLink } from "../../ui/side";
import { Empty } from "../../ui/states";

/** Who it was, and what they acted through, such as an editor. */
function Who({ event }: { event: AuditEvent }) {
  return (
    <>
      <Actor id={event.actor} />
      {event.via && <span class="muted"> via {event.via}</span>}
    </>
  );
}

export default function RunAudit({ runId }: { runId: string }) {
  const audit = useAudit(`/runs/${runId}/audit`, {});
  return (
    <ListCard
      label="Audit of the run"
      noun="action"
      resource={audit}
      items={audit.items}
      more={audit}
      id={(one) => one.id}
      widths="56px minmax(136px, 1.5fr) 76px minmax(108px, 1fr) minmax(0, 0.8fr) 76px"
      columns={[
        { name: "Position", show: (one) => <EntryLink position={Number(one.id)} />, wide: true },
        {
          name: "What",
          show: (one) => one.action ?? one.event_type,
          below: (one) => (
            <>
              <span>
                <Time at={one.created_at} />, position <EntryLink position={Number(one.id)} />
              </span>
              <span>
                by <Who event={one} />
                {one.reason && `: ${one.reason}`}
              </span>
            </>
          ),
        },
        { name: "Decision", show: (one) => (one.decision ? <Status status={one.decision} /> : <span class="muted">done</span>) },
        { name: "By", show: (one) => <Who event={one} />, wide: true },
        { name: "Because", show: (one) => one.reason ?? "", wide: true },
        { name: "When", show: (one) => <Time at={one.created_at} />, wide: true },
      ]}
      empty={<Empty icon="audit" title="Nothing to audit yet" />}
    />
  );
}
