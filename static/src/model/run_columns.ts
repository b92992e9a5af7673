/** The columns of the list of runs: which there are, how wide each is, and which of them fit. */

export const RUN_COLUMNS = ["status", "function", "run", "trigger", "started", "duration", "steps", "marks", "tags", "told", "environment"] as const;
export type RunColumn = (typeof RUN_COLUMNS)[number];

export const RUN_COLUMN_NAMES: Record<RunColumn, string> = {
  status: "Status",
  function: "Function",
  run: "Run",
  trigger: "Trigger",
  started: "Started",
  duration: "Duration",
  steps: "Steps",
  marks: "Marks",
  tags: "Tags",
  told: "What there is to know",
  environment: "Environment",
};

/** A run is known by them: they are always shown. */
export const RUN_ALWAYS: readonly RunColumn[] = ["status", "function"];
export const RUN_FIRST: readonly RunColumn[] = RUN_COLUMNS.filter((one) => one !== "environment");

/** At least so many pixels, and which share of what is left over; 0 for none. */
const WIDTHS: Record<RunColumn, readonly [number, number]> = {
  status: [104, 0],
  function: [130, 1.1],
  run: [124, 0],
  trigger: [90, 0.7],
  started: [74, 0],
  duration: [70, 0],
  steps: [54, 0],
  marks: [64, 0.2],
  tags: [70, 0.3],
  told: [110, 1.9],
  environment: [90, 0.4],
};
/** Where room is short: the status is its icon. */
const SMALL: Partial<Record<RunColumn, readonly [number, number]>> = { status: [20, 0], function: [96, 1], started: [70, 0], steps: [48, 0], told: [120, 1] };

/** What goes first where not all fit. The others stay, however narrow it is. */
const DROPPED: readonly RunColumn[] = ["trigger", "tags", "environment", "run", "duration", "marks", "told"];

const PICK = 24;
const SMALL_BELOW = 520;
const GAPS = { wide: { gap: 10, padding: 28 }, small: { gap: 8, padding: 20 } } as const;

export interface Fitting {
  columns: readonly RunColumn[];
  /** The tracks of a row, the first for the box that chooses it. */
  template: string;
  small: boolean;
}

/** Those that were chosen, in their order, whatever was kept. */
export function runColumnsShown(kept: readonly string[]): RunColumn[] {
  return RUN_COLUMNS.filter((one) => RUN_ALWAYS.includes(one) || kept.includes(one));
}

/** The columns with one of them shown, or no more. */
export function runColumnToggled(kept: readonly string[], column: RunColumn): RunColumn[] {
  const now = runColumnsShown(kept);
  return runColumnsShown(now.includes(column) ? now.filter((one) => one !== column) : [...now, column]);
}

/** Of the columns that were chosen, those that fit into so many pixels. */
export function fitting(chosen: readonly RunColumn[], width: number): Fitting {
  const small = width < SMALL_BELOW;
  const { gap, padding } = small ? GAPS.small : GAPS.wide;
  const tracks = (one: RunColumn): readonly [number, number] => (small && SMALL[one]) || WIDTHS[one];
  const needs = (columns: readonly RunColumn[]): number => columns.reduce((sum, one) => sum + gap + tracks(one)[0], PICK + padding);
  const columns = DROPPED.reduce((kept, one) => (needs(kept) > width ? kept.filter((other) => other !== one) : kept), chosen);
  const template = columns.map((one) => {
    const [least, share] = tracks(one);
    return share > 0 ? `minmax(${least}px, ${share}fr)` : `${least}px`;
  });
  return { columns, template: [`${PICK}px`, ...template].join(" "), small };
}
