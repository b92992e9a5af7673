/** All tabs of a run but the first: one script, for they have much in common and are fetched together. */
export { default as StepGraph } from "./graph";
export { default as History } from "./history";
export { default as StateShown } from "./state";
export { default as Changes } from "./changes";
export { default as Watch } from "./watch";
export { default as Lineage } from "./lineage";
export { default as Logs } from "./logs";
export { default as RunAudit } from "./audit";
