/** The columns of the list of events: which there are, and how wide each is. Names are always shown. */

export const EVENT_COLUMNS = ["position", "when", "name", "source", "entity", "version", "data", "runs"] as const;
export type EventColumn = (typeof EVENT_COLUMNS)[number];

export const COLUMN_NAMES: Record<EventColumn, string> = {
  position: "Position",
  when: "When",
  name: "Name",
  source: "Source",
  entity: "Entity",
  version: "Version",
  data: "Data",
  runs: "Runs",
};

export const SHOWN_FIRST: readonly EventColumn[] = ["position", "when", "name", "data", "runs"];

/** What is shown where room is short. */
const NARROW: readonly EventColumn[] = ["when", "name", "runs"];
const WIDTHS: Record<EventColumn, string> = {
  position: "84px",
  when: "96px",
  name: "minmax(140px, 1.2fr)",
  source: "minmax(60px, 0.6fr)",
  entity: "minmax(80px, 0.8fr)",
  version: "56px",
  data: "minmax(120px, 2fr)",
  runs: "100px",
};
const BESIDE: Partial<Record<EventColumn, string>> = { position: "72px", when: "88px", name: "minmax(150px, 1.7fr)", data: "minmax(60px, 1.5fr)", runs: "92px" };
const SMALL: Partial<Record<EventColumn, string>> = { when: "80px", name: "minmax(0, 1fr)", runs: "76px" };
const EXPRESSION = "minmax(48px, 1fr)";

/** Those that were chosen, in their order, whatever was kept. */
export function columnsShown(kept: readonly string[]): EventColumn[] {
  return EVENT_COLUMNS.filter((one) => one === "name" || kept.includes(one));
}

/** The columns with one of them shown, or no more. */
export function toggled(kept: readonly string[], column: EventColumn): EventColumn[] {
  const now = columnsShown(kept);
  return columnsShown(now.includes(column) ? now.filter((one) => one !== column) : [...now, column]);
}

/** Those that stand before the expressions that people added, and those behind. */
export function aroundExpressions(columns: readonly EventColumn[]): { before: EventColumn[]; after: EventColumn[] } {
  const last = (one: EventColumn): boolean => one === "data" || one === "runs";
  return { before: columns.filter((one) => !last(one)), after: columns.filter(last) };
}

export interface Templates {
  wide: string;
  /** With something beside the list: what was added takes the room of the data. */
  beside: string;
  narrow: string;
}

/** The tracks of a row, with `expressions` columns that people added, which stand before the data. */
export function templatesOf(columns: readonly EventColumn[], expressions: number): Templates {
  const made = (shown: readonly EventColumn[], widths: Partial<Record<EventColumn, string>>, added: number): string => {
    const { before, after } = aroundExpressions(shown);
    const width = (one: EventColumn): string => widths[one] ?? WIDTHS[one];
    return [...before.map(width), ...Array<string>(added).fill(EXPRESSION), ...after.map(width)].join(" ");
  };
  return {
    wide: made(columns, {}, expressions),
    beside: made(expressions > 0 ? columns.filter((one) => one !== "data") : columns, BESIDE, expressions),
    narrow: made(columns.filter((one) => NARROW.includes(one)), SMALL, Math.min(1, expressions)),
  };
}
