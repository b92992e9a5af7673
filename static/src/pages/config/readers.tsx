/** Who reads: the functions that declare a secret, with their runs; of a document, whom the audit saw reading it. */
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { AuditEvent } from "../../api/admin";
import type { SecretShape } from "../../api/data";
import type { RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { readers } from "../../model/readers";
import { link } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Skeleton, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

const EVERY_MS = 5_000;
/** Of so many functions the runs are asked for. */
const FUNCTIONS_MAX = 10;
const READS_LOOKED_AT = 200;

interface Runs {
  runs: RunSummary[];
  total: number;
  total_exact: boolean;
}

/** A function that gets the secret: its newest run, and how many run that began before the value changed. */
interface Use {
  id: string;
  last?: RunSummary;
  before: number;
  exact: boolean;
}

/** Who gets the secret, and what is left to do when its value is a new one. */
export function SecretReaders({ of }: { of: SecretShape }) {
  const asked = of.used_by.slice(0, FUNCTIONS_MAX);
  const uses = useResource(`secret ${of.name} ${of.revision} ${asked.join(" ")}`, (signal) => Promise.all(asked.map((id) => use(id, of.updated_at, signal))), { every: EVERY_MS });
  return (
    <>
      <h3 class="pad-x">Who gets it</h3>
      {of.used_by.length === 0 && <p class="muted pad-x">No function declares it. One that does is given its value with each run: <code>@function(secrets=["{of.name}"])</code></p>}
      {uses.error && <Failed error={uses.error} onRetry={uses.reload} />}
      {of.used_by.length > 0 && !uses.data && !uses.error && <Skeleton rows={2} />}
      <ul class="pad-x">
        {uses.data?.map((one) => (
          <li key={one.id}>
            <a href={link("/functions", { function: one.id })}>{one.id}</a>{" "}
            <span class="muted small">
              {one.last ? (
                <>
                  was last given it with a run <Time at={one.last.started_at ?? one.last.created_at} />
                </>
              ) : (
                "never ran"
              )}
            </span>
          </li>
        ))}
      </ul>
      {of.used_by.length > FUNCTIONS_MAX && <p class="muted small pad-x">and {of.used_by.length - FUNCTIONS_MAX} other functions</p>}
      <Rotation of={of} uses={uses.data} />
    </>
  );
}

function Rotation({ of, uses }: { of: SecretShape; uses: readonly Use[] | undefined }) {
  const holding = (uses ?? []).filter((one) => one.before > 0);
  const rotated = of.revision > 1;
  return (
    <>
      <h3 class="pad-x">Changing it without an outage</h3>
      <ol class="pad-x numbered">
        <li>Make the new value where it comes from; leave the old one valid.</li>
        <li>
          Give it here: runs that are handed out from then on get it.{" "}
          <span class="muted small">
            {rotated ? (
              <>
                <Icon name="check" class="ok" /> Value {of.revision} is there since <Time at={of.updated_at} />
              </>
            ) : (
              "It still has its first value"
            )}
          </span>
        </li>
        <li>
          Wait for runs that may have the old one.{" "}
          {rotated && uses && (
            <span class="muted small">
              {holding.length === 0 ? (
                <>
                  <Icon name="check" class="ok" /> None that began before is running
                </>
              ) : (
                holding.map((one) => (
                  <a key={one.id} class="entry-link" href={link("/runs", { q: `function:${one.id} status:running until:${of.updated_at}` })}>
                    {one.before.toLocaleString("en")}
                    {one.exact ? "" : "+"} of {one.id}{" "}
                  </a>
                ))
              )}
            </span>
          )}
        </li>
        <li>Revoke the old value where it came from.</li>
      </ol>
    </>
  );
}

async function use(id: string, since: string, signal: AbortSignal): Promise<Use> {
  const asked = (query: Record<string, string>): Promise<Runs> => get<Runs>("/runs", { function_id: id, limit: 1, ...query }, signal);
  const [newest, before] = await Promise.all([asked({}), asked({ status: "running", until: since })]);
  return { id, last: newest.runs[0], before: before.total, exact: before.total_exact };
}

/** Whom the audit saw reading the document, where it records reads. */
export function DocumentReaders({ name }: { name: string }) {
  const told = useResource(`readers ${name}`, async (signal) => {
    if (!may("audit:read")) return { found: [], recorded: null };
    const page = await get<{ events: AuditEvent[] }>("/audit", { action: "config:read", limit: READS_LOOKED_AT }, signal);
    const found = readers(page.events, `config/${name}`);
    const { authz_successful_reads: recorded } = await get<{ authz_successful_reads: boolean }>("/audit/settings", {}, signal);
    return { found, recorded };
  });
  return (
    <>
      <h3 class="pad-x">Who reads it</h3>
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {!told.data && !told.error && <Skeleton rows={2} />}
      {told.data && (
        <>
          <ul class="pad-x">
            {told.data.found.map((one) => (
              <li key={one.who}>
                <Actor id={one.who} /> <span class="muted small">{one.times === 1 ? "once" : `${one.times.toLocaleString("en")} times`}, last <Time at={one.last} /></span>
              </li>
            ))}
          </ul>
          {told.data.found.length === 0 && (
            <p class="muted pad-x">
              {told.data.recorded === null ? (
                "Who reads stands in the audit, which needs the permission audit:read."
              ) : told.data.recorded ? (
                `Nobody, in the newest ${READS_LOOKED_AT} reads that the audit has.`
              ) : (
                <>
                  Reads are not recorded. <a class="entry-link" href={link("/audit")}>The audit</a> does, once its settings ask for reads.
                </>
              )}
            </p>
          )}
        </>
      )}
    </>
  );
}
