/** What expressions were at every record of a run, as a column each: only the records that made a difference are shown. The
 * server looks through all of the run, page by page; who does not want to wait stops it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, exactly } from "../../api/client";
import { type Json, Num, at, print } from "../../model/json";
import type { Rec } from "../../model/records";
import { type Turn, differences } from "../../model/watching";
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
/** So many are drawn at first: a value may change with every record. */
const ROWS_MAX = 1_000;

interface Looked {
  turns: readonly Turn[];
  /** How many records were looked at, and up to which position. */
  looked: number;
  after: number;
  error: ApiError | null;
}

const NOTHING: Looked = { turns: [], looked: 0, after: 0, error: null };

export function Watched(props: Props) {
  return <Turns key={props.expressions.join("\n")} {...props} />;
}

function Turns({ runId, expressions, records, moment }: Props) {
  const [told, setTold] = useState(NOTHING);
  const [stopped, setStopped] = useState(false);
  const [rows, setRows] = useState(ROWS_MAX);
  const done = useRef(NOTHING);
  const going = useRef<AbortController | null>(null);
  /** How many records there were when all had been looked through last. */
  const reached = useRef(0);
  const newest = records[records.length - 1];
  useEffect(() => () => going.current?.abort(), [stopped]);
  useEffect(() => {
    if (going.current || stopped || told.error || reached.current >= newest.version) return;
    const abort = (going.current = new AbortController());
    const look = async (): Promise<void> => {
      try {
        for (let more = true; more; ) {
          const { turns, looked, after } = done.current;
          const page = await exactly("POST", `/runs/${runId}/watch/turns`, { body: { expressions, after }, signal: abort.signal });
          const found = (at(page, "turns") as Json[]).map(turnOf);
          done.current = { turns: [...turns, ...found], looked: looked + numberOf(at(page, "looked")), after: numberOf(at(page, "until")), error: null };
          more = at(page, "after") !== undefined;
          if (more) setTold(done.current);
        }
        reached.current = newest.version;
      } catch (error) {
        if (!abort.signal.aborted && !(error instanceof ApiError)) throw error;
        if (error instanceof ApiError) done.current = { ...done.current, error };
      } finally {
        going.current = null;
        setTold({ ...done.current });
      }
    };
    void look();
  });

  const again = (): void => {
    done.current = { ...done.current, error: null };
    setTold(done.current);
  };
  const { turns, looked, error } = told;
  const of = Math.max(newest.version, looked);
  const shown = turns.slice(-rows);
  const changed = differences(shown);
  return (
    <>
      <p class="buttons pad" role="status">
        <span class="muted small">
          {turns.length.toLocaleString("en")} of {looked === of ? "" : "the first "}
          {looked.toLocaleString("en")} records made a difference{looked < of && `; ${(of - looked).toLocaleString("en")} are to be looked through`}.
        </span>
        {looked < of && !error && (
          <button type="button" class="small" onClick={() => setStopped(!stopped)}>
            {stopped ? "Look on" : "Stop"}
          </button>
        )}
      </p>
      {error && <Failed error={error} onRetry={again} />}
      {looked === 0 && !error && <Skeleton rows={4} />}
      {shown.length < turns.length && (
        <p class="buttons pad">
          <button type="button" class="small" onClick={() => setRows(rows + ROWS_MAX)}>
            Show earlier ones, of {(turns.length - shown.length).toLocaleString("en")}
          </button>
        </p>
      )}
      {shown.length > 0 && (
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
            {shown.map(({ position, summary, values }, index) => (
              <tr key={position} aria-current={moment.past && moment.position === position ? "true" : undefined} class={position > moment.position ? "later" : ""}>
                <th scope="row">
                  <button type="button" class="link mono" aria-label={`Show the moment of record ${position}`} onClick={() => goToPosition(records, position)}>
                    {position}
                  </button>{" "}
                  <span class="muted small">{summary}</span>
                </th>
                {values.map((value, column) => (
                  <td key={column} class={changed[index][column] ? "is-a" : ""}>
                    {value === "" ? <span class="faint">–</span> : <code title={value.length > SHOWN_CHARS ? value : undefined}>{value.length > SHOWN_CHARS ? `${value.slice(0, SHOWN_CHARS)}…` : value}</code>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}

function turnOf(told: Json): Turn {
  return { position: numberOf(at(told, "position")), summary: String(at(told, "summary")), values: (at(told, "values") as Json[]).map(textOf) };
}

function numberOf(told: Json | undefined): number {
  return told instanceof Num ? Number(told.text) : 0;
}

/** "" where it was nothing yet. */
function textOf(value: Json): string {
  return typeof at(value, "error") === "string" ? "" : print(at(value, "value") ?? null);
}
