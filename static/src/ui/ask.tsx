/** A form that says what will come of it, and sends it: under one key, and told as a command and a call, too. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, called } from "../api/client";
import type { Call } from "../model/call";
import type { Seen } from "../model/seen";
import { environment } from "../shell/route";
import { Problem, said } from "./acting";
import { useAttempt } from "./attempt";
import { CopyCurl } from "./copy_curl";
import { Dialog, sendByKey } from "./dialog";
import { DiffView } from "./diff_view";
import { Icon } from "./icon";
import { copy, toast } from "./toast";

interface Props<T> {
  title: string;
  verb: string;
  /** What is said once it is done, of what came of it. */
  done: string | ((told: T) => string);
  danger?: boolean;
  /** What has to be typed first, for what cannot be taken back. */
  typed?: string;
  /** Whether a reason can be given, which is kept in history. */
  reasoned?: boolean;
  /** What is wrong with what was put in; "" for nothing. */
  wrong?: string;
  wide?: boolean;
  /** While what the form begins with is being fetched. */
  waiting?: boolean;
  /** `version` is the one of what is `seen`, if anything is; `key` the one that the attempt is made under, for a body that carries it: ""
   * where the call is copied. */
  run: (reason: string, version: number | undefined, key: string) => Promise<T>;
  /** What it is done to, as it is by now: what somebody changes while the form is open is shown before it is done to that. */
  seen?: Seen;
  /** Looks again, where the server says that `seen` is not what is there. */
  look?: () => void;
  /** What a command takes that the call does not have. */
  known?: Record<string, string>;
  /** Whether it changes nothing but what this browser shows. */
  local?: boolean;
  /** Each call that is made, where there are several: they are copied as one after the other. */
  calls?: (reason: string) => readonly Call[];
  onClose: () => void;
  onDone?: (told: T) => void;
  children?: ComponentChildren;
}

export function Ask<T>({ title, verb, done, danger, typed, reasoned, wrong = "", wide, waiting = false, run, seen, look, known, local, calls, onClose, onDone, children }: Props<T>) {
  const attempt = useAttempt();
  const [reason, setReason] = useState("");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [base, setBase] = useState(seen);
  const overtaken = seen !== undefined && base !== undefined && seen.version !== base.version;
  const doing = (key: string): Promise<T> => run(reason, base?.version, key);
  const barred = overtaken || busy || waiting || wrong !== "" || (typed !== undefined && name !== typed);
  async function submit(event: Event): Promise<void> {
    event.preventDefault();
    if (barred) return;
    setBusy(true);
    setProblem("");
    try {
      const told = await attempt(doing);
      toast(typeof done === "string" ? done : done(told));
      onClose();
      onDone?.(told);
    } catch (error) {
      setProblem(said(error));
      setBusy(false);
      if (error instanceof ApiError && error.status === 412) look?.();
    }
  }
  return (
    <Dialog title={title} onClose={onClose} class={wide ? "wide" : ""}>
      <form onSubmit={(event) => void submit(event)} onKeyDown={sendByKey}>
        {children}
        {overtaken && <Overtaken base={base} by={seen} onTake={() => [setBase(seen), setProblem("")]} />}
        {typed !== undefined && (
          <label class="field">
            <span>
              Type <code>{typed}</code> to go on
            </span>
            <input value={name} autocomplete="off" spellcheck={false} onInput={(event) => setName(event.currentTarget.value)} />
          </label>
        )}
        {reasoned && (
          <label class="field">
            <span>
              Reason <span class="faint">is kept in history, for those who come after you</span>
            </span>
            <input value={reason} autocomplete="off" onInput={(event) => setReason(event.currentTarget.value)} />
          </label>
        )}
        <Problem text={problem || wrong} />
        <div class="buttons end">
          {!local && <Copies of={() => calls?.(reason) ?? [called(() => doing(""))].filter((one) => one !== null)} known={known} barred={waiting || wrong !== ""} />}
          <span class="grow" />
          <button type="button" onClick={onClose}>
            Close
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={barred}>
            {busy ? "…" : verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What somebody changed meanwhile. It has to be seen before anything is done to it. */
function Overtaken({ base, by, onTake }: { base: Seen; by: Seen; onTake: () => void }) {
  return (
    <section class="conflict" aria-label="Changed meanwhile" role="alert">
      <p>
        <Icon name="warning" class="warn" /> <b>It was changed meanwhile.</b> Nothing of yours is done yet.
      </p>
      <div class="field">
        What they changed
        <DiffView before={base.value} after={by.value} label="What they changed" />
      </div>
      <p class="buttons">
        <button type="button" class="small" onClick={onTake}>
          Go on from theirs
        </button>
      </p>
    </section>
  );
}

/** The same in a terminal. What there is no command for is there as a call. */
function Copies({ of, known, barred }: { of: () => readonly Call[]; known?: Record<string, string>; barred: boolean }) {
  const within = environment.value;
  const take = async (): Promise<void> => {
    const by = await command().catch(() => null);
    if (!by) return toast("What writes it as a command could not be loaded: the server may be away", true);
    const text = of()
      .map((call) => by.commandOf(call, within, known))
      .filter(Boolean)
      .join("\n");
    if (text) copy(text, "Command");
    else toast("No command does this: copy it as curl", true);
  };
  useEffect(() => void command().catch(() => undefined), []); // whether it comes is told when it is asked for
  return (
    <>
      <button type="button" class="quiet small" disabled={barred} onClick={() => void take()}>
        Copy as CLI
      </button>
      <CopyCurl of={of} barred={barred} />
    </>
  );
}

const command = (): Promise<typeof import("../model/command")> => import("../model/command");
