/** The waterfall: a row for each step, its bars in time. Rows in sight only; of a step, all tries are on one row. */
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { gapId } from "../../model/gaps";
import { type Rec, seek } from "../../model/records";
import { type Gap, type Scale, inView, place, placeOf, timeAt, turned } from "../../model/scale";
import { look } from "../../model/status";
import { duration, relative, tickText, ticks } from "../../model/time";
import { attempts, barAt, counts, span, statusAt } from "../../model/tally";
import type { Bar, Row, Waterfall } from "../../model/waterfall";
import { choose } from "../../shell/route";
import { Icon, type IconName } from "../../ui/icon";
import { Rows } from "../../ui/rows";
import { Unloaded } from "./between";
import { isInside, lookInside } from "./inside";
import { Minimap, useDrag, zoomTo } from "./minimap";
import type { Moment } from "./moment";
import type { Records } from "./store";

interface Props {
  folded: Waterfall;
  rows: readonly Row[];
  moment: Moment;
  /** Of the part that is shown. */
  scale: Scale;
  /** Of the whole run. */
  whole: Scale;
  zoom: readonly [number, number] | null;
  mode: string;
  /** The steps that the length of the run is made of, where they are asked for. */
  critical: ReadonlySet<string> | null;
  selected: string;
  compared: Rec | undefined;
  isOpen: (row: Row) => boolean;
  onSelect: (row: Row) => void;
  onToggle: (row: Row) => void;
  /** Show the time of a row. */
  onZoom: (row: Row) => void;
  records: Records;
}

const ROW = 28;

const MAPPED_FROM = 8;
/** How much a turn of the wheel by a pixel shows more or less. */
const WHEEL = 0.003;
const PIXELS_A_LINE = 16;

export function Timeline(props: Props) {
  const { rows, selected, whole, zoom } = props;
  const cursor = useMemo(() => rows.findIndex((row) => row.id === selected), [rows, selected]);
  const wheeled = (event: WheelEvent): void => {
    const lane = (event.target as Element).closest(".wf-lane");
    if (!event.ctrlKey || !lane) return;
    event.preventDefault(); // the browser would make its text larger
    const box = lane.getBoundingClientRect();
    const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? PIXELS_A_LINE : 1);
    const part = turned(zoom, Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)), Math.exp(pixels * WHEEL));
    if (part) zoomTo(...part);
    else choose({ t: null });
  };
  return (
    <div class="waterfall" onWheel={wheeled}>
      {(rows.length >= MAPPED_FROM || zoom) && (
        <div class="wf-row wf-head wf-map" aria-hidden="true">
          <span>All of it</span>
          <span />
          <Minimap rows={rows} scale={whole} zoom={zoom} />
        </div>
      )}
      <div class="wf-row wf-head" aria-hidden="true">
        <span>Step</span>
        <span>Took</span>
        <Axis {...props} />
      </div>
      {!rows.some((row) => row.kind === "step" || row.kind === "group") && props.folded.steps.size > 0 && <p class="muted pad">No step fits the filter.</p>}
      <Rows
        count={rows.length}
        height={ROW}
        role="treegrid"
        label="Timeline"
        cursor={cursor}
        row={(index) => <StepRow {...props} row={rows[index]} index={index} />}
      />
    </div>
  );
}

function StepRow({ row, index, moment, scale, selected, critical, isOpen, onSelect, onToggle, onZoom, records, ...rest }: Props & { row: Row; index: number }) {
  const gap = row.kind === "gap" && records.gaps.find((one) => gapId(one) === row.id);
  if (gap) {
    return (
      <div class="wf-row row unloaded" role="row" aria-level={row.depth + 1} aria-rowindex={index + 1}>
        <span role="gridcell">
          <Unloaded gap={gap} filling={records.filling} fill={records.fill} />
        </span>
      </div>
    );
  }
  const status = statusAt(row, moment.position, moment.at);
  const { role, icon, label } = look(status);
  const open = row.kind === "group" ? isOpen(row) : row.childRunId ? isInside(row.childRunId) : undefined;
  const fold = (): void => (row.kind === "group" ? onToggle(row) : lookInside(row.childRunId));
  const ghost = status === "ghost";
  const edited = row.bars.some((bar) => bar.role === "edit" && barAt(bar, moment.position, moment.at));
  const shownIcon: IconName = edited ? "diamond" : row.compensationFor ? "undo" : icon;
  return (
    <div
      id={`wf-${index}`}
      class={`wf-row row ${row.id === selected ? "current" : ""} ${ghost ? "ghost" : ""} ${critical && row.kind === "step" && !critical.has(row.id) ? "aside" : ""} of-${row.kind}`}
      role="row"
      aria-level={row.depth + 1}
      aria-expanded={open}
      aria-selected={row.id === selected}
      aria-rowindex={index + 1}
      onClick={() => onSelect(row)}
      onDblClick={() => (row.kind === "group" ? fold() : onZoom(row))}
    >
      <span class="wf-name" role="gridcell" style={{ paddingLeft: `${8 + row.depth * 14}px` }}>
        {open !== undefined && (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-label={open ? `Fold ${row.label}` : `Unfold ${row.label}`}
            onClick={(event) => {
              event.stopPropagation();
              fold();
            }}
          >
            <Icon name={open ? "down" : "forward"} size={12} />
          </button>
        )}
        <Icon name={shownIcon} class={edited ? "edit" : role} />
        <span class="cut" title={`${row.label} · ${label}`}>
          {row.label}
        </span>
      </span>
      <span class="wf-info" role="gridcell">
        <Info row={row} status={status} moment={moment} />
      </span>
      <span class="wf-lane" role="gridcell" aria-label={label}>
        <Lane row={row} moment={moment} scale={scale} {...rest} />
      </span>
    </div>
  );
}

/** What can be said in the width of a column. */
function Info({ row, status, moment }: { row: Row; status: string; moment: Moment }): ComponentChildren {
  if (status === "ghost") return "not reached";
  if (row.kind === "group") {
    const found = [...counts(row, moment.position, moment.at)];
    return found.map(([one, count]) => (
      <span key={one} class="count-of" title={look(one).label}>
        <Icon name={look(one).icon} size={12} class={look(one).role} />
        {count}
      </span>
    ));
  }
  const { from, to } = span(row);
  const last = row.bars.at(-1);
  const tries = attempts(row, moment.position);
  const took = duration((Number.isNaN(to) || to > moment.at ? moment.at : to) - from);
  if (last?.pattern === "hatch" && Number.isNaN(last.to)) {
    const until = row.records.at(-1)?.until ?? NaN;
    return Number.isNaN(until) || moment.past ? took : relative(until, moment.at);
  }
  return (
    <>
      {row.kind === "step" && tries > 1 && <span class="chip tiny">×{tries}</span>}
      {took}
    </>
  );
}

/** Bars keep a width that can be seen: those outside of what is shown are left out instead. */
function Lane({ row, moment, scale, compared, folded }: { row: Row; moment: Moment; scale: Scale; compared: Rec | undefined; folded: Waterfall }) {
  const bars = row.kind === "group" ? groupBars(row, moment) : row.bars;
  const undone = row.compensationFor && folded.steps.get(row.id.replace(":compensate:", ":"))?.bars.at(-1);
  const begun = row.bars[0]?.from;
  return (
    <>
      {scale.gaps.map((gap) => (
        <span key={gap.from} class="gap" style={{ left: pc(place(scale, gap.from)), width: pc(place(scale, gap.to) - place(scale, gap.from)) }} />
      ))}
      {undone && begun <= moment.at && inView(scale, undone.to, begun) && (
        <span class="undo-line" style={{ left: pc(place(scale, undone.to)), width: pc(place(scale, begun) - place(scale, undone.to)) }} />
      )}
      {bars.map((bar, index) => {
        const shown = barAt(bar, moment.position, moment.at);
        if (!shown) return null;
        const running = Number.isNaN(shown.to);
        if (!inView(scale, shown.from, running ? moment.at : shown.to)) return null;
        const from = place(scale, shown.from);
        const to = place(scale, running ? moment.at : Math.min(shown.to, Math.max(moment.at, shown.from)));
        const point = row.kind === "run" && shown.from === shown.to;
        return (
          <span
            key={index}
            class={`bar ${shown.pattern} ${shown.role} ${running ? "open" : ""} ${point ? "point" : ""} ${row.compensationFor ? "undoes" : ""}`}
            title={`${look(shown.status).label}${shown.attempt > 1 ? `, try ${shown.attempt}` : ""} · ${duration((running ? moment.at : shown.to) - shown.from)}`}
            style={{ left: pc(from), width: `max(${pc(to - from)}, ${point ? 0 : shown.role === "fail" ? 6 : 3}px)` }}
          />
        );
      })}
      {inView(scale, moment.at, Infinity) && !bars.some((bar) => barAt(bar, moment.position, moment.at)) ? (
        <span class="bar ghost-line" style={{ left: pc(place(scale, moment.at)), right: "0" }} />
      ) : null}
      {moment.past && inView(scale, moment.at, moment.at) && <span class="moment a" style={{ left: pc(place(scale, moment.at)) }} />}
      {compared && inView(scale, compared.at, compared.at) && <span class="moment b" style={{ left: pc(place(scale, compared.at)) }} />}
    </>
  );
}

function groupBars(row: Row, moment: Moment): Bar[] {
  const { from, to } = span(row);
  if (Number.isNaN(from)) return [];
  const status = statusAt(row, moment.position, moment.at);
  const closed = Number.isNaN(to) ? Infinity : 0;
  return [{ from, to, role: look(status).role, pattern: "thin", status, attempt: 1, opened: 0, closed }];
}

function Axis({ folded, scale, zoom, mode, moment }: Props) {
  const drag = useDrag(([from, to]) => zoomTo(placeOf(zoom, from), placeOf(zoom, to)));
  const span = (scale.times.at(-1) ?? 0) - folded.start;
  const marks =
    zoom === null && (mode === "time" || scale.gaps.length === 0)
      ? ticks(span, 4).map((offset) => ({ x: place(scale, folded.start + offset), text: tickText(offset) }))
      : [0, 0.25, 0.5, 0.75].map((x) => ({ x, text: duration(timeAt(scale, x) - folded.start).replace("0 ms", "0") }));
  return (
    <span
      class="wf-lane axis"
      title="Drag for a part of the time, double click for the whole run"
      onPointerDown={drag.begin}
      onPointerMove={drag.go}
      onPointerUp={drag.end}
      onPointerCancel={drag.stop}
      onDblClick={() => choose({ t: null })}
    >
      {drag.marked && <span class="axis-part" style={{ left: pc(drag.marked[0]), width: pc(drag.marked[1] - drag.marked[0]) }} />}
      {marks
        .filter((mark) => mark.x < 0.92 && !scale.gaps.some((gap) => Math.abs(middle(scale, gap) - mark.x - 0.06) < 0.14))
        .map((mark) => (
          <span key={mark.x} class="tick" style={{ left: pc(mark.x) }}>
            {mark.text}
          </span>
        ))}
      {scale.gaps.filter((gap) => told(scale, gap)).map((gap) => (
        <span key={gap.from} class="gap-told" style={{ left: pc(middle(scale, gap)) }}>
          {duration(gap.to - gap.from)}
        </span>
      ))}
      {moment.past && inView(scale, moment.at, moment.at) && <span class="moment a" style={{ left: pc(place(scale, moment.at)) }} />}
    </span>
  );
}

/** How wide what is told of a gap is, at most. */
const TOLD = 0.13;

/** Whether there is room to tell how long a gap is: of those beside one another the longest is told. */
function told(scale: Scale, gap: Gap): boolean {
  return !scale.gaps.some((other) => other.to - other.from > gap.to - gap.from && Math.abs(middle(scale, other) - middle(scale, gap)) < TOLD);
}

function middle(scale: Scale, gap: Gap): number {
  return (place(scale, gap.from) + place(scale, gap.to)) / 2;
}

/** The record of a step that holds at a moment: its last one before it. */
export function recordOf(row: Row, moment: Moment): Rec | undefined {
  const index = seek(row.records, row.records.length, -1, (record) => record.position <= moment.position);
  return row.records[index];
}

function pc(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
