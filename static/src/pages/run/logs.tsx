/** What the run's code logged: the lines of a step or of all, of a level or graver ones. A line leads to the moment at
 * which it was recorded and to the step that said it; lines that were recorded after the moment that is shown are pale. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ApiError } from "../../api/client";
import { logLines } from "../../api/logs";
import { follow } from "../../live/socket";
import { LEVELS, type Level, type LogLine, countUntil, fieldsText, joined, placeOf, says } from "../../model/loglines";
import { print } from "../../model/json";
import type { Rec } from "../../model/records";
import type { Role, StatusIcon } from "../../model/status";
import { iso } from "../../model/time";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { wallTime } from "../../shell/settings";
import { Skeleton } from "../../ui/basics";
import { Download, lines as asLines } from "../../ui/download";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { ShowMore } from "../../ui/more";
import { Rows } from "../../ui/rows";
import { Facts } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { type Moment, goToPosition } from "./moment";

const ROW = 28;
/** So many lines are fetched by themselves; further ones when somebody asks. */
const HELD_MAX = 50_000;
const RETRY_MS = 3_000;

const LOOKS: Record<Level, { icon: StatusIcon | "warning"; role: Role }> = {
  debug: { icon: "circle", role: "idle" },
  info: { icon: "dot", role: "run" },
  warning: { icon: "warning", role: "warn" },
  error: { icon: "cross", role: "fail" },
};

interface Props {
  runId: string;
  records: readonly Rec[];
  moment: Moment;
  /** Names of steps, to be offered. */
  steps: readonly string[];
}

export default function Logs({ runId, records, moment, steps }: Props) {
  const level = LEVELS.find((one) => one === chosen("level")) ?? "debug";
  const step = chosen("of");
  const [words, setWords] = useState("");
  const logs = useLines(runId, level, step);
  const shown = useMemo(() => (words ? logs.lines.filter((line) => says(line, words)) : logs.lines), [logs.lines, words]);
  const until = countUntil(shown, moment.position);
  const place = chosen("line");
  const at = useMemo(() => shown.findIndex((line) => placeOf(line) === place), [shown, place]);
  const open = shown[at];
  const select = (line: LogLine | undefined): void => {
    if (line) choose({ line: placeOf(line), ...(line.path ? { step: line.path, show: null } : {}) });
  };
  useKeys("Logs", [
    { keys: "n", label: "Next line of the log", run: () => select(shown[Math.min(shown.length - 1, at + 1)]) },
    { keys: "N", label: "Previous line of the log", run: () => select(shown[Math.max(0, at - 1)]) },
    ...(open ? [{ keys: "Escape", label: "Close the line", run: () => choose({ line: null }) }] : []),
  ]);
  const filtered = level !== "debug" || step !== "" || words !== "";
  return (
    <div class="history">
      <div class="history-bar of-lines">
        <input type="search" placeholder="Filter lines" aria-label="Filter lines" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
        <select aria-label="Level" value={level} onChange={(event) => choose({ level: event.currentTarget.value === LEVELS[0] ? null : event.currentTarget.value })}>
          {LEVELS.map((one) => (
            <option key={one} value={one}>
              {one === "debug" ? "every level" : one === "error" ? "errors" : `${one} and graver`}
            </option>
          ))}
        </select>
        <input type="text" list="log-steps" placeholder="every step" aria-label="Step" value={step} spellcheck={false} autocomplete="off" onChange={(event) => choose({ of: event.currentTarget.value.trim() })} />
        <datalist id="log-steps">
          {steps.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
        <span class="muted small tabular">
          {shown.length === logs.lines.length ? "" : `${shown.length.toLocaleString("en")} of `}
          {logs.lines.length.toLocaleString("en")}
          {logs.more ? " so far" : ""}
        </span>
        <span class="grow" />
        <Download label="JSON lines" title="Keep the lines that are listed as a file" name={`${runId}.log.jsonl`} make={async () => asLines(shown.map(told))} />
      </div>
      {logs.error && <Failed error={logs.error} onRetry={logs.reload} />}
      {logs.loading && logs.lines.length === 0 && !logs.error && <Skeleton rows={6} />}
      {!logs.loading && !logs.error && shown.length === 0 && <None filtered={filtered} onAll={() => setWords("")} />}
      {shown.length > 0 && (
        <div class="table" role="table" aria-label="Log lines" aria-rowcount={shown.length + 1}>
          <div role="rowgroup" class="table-head">
            <div class="log-row" role="row">
              {["Time", "Level", "Step", "Line"].map((name) => (
                <span key={name} role="columnheader">
                  {name}
                </span>
              ))}
            </div>
          </div>
          <Rows
            count={shown.length}
            height={ROW}
            label="Log lines"
            cursor={at >= 0 ? at : moment.past ? until - 1 : -1}
            row={(index) => <LineRow line={shown[index]} index={index} later={index >= until} current={index === at} onSelect={select} />}
          />
        </div>
      )}
      <ShowMore of={logs} label="Show more lines" />
      {open && <OneLine line={open} onMoment={() => goToPosition(records, open.position)} />}
    </div>
  );
}

function LineRow({ line, index, later, current, onSelect }: { line: LogLine; index: number; later: boolean; current: boolean; onSelect: (line: LogLine) => void }) {
  const { icon, role } = LOOKS[line.level];
  const fields = fieldsText(line.fields);
  return (
    <div class={`log-row row ${later ? "later" : ""} ${current ? "current" : ""}`} role="row" aria-rowindex={index + 2} onClick={() => onSelect(line)}>
      <span role="cell" class="mono">
        <button type="button" class="link" title={iso(line.at)} aria-label={`Show the line of ${wallTime(line.at)}`} onClick={() => onSelect(line)}>
          {wallTime(line.at)}
        </button>
      </span>
      <span role="cell" class="status">
        <Icon name={icon} class={role} />
        {line.level}
      </span>
      <span role="cell" class="cut muted">
        {line.step}
        {line.attempt > 1 && ` #${line.attempt}`}
      </span>
      <span role="cell" class={`cut mono ${line.redacted ? "muted" : ""}`}>
        {line.message} {fields && <span class="muted">{fields}</span>}
      </span>
    </div>
  );
}

function OneLine({ line, onMoment }: { line: LogLine; onMoment: () => void }) {
  return (
    <section class="log-line" aria-label="The line">
      <header>
        <button type="button" class="small" onClick={onMoment}>
          Show its moment
        </button>
        {line.path && (
          <button type="button" class="small" onClick={() => choose({ of: line.path })}>
            Only its step
          </button>
        )}
        <span class="grow" />
        <button type="button" class="quiet icon-only" aria-label="Close the line" onClick={() => choose({ line: null })}>
          <Icon name="cross" />
        </button>
      </header>
      <pre class="stack" tabIndex={0} role="region" aria-label="Message">
        {line.message}
      </pre>
      <Facts
        of={[
          ["When", <span class="mono">{iso(line.at)}</span>],
          ["Position", <span class="mono">{line.position}</span>],
          line.step && ["Step", `${line.step}${line.attempt > 1 ? `, try ${line.attempt}` : ""}`],
          line.logger && ["Logger", <span class="mono">{line.logger}</span>],
          line.source && ["In", <span class="mono">{`${line.source.path}:${line.source.line}`}</span>],
          line.cut > 0 && ["Cut", `${line.cut.toLocaleString("en")} bytes were too long to keep`],
          line.dropped > 0 && ["Left out", `${line.dropped.toLocaleString("en")} further lines there was no room for`],
        ]}
      />
      {line.fields instanceof Map && line.fields.size > 0 && <JsonView value={line.fields} label="fields" />}
    </section>
  );
}

function None({ filtered, onAll }: { filtered: boolean; onAll: () => void }) {
  if (filtered) {
    return (
      <Empty icon="search" title="No line fits the filter">
        <button
          type="button"
          onClick={() => {
            onAll();
            choose({ level: null, of: null });
          }}
        >
          Show all
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="Its code has logged nothing">
      <p class="muted">
        What a function says with <code>ctx.log</code>, or with a logger of its language, is recorded with its steps and shows here.
      </p>
      <Command text={'ctx.log.info("charged", amount=12)'} />
    </Empty>
  );
}

interface Lines {
  lines: readonly LogLine[];
  loading: boolean;
  error: ApiError | null;
  more: boolean;
  next: () => void;
  reload: () => void;
}

/** Lines as they come: page after page, then what is recorded later. */
function useLines(runId: string, level: Level, step: string): Lines {
  const [state, setState] = useState<{ lines: readonly LogLine[]; loading: boolean; error: ApiError | null; more: boolean }>({ lines: [], loading: true, error: null, more: false });
  const look = useRef<(further?: boolean) => void>(() => undefined);
  useEffect(() => {
    const abort = new AbortController();
    const query = { step, level };
    let [busy, wanted, after, count, room, timer] = [false, false, "", 0, HELD_MAX, 0];
    setState({ lines: [], loading: true, error: null, more: false });
    const read = async (): Promise<void> => {
      if (busy) {
        wanted = true;
        return;
      }
      [busy, wanted] = [true, false];
      clearTimeout(timer);
      try {
        let next = "";
        do {
          const page = await logLines(runId, query, after, abort.signal);
          const last = page.lines.at(-1);
          after = page.next || (last ? placeOf(last) : after);
          next = page.next;
          count += page.lines.length;
          setState((before) => ({ lines: joined(before.lines, page.lines), loading: next !== "" && count < room, error: null, more: next !== "" }));
        } while (next && count < room);
      } catch (error) {
        if (abort.signal.aborted || !(error instanceof ApiError)) return;
        setState((before) => ({ ...before, loading: false, error }));
        if (error.status === 0 || error.status === 503) timer = setTimeout(() => void read(), RETRY_MS);
      } finally {
        busy = false;
      }
      if (wanted && count < room) void read();
    };
    look.current = (further) => {
      if (further) room += HELD_MAX;
      void read();
    };
    void read();
    const end = follow(`system.run.${runId}.>`, () => count < room && void read());
    return () => {
      abort.abort();
      clearTimeout(timer);
      end();
    };
  }, [runId, level, step]);
  return { ...state, next: () => look.current(true), reload: () => look.current() };
}

/** A line as a line of a file. */
function told(line: LogLine): string {
  const { at, fields, ...rest } = line;
  const head = JSON.stringify({ at: iso(at), ...rest }, (_, value: unknown) => (value === "" || value === null || value === 0 || value === false ? undefined : value));
  return `${head.slice(0, -1)},"fields":${print(fields)}}`;
}
