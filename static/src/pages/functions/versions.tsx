/** The versions of a function: what each changed, bringing one back, and keeping it at one. */
import { useState } from "preact/hooks";
import { exact, get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { FunctionShape, FunctionVersion } from "../../api/types";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { at } from "../../model/json";
import { seenOf } from "../../model/seen";
import { Act, hold } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Skeleton, Time } from "../../ui/basics";
import { DiffView } from "../../ui/diff_view";
import { Icon } from "../../ui/icon";
import { ShowMore } from "../../ui/more";
import { Failed } from "../../ui/states";

const MANAGE = "functions:manage";
const SEEN = ["name", "description", "status", "version", "pinned", "preferred_mode", "triggers", "retry", "timeout_ms", "endpoint_url", "concurrency"] as const;

export function Versions({ of, onChange }: { of: FunctionShape; onChange: () => void }) {
  const path = `/functions/${encodeURIComponent(of.id)}/versions`;
  const versions = usePaged(`versions ${of.id} ${of.updated_at}`, async (before, signal) => {
    const page = await get<{ versions: FunctionVersion[]; next_before?: number }>(path, { limit: 50, before }, signal);
    return { items: page.versions, next: page.next_before ? String(page.next_before) : "" };
  });
  const anew = (): void => [versions.reload, onChange].forEach((reload) => reload());
  const [open, setOpen] = useState(0);
  const [back, setBack] = useState<FunctionVersion | null>(null);
  const [kept, setKept] = useState<number | null>(null);
  /** At the version that it has this is done at once, and taken back; to an older one it has to be brought back first. */
  const steer = (): void =>
    hold({
      held: of.pinned === true,
      revision: of.revision,
      turn: (on, reason, ifMatch) => request("POST", `${pathOf(of.id)}/${on ? "pin" : "unpin"}`, { body: { reason }, ifMatch }),
      done: (on) => (on ? `Pinned at version ${of.version}` : "What workers register next counts again"),
      then: anew,
    });
  if (versions.error) return <Failed error={versions.error} onRetry={versions.reload} />;
  if (!versions.items) return <Skeleton rows={4} of={versions} />;
  return (
    <>
      <p class="line pad-x">
        <span class="muted small grow">{of.pinned ? `Pinned at version ${of.version}: what workers register changes nothing.` : "What workers register next is the next version."}</span>
        <Act allowed={may(MANAGE)} permission={MANAGE} label={of.pinned ? "Unpin" : `Pin at ${of.version}`} onClick={steer} />
      </p>
      <ol class="record-list">
        {versions.items.map((one) => (
          <li key={one.position}>
            <div class="record-line">
              <button type="button" class="quiet" aria-expanded={open === one.version} onClick={() => setOpen(open === one.version ? 0 : one.version)}>
                <Icon name={open === one.version ? "down" : "forward"} size={12} />
                <b>{one.version}</b> {one.change.replace(/_/g, " ")}
              </button>
              <span class="mono small muted">
                <Time at={one.recorded_at} />
              </span>
            </div>
            {one.reason && <p class="small muted">{one.reason}</p>}
            {open === one.version && (
              <>
                <Change path={path} version={one.version} />
                {one.version !== of.version && (
                  <p class="buttons">
                    <Act allowed={may(MANAGE)} permission={MANAGE} label={`Bring ${one.version} back…`} onClick={() => setBack(one)} />
                    <Act allowed={may(MANAGE)} permission={MANAGE} label={`Pin at ${one.version}…`} onClick={() => setKept(one.version)} />
                  </p>
                )}
              </>
            )}
          </li>
        ))}
      </ol>
      <ShowMore of={versions} label="Show older versions" />
      {kept !== null && (
        <Ask
          title={`Pin ${of.id} at version ${kept}`}
          verb="Pin it"
          done={`Pinned at version ${kept}`}
          reasoned
          seen={seenOf(of, SEEN)}
          look={onChange}
          run={(reason, ifMatch) => request("POST", `${pathOf(of.id)}/pin`, { body: { version: kept, reason }, ifMatch })}
          onClose={() => setKept(null)}
          onDone={anew}
        >
          <p class="muted">It is again as it was then, and stays so, whatever workers register, until somebody unpins it. Workers keep the code that they have.</p>
        </Ask>
      )}
      {back && (
        <Ask
          title={`Bring version ${back.version} of ${of.id} back`}
          verb="Bring it back"
          done={`Version ${back.version} is back, as a new one`}
          reasoned
          seen={seenOf(of, SEEN)}
          look={onChange}
          run={(reason, ifMatch) => request("POST", `${pathOf(of.id)}/rollback`, { body: { version: back.version, reason }, ifMatch })}
          onClose={() => setBack(null)}
          onDone={anew}
        >
          <p class="muted">Triggers, retries and limits are again what they were then, as version {of.version + 1}. Workers keep the code that they have: deploy that yourself.</p>
        </Ask>
      )}
    </>
  );
}

function pathOf(id: string): string {
  return `/functions/${segment(id)}`;
}

function Change({ path, version }: { path: string; version: number }) {
  const both = useResource(`change ${path} ${version}`, (signal) =>
    Promise.all([version - 1, version].map((number) => (number > 0 ? exact(`${path}/${number}`, {}, signal) : Promise.resolve(null)))),
  );
  if (both.error) return <Failed error={both.error} onRetry={both.reload} />;
  if (!both.data) return <Skeleton rows={3} of={both} />;
  const [before, after] = both.data.map((one) => at(one ?? undefined, "function"));
  return <DiffView before={before} after={after} label={`what version ${version} changed`} />;
}
