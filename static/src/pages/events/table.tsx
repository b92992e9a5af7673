/** The list of events: a row each, with the columns that were chosen and the expressions that were added. */
import type { ComponentChildren } from "preact";
import type { EventSummary } from "../../api/types";
import type { Columns } from "../../live/columns";
import type { EventRuns } from "../../live/event_runs";
import type { List } from "../../live/list";
import { COLUMN_NAMES, type EventColumn, type Templates, aroundExpressions, templatesOf } from "../../model/event_columns";
import { preview } from "../../model/json";
import { Time } from "../../ui/basics";
import { Rows } from "../../ui/rows";
import { ColumnCells, ColumnHead } from "./columns";
import type { Further } from "./further";
import { RunCounts } from "./runs";

const ROW = 36;
const PREVIEW_CHARS = 160;

interface Props {
  list: List<EventSummary>;
  cursor: number;
  shown: readonly EventColumn[];
  watched: readonly string[];
  columns: Columns;
  runs: EventRuns;
  further: Further;
  onTop: (atTop: boolean) => void;
  onSelect: (event: EventSummary) => void;
}

export function EventTable({ list, cursor, shown, watched, columns, runs, further, onTop, onSelect }: Props) {
  const templates = templatesOf(shown, watched.length);
  const { before, after } = aroundExpressions(shown);
  const row = (index: number): ComponentChildren => {
    const event = list.rows[index];
    return (
      <Row templates={templates} added={watched.length} class={`row ${index === cursor ? "current" : ""}`} index={index + 2} onClick={() => onSelect(event)}>
        {before.map((one) => (
          <Cell key={one} of={one} event={event} runs={runs} entity={!shown.includes("entity")} onSelect={onSelect} />
        ))}
        {watched.length > 0 && <ColumnCells id={event.id} columns={columns} count={watched.length} />}
        {after.map((one) => (
          <Cell key={one} of={one} event={event} runs={runs} entity={false} onSelect={onSelect} />
        ))}
      </Row>
    );
  };
  return (
    <div class="table" role="table" aria-label="Events">
      <div class="table-head" role="rowgroup">
        <Row templates={templates} added={watched.length}>
          {before.map(head)}
          {watched.map((expression) => (
            <ColumnHead key={expression} expression={expression} all={watched} />
          ))}
          {after.map(head)}
        </Row>
      </div>
      <Rows count={list.rows.length} height={ROW} label="Events" cursor={cursor} onEnd={list.next} onTop={onTop} row={row} after={list.more ? <Looking of={further} cursor={list.cursor} /> : null} />
    </div>
  );
}

function head(column: EventColumn): ComponentChildren {
  return (
    <span key={column} role="columnheader" class={`event-${column}`}>
      {COLUMN_NAMES[column]}
    </span>
  );
}

interface RowProps {
  templates: Templates;
  /** How many expressions were added. */
  added: number;
  class?: string;
  index?: number;
  onClick?: () => void;
  children: ComponentChildren;
}

function Row({ templates, added, class: more = "", index, onClick, children }: RowProps) {
  const style = { "--wide": templates.wide, "--beside": templates.beside, "--narrow": templates.narrow };
  return (
    <div class={`event-row ${more} ${added > 0 ? "with-columns" : ""}`} style={style} role="row" aria-rowindex={index} onClick={onClick}>
      {children}
    </div>
  );
}

interface CellProps {
  of: EventColumn;
  event: EventSummary;
  runs: EventRuns;
  /** Whether its entity stands beside its name. */
  entity: boolean;
  onSelect: (event: EventSummary) => void;
}

function Cell({ of, event, runs, entity, onSelect }: CellProps) {
  const place = event.entity_type ? `${event.entity_type}/${event.entity_id}` : "";
  switch (of) {
    case "position":
    case "version":
      return (
        <span role="cell" class={`event-${of} mono muted tabular`}>
          {event[of]}
        </span>
      );
    case "when":
      return (
        <span role="cell" class="event-when muted">
          <Time at={event.timestamp} />
        </span>
      );
    case "name":
      return (
        <span role="cell" class="event-name cut">
          <button type="button" class="link" onClick={() => onSelect(event)}>
            {event.name}
          </button>
          {entity && place && <span class="faint small"> {place}</span>}
        </span>
      );
    case "source":
    case "entity":
      return (
        <span role="cell" class={`event-${of} cut muted`}>
          {of === "source" ? event.source : place}
        </span>
      );
    case "data":
      return (
        <span role="cell" class="event-data cut mono muted">
          {preview(event.data, PREVIEW_CHARS)}
        </span>
      );
    case "runs":
      return (
        <span role="cell" class="event-runs tabular">
          <RunCounts event={event} runs={runs} />
        </span>
      );
  }
}

/** How far back was looked, where what fits is rare. */
export function Looking({ of, cursor }: { of: Further; cursor: string }) {
  if (!of.asks) return <p class="muted pad">{of.looking ? `Looking further back, from position ${cursor}…` : "Loading more events…"}</p>;
  return (
    <p class="muted pad" role="status">
      Looked back to position <span class="tabular">{cursor}</span>.{" "}
      <button type="button" class="small" onClick={of.look}>
        Look further back
      </button>
    </p>
  );
}
