/** What the schemas of an event say of its data: that of its version, and the newest, to which upcasters bring it. */
import type { ComponentChildren } from "preact";
import { get } from "../../api/client";
import { useResource } from "../../live/resource";
import { Skeleton } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

export interface SchemaTold {
  event_name: string;
  version: number;
  mode: string;
  versions: number[];
  verdicts: { version: number; fits: boolean; path?: string; problem?: string }[];
}

const MODES: Record<string, string> = {
  off: "Schemas are not enforced here.",
  warn: "What does not fit is recorded, with a warning in the log.",
  reject: "What does not fit is refused.",
};

export function SchemaOf({ id }: { id: string }) {
  const told = useResource(`schema of ${id}`, (signal) => get<SchemaTold>(`/events/${id}/schema`, {}, signal));
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={3} of={told} />;
  return (
    <div class="told">
      <Verdicts of={told.data} recorded />
    </div>
  );
}

/** `recorded`: of an event that is there, and not of one that is being written. */
export function Verdicts({ of, recorded = false }: { of: SchemaTold; recorded?: boolean }) {
  if (of.versions.length === 0) return <p class="muted">No schema is registered for {of.event_name || "it"}.</p>;
  const newest = of.versions[of.versions.length - 1];
  const own = of.verdicts.find((one) => one.version === of.version);
  const last = of.verdicts.find((one) => one.version === newest);
  return (
    <>
      {own ? (
        <Line ok={own.fits}>
          It {own.fits ? "fits" : "breaks"} the schema of its version, {of.version}
          {own.fits ? "." : <Where path={own.path} problem={own.problem} />}
        </Line>
      ) : (
        <p class="muted">Version {of.version} has no schema.</p>
      )}
      {last && last !== own && (
        <Line ok={last.fits}>
          {last.fits && `It fits the newest one too, of version ${newest}.`}
          {!last.fits && (recorded ? `For version ${newest} it takes an upcaster:` : `It does not fit the newest one, of version ${newest},`)}
          {!last.fits && <Where path={last.path} problem={last.problem} />}
        </Line>
      )}
      {recorded && (
        <p class="muted small">
          {MODES[of.mode]} Upcasters are code of those who read it: <code>ironflow schema test-upcast</code> tries yours.
        </p>
      )}
    </>
  );
}

function Line({ ok, children }: { ok: boolean; children: ComponentChildren }) {
  return (
    <p class="verdict">
      <Icon name={ok ? "check" : "warning"} class={ok ? "ok" : "warn"} />
      <span>{children}</span>
    </p>
  );
}

function Where({ path, problem }: { path?: string; problem?: string }) {
  return (
    <>
      {" "}
      at <code>{path}</code>: {problem}
    </>
  );
}
