/** Whether history is what was recorded: the server walks its chain of digests, and tells how far it is. */
import { useEffect, useRef, useState } from "preact/hooks";
import { told } from "../../api/client";
import { may } from "../../api/session";
import { choose } from "../../shell/route";
import { Act, said } from "../../ui/acting";
import { Id } from "../../ui/basics";
import { Dialog } from "../../ui/dialog";
import { Icon } from "../../ui/icon";

const EXPORT = "audit:export";

type Told =
  | { type: "progress"; position: number; head: number }
  | { type: "result"; ok: boolean; entries: number; digest: string; bad_position?: number; reason?: string; redacted: number }
  | { type: "error"; message: string };

export function VerifyButton() {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Act allowed={may(EXPORT)} permission={EXPORT} label="Verify…" onClick={() => setOpen(true)} />
      {open && <Verify onClose={() => setOpen(false)} />}
    </>
  );
}

function Verify({ onClose }: { onClose: () => void }) {
  const [now, setNow] = useState<Told | null>(null);
  const walk = useRef<AbortController | null>(null);
  useEffect(() => {
    const controller = (walk.current = new AbortController());
    told("/history/verify", {}, controller.signal, (datum) => setNow(JSON.parse(datum) as Told)).catch((error: unknown) => {
      if (!controller.signal.aborted) setNow({ type: "error", message: said(error) });
    });
    return () => controller.abort();
  }, []);
  return (
    <Dialog title="Verify the chain of digests" onClose={onClose}>
      <p class="muted">
        Every entry's digest is made of the one before and of the entry. <code>ironflow history verify</code> does the same where the store is.
      </p>
      <div role="status">
        {(now === null || now.type === "progress") && (
          <>
            <progress class="whole" max={Math.max(1, now?.head ?? 1)} value={now?.position ?? 0} aria-label="How far it is" />
            <p class="muted small tabular">{now ? `${now.position.toLocaleString("en")} of ${now.head.toLocaleString("en")} entries hold` : "It begins"}</p>
          </>
        )}
        {now?.type === "result" && <Result of={now} />}
        {now?.type === "error" && (
          <p class="problem" role="alert">
            <Icon name="warning" class="fail" /> {now.message}
          </p>
        )}
      </div>
      <div class="buttons end">
        <button type="button" onClick={onClose}>
          {now === null || now.type === "progress" ? "Stop" : "Close"}
        </button>
      </div>
    </Dialog>
  );
}

function Result({ of }: { of: Extract<Told, { type: "result" }> }) {
  const { bad_position: bad } = of;
  return (
    <>
      <p class="status">
        <Icon name={of.ok ? "check" : "cross"} class={of.ok ? "ok" : "fail"} />
        <b>{of.ok ? "History holds" : "History was changed"}</b>
      </p>
      {of.ok ? (
        <p>
          {of.entries.toLocaleString("en")} entries hold{of.redacted > 0 && `, ${of.redacted.toLocaleString("en")} of them redacted as history tells`}.
        </p>
      ) : (
        <p>
          It does not hold from{" "}
          <button type="button" class="link" onClick={() => bad && choose({ until: bad, entry: bad })}>
            position {bad}
          </button>{" "}
          on: {of.reason}. Restore a backup; up to {of.entries.toLocaleString("en")} it holds.
        </p>
      )}
      <p class="muted small">
        Digest <Id id={of.digest} />
      </p>
    </>
  );
}
