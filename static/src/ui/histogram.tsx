/** Runs over time by status, counted by the server: nothing is sampled. A drag chooses a range. */
import { useRef, useState } from "preact/hooks";
import type { RunStats } from "../api/types";
import { RUN_STATUSES, look } from "../model/status";
import { duration, iso, ms, shown } from "../model/time";
import { clock } from "../shell/settings";
import { Icon } from "./icon";

interface Props {
  stats: RunStats | undefined;
  wanted: number;
  onRange: (since: string, until: string) => void;
  onStatus: (status: string) => void;
}

const HEIGHT = 56;

export function Histogram({ stats, wanted, onRange, onStatus }: Props) {
  const element = useRef<HTMLDivElement>(null);
  const [brush, setBrush] = useState<[number, number] | null>(null);
  const [hover, setHover] = useState(-1);
  if (!stats) return <div class="histogram waiting" style={{ height: `${HEIGHT + 28}px` }} />;
  const start = ms(stats.since);
  const columns = columnsOf(stats, wanted);
  const most = Math.max(1, ...columns.map((one) => one.total));
  const present = RUN_STATUSES.filter((status) => stats.totals[status]);
  const total = present.reduce((sum, status) => sum + stats.totals[status], 0);

  const bucketAt = (event: PointerEvent): number => {
    const box = (element.current as HTMLDivElement).getBoundingClientRect();
    return Math.max(0, Math.min(wanted - 1, Math.floor(((event.clientX - box.left) / box.width) * wanted)));
  };
  const done = (): void => {
    if (!brush) return;
    const [from, to] = [Math.min(...brush), Math.max(...brush) + 1];
    setBrush(null);
    onRange(iso(start + from * stats.bucket_ms), iso(start + to * stats.bucket_ms));
  };
  const told = hover >= 0 ? columns[hover] : null;
  return (
    <figure class="histogram" aria-label={`${total} runs from ${stats.since} to ${stats.until}`}>
      <div
        ref={element}
        class="histogram-bars"
        style={{ height: `${HEIGHT}px` }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setBrush([bucketAt(event), bucketAt(event)]);
        }}
        onPointerMove={(event) => {
          const at = bucketAt(event);
          setHover(at);
          if (brush) setBrush([brush[0], at]);
        }}
        onPointerUp={done}
        onPointerLeave={() => setHover(-1)}
      >
        <svg width="100%" height={HEIGHT} viewBox={`0 0 ${wanted} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
          {columns.map((column, index) => {
            let y = HEIGHT;
            return RUN_STATUSES.filter((status) => column.counts[status]).map((status) => {
              const tall = Math.max(1.5, (column.counts[status] / most) * (HEIGHT - 4));
              y -= tall;
              return <rect key={status} x={index + 0.12} width={0.76} y={y} height={tall} class={`fill-${look(status).role}`} />;
            });
          })}
          {brush && <rect x={Math.min(...brush)} width={Math.abs(brush[1] - brush[0]) + 1} y={0} height={HEIGHT} class="brush" />}
        </svg>
        {told && told.total > 0 && (
          <div class={`histogram-told ${hover > wanted / 2 ? "left" : ""}`} style={{ left: `${((hover + 0.5) / wanted) * 100}%` }}>
            <b class="mono">{shown(told.at, told.at, clock.value === "utc" ? "utc" : "local")}</b> {told.total} runs
            {RUN_STATUSES.filter((status) => told.counts[status]).map((status) => (
              <span key={status} class="status">
                <Icon name={look(status).icon} class={look(status).role} size={12} /> {told.counts[status]}
              </span>
            ))}
          </div>
        )}
      </div>
      <figcaption>
        <span class="faint small">{rangeText(stats)}</span>
        <span class="grow" />
        {present.map((status) => (
          <button key={status} type="button" class="quiet small" onClick={() => onStatus(status)}>
            <Icon name={look(status).icon} class={look(status).role} size={14} />
            {look(status).label} <b class="tabular">{stats.totals[status].toLocaleString("en")}</b>
          </button>
        ))}
        {present.length === 0 && <span class="faint small">no runs began in this time</span>}
      </figcaption>
    </figure>
  );
}

function rangeText(stats: RunStats): string {
  const span = ms(stats.until) - ms(stats.since);
  return `began within ${duration(span).replace(/ 0?0 ?[hms]$/, "")} · ${duration(stats.bucket_ms).replace(/ 0?0 ?[hms]$/, "")} a bar`;
}

interface Column {
  at: number;
  counts: Record<string, number>;
  total: number;
}

function columnsOf(stats: RunStats, wanted: number): Column[] {
  const start = ms(stats.since);
  const columns: Column[] = Array.from({ length: wanted }, (_, index) => ({ at: start + index * stats.bucket_ms, counts: {}, total: 0 }));
  for (const bucket of stats.buckets) {
    const column = columns[Math.round((ms(bucket.at) - start) / stats.bucket_ms)];
    if (!column) continue;
    column.counts = bucket.counts;
    column.total = Object.values(bucket.counts).reduce((sum, count) => sum + count, 0);
  }
  return columns;
}
