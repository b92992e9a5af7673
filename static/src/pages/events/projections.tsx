/** The projections that an event is for: whether it is in their states, and if not, why not. */
import { get } from "../../api/client";
import { useResource } from "../../live/resource";
import { link } from "../../shell/route";
import { Skeleton } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icon";
import { Failed } from "../../ui/states";

interface Taken {
  name: string;
  status: string;
  fate: "folded" | "behind" | "stopped" | "parked" | "skipped" | "left_out";
  position: number;
  behind: number;
}

const EVERY_MS = 2_000;

const FATES: Record<Taken["fate"], { text: string; icon: IconName; role: string }> = {
  folded: { text: "has it", icon: "check", role: "ok" },
  behind: { text: "has not come so far", icon: "hourglass", role: "wait" },
  stopped: { text: "is stopped by it", icon: "cross", role: "fail" },
  parked: { text: "has it put aside", icon: "pause", role: "warn" },
  skipped: { text: "has gone on without it", icon: "slash", role: "idle" },
  left_out: { text: "begins after it", icon: "slash", role: "idle" },
};

export function ProjectionsOf({ id }: { id: string }) {
  const told = useResource(`projections of ${id}`, (signal) => get<{ projections: Taken[] }>(`/events/${id}/projections`, {}, signal), { every: EVERY_MS });
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={3} of={told} />;
  if (told.data.projections.length === 0) return <p class="muted told">No projection is for events of this name.</p>;
  return (
    <ul class="told">
      {told.data.projections.map((one) => {
        const { text, icon, role } = FATES[one.fate];
        return (
          <li key={one.name} class="taken">
            <Icon name={icon} class={role} />
            <a class="cut" href={link(`/projections/${encodeURIComponent(one.name)}`)}>
              {one.name}
            </a>
            <span class="muted">
              {text}
              {one.fate === "behind" && one.behind > 0 && `: it is at ${one.position.toLocaleString("en")}, ${one.behind.toLocaleString("en")} positions before it`}
              {one.fate === "behind" && one.status !== "active" && ` (${one.status})`}
            </span>
          </li>
        );
      })}
    </ul>
  );
}
