/** Lays graphs out beside the page, in a thread of its own: places of nodes, and the bends of edges. */
import { Graph, layout } from "@dagrejs/dagre";
import type { Asked, Layout } from "./layout";

addEventListener("message", ({ data }: MessageEvent<Asked>) => {
  const graph = new Graph();
  graph.setGraph(data.tight ? { rankdir: "TB", nodesep: 10, ranksep: 28, marginx: 4, marginy: 8 } : { rankdir: "TB", nodesep: 24, ranksep: 32, marginx: 16, marginy: 16 });
  for (const { id, width, height } of data.nodes) graph.setNode(id, { width, height });
  for (const [from, to] of data.edges) graph.setEdge(from, to, {});
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const nodes = data.nodes.map(({ id }): [string, { x: number; y: number }] => [id, { x: graph.node(id).x, y: graph.node(id).y }]);
  const edges = data.edges.map(([from, to]) => graph.edge(from, to).points as { x: number; y: number }[]);
  postMessage({ width, height, nodes: new Map(nodes), edges } satisfies Layout);
});
