/** The columns of the list of events: those that this browser shows, and those that people add, expressions in CEL, which the
 * URL has and the server evaluates. */
import { useEffect, useState } from "preact/hooks";
import { request } from "../../api/client";
import type { Columns } from "../../live/columns";
import { COLUMN_NAMES, EVENT_COLUMNS, SHOWN_FIRST, columnsShown, toggled } from "../../model/event_columns";
import { type Json, at, preview } from "../../model/json";
import { choose } from "../../shell/route";
import { remembered } from "../../shell/settings";
import { Field } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Icon } from "../../ui/icon";

export const COLUMNS_MAX = 4;
export const eventColumns = remembered<readonly string[]>("event-columns", SHOWN_FIRST);
const SEPARATOR = "\n";
const CHARS = 80;

export function columnsIn(text: string): string[] {
  return text ? text.split(SEPARATOR).slice(0, COLUMNS_MAX) : [];
}

export function setColumns(expressions: readonly string[]): void {
  choose({ watch: expressions.join(SEPARATOR) || null });
}

/** The head of a column, with the way to be rid of it. */
export function ColumnHead({ expression, all }: { expression: string; all: readonly string[] }) {
  return (
    <span role="columnheader" class="event-column">
      <span class="mono cut" title={expression}>
        {expression}
      </span>
      <button type="button" class="quiet icon-only" aria-label={`Take out the column ${expression}`} onClick={() => setColumns(all.filter((one) => one !== expression))}>
        <Icon name="cross" size={12} />
      </button>
    </span>
  );
}

/** What the expressions are of one event. */
export function ColumnCells({ id, columns, count }: { id: string; columns: Columns; count: number }) {
  useEffect(() => columns.want(id), [id, columns.want]);
  const told = columns.of(id);
  return (
    <>
      {Array.from({ length: count }, (_, index) => (
        <span key={index} role="cell" class="event-column cut mono">
          {told && <Cell told={told[index]} />}
        </span>
      ))}
    </>
  );
}

function Cell({ told }: { told: Json }) {
  const error = at(told, "error");
  if (typeof error === "string")
    return (
      <span class="faint" title={error}>
        –<span class="visually-hidden">{error}</span>
      </span>
    );
  return <>{preview(at(told, "value") ?? null, CHARS)}</>;
}

export function AddColumn({ all, onClose }: { all: readonly string[]; onClose: () => void }) {
  const [text, setText] = useState("");
  const wanted = text.trim();
  const shown = columnsShown(eventColumns.value);
  return (
    <Ask
      title="Columns"
      verb="Add the column"
      done="It is a column now"
      wrong={all.includes(wanted) ? "It is a column already." : all.length >= COLUMNS_MAX ? `There are ${COLUMNS_MAX} columns: take one out first.` : ""}
      run={async () => {
        await request("POST", "/events/watch", { body: { expressions: [wanted], events: [] } });
        setColumns([...all, wanted]);
      }}
      local
      onClose={onClose}
    >
      <fieldset class="columns-shown">
        <legend>Shown in this browser</legend>
        {EVENT_COLUMNS.filter((one) => one !== "name").map((one) => (
          <label key={one} class="check">
            <input type="checkbox" checked={shown.includes(one)} onChange={() => (eventColumns.value = toggled(eventColumns.value, one))} /> {COLUMN_NAMES[one]}
          </label>
        ))}
      </fieldset>
      <p class="muted">
        A column with what it is of each event. The server evaluates it, over <code>event</code>: <code>event.data</code>, <code>event.metadata</code>, <code>event.source</code>, <code>event.name</code>.
      </p>
      <Field label="Expression in CEL" value={text} onValue={setText} placeholder="event.data.total > 100" required />
    </Ask>
  );
}
