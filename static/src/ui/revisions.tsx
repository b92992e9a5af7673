/** What was there before, newest first: each against the one before it or against now, and the way back to it. */
import { useState } from "preact/hooks";
import type { Json } from "../model/json";
import { useKeys } from "../shell/keys";
import { choose, chosen } from "../shell/route";
import { Time } from "./basics";
import { Act } from "./acting";
import { Ask } from "./ask";
import { ActorName } from "./actor";
import { DiffView } from "./diff_view";
import { Icon } from "./icon";
import { JsonView } from "./json_view";
import { type Further, ShowMore } from "./more";

export interface Revision {
  number: number;
  what: string;
  at: string;
  actor?: string;
  /** undefined where there is nothing: it was deleted. */
  value: Json | undefined;
}

interface Props {
  of: readonly Revision[];
  /** Older ones, which come when somebody asks. */
  more: Further;
  label: string;
  /** Whether one may bring it back; the permission it takes otherwise. */
  allowed: boolean;
  permission: string;
  /** The newest has to be the one of that number still. */
  restore: (revision: Revision, newest: number | undefined) => Promise<unknown>;
  /** Looks which is the newest. */
  look: () => void;
  onDone: () => void;
}

const VIEWS = ["before", "now", "value"] as const;
type View = (typeof VIEWS)[number];

export function Revisions({ of, more, label, allowed, permission, restore, look, onDone }: Props) {
  const open = Number(chosen("revision"));
  const view = (chosen("against") || "before") as View;
  const [asking, setAsking] = useState<Revision | null>(null);
  const at = of.findIndex((one) => one.number === open);
  const move = (step: number): void => {
    const next = of[Math.max(0, Math.min(of.length - 1, at + step))];
    if (next) choose({ revision: next.number });
  };
  useKeys("Revisions", [
    { keys: "[", label: "Previous revision", run: () => move(1) },
    { keys: "]", label: "Next revision", run: () => move(-1) },
  ]);
  return (
    <>
      <ol class="record-list">
        {of.map((one, index) => (
          <li key={one.number}>
            <button type="button" class="quiet" aria-expanded={open === one.number} onClick={() => choose({ revision: open === one.number ? null : one.number })}>
              <Icon name={open === one.number ? "down" : "forward"} size={12} />
              <span class="cut">
                <b class="tabular">{one.number}</b> {one.what}
                {index === 0 && <span class="muted"> · now</span>}
                {one.actor && <span class="muted"> · <ActorName id={one.actor} /></span>}
              </span>
              <span class="small muted">
                <Time at={one.at} />
              </span>
            </button>
            {open === one.number && (
              <div>
                <p class="buttons pad-x">
                  {VIEWS.filter((name) => name !== "now" || index > 0).map((name) => (
                    <button key={name} type="button" class="small" aria-pressed={view === name} onClick={() => choose({ against: name === "before" ? null : name })}>
                      {name === "value" ? "Whole" : name === "now" ? "Against now" : "What it changed"}
                    </button>
                  ))}
                  {index > 0 && one.value !== undefined && (
                    <Act allowed={allowed} permission={permission} label="Restore…" onClick={() => setAsking(one)} />
                  )}
                </p>
                {view === "value" && (one.value === undefined ? <p class="muted pad">Nothing: it was deleted.</p> : <JsonView value={one.value} label={`${label}, revision ${one.number}`} />)}
                {view === "before" &&
                  (of[index + 1] || !more.more ? (
                    <DiffView before={of[index + 1]?.value} after={one.value} label="Against the revision before" />
                  ) : (
                    <p class="muted pad">Show older revisions to see it.</p>
                  ))}
                {view === "now" && <DiffView before={one.value} after={of[0].value} label="Against now" />}
              </div>
            )}
          </li>
        ))}
      </ol>
      <ShowMore of={more} label="Show older revisions" />
      {asking && (
        <Ask title={`Restore revision ${asking.number} of ${label}`} verb="Restore" done="Restored, as a new revision" wide seen={{ version: of[0].number, value: of[0].value }} look={look} run={(_, newest) => restore(asking, newest)} onClose={() => setAsking(null)} onDone={onDone}>
          <p class="muted">It becomes the newest revision; those in between stay. What changes:</p>
          <DiffView before={of[0].value} after={asking.value} label="What changes" />
        </Ask>
      )}
    </>
  );
}
