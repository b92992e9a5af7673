/** What expressions were at every record of a run, as a column each: only the records that made a difference are shown. */
import { useMemo, useRef } from "preact/hooks";
import { exactly } from "../../api/client";
import { useResource } from "../../live/resource";
import { type Json, at, print } from "../../model/json";
import { type Rec, title } from "../../model/records";
import { parts, turns } from "../../model/watching";
import { Skeleton } from "../../ui/basics";
import { Failed } from "../../ui/states";
import { type Moment, goToPosition } from "./moment";

interface Props {
  runId: string;
  expressions: readonly string[];
  records: readonly Rec[];
  moment: Moment;
}

const SHOWN_CHARS = 120;

export function Watched({ runId, expressions, records, moment }: Props) {
  const asked = useMemo(() => records.filter((one) => one.kind !== "run.logged"), [records]);
  const known = useRef(new Map<string, readonly string[][]>());
  const all = useMemo(() => parts(asked.map((one) => one.position)), [asked]);
  const told = useResource(
    `watched ${runId} ${expressions.join("\n")}`,
    async (signal) => {
      const found: string[][] = [];
      for (const part of all) {
        const key = `${part} ${expressions.join("\n")}`;
        const values = known.current.get(key) ?? (await valuesOf(runId, expressions, part, signal));
        known.current.set(key, values);
        found.push(...values);
      }
      return { looked: asked.slice(asked.length - found.length), of: asked.length, found };
    },
    { version: asked.length },
  );
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={4} of={told} />;
  const { looked, of, found } = told.data;
  const shown = turns(found);
  return (
    <>
      <table class="watched of-all">
        <thead>
          <tr>
            <th scope="col">Record</th>
            {expressions.map((one) => (
              <th key={one} scope="col" class="mono">
                {one}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((index) => {
            const record = looked[index];
            return (
              <tr key={record.position} aria-current={moment.past && moment.position === record.position ? "true" : undefined} class={record.position > moment.position ? "later" : ""}>
                <th scope="row">
                  <button type="button" class="link mono" aria-label={`Show the moment of record ${record.position}`} onClick={() => goToPosition(records, record.position)}>
                    {record.position}
                  </button>{" "}
                  <span class="muted small">{title(record)}</span>
                </th>
                {found[index].map((value, column) => (
                  <td key={column} class={index > 0 && value !== found[index - 1][column] ? "is-a" : ""}>
                    {value === "" ? <span class="faint">–</span> : <code title={value.length > SHOWN_CHARS ? value : undefined}>{value.length > SHOWN_CHARS ? `${value.slice(0, SHOWN_CHARS)}…` : value}</code>}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
      <p class="faint small pad">
        {shown.length.toLocaleString("en")} of {looked.length === of ? "" : "the last "}
        {looked.length.toLocaleString("en")} records made a difference
        {looked.length < of && `; the ${(of - looked.length).toLocaleString("en")} before them are not looked through`}.
      </p>
    </>
  );
}

/** Of each moment, what each expression was, as a text; "" where it was nothing yet. */
async function valuesOf(runId: string, expressions: readonly string[], positions: readonly number[], signal: AbortSignal): Promise<string[][]> {
  const answer = await exactly("POST", `/runs/${runId}/watch`, { body: { expressions, at: positions.map(String) }, signal });
  const rows = at(answer, "expressions") as Json[];
  return positions.map((_, index) => rows.map((row) => textOf((at(row, "values") as Json[])[index])));
}

function textOf(value: Json): string {
  return typeof at(value, "error") === "string" ? "" : print(at(value, "value") ?? null);
}
