/** What a function is between, drawn: each event and each function leads to its own page. */
import { useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { get, segment } from "../../api/client";
import type { FunctionFlow, FunctionShape } from "../../api/types";
import { type Point, curve, useLayout } from "../../layout/layout";
import { useResource } from "../../live/resource";
import { type FlowNode, flowOf, sampleOf } from "../../model/flow";
import { link } from "../../shell/route";
import { Problem } from "../../ui/acting";
import { Skeleton } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

const PACE_MS = 10_000;
const SINCE = "24h";
const [WIDTH, HEIGHT] = [156, 40];

export default function Flow({ of }: { of: FunctionShape }) {
  const told = useResource(`flow ${of.id}`, (signal) => get<FunctionFlow>(`/stats/functions/${segment(of.id)}/flow`, { since: SINCE }, signal), { pattern: "system.run.*.*", pace: PACE_MS });
  if (told.error && !told.data) return <Failed error={told.error} onRetry={told.reload} />;
  return told.data ? <Drawn flow={told.data} of={of} /> : <Skeleton rows={5} />;
}

function Drawn({ flow, of }: { flow: FunctionFlow; of: FunctionShape }) {
  const graph = useMemo(() => flowOf(flow, of.triggers.flatMap((one) => one.event ?? [])), [flow, of]);
  const key = graph.nodes.map((node) => node.id).join("\n");
  const { of: drawn, layout, failed } = useLayout(key, graph, ({ nodes, edges }) => ({ nodes: nodes.map(({ id }) => ({ id, width: WIDTH, height: HEIGHT })), edges, tight: true }));
  const view = useRef<HTMLDivElement>(null);
  // The function itself is in sight, however much stands beside it.
  useLayoutEffect(() => {
    const [whole, self] = [view.current, view.current?.querySelector<HTMLElement>(".current")];
    if (whole && self) whole.scrollLeft = self.offsetLeft + WIDTH / 2 - whole.clientWidth / 2;
  }, [layout]);
  const newest = new Map(graph.nodes.map((node) => [node.id, node]));
  return (
    <>
      <p class="pad-x muted small profile-of">{sampleOf(flow)}</p>
      <Problem text={failed ? "The graph could not be laid out." : ""} />
      {drawn && layout && (
        <div ref={view} class="graph-view flow" tabIndex={0} role="region" aria-label={`What ${of.id} is between`}>
          <div class="graph-all" style={{ width: `${layout.width}px`, height: `${layout.height}px` }}>
            <svg class="graph-edges" width={layout.width} height={layout.height} aria-hidden="true">
              <defs>
                <marker id="flow-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                  <path d="M0 0.5 7.5 4 0 7.5Z" />
                </marker>
              </defs>
              {drawn.edges.map((edge, index) => (
                <path key={edge.join(" ")} d={curve(layout.edges[index])} marker-end="url(#flow-tip)" />
              ))}
            </svg>
            {drawn.nodes.map((node) => (
              <NodeShown key={node.id} node={newest.get(node.id) ?? node} at={layout.nodes.get(node.id) as Point} />
            ))}
          </div>
        </div>
      )}
    </>
  );
}

function NodeShown({ node, at }: { node: FlowNode; at: Point }) {
  const place = { left: `${at.x - WIDTH / 2}px`, top: `${at.y - HEIGHT / 2}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` };
  const to = node.kind === "self" ? link("/runs", { q: `function:${node.name}` }) : node.kind === "event" ? link("/events", { q: /[*>]/.test(node.name) ? "" : `name:${node.name}` }) : link("/functions", { function: node.name, show: "flow" });
  return (
    <a class={`graph-node of-step ${node.kind === "self" ? "current" : ""}`} style={place} href={to} title={`${node.name}: ${node.note}`}>
      <Icon name={node.kind === "event" ? "bolt" : "functions"} />
      <span class="graph-told">
        <b class="cut small">{node.name}</b>
        <span class="small muted cut">{node.note}</span>
      </span>
    </a>
  );
}
