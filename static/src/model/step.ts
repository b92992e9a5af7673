/** A step in a run's timeline. Of a hundred thousand most have one record: what their row says is made of that when it is asked
 * for, so that little is kept of them, and the browser's collector has little to go through while somebody scrolls. */
import { IndexOf } from "./index_of";
import { type Failure, type Rec, isEdit } from "./records";
import type { Role } from "./status";
import type { Bar, Row } from "./waterfall";

const NONE: never[] = [];
const GO_ON: ReadonlySet<string> = new Set(["step.sleeping", "step.waiting", "step.invoking"]);

/** What is kept of a step that has more than one record, or goes on. */
interface Told {
  records: Rec[];
  bars: Bar[];
  error: Failure | null;
  type: string;
  about: string;
  childRunId: string;
  compensationFor: string;
}

export class Step implements Row {
  depth = 0;
  #told: Told | null = null;
  readonly #first: Rec;
  /** What it is called in the code. */
  readonly name: string;
  readonly #number: number;

  /** `name` and `number` are what its id says of it. */
  constructor(readonly parent: Row, first: Rec, name: string, number: number) {
    this.#first = first;
    this.name = first.name || name;
    this.#number = number;
    if (GO_ON.has(first.kind)) this.#told = toldOf(first);
  }

  /** One more of its records. */
  take(record: Rec): void {
    advanced((this.#told ??= toldOf(this.#first)), record);
  }

  /** The run came to rest at a record: what the step still waited for is not waited for any more. Whether there was such a thing. */
  giveUp({ at, position }: Rec): boolean {
    const last = this.#told?.bars.at(-1);
    if (!last || !Number.isNaN(last.to)) return false;
    const going = { role: last.role, status: last.status };
    Object.assign(last, { to: at, closed: position, status: "dead", role: "idle", going });
    return true;
  }

  /** Records after one are not loaded, up to another: whether the step still waited then is not known. Whether it did before. */
  lose(before: Rec, after: Rec): boolean {
    const last = this.#told?.bars.at(-1);
    if (!last || !Number.isNaN(last.to)) return false;
    const going = { role: last.role, status: last.status };
    Object.assign(last, { to: before.at, closed: after.position, going, status: "unloaded", role: "idle", lost: true });
    return true;
  }

  get id(): string {
    return this.#first.stepId;
  }

  get kind() {
    return "step" as const;
  }

  get label(): string {
    const name = this.name.includes(":") ? this.name.replace(/^compensate: ?/, "undo ").replace(/^(emit|publish): ?/, "$1 ") : this.name;
    return this.#number > 0 ? `${name} (${this.#number + 1})` : name;
  }

  get branch(): boolean {
    return false;
  }

  get children(): Row[] {
    return NONE;
  }

  get records(): Rec[] {
    return this.#told ? this.#told.records : [this.#first];
  }

  get bars(): Bar[] {
    return this.#told ? this.#told.bars : barsAfter([], this.#first);
  }

  get error(): Failure | null {
    return this.#told ? this.#told.error : errorAfter(null, this.#first);
  }

  get type(): string {
    return (this.#told ?? this.#first).type;
  }

  get about(): string {
    return (this.#told ?? this.#first).about;
  }

  get childRunId(): string {
    return (this.#told ?? this.#first).childRunId;
  }

  get compensationFor(): string {
    return (this.#told ?? this.#first).compensationFor;
  }
}

/** The steps of a run, in the order in which they began. */
export class Steps {
  readonly all: Step[] = [];
  readonly #index = new IndexOf((place) => this.all[place].id);

  get size(): number {
    return this.all.length;
  }

  get(id: string): Step | undefined {
    return this.all[this.#index.find(id)];
  }

  add(step: Step): void {
    this.#index.add(step.id);
    this.all.push(step);
  }
}

function toldOf(first: Rec): Told {
  return advanced({ records: [], bars: [], error: null, type: "", about: "", childRunId: "", compensationFor: "" }, first);
}

function advanced(told: Told, record: Rec): Told {
  told.records.push(record);
  barsAfter(told.bars, record);
  told.error = errorAfter(told.error, record);
  for (const field of ["type", "about", "childRunId", "compensationFor"] as const) told[field] = record[field] || told[field];
  return told;
}

function errorAfter(error: Failure | null, record: Rec): Failure | null {
  if (record.kind === "step.failed" || record.kind === "step.carried") return record.error;
  return record.kind === "step.completed" || isEdit(record) ? null : error;
}

/** The bars with what a record says of the last one, or with another one. */
function barsAfter(bars: Bar[], record: Rec): Bar[] {
  const { at, position, attempt } = record;
  const point = { from: at, to: at, attempt, opened: 0, closed: position };
  switch (record.kind) {
    case "step.sleeping":
    case "step.waiting":
    case "step.invoking": {
      const status = record.kind === "step.sleeping" ? "sleeping" : "waiting";
      const role = record.kind === "step.invoking" ? "run" : "wait";
      bars.push({ from: at, to: NaN, attempt, opened: position, closed: Infinity, role, pattern: "hatch", status });
      break;
    }
    case "step.carried": // out of the history that a fork shares: it took no time here
      bars.push({ ...point, role: record.error ? "fail" : "ok", pattern: "thin", status: record.error ? "failed" : "completed" });
      break;
    case "step.completed":
      ended(bars, record, "ok", "completed");
      break;
    case "step.failed":
      ended(bars, record, "fail", record.type === "wait_for_event" ? "timed_out" : "failed");
      break;
    default:
      if (isEdit(record)) bars.push({ ...point, role: "edit", pattern: "hollow", status: "completed" });
  }
  return bars;
}

/** Close the wait that goes on, or add what was done since it started. */
function ended(bars: Bar[], record: Rec, role: Role, status: string): void {
  const { at, position, startedAt, attempt } = record;
  const last = bars.at(-1);
  if (last && (Number.isNaN(last.to) || last.lost)) {
    const going = last.going ?? { role: last.role, status: last.status };
    Object.assign(last, { to: at, closed: position, going, status, role: role === "fail" ? role : going.role, lost: false });
    return;
  }
  const from = Number.isNaN(startedAt) ? at : Math.min(startedAt, at);
  bars.push({ from, to: at, attempt, opened: 0, closed: position, role, pattern: "solid", status });
}
