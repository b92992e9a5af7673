/** What a function is between, as a graph: what starts it, itself, and what its runs emit and invoke. */
import type { FlowEdge, FunctionFlow } from "../api/types";
import { counted } from "./counted";

export interface FlowNode {
  id: string;
  kind: "event" | "function" | "self";
  name: string;
  /** What is told beside the name; "" for nothing. */
  note: string;
}

export interface FlowGraph {
  nodes: readonly FlowNode[];
  edges: readonly (readonly [string, string])[];
}

const SELF = "self";

/** `declared` are the events that it is registered for: those that started nothing lately are there too. */
export function flowOf(flow: FunctionFlow, declared: readonly string[]): FlowGraph {
  const seen = flow.started_by.filter((one) => one.kind === "event").map((one) => one.name);
  const idle = declared.filter((pattern) => !seen.some((name) => fits(pattern, name)));
  const sources: FlowNode[] = [
    ...flow.started_by.map((one) => nodeOf("from", one, `${times(one.count)} started`)),
    ...idle.map((name): FlowNode => ({ id: `from event ${name}`, kind: "event", name, note: "none lately" })),
  ];
  const targets = flow.leads_to.map((one) => nodeOf("to", one, `${times(one.count)} ${one.kind === "event" ? "emitted" : "invoked"}`));
  const self: FlowNode = { id: SELF, kind: "self", name: flow.function_id, note: `${flow.whole ? "" : "newest "}${counted(flow.sampled, "run")}` };
  return {
    nodes: [...sources, self, ...targets],
    edges: [...sources.map(({ id }) => [id, SELF] as const), ...targets.map(({ id }) => [SELF, id] as const)],
  };
}

/** Of which runs the graph is. */
export function sampleOf({ sampled, whole }: FunctionFlow): string {
  if (sampled === 0) return "No run began within 24 hours: this is what it is registered for.";
  if (sampled === 1) return `What started the ${whole ? "one" : "newest"} run of 24 hours, and what came of it.`;
  return `What started the ${whole ? "" : "newest "}${sampled.toLocaleString("en")} runs of 24 hours, and what came of them.`;
}

function nodeOf(side: string, { kind, name }: FlowEdge, note: string): FlowNode {
  return { id: `${side} ${kind} ${name}`, kind, name, note };
}

function times(count: number): string {
  return `${count.toLocaleString("en")}×`;
}

/** Whether a pattern of whole segments lets a name through: `*` is one, a last `>` one or more. */
function fits(pattern: string, name: string): boolean {
  const [wanted, given] = [pattern.split("."), name.split(".")];
  if (wanted.at(-1) === ">") return given.length >= wanted.length && wanted.slice(0, -1).every((part, at) => part === "*" || part === given[at]);
  return wanted.length === given.length && wanted.every((part, at) => part === "*" || part === given[at]);
}
