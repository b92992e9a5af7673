/** The steps as a graph: what followed what, as it was at the moment that is shown. The timeline tells the same in rows. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { type Point, curve, useLayout } from "../../layout/layout";
import { counted } from "../../model/counted";
import { ASKED_MAX, DRAWN_MAX, type Graph, type Node, graphOf } from "../../model/graph";
import { look } from "../../model/status";
import { duration } from "../../model/time";
import { attempts, barAt, counts, span, statusAt } from "../../model/tally";
import type { Row, Waterfall } from "../../model/waterfall";
import { choose, chosen } from "../../shell/route";
import { Skeleton } from "../../ui/basics";
import { Icon, type IconName } from "../../ui/icon";
import { Problem } from "../../ui/acting";
import type { Moment } from "./moment";

interface Props {
  folded: Waterfall;
  moment: Moment;
  /** What set the run off. */
  origin: string;
  selected: string;
  isOpen: (row: Row) => boolean;
  onSelect: (row: Row) => void;
  onToggle: (row: Row) => void;
}

const SIZES = { start: [180, 30], end: [180, 30], step: [200, 44], group: [200, 44], fold: [200, 44], joint: [8, 8] } as const;
const SCALES = [0.4, 0.6, 0.8, 1, 1.25, 1.5];

export default function StepGraph(props: Props) {
  const { folded, isOpen, selected } = props;
  const whole = chosen("graph") === "whole";
  const scale = SCALES.find((one) => String(one) === chosen("zoom")) ?? 1;
  const graph = useMemo(() => graphOf(folded.root, isOpen, whole ? ASKED_MAX : DRAWN_MAX), [folded, isOpen, whole]);
  const key = useMemo(() => [...graph.nodes.map((node) => node.id), "", ...graph.edges.flat()].join("\n"), [graph]);
  const { of: drawn, layout, failed } = useLayout(key, graph, ({ nodes, edges }) => ({
    nodes: nodes.map(({ id, kind }) => ({ id, width: SIZES[kind][0], height: SIZES[kind][1] })),
    edges,
  }));
  const element = useRef<HTMLDivElement>(null);
  // The newest rows in the places of what was laid out last.
  const shown = useMemo(() => (drawn ? { ...drawn, nodes: renewed(drawn, graph) } : null), [drawn, graph]);
  const reveal = (place: ScrollLogicalPosition): void => {
    const view = element.current;
    (view?.querySelector(".graph-node.current") ?? view?.querySelector(".graph-node.of-start"))?.scrollIntoView({ block: "nearest", inline: place });
  };
  useLayoutEffect(() => reveal("center"), [layout, scale]);
  useLayoutEffect(() => reveal("nearest"), [selected]);
  const zoom = (by: 1 | -1): void => {
    const next = SCALES[Math.max(0, Math.min(SCALES.length - 1, SCALES.indexOf(scale) + by))];
    choose({ zoom: next === 1 ? null : next });
  };

  const foldable = graph.whole > DRAWN_MAX;
  return (
    <div class="graph">
      <div class="graph-bar">
        <span class="muted small">
          {counted(folded.steps.size, "step")}
          {graph.whole > (whole ? ASKED_MAX : DRAWN_MAX) && ", folded by name"}
        </span>
        {foldable && graph.whole <= ASKED_MAX && (
          <button type="button" class="small" onClick={() => choose({ graph: whole ? null : "whole" })}>
            {whole ? "Fold them" : `Draw all ${graph.whole.toLocaleString("en")}`}
          </button>
        )}
        <span class="grow" />
        <button type="button" class="small quiet" disabled={scale === SCALES[0]} aria-label="Smaller" onClick={() => zoom(-1)}>
          −
        </button>
        <span class="small muted tabular">{Math.round(scale * 100)} %</span>
        <button type="button" class="small quiet" disabled={scale === SCALES.at(-1)} aria-label="Larger" onClick={() => zoom(1)}>
          +
        </button>
      </div>
      <Problem text={failed ? "The graph could not be laid out: the timeline shows the same steps." : ""} />
      {!shown && !failed && <Skeleton rows={6} />}
      {shown && layout && (
        <div ref={element} class="graph-view" tabIndex={0} role="region" aria-label="Graph of the steps">
          <div class="graph-size" style={{ width: `${layout.width * scale}px`, height: `${layout.height * scale}px` }}>
            <div class="graph-all" style={{ width: `${layout.width}px`, height: `${layout.height}px`, transform: `scale(${scale})` }}>
              <svg class="graph-edges" width={layout.width} height={layout.height} aria-hidden="true">
                <defs>
                  <marker id="graph-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                    <path d="M0 0.5 7.5 4 0 7.5Z" />
                  </marker>
                </defs>
                {shown.edges.map((edge, index) => (
                  <path
                    key={edge.join(" ")}
                    class={reached(shown, edge[1], props) ? "" : "ghost"}
                    d={curve(layout.edges[index])}
                    marker-end={edge[1].startsWith("joint ") ? undefined : "url(#graph-tip)"}
                  />
                ))}
              </svg>
              {shown.nodes.map((node) => (
                <NodeShown key={node.id} {...props} node={node} at={layout.nodes.get(node.id) as Point} />
              ))}
            </div>
          </div>
        </div>
      )}
    </div>
  );
}

/** The nodes of a graph with the rows that another has for them. */
function renewed(drawn: Graph, graph: Graph): readonly Node[] {
  const known = new Map(graph.nodes.map((node) => [node.id, node]));
  return drawn.nodes.map((node) => known.get(node.id) ?? node);
}

function NodeShown({ node, at, folded, moment, origin, selected, onSelect, onToggle }: Props & { node: Node; at: Point }) {
  const [width, height] = SIZES[node.kind];
  const place = { left: `${at.x - width / 2}px`, top: `${at.y - height / 2}px`, width: `${width}px`, height: `${height}px` };
  if (node.kind === "joint") return <span class="graph-joint" style={place} />;
  if (node.kind === "start") {
    return (
      <button type="button" tabIndex={-1} class="graph-node of-end of-start" style={place} title={origin} onClick={() => onSelect(folded.root)}>
        <Icon name="bolt" />
        <span class="cut">{origin}</span>
      </button>
    );
  }
  if (node.kind === "end") {
    const status = statusAt(folded.root, moment.position, moment.at);
    const { icon, role, label } = look(status);
    return (
      <button type="button" tabIndex={-1} class={`graph-node of-end ${selected === "run" ? "current" : ""}`} style={place} onClick={() => onSelect(folded.root)}>
        <Icon name={icon} class={role} />
        {label}
      </button>
    );
  }
  const row = node.rows[0];
  const status = statusOf(node, moment);
  const { icon, role, label } = look(status);
  const edited = node.kind === "step" && row.bars.some((bar) => bar.role === "edit" && barAt(bar, moment.position, moment.at));
  const shownIcon: IconName = edited ? "diamond" : row.compensationFor ? "undo" : icon;
  const current = node.rows.some((one) => one.id === selected);
  return (
    <button
      type="button"
      tabIndex={current ? 0 : -1}
      aria-pressed={current}
      class={`graph-node of-${node.kind} is-${edited ? "edit" : role} ${status === "ghost" ? "ghost" : ""} ${current ? "current" : ""}`}
      style={place}
      title={`${node.label} · ${label}`}
      onClick={() => onSelect(row)}
      onDblClick={() => node.kind === "group" && onToggle(row)}
    >
      <Icon name={shownIcon} class={edited ? "edit" : role} />
      <span class="graph-told">
        <b class="cut">{node.label}</b>
        <span class="small muted cut">{node.kind === "step" ? took(row, status, moment) : <Counted node={node} moment={moment} />}</span>
      </span>
    </button>
  );
}

function statusOf(node: Node, moment: Moment): string {
  const found = node.rows.map((row) => statusAt(row, moment.position, moment.at));
  return ["failed", "timed_out", "running", "waiting", "sleeping", "completed"].find((status) => found.includes(status)) ?? found[0];
}

function reached(graph: Graph, id: string, { moment, folded }: Props): boolean {
  if (id === "end") return statusAt(folded.root, moment.position, moment.at) !== "ghost" && !moment.past;
  const node = graph.nodes.find((one) => one.id === id);
  return !node || node.rows.length === 0 || statusOf(node, moment) !== "ghost";
}

function took(row: Row, status: string, moment: Moment): string {
  if (status === "ghost") return "not reached";
  const { from, to } = span(row);
  const tries = attempts(row, moment.position);
  const time = duration((Number.isNaN(to) || to > moment.at ? moment.at : to) - from);
  return `${look(status).label.toLowerCase()} · ${time}${tries > 1 ? ` · ×${tries}` : ""}`;
}

function Counted({ node, moment }: { node: Node; moment: Moment }) {
  const found = new Map<string, number>();
  for (const row of node.rows) {
    const below = row.kind === "group" ? counts(row, moment.position, moment.at) : new Map([[statusAt(row, moment.position, moment.at), 1]]);
    for (const [status, count] of below) found.set(status, (found.get(status) ?? 0) + count);
  }
  return <>{[...found].map(([status, count]) => `${count.toLocaleString("en")} ${look(status).label.toLowerCase()}`).join(", ")}</>;
}
