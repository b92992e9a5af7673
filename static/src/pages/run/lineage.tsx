/** The runs that share this one's history, where each began, and how it ended; and what came of this one: the events that
 * it emitted, and the runs that they began. */
import { get } from "../../api/client";
import type { RunSummary } from "../../api/types";
import { useResource } from "../../live/resource";
import { type Effect, type Emitted, emittedOf } from "../../model/caused";
import type { Rec } from "../../model/records";
import { choose, eventLink, link } from "../../shell/route";
import { Skeleton, Status, Time, short } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

interface Branch {
  run: RunSummary;
  relation: "origin" | "fork" | "replay";
  forks: Branch[];
  forked_at?: number;
}

export default function Lineage({ runId, records }: { runId: string; records: readonly Rec[] }) {
  const told = useResource(`tree ${runId}`, (signal) => get<{ tree: Branch; more: boolean }>(`/runs/${runId}/lineage`, {}, signal), { pattern: "system.run.*.*", pace: 2_000 });
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={4} of={told} />;
  const { tree, more } = told.data;
  return (
    <div class="pad lineage" tabIndex={0} role="region" aria-label="Lineage">
      <h3>Forks and replays</h3>
      <ul class="branches">
        <Shown of={tree} parent="" here={runId} />
      </ul>
      {tree.forks.length === 0 && <p class="muted">Nothing was forked from it, and it is no fork. F tries something on a fork, and leaves this run as it is.</p>}
      {more && <p class="muted">There are more runs in it than are shown.</p>}
      {records.length > 0 && <Caused of={records[0].position} />}
    </div>
  );
}

/** `of`: the position at which the run was created. */
function Caused({ of }: { of: number }) {
  const told = useResource(`caused ${of}`, (signal) => get<{ effects: Effect[]; truncated: boolean }>(`/history/${of}/lineage`, {}, signal), { pattern: "system.run.*.*", pace: 2_000 });
  if (told.error) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={2} of={told} />;
  const events = emittedOf(told.data.effects);
  return (
    <>
      <h3>What came of it</h3>
      {events.length === 0 ? <p class="muted">It has emitted no event, and started no other run.</p> : <Events of={events} />}
      {told.data.truncated && <p class="muted">More came of it than is shown.</p>}
    </>
  );
}

function Events({ of }: { of: readonly Emitted[] }) {
  return (
    <ul class="branches">
      {of.map((event) => (
        <li key={event.id}>
          <div class="line">
            <Icon name={event.invokes ? "forward" : "bolt"} class="muted" />
            <span class="muted">{event.invokes ? "started" : "emitted"}</span>
            <a class="cut" href={eventLink(event.id)}>
              {event.name}
            </a>
            <span class="grow" />
            <span class="mono small muted">{event.position}</span>
          </div>
          {event.runs.length > 0 && (
            <ul class="branches">
              {event.runs.map((run) => (
                <li key={run.id}>
                  <div class="line">
                    <Status status={run.status} />
                    <a class="cut" href={link(`/runs/${run.id}`)}>
                      {run.functionId} {short(run.id)}
                    </a>
                  </div>
                  {run.events.length > 0 && <Events of={run.events} />}
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ul>
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
