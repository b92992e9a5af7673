/** What fails, by cause: how often, since when, whether it was mended, and what was decided of it. */
import { useRef, useState } from "preact/hooks";
import { get } from "../../api/client";
import type { FailureGroup } from "../../api/types";
import { who } from "../../live/names";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { affectedText, calmText } from "../../model/affected";
import { stateOf } from "../../model/attention";
import { FAILURE_KEYS, parseFailures } from "../../model/filter";
import { within } from "../../model/range";
import { PageHead } from "../../shell/head";
import { NO_ROW, listKeys, ofNoRow, useKeys } from "../../shell/keys";
import { choose, chosen, link, timeRange } from "../../shell/route";
import { now } from "../../shell/settings";
import { Status, Time } from "../../ui/basics";
import { ListCard } from "../../ui/list_card";
import { Empty } from "../../ui/states";
import { TokenFilter } from "../../ui/token_filter";
import { useMedia } from "../../ui/view";
import { FailureInspector } from "./inspector";
import { ChosenBar } from "./merging";

const LIMIT = 100;
const PACE_MS = 2_000;
const SPARK = { width: 84, height: 20 };
const VIEWS = [
  ["Open", ""],
  ["Resolved", "resolved"],
  ["Muted", "muted"],
  ["All", "all"],
] as const;

export default function Failures() {
  const view = VIEWS.find(([, value]) => value === chosen("status"))?.[1] ?? "";
  const status = view === "" ? "open" : view === "all" ? "" : view;
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const pickNone = (): void => setPicked(new Set());
  const text = chosen("q");
  const parsed = within(parseFailures(text), timeRange.value);
  const field = useRef<HTMLInputElement>(null);
  const setText = (next: string): void => {
    pickNone();
    choose({ q: next, failure: null });
  };
  const groups = usePaged(
    `failures ${status} ${text}`,
    async (cursor, signal) => {
      const page = await get<{ failures: FailureGroup[]; next_cursor?: string }>("/failures", { ...parsed.query, limit: LIMIT, status, cursor }, signal);
      return { items: page.failures, next: page.next_cursor ?? "" };
    },
    { pattern: "system.run.*.*", pace: PACE_MS },
  );
  const items = groups.items;
  const inHand = items?.filter((one) => picked.has(one.fingerprint)) ?? [];
  const pick = (one: FailureGroup | undefined): void => {
    if (!one) return;
    const next = new Set(picked);
    if (!next.delete(one.fingerprint)) next.add(one.fingerprint);
    setPicked(next);
  };
  const wanted = chosen("failure");
  const roomy = useMedia("(min-width: 1280px)");
  const charted = useMedia("(min-width: 1100px)") && !wanted;
  const at = items?.findIndex((one) => one.fingerprint === wanted) ?? -1;
  const select = (one: FailureGroup | undefined): void => {
    if (one) choose({ failure: one.fingerprint });
  };
  const move = (step: number): void => {
    if (items) select(items[Math.max(0, Math.min(items.length - 1, at + step))]);
  };
  useKeys("Failures", [
    ...listKeys("group of failures", move),
    { keys: "r", label: "Look again", run: groups.reload },
    { keys: "/", label: "Filter", run: () => field.current?.focus() },
    ...(wanted ? [] : ofNoRow({ z: "Resolve…", m: "Mute…", a: "Assign…" })),
    ...(inHand.length > 0 ? [] : ofNoRow({ M: "Merge…" }, "choose groups first, with x")),
    { keys: "x", label: "Choose the group, to do something to several", barred: at < 0 ? NO_ROW : "", run: () => pick(items?.[at]) },
    { keys: "Escape", label: "Close the group, choose none, or clear the filter", run: () => (wanted ? choose({ failure: null }) : inHand.length > 0 ? pickNone() : setText("")) },
  ]);
  return (
    <div class="page full">
      <PageHead title="Failures">
        <span class="muted tabular">
          {items?.length ? `${groups.more ? "the newest " : ""}${items.length} ${items.length === 1 ? "group" : "groups"}` : ""}
        </span>
      </PageHead>
      <div class="views" role="group" aria-label="What was decided of them">
        {VIEWS.map(([name, value]) => (
          <button key={name} type="button" class="view" aria-pressed={view === value} onClick={() => {
              pickNone();
              choose({ status: value, failure: null });
            }}>
            {name}
          </button>
        ))}
      </div>
      <TokenFilter text={text} parsed={parsed} offers={FAILURE_KEYS} placeholder="function:ship since:1d, or a part of a message" onText={setText} field={field} />
      {inHand.length > 0 && (
        <ChosenBar
          groups={inHand}
          onNone={pickNone}
          onSome={groups.reload}
          onDone={(into) => {
            pickNone();
            groups.reload();
            choose({ failure: into ?? null });
          }}
        />
      )}
      <div class={`split ${wanted ? "" : "closed"}`}>
        <ListCard
          label="Failures"
          noun="group"
          resource={groups}
          items={items}
          id={(one) => one.fingerprint}
          current={wanted}
          onSelect={select}
          more={groups}
          widths={wanted ? "minmax(160px, 2fr) 96px minmax(90px, 1fr) 52px 76px" : `minmax(160px, 2.2fr) 92px minmax(110px, 1.4fr)${charted ? " 88px 84px" : ""} 48px 40px${roomy ? " 76px" : ""} 76px`}
          columns={[
            {
              name: "What failed",
              show: (one) => (
                <span class="picking">
                  <label class="pick">
                    <input type="checkbox" aria-label={`Choose ${one.title}`} checked={picked.has(one.fingerprint)} onChange={() => pick(one)} />
                  </label>
                  <span class="two-lines">
                    <button type="button" class="link cut" onClick={() => select(one)} title={one.title}>
                      {one.message || one.error_type}
                    </button>
                    {one.top_frame && (
                      <span class="muted mono cut" title={`Where in the code: ${one.top_frame}`}>
                        {one.top_frame.split("/").at(-1)}
                      </span>
                    )}
                  </span>
                  {one.assigned && (
                    <span class="chip tiny" title={`${who(one.assigned.assignee)} looks after it`}>
                      {who(one.assigned.assignee).replace(/@.*/, "")}
                    </span>
                  )}
                  {calmText(one, now.value) && <span class="chip tiny">{calmText(one, now.value)}</span>}
                </span>
              ),
            },
            { name: "State", show: (one) => <State of={one} /> },
            { name: "Where", show: (one) => `${one.function_id}${one.step ? ` · ${one.step}` : ""}`, wide: true },
            ...(charted
              ? [
                  { name: "Affects", show: (one: FailureGroup) => <span title="Versions of the function, and entities of its events">{affectedText(one.affected)}</span>, wide: true },
                  { name: "Over time", show: (one: FailureGroup) => <Spark counts={one.series.counts} />, wide: true },
                ]
              : []),
            { name: "Times", show: (one) => <span class="tabular">{one.failures.toLocaleString("en")}</span> },
            ...(wanted
              ? []
              : [
                  { name: "Open", show: (one: FailureGroup) => <span class="tabular">{one.open.toLocaleString("en")}</span> },
                  ...(roomy ? [{ name: "First", show: (one: FailureGroup) => <Time at={one.first_seen} />, wide: true }] : []),
                ]),
            { name: "Last", show: (one) => <Time at={one.last_seen} />, wide: true },
          ]}
          empty={
            text !== "" ? (
              <Empty icon="search" title="No group of failures fits the filter">
                <LastFailure query={parsed.query} status={status} />
                <button type="button" onClick={() => setText("")}>
                  Clear the filter
                </button>
              </Empty>
            ) : view === "" || view === "all" ? (
              <Empty icon="check" title={view === "" ? "Nothing has failed here that is still open" : "Nothing has failed here"}>
                <p class="muted">Whatever fails is grouped here by what is most likely one cause.</p>
              </Empty>
            ) : (
              <Empty icon="check" title={`No group of failures is ${view}`}>
                <p class="muted">{view === "muted" ? "A group that is muted (m) leaves the list of what is open, for a while or for good." : "A group that is resolved (z) is open again when a newer version of its function fails so."}</p>
              </Empty>
            )
          }
        />
        {wanted && <FailureInspector key={wanted} fingerprint={wanted} onClose={() => choose({ failure: null })} onChange={groups.reload} />}
      </div>
    </div>
  );
}

const STATES: Record<string, string> = {
  new: "It failed so for the first time within a day",
  ongoing: "It has failed so for longer than a day",
  regressed: "It was resolved, and a newer version of the function fails so",
};

function State({ of }: { of: FailureGroup }) {
  const state = stateOf(of, now.value);
  return (
    <span title={STATES[state]}>
      <Status status={state} />
    </span>
  );
}

/** What failed last of what is filtered, where a time leaves it out. */
function LastFailure({ query: { since, until, ...rest }, status }: { query: Record<string, string>; status: string }) {
  const timed = since !== undefined || until !== undefined;
  const last = useResource(`last failure ${status} ${JSON.stringify(rest)} ${timed}`, async (signal) => (timed ? (await get<{ failures: FailureGroup[] }>("/failures", { ...rest, status, limit: 1 }, signal)).failures : []));
  const [one] = last.data ?? [];
  if (!one) return null;
  return (
    <p>
      Nothing failed in this range. Last failure <Time at={one.last_seen} /> –{" "}
      <a class="entry-link" href={link("/failures", { failure: one.fingerprint, status: chosen("status") })}>show it</a>
    </p>
  );
}

function Spark({ counts }: { counts: readonly number[] }) {
  const most = Math.max(1, ...counts);
  const width = SPARK.width / Math.max(1, counts.length);
  return (
    <svg width={SPARK.width} height={SPARK.height} role="img" aria-label={`${counts.join(", ")} over time`}>
      {counts.map((count, index) => {
        const tall = count === 0 ? 1 : Math.max(2, (count / most) * SPARK.height);
        return <rect key={index} x={index * width} y={SPARK.height - tall} width={Math.max(1, width - 1)} height={tall} class={count ? "fill-fail" : "fill-none"} />;
      })}
    </svg>
  );
}
