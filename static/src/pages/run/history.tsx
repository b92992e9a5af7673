/** Every record of the run as a list: when, what, to which step. Each can be read whole, and two be compared. The URL has
 * what is looked for, which one is read and which are marked. */
import { useMemo, useRef } from "preact/hooks";
import { exact, file } from "../../api/client";
import { part, records as fetched } from "../../api/timeline";
import { names, who } from "../../live/names";
import { type Resource, useResource } from "../../live/resource";
import { atLine, lineOf } from "../../model/gaps";
import { type Rec, indexAt, isFailure, markedOf, marking, title } from "../../model/records";
import { look } from "../../model/status";
import { iso } from "../../model/time";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { wallTime } from "../../shell/settings";
import { Actor } from "../../ui/actor";
import { Skeleton } from "../../ui/basics";
import { Download, lines } from "../../ui/download";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Rows } from "../../ui/rows";
import { Failed } from "../../ui/states";
import { Unloaded } from "./between";
import { type Moment, goToPosition } from "./moment";
import type { Records } from "./store";
import { Words } from "./timeline_bar";

const ROW = 28;

/** Of what the server finds in records that are not loaded, so many are listed. */
const FOUND_MAX = 2_000;

export default function History({ runId, of, moment, start }: { runId: string; of: Records; moment: Moment; start: number }) {
  const { all: records, filling, fill } = of;
  const words = chosen("find");
  const read = Number(chosen("record"));
  const marked = markedOf(chosen("two"));
  const field = useRef<HTMLInputElement>(null);
  const known = names.value;
  const elsewhere = useFound(runId, of.gaps.length > 0 ? words : "");
  const found = elsewhere.data;
  const shown = useMemo(() => {
    const wanted = words.toLowerCase();
    if (!wanted) return records;
    const here = records.filter((one) => `${one.kind} ${one.summary} ${one.name} ${one.about} ${one.actor} ${who(one.actor)} ${one.error?.message ?? ""}`.toLowerCase().includes(wanted));
    return found && found.length > 0 ? [...new Map([...found, ...here].map((one) => [one.position, one])).values()].sort((a, b) => a.position - b.position) : here;
  }, [records, words, known, found]);
  const gaps = words ? [] : of.gaps;
  const show = (record: Rec): void => goToPosition(records, record.position);
  const hit = (direction: 1 | -1): void => {
    const from = records[moment.index].position;
    const next = shown[direction === 1 ? indexAt(shown, from) + 1 : indexAt(shown, from - 1)];
    if (next) show(next);
  };
  const open = (position: number): void => choose({ record: position === read ? null : position });
  useKeys("History", [
    { keys: "/", label: "Filter records", run: () => field.current?.focus() },
    { keys: "n", label: "Next record that fits", run: () => hit(1) },
    { keys: "N", label: "Previous record that fits", run: () => hit(-1) },
    { keys: "Enter", label: "Read the record of this moment whole", run: () => open(records[moment.index].position) },
    { keys: " ", label: "Mark it, to compare two", quiet: true, run: () => choose({ two: marking(marked, records[moment.index].position) }) },
    ...(read ? [{ keys: "Escape", label: "Close the record", run: () => choose({ record: null }) }] : []),
  ]);
  return (
    <div class="history">
      <div class="history-bar">
        <Words name="find" label="Filter records" hint="Filter records" field={field} />
        <span class="muted small tabular">
          {shown.length === records.length ? "" : `${shown.length.toLocaleString("en")} of `}
          {(words ? records[records.length - 1].version : records.length).toLocaleString("en")}
        </span>
        {elsewhere.loading && of.gaps.length > 0 && words && (
          <span class="muted small" role="status">
            looking through all of them…{" "}
            <button type="button" class="link" onClick={elsewhere.pending.cancel}>
              Stop
            </button>
          </span>
        )}
        {found && found.length >= FOUND_MAX && <span class="muted small">only the first {FOUND_MAX.toLocaleString("en")} that are not loaded</span>}
        {elsewhere.error && (
          <span class="problem small" role="alert">
            Only what is loaded was looked through: {elsewhere.error.message}{" "}
            <button type="button" class="link" onClick={elsewhere.reload}>
              Try again
            </button>
          </span>
        )}
        {marked.length === 2 && (
          <button type="button" class="small primary" onClick={() => compare(records, marked)}>
            Compare {Math.min(...marked)} with {Math.max(...marked)}
          </button>
        )}
        {marked.length === 1 && <span class="muted small">mark another one to compare with {marked[0]}</span>}
        <span class="grow" />
        <Download label="JSON lines" title="Keep the records that are listed as a file" name={`${runId}.jsonl`} make={async () => lines((gaps.length > 0 ? await everything(runId) : shown).map(told))} />
        <Download label="Bundle" title="Keep the run, payloads and all, to be read elsewhere with ironflow inspect" name={`${runId}.zip`} make={() => file(`/runs/${runId}/export`)} />
      </div>
      <div class="table" role="table" aria-label="Records" aria-rowcount={shown.length + gaps.length + 1}>
        <div role="rowgroup" class="table-head">
          <div class="history-row" role="row">
            <span role="columnheader">
              <span class="visually-hidden">Marked</span>
            </span>
            {["Position", "Time", "After", "What", "More"].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
            <span role="columnheader">
              <span class="visually-hidden">Whole</span>
            </span>
          </div>
        </div>
        <Rows
          count={shown.length + gaps.length}
          height={ROW}
          label="Records"
          cursor={moment.past ? lineOf(gaps, shown.indexOf(records[moment.index])) : -1}
          row={(index) => {
            const line = atLine(gaps, index);
            if (typeof line !== "number") {
              return (
                <div class="history-row row unloaded" role="row" aria-rowindex={index + 2}>
                  <span role="cell">
                    <Unloaded gap={line} filling={filling} fill={fill} />
                  </span>
                </div>
              );
            }
            const record = shown[line];
            const { icon, role } = look(record.kind.split(".")[1]);
            return (
              <div
                class={`history-row row ${record.position > moment.position ? "later" : ""} ${moment.past && record === records[moment.index] ? "current" : ""}`}
                role="row"
                aria-rowindex={index + 2}
                onClick={() => show(record)}
              >
                <span role="cell">
                  <input
                    type="checkbox"
                    aria-label={`Mark record ${record.position}`}
                    checked={marked.includes(record.position)}
                    onClick={(event) => event.stopPropagation()}
                    onChange={() => choose({ two: marking(marked, record.position) })}
                  />
                </span>
                <span role="cell" class="mono">
                  <button type="button" class="link" onClick={() => show(record)} aria-label={`Show the moment of record ${record.position}`}>
                    {record.position}
                  </button>
                </span>
                <span role="cell" class="mono muted">
                  {wallTime(record.at)}
                </span>
                <span role="cell" class="mono muted">
                  +{((record.at - start) / 1_000).toFixed(3)} s
                </span>
                <span role="cell" class="cut">
                  <Icon name={icon} class={role} /> {title(record)}
                </span>
                <span role="cell" class={`cut ${isFailure(record) ? "" : "muted"}`}>
                  {record.kind === "run.logged" ? <ToLines position={record.position} /> : record.error?.message || record.about || (record.actor && <Actor id={record.actor} />)}
                </span>
                <span role="cell">
                  <button
                    type="button"
                    class="link mono small"
                    aria-label={`Read record ${record.position} whole`}
                    aria-pressed={record.position === read}
                    onClick={(event) => {
                      event.stopPropagation();
                      open(record.position);
                    }}
                  >
                    {"{ }"}
                  </button>
                </span>
              </div>
            );
          }}
        />
      </div>
      {read > 0 && <Whole key={read} position={read} />}
    </div>
  );
}

/** What fits among all records of a run, where not all are loaded: the server looks through them. */
function useFound(runId: string, words: string): Resource<readonly Rec[]> {
  return useResource(`found ${runId} ${words}`, async (signal) => {
    const found: Rec[] = [];
    for (let after: number | undefined = words ? 0 : undefined; after !== undefined && found.length < FOUND_MAX; ) {
      const page: Awaited<ReturnType<typeof part>> = await part(runId, { after, search: words }, signal);
      found.push(...page.records);
      after = page.after;
    }
    return found.slice(0, FOUND_MAX);
  });
}

async function everything(runId: string): Promise<Rec[]> {
  const all: Rec[] = [];
  await fetched(runId, 0, (page) => all.push(...page));
  return all;
}

/** A record as history has it, payload and all. */
function Whole({ position }: { position: number }) {
  const entry = useResource(`entry ${position}`, (signal) => exact(`/history/${position}`, {}, signal));
  return (
    <section class="log-line" aria-label={`Record ${position}`}>
      <header>
        <b>Record {position}</b>
        <span class="grow" />
        <button type="button" class="quiet icon-only" aria-label="Close the record" onClick={() => choose({ record: null })}>
          <Icon name="cross" size={14} />
        </button>
      </header>
      {entry.error && <Failed error={entry.error} onRetry={entry.reload} />}
      {!entry.error && !entry.data && <Skeleton rows={4} of={entry} />}
      {entry.data !== undefined && <JsonView value={entry.data} label={`record ${position}`} />}
    </section>
  );
}

/** The later of two records becomes A, the earlier one B. */
function compare(records: readonly Rec[], marked: readonly number[]): void {
  goToPosition(records, Math.max(...marked));
  choose({ b: Math.min(...marked), tab: "diff", with: null, two: null });
}

/** To the first of the lines that a record has. */
function ToLines({ position }: { position: number }) {
  return (
    <button
      type="button"
      class="link"
      onClick={(event) => {
        event.stopPropagation();
        choose({ tab: "logs", line: `${position}.0`, level: null, of: null });
      }}
    >
      Show its lines
    </button>
  );
}

/** A record as a line of a file: what is empty is left out. */
function told({ at, startedAt, until, ...rest }: Rec): string {
  const instants = { at: iso(at), startedAt: Number.isNaN(startedAt) ? "" : iso(startedAt), until: Number.isNaN(until) ? "" : iso(until) };
  return JSON.stringify({ ...rest, ...instants }, (_, value: unknown) => (value === "" || value === null ? undefined : value));
}
