/** Events as they come: what they carry, what they started, and where they came from. */
import { useRef, useState } from "preact/hooks";
import { events, newerEvents } from "../../api/events";
import type { EventSummary } from "../../api/types";
import { useColumns } from "../../live/columns";
import { useEventRuns } from "../../live/event_runs";
import { useList } from "../../live/list";
import { paused, setPaused } from "../../live/socket";
import { columnsShown } from "../../model/event_columns";
import type { Draft } from "../../model/draft";
import { EVENT_KEYS, parseEvents } from "../../model/filter";
import { within } from "../../model/range";
import { PageHead } from "../../shell/head";
import { NO_ROW, listKeys, useKeys } from "../../shell/keys";
import { choose, chosen, timeRange } from "../../shell/route";
import { ClockButton, Skeleton } from "../../ui/basics";
import { Problem } from "../../ui/acting";
import { Icon } from "../../ui/icon";
import { Empty, Failed } from "../../ui/states";
import { copy } from "../../ui/toast";
import { TokenFilter } from "../../ui/token_filter";
import { AddColumn, columnsIn, eventColumns } from "./columns";
import { NoEvents } from "./empty";
import { useFurther } from "./further";
import { EventInspector } from "./inspector";
import { Publish, draftOf } from "./publish";
import { RateMeter, SampleNotice, useRate } from "./rate";
import { SieveBoxes, ofSieve } from "./sieve";
import { EventTable, Looking } from "./table";

export default function Events() {
  const text = chosen("q");
  const parsed = within(parseEvents(text), timeRange.value);
  const [pattern, filter] = [chosen("pattern"), chosen("filter")];
  const narrowed = text !== "" || timeRange.value !== "" || pattern !== "" || filter !== "";
  const setText = (next: string): void => choose({ q: next, event: null });
  const hovered = useRef(false);
  const atTop = useRef(true);
  const still = (): boolean => hovered.current || !atTop.current;
  // A filter may leave few of many: how many of those come nobody counts, so none of them is left out.
  const all = chosen("sample") === "no";
  const shown = columnsShown(eventColumns.value);
  const rate = useRate(!narrowed && !all, still);
  const watched = columnsIn(chosen("watch"));
  const columns = useColumns(watched);
  const query = { ...parsed.query, pattern, filter, sample: rate.sample > 1 ? rate.sample : undefined };
  const key = JSON.stringify(query);
  const list = useList<EventSummary>({
    key,
    fetch: (limit, cursor, signal) => events(query, limit, cursor, signal),
    newer: (than, signal) => newerEvents(query, than.position, signal),
    order: (event) => event.position,
    patterns: pattern ? [pattern] : ["events:>", "entity:>"],
    filter,
    changes: ["system.redaction.*.redacted"],
    still,
    heard: rate.add,
  });
  const runs = useEventRuns();
  const further = useFurther(key, list);
  const field = useRef<HTMLInputElement>(null);
  const [published, setPublished] = useState(0);
  const [adding, setAdding] = useState(false);
  const [publishing, setPublishing] = useState<Partial<Draft> | null>(null);
  const selected = list.rows.find((event) => event.id === chosen("event"));
  const cursor = selected ? list.rows.indexOf(selected) : -1;
  const clear = (): void => choose({ q: null, pattern: null, filter: null, range: null, event: null });
  const select = (event: EventSummary | undefined): void => {
    if (event) choose({ event: event.id });
  };
  const move = (step: number): void => select(list.rows[Math.max(0, Math.min(list.rows.length - 1, cursor + step))]);
  const publish = (event?: EventSummary): void => setPublishing(event ? draftOf(event) : {});
  const linked = chosen("publish") !== "";
  const none = selected ? "" : NO_ROW;
  useKeys("Events", [
    ...listKeys("event", move),
    { keys: "p", label: "Publish an event", run: () => publish() },
    { keys: "e", label: "Publish this one again", barred: none, run: () => publish(selected) },
    { keys: "w", label: "Choose columns, or watch an expression as one", run: () => setAdding(true) },
    { keys: "f", label: "Freeze the tail, or let it go on", run: () => setPaused(!paused.value) },
    { keys: "/", label: "Filter", run: () => field.current?.focus() },
    { keys: "c", label: "Copy the event's id", barred: none, run: () => selected && copy(selected.id, "Id") },
    { keys: "r", label: "Look again", run: list.reload },
    { keys: "Escape", label: "Close the event, or clear the filter", run: () => (chosen("event") ? choose({ event: null }) : clear()) },
  ]);

  return (
    <div class="page full">
      <PageHead
        title="Events"
        actions={
          <div class="buttons">
            <ClockButton />
            <button type="button" onClick={() => setAdding(true)} title="Choose columns, or watch an expression as one (w)">
              Columns…
            </button>
            <button type="button" class="primary" onClick={() => publish()} title="Publish an event (p)">
              <Icon name="bolt" /> Publish…
            </button>
          </div>
        }
      >
        <RateMeter of={rate} />
      </PageHead>
      <TokenFilter
        text={text}
        parsed={parsed}
        offers={EVENT_KEYS}
        placeholder="name:order.placed since:1h, or a part of a name or an id"
        onText={setText}
        field={field}
      />
      <SieveBoxes
        pattern={pattern}
        filter={filter}
        error={list.error}
        onPattern={(next) => choose({ pattern: next, event: null })}
        onFilter={(next) => choose({ filter: next, event: null })}
      />
      <SampleNotice of={rate} all={all} />
      <Problem text={columns.problem} />
      <div class={`split ${selected ? "" : "closed"}`}>
        <div
          class="card table-card"
          onPointerEnter={() => (hovered.current = true)}
          onPointerLeave={() => {
            hovered.current = false;
            if (atTop.current && list.held > 0) list.showNew();
          }}
        >
          {list.held > 0 && (
            <button type="button" class="pill" onClick={list.showNew}>
              <Icon name="up" size={12} /> {list.heldAll ? "" : "more than "}
              {list.held.toLocaleString("en")} new
            </button>
          )}
          {list.error && !ofSieve(list.error) && <Failed error={list.error} onRetry={list.reload} />}
          {list.loading && list.rows.length === 0 && !list.error && <Skeleton rows={12} of={list} />}
          {ofSieve(list.error) && (
            <Empty icon="search" title="Nothing is listed">
              <p class="muted">What is written above cannot be looked for.</p>
            </Empty>
          )}
          {!list.loading && !list.error && list.rows.length === 0 && !list.more && <NoEvents asked={{ q: text, pattern, filter }} onAsk={(next) => choose({ ...next, event: null })} onPublish={() => publish()} />}
          {!list.error && list.rows.length === 0 && list.more && <Looking of={further} cursor={list.cursor} />}
          {list.rows.length > 0 && (
            <EventTable
              list={list}
              cursor={cursor}
              shown={shown}
              watched={watched}
              columns={columns}
              runs={runs}
              further={further}
              onTop={(top) => (atTop.current = top)}
              onSelect={select}
            />
          )}
        </div>
        {selected && <EventInspector event={selected} published={published} onClose={() => choose({ event: null })} onAgain={() => publish(selected)} />}
      </div>
      {(publishing || linked) && (
        <Publish
          begin={publishing ?? { name: chosen("publish"), ...(chosen("data") && { data: chosen("data") }) }}
          onPublished={() => setPublished((before) => before + 1)}
          onClose={() => {
            setPublishing(null);
            if (linked) choose({ publish: null, data: null });
          }}
        />
      )}
      {adding && <AddColumn all={watched} onClose={() => setAdding(false)} />}
    </div>
  );
}
