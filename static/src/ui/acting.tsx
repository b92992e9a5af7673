/** Doing something to what is shown: at once, with a short word about it; and what forms are made of. */
import { ApiError } from "../api/client";
import { may } from "../api/session";
import { revisionOf } from "../model/revision";
import { Icon, type IconName } from "./icon";
import { toast } from "./toast";

/** What the server said against it. */
export function said(error: unknown): string {
  if (!(error instanceof ApiError)) throw error;
  return error.hint ? `${error.message}: ${error.hint}` : error.message;
}

/** How something that is done at once is taken back. */
export interface Undo<T> {
  /** Of what the call answered. */
  run: (told: T) => Promise<unknown>;
  done: string;
  /** Called once it is. */
  then?: () => void;
  /** Keeps a reason for it that is told afterwards, where one can be kept. */
  explain?: (reason: string, told: T) => Promise<unknown>;
}

/** Whether it was done; what was wrong otherwise has been told. What needs no dialog beforehand has an `undo`. */
export async function act<T>(call: Promise<T>, done: string | ((told: T) => string), undo?: Undo<T>): Promise<boolean> {
  try {
    const told = await call;
    const explain = undo?.explain;
    toast(
      typeof done === "string" ? done : done(told),
      false,
      undo && (() => void act(undo.run(told), undo.done).then((undone) => undone && undo.then?.())),
      explain && ((reason) => void act(explain(reason, told), "The reason is kept")),
    );
    return true;
  } catch (error) {
    toast(said(error), true);
    return false;
  }
}

interface Holding {
  /** Whether it is held now, as paused or pinned; it is turned to the other. */
  held: boolean;
  /** Its revision, where it has one: what somebody changed meanwhile is not turned. */
  revision?: number;
  turn: (hold: boolean, reason: string, revision: number | undefined) => Promise<unknown>;
  done: (hold: boolean) => string;
  /** Called once it was tried, and once it is taken back. */
  then?: () => void;
}

/** Holds something, or lets it go: at once, with a way back. Why it is held can be told afterwards. */
export function hold({ held, revision, turn, done, then }: Holding): void {
  void act(turn(!held, "", revision), done(!held), {
    run: (told) => turn(held, "", revisionOf(told)),
    done: done(held),
    then,
    explain: held ? undefined : (reason, told) => turn(true, reason, revisionOf(told)),
  }).then(then);
}

export function Problem({ text }: { text: string }) {
  if (!text) return null;
  return (
    <p class="problem" role="alert">
      <Icon name="warning" class="fail" /> {text}
    </p>
  );
}

/** Why a key cannot do what a permission is for; "" where one has it. */
export function lacks(permission: string): string {
  return may(permission) ? "" : lacking(permission);
}

/** What somebody is told who lacks it. */
export function lacking(permission: string): string {
  return `it needs the permission ${permission}`;
}

/** Says which permission is missing, where somebody would do what it is for. */
export function needs(permission: string): void {
  toast(upper(lacking(permission)), true);
}

interface ActProps {
  allowed?: boolean;
  /** Why nothing would come of it for another reason; "" for none. */
  barred?: string;
  label: string;
  permission: string;
  onClick: () => void;
  primary?: boolean;
  icon?: IconName;
  title?: string;
  /** What it is called, where the label says too little. */
  spoken?: string;
  /** How it looks, where it is not one of the small buttons. */
  class?: string;
}

/** A button that says which permission it needs, or what else stands against it, instead of doing nothing. */
export function Act({ allowed = true, label, permission, onClick, primary, barred = "", icon, title, spoken, class: look = "small" }: ActProps) {
  const why = allowed ? barred : lacking(permission);
  return (
    <button
      type="button"
      class={`${look} ${primary && !why ? "primary" : ""} ${why ? "barred" : ""}`}
      aria-disabled={why !== ""}
      title={why ? upper(why) : title}
      aria-label={spoken}
      onClick={() => (why ? toast(upper(why), true) : onClick())}
    >
      {icon && <Icon name={icon} size={14} />}
      {icon && label && " "}
      {label}
    </button>
  );
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

interface FieldProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
  note?: string;
  required?: boolean;
  placeholder?: string;
  rows?: number;
  list?: readonly string[];
  wrong?: boolean;
  secret?: boolean;
}

/** One field of a form: a line, or several with `rows`; with `list`, one of them. */
export function Field({ label, value, onValue, note, required, placeholder, rows, list, wrong, secret }: FieldProps) {
  return (
    <label class="field">
      <span>
        {label} {note && <span class="faint">{note}</span>}
      </span>
      {list ? (
        <select value={value} onChange={(event) => onValue(event.currentTarget.value)}>
          {list.map((one) => (
            <option key={one} value={one}>
              {one || "any"}
            </option>
          ))}
        </select>
      ) : rows ? (
        <textarea rows={rows} spellcheck={false} value={value} placeholder={placeholder} required={required} aria-invalid={wrong} onInput={(event) => onValue(event.currentTarget.value)} />
      ) : (
        <Line secret={secret} value={value} placeholder={placeholder} required={required} wrong={wrong} onValue={onValue} />
      )}
    </label>
  );
}

function Line({ secret, value, placeholder, required, wrong, onValue }: Omit<FieldProps, "label">) {
  const told = { value, placeholder, required, spellcheck: false, "aria-invalid": wrong };
  if (secret) return <input type="password" autocomplete="new-password" {...told} onInput={(event) => onValue(event.currentTarget.value)} />;
  return <input autocomplete="off" {...told} onInput={(event) => onValue(event.currentTarget.value)} />;
}
