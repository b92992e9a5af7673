/** One run: what happened, when, and why it failed; now, or at any earlier moment. The URL has all that is chosen. */
import type { FunctionComponent } from "preact";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { Run } from "../../api/types";
import { useResource } from "../../live/resource";
import { above, arranged } from "../../model/arrangement";
import { counted } from "../../model/counted";
import { criticalPath } from "../../model/critical";
import { allIn, foldsOf, foldsText, isOpenIn, turnedIn } from "../../model/folds";
import { type Rec, corrected, isEdit, seek } from "../../model/records";
import { type Mode, type Scale, place, scaleOf, zoomed } from "../../model/scale";
import { isEnded, look } from "../../model/status";
import { span } from "../../model/tally";
import { type Row, type Waterfall, inlined, visible, waterfall, withGaps } from "../../model/waterfall";
import { PageHead, crumb } from "../../shell/head";
import { rowKeys, useKeys } from "../../shell/keys";
import { siblingKeys } from "../../shell/listed";
import { choose, chosen, environment, eventLink, link, navigate } from "../../shell/route";
import { now, recent, wallTime } from "../../shell/settings";
import { Act, lacks } from "../../ui/acting";
import { Badge, Duration, Id, Skeleton, Status, TabPanel, Tabs, Time, short } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { type Later, later, useAhead } from "../../ui/later";
import { NotHere } from "../../ui/not_here";
import { Failed } from "../../ui/states";
import { copy } from "../../ui/toast";
import { Actions } from "./actions";
import { Partly } from "./between";
import { ErrorCard } from "./error_card";
import { lookInside, useInside } from "./inside";
import { Inspector, named } from "./inspector";
import { zoomOf, zoomTo } from "./minimap";
import { type Moment, comparedOf, momentOf, useWanted } from "./moment";
import { Queued } from "./queued";
import { Scrubber } from "./scrubber";
import { Tag } from "./steer";
import { useRecords } from "./store";
import { Timeline, recordOf } from "./timeline";
import { TimelineBar, arrangementOf } from "./timeline_bar";

const TAG = "runs:tag";

const TABS = named(["timeline", "graph", "history", "state", "diff", "watch", "lineage", "logs", "audit"]);
/** A key for each of them. */
const TAB_KEYS = [..."twysdxlma"];
const panel = <P extends object>(pick: (all: typeof import("./panels")) => FunctionComponent<P>): Later<P> => later(async () => ({ default: pick(await import("./panels")) }));
const StepGraph = panel((all) => all.StepGraph);
const History = panel((all) => all.History);
const StateShown = panel((all) => all.StateShown);
const Changes = panel((all) => all.Changes);
const Watch = panel((all) => all.Watch);
const Lineage = panel((all) => all.Lineage);
const Logs = panel((all) => all.Logs);
const RunAudit = panel((all) => all.RunAudit);
const LATER = [StepGraph, History, StateShown, Changes, Watch, Lineage, Logs, RunAudit];
const OFFERED_MAX = 1_000;
/** A run with more records goes on in longer strides than seconds: each lays its scale out anew. */
const LONG_FROM = 20_000;
const LONG_MS = 10_000;
/** Records after which a run is at work, or waits. */
const TURNS: ReadonlySet<string> = new Set(["run.started", "run.suspended", "run.retrying", "run.released", "run.woken"]);
const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const MODES: Mode[] = ["squeezed", "time", "sequence"];

export default function RunPage({ id }: { id: string }) {
  const run = useResource(`run ${id}`, (signal) => get<Run>(`/runs/${id}`, {}, signal), { pattern: `system.run.${id}.>` });
  useEffect(() => {
    crumb.value = run.data ? `${run.data.function_id} ${short(run.data.id)}` : short(id);
    if (run.data) recent.value = [run.data.id, ...recent.peek().filter((one) => one !== run.data?.id)].slice(0, 10);
  }, [run.data?.id]);
  if (run.error && !run.data) {
    if (run.error.status === 404) return <NotHere kind="run" id={id} list="/runs">See the runs there are</NotHere>;
    return <Failed error={run.error} onRetry={run.reload} />;
  }
  if (!run.data) return <Skeleton rows={12} of={run} />;
  return <Loaded key={id} run={run.data} stale={run.error !== null} />;
}

function Loaded({ run, stale: runStale }: { run: Run; stale: boolean }) {
  const records = useRecords(run.id);
  const all = records.all;
  const stale = runStale || (records.error !== null && all.length > 0);
  const frozen = useRef(0); // since when nobody knows better
  frozen.current = stale ? frozen.current || now.peek() : 0;
  const running = !isEnded(run.status);
  const known = useRef<Waterfall | undefined>(undefined);
  const folded = useMemo(() => (known.current = waterfall(all, run.function_id, known.current)), [all, run.function_id]);
  const last = all.at(-1)?.at ?? 0;
  const present = running ? Math.max(frozen.current || (all.length > LONG_FROM ? Math.floor(now.value / LONG_MS) * LONG_MS : now.value), last) : last;
  const moment = momentOf(all, present, useWanted(records.gaps));
  const compared = comparedOf(all);
  const mode = MODES.find((one) => one === chosen("scale")) ?? "squeezed";
  const instants = useMemo(() => Float64Array.from(all, (record) => record.at), [all]);
  const scale = useMemo(() => scaleOf(mode, folded, instants, present), [mode, folded, instants, present]);
  const [folds, setFolds] = useState(() => foldsOf(chosen("folds")));
  useEffect(() => {
    const text = foldsText(folds);
    if (text !== chosen("folds")) choose({ folds: text });
  }, [folds]);
  const isOpen = useCallback((row: Row): boolean => isOpenIn(folds, row), [folds]);
  const how = arrangementOf();
  const shown = useMemo(() => arranged(folded, how), [folded, how.words, how.failed, how.by]);
  const inside = useInside();
  const rows = useMemo(() => withGaps(inlined(visible(shown.root, isOpen), inside, isOpen), how.by ? [] : records.gaps), [shown, isOpen, inside, how.by]);
  const zoomText = chosen("t");
  const zoom = useMemo(() => zoomOf(zoomText), [zoomText]);
  const view = useMemo(() => (zoom ? zoomed(scale, ...zoom) : scale), [scale, zoom]);
  const wantsPath = chosen("path") === "critical";
  const critical = useMemo(() => (wantsPath ? criticalPath(folded, present) : null), [wantsPath, folded, wantsPath && present]);
  const filter = useRef<HTMLInputElement>(null);
  const closed = chosen("step") === "-";
  const wanted = chosen("step");
  const selected = useMemo(() => rowChosen(wanted, folded, rows, run), [wanted, folded, rows, run]);
  const tab = TABS.find((one) => one.id === chosen("tab"))?.id ?? TABS[0].id;
  const toggle = (row: Row): void => setFolds((before) => turnedIn(before, row));
  useEffect(() => {
    // What the URL names is in sight, however much is folded; then it may be folded again.
    const over = wanted && selected.kind === "step" && !rows.includes(selected) ? above(shown.root, selected) : null;
    over?.filter((row) => !isOpen(row)).forEach(toggle);
  }, [wanted, selected.id]);
  const select = (row: Row | undefined): void => {
    if (row) choose({ step: row.id === "run" ? "run" : shortened(row.id, run.id), show: null });
  };
  const move = (step: number): void => select(rows[seek(rows, rows.indexOf(selected), step > 0 ? 1 : -1, (row) => row.kind !== "gap")]);
  const hit = (direction: 1 | -1): void => select(rows[seek(rows, rows.indexOf(selected), direction, (row) => row.kind === "step")]);
  const parent = run.parent_run_id;

  useKeys("Timeline", [
    ...rowKeys("step", move),
    ...(tab === "timeline"
      ? [
          { keys: "n", label: "Next step that fits", run: () => hit(1) },
          { keys: "N", label: "Previous step that fits", run: () => hit(-1) },
          { keys: "/", label: "Filter steps", run: () => filter.current?.focus() },
        ]
      : []),
    { keys: "f", label: "Failed steps only", run: () => choose({ only: how.failed ? null : "failed" }) },
    { keys: "p", label: "Critical path", run: () => choose({ path: wantsPath ? null : "critical" }) },
    { keys: "z", label: "Zoom to the step, or out again", run: () => (zoom ? choose({ t: null }) : zoomOn(selected, scale, present)) },
    {
      keys: "o",
      label: "Fold or unfold",
      barred: selected.kind === "group" || selected.childRunId ? "" : "only groups of steps and runs that a step began fold",
      run: () => (selected.kind === "group" ? toggle(selected) : selected.childRunId && lookInside(selected.childRunId)),
    },
    ...LEVELS.map((level) => ({ keys: String(level), label: level === 0 ? "Fold all" : `Unfold down to level ${level}`, quiet: level > 2, run: () => setFolds({ level, turned: new Set() }) })),
    { keys: "O", label: "Fold or unfold all", run: () => setFolds(allIn(shown.root, folds)) },
    ...TABS.map(({ id, label }, index) => ({ keys: TAB_KEYS[index], label, run: () => choose({ tab: index > 0 ? id : null }) })),
    { keys: "c", label: "Copy the run's id", run: () => copy(run.id, "Id") },
    { keys: "i", label: "Copy the command that opens it in a terminal", run: () => copy(inTerminal(run.id, moment), "Command") },
    ...siblingKeys(run.id, "run", (id) => navigate(link(`/runs/${id}`, { tab: chosen("tab") }))),
    { keys: "{", label: "The run that started it", barred: parent ? "" : "it was started by an event", run: () => parent && navigate(link(`/runs/${parent}`)) },
    { keys: "}", label: "The run that this step started", barred: selected.childRunId ? "" : "no run was started by what is chosen", run: () => selected.childRunId && navigate(link(`/runs/${selected.childRunId}`)) },
    { keys: "Escape", label: "Back to live, or close the step", run: () => (moment.past ? choose({ at: null }) : choose({ step: "-" })) },
  ]);

  useAhead(LATER);
  const steps = useMemo(() => endedOf(folded), [folded]);
  const names = useMemo(() => [...new Set(steps.map((one) => one.label))], [steps]);
  const suspended = useMemo(() => all.findLast((record) => TURNS.has(record.kind))?.kind === "run.suspended", [all]);
  const failing = useMemo(() => folded.steps.all.findLast((row) => row.error !== null), [folded]);
  return (
    <div class={`page full run-page ${moment.past ? "past" : ""}`}>
      <PageHead title={run.function_id} actions={<Actions run={run} moment={moment} steps={steps} chosen={selected.kind === "step" && folded.steps.get(selected.id) ? { id: selected.id, label: selected.label, position: lastOf(selected, moment), type: selected.type, corrected: corrected(selected.records) } : null} />}>
        <span class="faint mono">v{run.function_version}</span>
        <Badge>
          <Status status={run.unwinding ? "unwinding" : run.status} note={run.attempt > 1 ? `attempt ${run.attempt} of ${run.max_attempts}` : ""} />
        </Badge>
        {stale && (
          <span title={`The server does not answer: this is the run as of ${wallTime(frozen.current)}. The page asks again by itself.`}>
            <Badge icon="warning">frozen at {all.at(-1)?.position ?? "once"}</Badge>
          </span>
        )}
      </PageHead>
      {moment.past ? <PastBar records={all} moment={moment} /> : <RunFacts run={run} records={all} />}
      <ErrorCard run={run} step={failing} suspended={suspended} past={moment.past} onStep={select} />
      {!moment.past && <Queued run={run} />}
      <Scrubber records={records} moment={moment} compared={compared} scale={scale} mode={mode} />
      <Partly records={records} />
      <div class={`split ${closed ? "closed" : ""}`}>
        <div class="card main-card">
          <Tabs label="run" items={TABS} open={tab} onOpen={(one) => choose({ tab: one === TABS[0].id ? null : one })} />
          <TabPanel label="run" open={tab} class="fill">
            {records.error && all.length === 0 && <Failed error={records.error} onRetry={records.reload} />}
            {records.loading && all.length === 0 && <Skeleton rows={8} />}
            {tab === "timeline" && all.length > 0 && (
              <>
                <TimelineBar how={how} shown={shown.steps} steps={folded.steps.size} critical={wantsPath} zoomed={zoom !== null} field={filter} />
                <Timeline
                  folded={folded}
                  records={records}
                  rows={rows}
                  moment={moment}
                  scale={view}
                  whole={scale}
                  zoom={zoom}
                  mode={mode}
                  critical={critical}
                  selected={closed ? "" : selected.id}
                  compared={all[compared]}
                  isOpen={isOpen}
                  onSelect={select}
                  onToggle={toggle}
                  onZoom={(row) => zoomOn(row, scale, present)}
                />
              </>
            )}
            {tab === "graph" && all.length > 0 && (
              <StepGraph folded={folded} moment={moment} origin={parent ? "its parent" : run.event_name} selected={closed ? "" : selected.id} isOpen={isOpen} onSelect={select} onToggle={toggle} />
            )}
            {tab === "state" && all.length > 0 && <StateShown runId={run.id} of={records} moment={moment} />}
            {tab === "diff" && all.length > 0 && <Changes run={run} records={all} moment={moment} compared={compared} />}
            {tab === "watch" && all.length > 0 && <Watch runId={run.id} functionId={run.function_id} records={all} moment={moment} compared={compared} />}
            {tab === "lineage" && <Lineage runId={run.id} records={all} />}
            {tab === "logs" && !records.loading && <Logs runId={run.id} records={all} moment={moment} steps={names} />}
            {tab === "audit" && <RunAudit runId={run.id} />}
            {tab === "history" && all.length > 0 && <History runId={run.id} of={records} moment={moment} start={folded.start} />}
          </TabPanel>
        </div>
        {!closed && <Inspector run={run} row={selected} records={all} moment={moment} onClose={() => choose({ step: "-" })} />}
      </div>
      <p class="visually-hidden" aria-live="polite">
        {look(run.status).label}
      </p>
    </div>
  );
}

/** What is known of the run as it is now. */
function RunFacts({ run, records }: { run: Run; records: readonly Rec[] }) {
  const edits = useMemo(() => records.filter(isEdit), [records]);
  const parent = run.parent_run_id;
  const [tagging, setTagging] = useState(false);
  useKeys("Run", [{ keys: "#", label: "Tag…", barred: lacks(TAG), run: () => setTagging(true) }]);
  return (
    <p class="run-facts">
      <Id id={run.id} />
      <span>
        <span class="muted">began</span> <Time at={run.created_at} />
      </span>
      <span>
        <span class="muted">{isEnded(run.status) ? "took" : "for"}</span> <Duration from={run.started_at} to={run.ended_at} />
      </span>
      <span>
        <span class="muted">by</span>{" "}
        {parent ? (
          <a href={link(`/runs/${parent}`)}>{short(parent)}</a>
        ) : (
          <a href={eventLink(run.event_id)} title="The event that started it">
            {run.event_name}
          </a>
        )}
      </span>
      {run.forked_from && (
        <span>
          <span class="muted">{run.forked_from.position ? "forked from" : "replay of"}</span>{" "}
          <a href={link(`/runs/${run.forked_from.run_id}`, { at: run.forked_from.position || undefined })}>{short(run.forked_from.run_id)}</a>
        </span>
      )}
      {run.pause_reason && (
        <span>
          <span class="muted">paused:</span> {run.pause_reason}
        </span>
      )}
      {edits.length > 0 && (
        <button type="button" class="chip tiny" title="A person gave a step another output: go to the last time" onClick={() => choose({ at: edits[edits.length - 1].position, tab: null, step: null })}>
          <Icon name="diamond" size={12} class="edit" /> {counted(edits.length, "edit")}
        </button>
      )}
      {run.tags.map((tag) => (
        <a key={tag} class="chip tiny" href={link("/runs", { q: `tag:${JSON.stringify(tag)}` })}>
          {tag}
        </a>
      ))}
      <Act class="chip tiny" label="tag…" title="Give or take tags (#)" allowed={may(TAG)} permission={TAG} onClick={() => setTagging(true)} />
      {tagging && <Tag run={run} onClose={() => setTagging(false)} />}
      <span class="of-desk">
        <span class="muted">open in</span>{" "}
        <button type="button" class="link" title="Copy the command for ironflow inspect (i)" onClick={() => copy(inTerminal(run.id), "Command")}>
          a terminal
        </button>{" "}
        <span class="muted">or</span>{" "}
        <a href={`vscode://ironflow.ironflow/run/${run.id}`} title="With the extension for VS Code">
          the editor
        </a>
      </span>
    </p>
  );
}

/** In the place of the facts, and as high as they are: nothing moves under the pointer when the past begins. */
function PastBar({ records, moment }: { records: readonly Rec[]; moment: Moment }) {
  const [here, total] = [records[moment.index].version, records[records.length - 1].version];
  return (
    <div class="past-bar" role="status">
      <Icon name="undo" />
      <b>Viewing the past</b>
      <span class="tabular">
        record {here} of {total} · {wallTime(moment.at)} · {counted(total - here, "record")} came later
      </span>
      <span class="grow" />
      <button type="button" class="small" onClick={() => choose({ at: null })}>
        Live
      </button>
    </div>
  );
}

/** The row that the URL names; else the step that failed the run, else the run. */
function rowChosen(wanted: string, folded: Waterfall, rows: readonly Row[], run: Run): Row {
  const root = rows[0];
  if (wanted === "run") return root;
  if (wanted && wanted !== "-") return folded.steps.get(wanted) ?? folded.steps.get(`${run.id}:${wanted}`) ?? rows.find((row) => row.id === wanted) ?? root;
  if (run.status !== "failed" && run.status !== "paused") return root;
  return rows.findLast((row) => row.kind === "step" && row.error !== null) ?? root;
}

function inTerminal(id: string, moment?: Moment): string {
  return `ironflow inspect ${id}${moment?.past ? ` --at ${moment.position}` : ""}${environment.value === "default" ? "" : ` --env ${environment.value}`}`;
}

/** Show the time of a row, with a little on both sides. */
function zoomOn(row: Row, scale: Scale, now: number): void {
  const { from, to } = span(row);
  if (Number.isNaN(from)) return;
  const [begin, end] = [place(scale, from), place(scale, Number.isNaN(to) ? now : to)];
  const margin = Math.max((end - begin) * 0.1, 0.002);
  zoomTo(begin - margin, end + margin);
}

/** The last of the steps that ended: those that a form offers. */
function endedOf(folded: Waterfall): { id: string; label: string }[] {
  const found = folded.steps.all.filter((row) => row.bars.some((bar) => bar.closed !== Infinity));
  return found.slice(-OFFERED_MAX).map(({ id, label }) => ({ id, label }));
}

/** Position of the record of a step that holds at a moment; 0 for none. */
function lastOf(row: Row, moment: Moment): number {
  return recordOf(row, moment)?.position ?? 0;
}

function shortened(stepId: string, runId: string): string {
  return stepId.startsWith(`${runId}:`) ? stepId.slice(runId.length + 1) : stepId;
}
