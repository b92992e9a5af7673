/** One function: how it is set up, its versions and what each changed, and stopping and starting it. */
import { useState } from "preact/hooks";
import { ApiError, exact, get, request } from "../../api/client";
import { may } from "../../api/session";
import type { CapacityStat, FunctionShape, FunctionVersion } from "../../api/types";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { at } from "../../model/json";
import { choose, chosen, link } from "../../shell/route";
import { Skeleton, Status, TabPanel, Tabs, Time } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { ShowMore } from "../../ui/more";
import { Failed } from "../../ui/states";
import { toast } from "../../ui/toast";

const TABS = [
  { id: "setup", label: "Set-up" },
  { id: "versions", label: "Versions" },
];

export function FunctionInspector({ of, load, onClose }: { of: FunctionShape; load: CapacityStat | undefined; onClose: () => void }) {
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? "setup";
  const verb = of.status === "active" ? "pause" : "resume";
  const [busy, setBusy] = useState(false);
  async function steer(): Promise<void> {
    setBusy(true);
    try {
      await request("POST", `/functions/${encodeURIComponent(of.id)}/${verb}`, { body: {} });
      toast(verb === "pause" ? "Paused: new runs wait" : "It goes on");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, true);
    }
    setBusy(false);
  }
  return (
    <aside class="card inspector asked" aria-label={`Function ${of.id}`}>
      <header class="inspector-head">
        <div>
          <h2 class="cut">{of.name || of.id}</h2>
          <Status status={of.status} note={`version ${of.version}`} />
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      {of.description && <p class="pad-x muted">{of.description}</p>}
      <dl class="facts">
        <div>
          <dt>Waiting</dt>
          <dd class="tabular">
            {load?.queued ?? 0} in the queue, {load?.active_leases ?? 0} at work
          </dd>
        </div>
        {of.next_run && (
          <div>
            <dt>Next tick</dt>
            <dd>
              <Time at={of.next_run} />
            </dd>
          </div>
        )}
        {of.endpoint_url && (
          <div>
            <dt>Endpoint</dt>
            <dd class="mono">{of.endpoint_url}</dd>
          </div>
        )}
      </dl>
      <p class="buttons pad-x">
        <a class="button small" href={link("/runs", { q: `function:${of.id}` })}>
          Its runs
        </a>
        <a class="button small" href={link("/runs", { q: `function:${of.id} status:failed` })}>
          Failed ones
        </a>
        <button type="button" class="small" disabled={busy || !may("functions:manage")} onClick={() => void steer()}>
          {verb === "pause" ? "Pause" : "Resume"}
        </button>
      </p>
      <Tabs label="function" items={TABS} open={open} onOpen={(id) => choose({ show: id === "setup" ? null : id })} />
      <TabPanel label="function" open={open}>
        {open === "setup" ? <Setup key={of.version} of={of} /> : <Versions of={of} />}
      </TabPanel>
    </aside>
  );
}

function Setup({ of }: { of: FunctionShape }) {
  const whole = useResource(`function ${of.id} ${of.updated_at}`, (signal) => exact(`/functions/${encodeURIComponent(of.id)}`, {}, signal));
  if (whole.error) return <Failed error={whole.error} onRetry={whole.reload} />;
  return whole.data ? <JsonView value={whole.data} label="set-up" /> : <Skeleton rows={6} />;
}

function Versions({ of }: { of: FunctionShape }) {
  const path = `/functions/${encodeURIComponent(of.id)}/versions`;
  const versions = usePaged(`versions ${of.id} ${of.updated_at}`, async (before, signal) => {
    const page = await get<{ versions: FunctionVersion[]; next_before?: number }>(path, { limit: 50, before }, signal);
    return { items: page.versions, next: page.next_before ? String(page.next_before) : "" };
  });
  const [open, setOpen] = useState(0);
  if (versions.error) return <Failed error={versions.error} onRetry={versions.reload} />;
  if (!versions.items) return <Skeleton rows={4} />;
  return (
    <>
      <ol class="record-list">
        {versions.items.map((one) => (
          <li key={one.position}>
            <button type="button" class="quiet" aria-expanded={open === one.version} onClick={() => setOpen(open === one.version ? 0 : one.version)}>
              <Icon name={open === one.version ? "down" : "forward"} size={12} />
              <b>{one.version}</b> {one.change.replace(/_/g, " ")}
              <span class="mono small muted">
                <Time at={one.recorded_at} />
              </span>
            </button>
            {one.reason && <p class="small muted">{one.reason}</p>}
            {open === one.version && <Change path={path} version={one.version} />}
          </li>
        ))}
      </ol>
      <ShowMore of={versions} label="Show older" />
    </>
  );
}

function Change({ path, version }: { path: string; version: number }) {
  const both = useResource(`change ${path} ${version}`, (signal) =>
    Promise.all([version - 1, version].map((number) => (number > 0 ? exact(`${path}/${number}`, {}, signal) : Promise.resolve(null)))),
  );
  if (both.error) return <Failed error={both.error} onRetry={both.reload} />;
  if (!both.data) return <Skeleton rows={3} />;
  const [before, after] = both.data.map((one) => at(one ?? undefined, "function"));
  return <DiffView before={before} after={after} label={`what version ${version} changed`} />;
}
