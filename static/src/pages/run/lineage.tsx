/** The runs that share this one's history: where each began, and how it ended. */
import { get } from "../../api/client";
import type { RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { choose, link } from "../../shell/route";
import { Skeleton, Status, Time, short } from "../../ui/basics";
import { Failed } from "../../ui/states";

interface Branch {
  run: RunSummary;
  relation: "origin" | "fork" | "replay";
  forks: Branch[];
  forked_at?: number;
}

export default function Lineage({ runId }: { runId: string }) {
  const told = useResource(`tree ${runId}`, (signal) => get<{ tree: Branch; more: boolean }>(`/runs/${runId}/lineage`, {}, signal), { pattern: "system.run.*.*", pace: 2_000 });
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={4} of={told} />;
  const { tree, more } = told.data;
  return (
    <div class="pad lineage" tabIndex={0} role="region" aria-label="Lineage">
      <ul class="branches">
        <Shown of={tree} parent="" here={runId} />
      </ul>
      {tree.forks.length === 0 && <p class="muted">Nothing was forked from it, and it is no fork. F tries something on a fork, and leaves this run as it is.</p>}
      {more && <p class="muted">There are more runs in it than are shown.</p>}
    </div>
  );
}

function Shown({ of, parent, here }: { of: Branch; parent: string; here: string }) {
  return (
    <li>
      <div class={`line ${of.run.id === here ? "here" : ""}`}>
        <Status status={of.run.status} />
        <a href={link(`/runs/${of.run.id}`)} aria-current={of.run.id === here ? "page" : undefined}>
          {short(of.run.id)}
        </a>
        <span class="muted">
          {of.relation === "origin" ? "the first" : of.relation === "replay" ? "a replay" : "forked"}
          {of.relation === "fork" && of.forked_at !== undefined && (
            <>
              {" "}
              at{" "}
              <a class="entry-link mono" href={link(`/runs/${parent}`, { at: of.forked_at })}>
                {of.forked_at}
              </a>
            </>
          )}
        </span>
        {of.run.error && <span class="muted cut">{of.run.error.message}</span>}
        <span class="grow" />
        {of.run.id !== here && (
          <button type="button" class="link small" onClick={() => choose({ tab: "diff", with: of.run.id })}>
            compare
          </button>
        )}
        <span class="muted small">
          <Time at={of.run.created_at} />
        </span>
      </div>
      {of.forks.length > 0 && (
        <ul class="branches">
          {of.forks.map((fork) => (
            <Shown key={fork.run.id} of={fork} parent={of.run.id} here={here} />
          ))}
        </ul>
      )}
    </li>
  );
}
