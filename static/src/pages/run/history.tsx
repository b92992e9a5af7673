/** Every record of the run as a list: when, what, to which step. */
import { useMemo, useState } from "preact/hooks";
import { file } from "../../api/client";
import { names, who } from "../../live/names";
import { type Rec, isFailure, title } from "../../model/records";
import { look } from "../../model/status";
import { iso } from "../../model/time";
import { choose } from "../../shell/route";
import { wallTime } from "../../shell/settings";
import { Actor } from "../../ui/actor";
import { Download, lines } from "../../ui/download";
import { Icon } from "../../ui/icon";
import { Rows } from "../../ui/rows";
import { type Moment, goTo } from "./moment";

const ROW = 28;

export default function History({ runId, records, moment, start }: { runId: string; records: readonly Rec[]; moment: Moment; start: number }) {
  const [words, setWords] = useState("");
  const known = names.value;
  const shown = useMemo(() => {
    const wanted = words.toLowerCase();
    if (!wanted) return records;
    return records.filter((one) => `${one.kind} ${one.name} ${one.about} ${one.actor} ${who(one.actor)} ${one.error?.message ?? ""}`.toLowerCase().includes(wanted));
  }, [records, words, known]);
  return (
    <div class="history">
      <div class="history-bar">
        <input type="search" placeholder="Filter records" aria-label="Filter records" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        <span class="muted small tabular">
          {shown.length === records.length ? "" : `${shown.length.toLocaleString("en")} of `}
          {records.length.toLocaleString("en")}
        </span>
        <span class="grow" />
        <Download label="JSON lines" title="Keep the records that are listed as a file" name={`${runId}.jsonl`} make={async () => lines(shown.map(told))} />
        <Download label="Bundle" title="Keep the run, payloads and all, to be read elsewhere with ironflow inspect" name={`${runId}.zip`} make={() => file(`/runs/${runId}/export`)} />
      </div>
      <div class="table" role="table" aria-label="Records" aria-rowcount={shown.length + 1}>
        <div role="rowgroup" class="table-head">
          <div class="history-row" role="row">
            {["Position", "Time", "After", "What", "More"].map((name) => (
              <span key={name} role="columnheader">
                {name}
              </span>
            ))}
          </div>
        </div>
        <Rows
          count={shown.length}
          height={ROW}
          label="Records"
          cursor={moment.past ? shown.indexOf(records[moment.index]) : -1}
          row={(index) => {
            const record = shown[index];
            const { icon, role } = look(record.kind.split(".")[1]);
            return (
              <div
                class={`history-row row ${record.position > moment.position ? "later" : ""} ${moment.past && record === records[moment.index] ? "current" : ""}`}
                role="row"
                aria-rowindex={index + 2}
                onClick={() => goTo(records, records.indexOf(record))}
              >
                <span role="cell" class="mono">
                  <button type="button" class="link" onClick={() => goTo(records, records.indexOf(record))} aria-label={`Show the moment of record ${record.position}`}>
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
              </div>
            );
          }}
        />
      </div>
    </div>
  );
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
