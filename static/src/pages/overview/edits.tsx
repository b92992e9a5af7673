/** What people changed by hand in the last days, newest first. */
import { useRef } from "preact/hooks";
import { get } from "../../api/client";
import { may } from "../../api/session";
import type { EntriesPage } from "../../api/types";
import { type Resource, useResource } from "../../live/resource";
import { EDIT_KINDS, type Edit, editOf, newest } from "../../model/edits";
import { link } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Skeleton, Time } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

const EVERY_MS = 10_000;
const SHOWN_MAX = 8;
const SINCE = "7d";

export interface Edits {
  edits: readonly Edit[];
  /** Whether older ones may be there: history is looked through in parts. */
  more: boolean;
}

/** Null for whom history is not shown. What is known once is only added to: looking back is not done again. */
export function useEdits(): Resource<Edits | null> {
  const known = useRef<(Edits & { head: number }) | null>(null);
  return useResource(
    "edits",
    async (signal) => {
      if (!may("history:read")) return null;
      const before = known.current;
      const asked = before ? { direction: "forward", after: before.head, limit: 1_000 } : { direction: "backward", since: SINCE, limit: SHOWN_MAX };
      const page = await get<EntriesPage>("/history", { kind: EDIT_KINDS, ...asked }, signal);
      const found = page.entries.map(editOf).filter((one) => one !== null);
      known.current = {
        edits: newest(found, before?.edits ?? [], SHOWN_MAX),
        more: before?.more ?? page.next_cursor !== undefined,
        head: before ? Math.max(before.head, page.next_after ?? 0) : page.head,
      };
      return known.current;
    },
    { every: EVERY_MS },
  );
}

export function RecentEdits({ of }: { of: Resource<Edits | null> }) {
  if (of.data === null) return null;
  return (
    <section class="card section">
      <h2>Changed by hand</h2>
      {of.error && <Failed error={of.error} onRetry={of.reload} />}
      {!of.data && !of.error && <Skeleton rows={3} of={of} />}
      {of.data?.edits.length === 0 && <p class="muted">{of.data.more ? "No output of a step and no policy lately." : "No output of a step and no policy in the last 7 days."}</p>}
      {of.data && of.data.edits.length > 0 && (
        <ul>
          {of.data.edits.map((edit) => (
            <li key={edit.position} class="line">
              <Icon name={edit.icon} class="edit" />
              <span class="told grow">
                <a href={link(edit.path, edit.query)}>{edit.title}</a>{" "}
                <span class="muted" title={edit.note}>
                  {edit.note && `${edit.note} · `}by <Actor id={edit.actor} />
                </span>
              </span>
              <span class="muted small">
                <Time at={edit.at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
