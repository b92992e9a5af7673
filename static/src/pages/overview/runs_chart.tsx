/** How many runs began, completed and failed, each over the time at which it did: a drag, or a row of the table, chooses that time on all pages. */
import { useRef, useState } from "preact/hooks";
import type { RunOutcomes } from "../../api/types";
import { LAYERS, type Layer, areaOf, columnsOf, sumOf } from "../../model/stacks";
import { duration, iso, ms, shown } from "../../model/time";
import { link, timeRange } from "../../shell/route";
import { clock } from "../../shell/settings";
import { AsTable } from "../../ui/as_table";
import { Time } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icon";

const HEIGHT = 96;
const LOOKS: Record<Layer, { label: string; icon: IconName; role: string; filter: string }> = {
  completed: { label: "Completed", icon: "check", role: "ok", filter: "status:completed" },
  failed: { label: "Failed", icon: "cross", role: "fail", filter: "status:failed" },
  began: { label: "Began", icon: "dot", role: "run", filter: "" },
};

const DOWNWARDS = [...LAYERS].reverse();

interface Props {
  stats: RunOutcomes | undefined;
  wanted: number;
  onRange: (since: string, until: string) => void;
}

export function RunsChart({ stats, wanted, onRange }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<[number, number] | null>(null);
  const [hover, setHover] = useState(-1);
  if (!stats) return <div class="histogram waiting" style={{ height: `${HEIGHT + 56}px` }} />;
  const columns = columnsOf(stats, wanted);
  const most = Math.max(1, ...columns.map((one) => one.height));
  const happened = columns.map((one, index) => ({ one, index })).filter(({ one }) => one.height + one.counts.cancelled > 0);
  const choose = (from: number, to: number): void => onRange(iso(columns[from].at), iso(columns[to].at + stats.bucket_ms));
  const at = (event: PointerEvent): number => {
    const box = (element.current as HTMLDivElement).getBoundingClientRect();
    return Math.max(0, Math.min(wanted - 1, Math.floor(((event.clientX - box.left) / box.width) * wanted)));
  };
  const told = columns[hover];
  const said = (span: number): string => duration(span).replace(/ 0?0 ?[hms]$/, "");
  return (
    <figure class="histogram" aria-label={`${sumOf(columns, "began")} runs began, ${sumOf(columns, "completed")} completed and ${sumOf(columns, "failed")} failed from ${stats.since} to ${stats.until}`}>
      <div
        ref={element}
        class="histogram-bars"
        style={{ height: `${HEIGHT}px` }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setBrush([at(event), at(event)]);
        }}
        onPointerMove={(event) => {
          setHover(at(event));
          if (brush) setBrush([brush[0], at(event)]);
        }}
        onPointerUp={() => {
          if (!brush) return;
          setBrush(null);
          choose(Math.min(...brush), Math.max(...brush));
        }}
        onPointerCancel={() => setBrush(null)}
        onPointerLeave={() => setHover(-1)}
      >
        <svg width="100%" height={HEIGHT} viewBox={`0 0 ${wanted} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {LAYERS.map((layer) => (
            <path key={layer} class={`stack fill-${LOOKS[layer].role}`} d={areaOf(columns, layer, most, HEIGHT - 4)} transform="translate(0 4)" />
          ))}
          {brush && <rect x={Math.min(...brush)} width={Math.abs(brush[1] - brush[0]) + 1} y={0} height={HEIGHT} class="brush" />}
        </svg>
        {told && told.height > 0 && (
          <div class={`histogram-told ${hover > wanted / 2 ? "left" : ""}`} style={{ left: `${((hover + 0.5) / wanted) * 100}%` }}>
            <b class="mono">{shown(told.at, told.at, clock.value === "utc" ? "utc" : "local")}</b>
            {DOWNWARDS.filter((layer) => told.counts[layer]).map((layer) => (
              <span key={layer} class="status">
                <Icon name={LOOKS[layer].icon} class={LOOKS[layer].role} size={12} /> {told.counts[layer].toLocaleString("en")} {LOOKS[layer].label.toLowerCase()}
              </span>
            ))}
          </div>
        )}
      </div>
      <figcaption>
        <span class="faint small">
          runs within {said(ms(stats.until) - ms(stats.since))}, each thing when it happened · {said(stats.bucket_ms)} a point · a drag chooses a time
        </span>
        <span class="grow" />
        {DOWNWARDS.map((layer) => (
          <a key={layer} class="button quiet small" title="Those that began in this time" href={link("/runs", { q: `${LOOKS[layer].filter}${timeRange.value ? "" : " since:24h"}`.trim() })}>
            <Icon name={LOOKS[layer].icon} class={LOOKS[layer].role} size={14} /> {LOOKS[layer].label} <b class="tabular">{sumOf(columns, layer).toLocaleString("en")}</b>
          </a>
        ))}
      </figcaption>
      {happened.length > 0 && (
        <AsTable label="What happened to runs, by when it did" heads={["From", "Began", "Completed", "Failed", "Cancelled", ""]}>
          {happened.reverse().map(({ one, index }) => (
            <tr key={one.at}>
              <td>
                <Time at={one.at} />
              </td>
              {(["began", "completed", "failed", "cancelled"] as const).map((what) => (
                <td key={what} class="tabular">
                  {one.counts[what].toLocaleString("en")}
                </td>
              ))}
              <td>
                <button type="button" class="quiet small" onClick={() => choose(index, index)}>
                  This time only
                </button>
              </td>
            </tr>
          ))}
        </AsTable>
      )}
    </figure>
  );
}
