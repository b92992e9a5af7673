/** Small things that every page is made of. */
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Pending } from "../live/resource";
import { look } from "../model/status";
import { duration, iso, ms, shown } from "../model/time";
import { spoken } from "../shell/keys";
import { clock, nextClock, now } from "../shell/settings";
import { Icon, type IconName } from "./icon";
import { copy } from "./toast";

export function Status({ status, note }: { status: string; note?: string }) {
  const { role, icon, label } = look(status);
  return (
    <span class="status">
      <Icon name={icon} class={role} />
      {label}
      {note && <span class="muted"> · {note}</span>}
    </span>
  );
}

export function Badge({ children, icon, role = "" }: { children: ComponentChildren; icon?: IconName; role?: string }) {
  return (
    <span class="badge">
      {icon && <Icon name={icon} class={role} />}
      {children}
    </span>
  );
}

/** An instant: relative, local or UTC by the choice of the person; a click or `u` takes the next. The exact one on hover. */
export function Time({ at }: { at: string | number | null | undefined }) {
  const instant = typeof at === "number" ? at : ms(at);
  if (Number.isNaN(instant)) return <span class="muted">–</span>;
  return (
    <time
      class="time"
      dateTime={iso(instant)}
      title={iso(instant)}
      onClick={(event) => {
        event.stopPropagation();
        event.preventDefault();
        nextClock();
      }}
    >
      {shown(instant, now.value, clock.value)}
    </time>
  );
}

/** When something is tried again, said right once that is over too. */
export function Again({ at }: { at: string }) {
  if (ms(at) <= now.value) return <>to be tried again any moment</>;
  return (
    <>
      tried again <Time at={at} />
    </>
  );
}

export function ClockButton() {
  return (
    <button type="button" class="quiet small" onClick={nextClock} title="Show times relative, local or in UTC">
      Times: {clock.value === "utc" ? "UTC" : clock.value}
    </button>
  );
}

/** How long it took, or takes so far. */
export function Duration({ from, to }: { from: string | null; to: string | null }) {
  const start = ms(from);
  if (Number.isNaN(start)) return <span class="muted">–</span>;
  return <span class="mono">{duration((to ? ms(to) : Math.max(now.value, start)) - start)}</span>;
}

/** An id, cut in the middle; a click copies it. */
export function Id({ id, whole = false }: { id: string; whole?: boolean }) {
  if (!id) return <span class="muted">–</span>;
  return (
    <CopyId id={id} class="id" spoken="Copy ">
      {whole ? id : short(id)}
    </CopyId>
  );
}

/** A button that copies an id, and shows what it is given; also within what is pressed itself. */
export function CopyId({ id, class: look, spoken, children }: { id: string; class: string; spoken: string; children: ComponentChildren }) {
  return (
    <button
      type="button"
      class={look}
      title={`Copy ${id}`}
      onClick={(event) => {
        event.stopPropagation();
        event.preventDefault();
        copy(id, "Id");
      }}
    >
      <span class="visually-hidden">{spoken}</span>
      {children}
      <Icon name="copy" size={12} />
    </button>
  );
}

export function short(id: string): string {
  return id.length > 18 ? `${id.slice(0, 8)}…${id.slice(-5)}` : id;
}

export function Keys({ keys }: { keys: string }) {
  return (
    <span class="keys">
      {spoken(keys).map((key, index) => (
        <kbd key={index}>{key}</kbd>
      ))}
    </span>
  );
}

const SLOW_AFTER_MS = 5_000;

interface SkeletonProps {
  rows?: number;
  slow?: string;
  /** What it is the shape of: it can be waited for no longer. */
  of?: { pending: Pending };
}

/** The shape of what is loading; what takes long says what is waited for, in the words of `slow`. */
export function Skeleton({ rows = 8, slow: words = "The server has not answered yet. It may have much to look through.", of }: SkeletonProps) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  const what = slow && of ? of.pending.what() : "";
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class={`bone w${index % 4}`} />
      ))}
      {slow && (
        <p class="muted small">
          {words} {what && <span class="mono">{what}</span>}{" "}
          {of && (
            <button type="button" class="small" onClick={of.pending.cancel}>
              Cancel
            </button>
          )}
        </p>
      )}
    </div>
  );
}

export interface TabItem {
  id: string;
  label: ComponentChildren;
}

export function Tabs({ items, open, onOpen, label }: { items: readonly TabItem[]; open: string; onOpen: (id: string) => void; label: string }) {
  const move = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    const index = items.findIndex((item) => item.id === open);
    const next = items[(index + step + items.length) % items.length];
    onOpen(next.id);
    document.getElementById(`tab-${label}-${next.id}`)?.focus();
  };
  useEffect(() => {
    // Along the tabs only: a page that is opened, or where a step is chosen, is not to scroll.
    const tab = document.getElementById(`tab-${label}-${open}`);
    const list = tab?.closest("[role=tablist]");
    if (!tab || !list) return;
    const [one, all] = [tab.getBoundingClientRect(), list.getBoundingClientRect()];
    list.scrollLeft += Math.min(0, one.left - all.left) + Math.max(0, one.right - all.right);
  }, [open]);
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
      {items.map((item) => (
        <button
          key={item.id}
          id={`tab-${label}-${item.id}`}
          type="button"
          role="tab"
          aria-selected={item.id === open}
          tabIndex={item.id === open ? 0 : -1}
          onClick={() => onOpen(item.id)}
        >
          {item.label}
        </button>
      ))}
    </div>
  );
}

export function TabPanel({ label, open, children, class: more = "" }: { label: string; open: string; children: ComponentChildren; class?: string }) {
  return (
    <div class={`panel ${more}`} role="tabpanel" aria-labelledby={`tab-${label}-${open}`}>
      {children}
    </div>
  );
}
