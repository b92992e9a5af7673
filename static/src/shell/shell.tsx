/** The frame around every page: where one is, whether it is live, and the ways to everything else. */
import { signal } from "@preact/signals";
import { Fragment, type FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { me, session } from "../api/session";
import { signOut } from "../api/sign_in";
import { anew } from "../live/anew";
import { POLL_MS, connection, paused, retryAt, retryNow, setPaused, stayConnected, unseen } from "../live/socket";
import { ignored } from "../model/parameters";
import { rangeOf } from "../model/range";
import { ms, shown } from "../model/time";
import { Keys } from "../ui/basics";
import { Icon } from "../ui/icon";
import { later, useAhead } from "../ui/later";
import { Empty } from "../ui/states";
import { Toasts, copy, explainLast, undoLast } from "../ui/toast";
import { EnvironmentMenu } from "./environment";
import { PageHead, crumb } from "./head";
import { Help } from "./help";
import { useKeys } from "./keys";
import { Palette } from "./palette";
import { NAV, type PlaceOf, navItemAt, pageAt } from "./places";
import { address, choose, environment, follow, link, navigate, path, place, timeRange } from "./route";
import { clock, dark, nextClock, now, toggleTheme } from "./settings";
import { SignIn } from "./sign_in";

export const overlay = signal<"" | "palette" | "actions" | "help" | "environment" | "nav">("");

const ActionsMenu = later(() => import("./actions"));

export function Shell() {
  const here = path.value;
  useKeys("Everywhere", [
    { keys: "Mod+k", label: "Search and commands", run: () => (overlay.value = "palette") },
    { keys: ".", label: "What can be done to what is chosen", run: () => (overlay.value = "actions") },
    { keys: "?", label: "Keys", run: () => (overlay.value = "help") },
    { keys: "L", label: "Pause and go on live", run: () => setPaused(!paused.value) },
    { keys: "T", label: "Light or dark", run: toggleTheme },
    { keys: "C", label: "Copy a link to what is shown", run: () => copy(address(), "Link") },
    ...(undoLast.value ? [{ keys: "Mod+z", label: "Take back what was just done", run: undoLast.value }] : []),
    ...(explainLast.value ? [{ keys: "W", label: "Say why, of what was just done", run: explainLast.value }] : []),
    { keys: "u", label: "Times relative, local or in UTC", run: nextClock },
    ...NAV.map((item) => ({ keys: `g ${item.key}`, label: `Go to ${item.title}`, run: () => navigate(link(item.path)) })),
  ]);
  useAhead([ActionsMenu]);
  const item = navItemAt(here);
  useEffect(() => {
    document.title = [crumb.value, item?.title, "Ironflow"].filter(Boolean).join(" · ");
  }, [crumb.value, item]);
  useEffect(() => (session.value === "open" ? stayConnected() : undefined), [session.value]);
  if (session.value === "unknown") return null;
  if (session.value === "signed-out") return <SignIn />;
  return (
    <div class="shell" onClick={follow}>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <Header />
      <nav class={`nav ${overlay.value === "nav" ? "open" : ""}`} aria-label="Pages" onClick={() => overlay.value === "nav" && (overlay.value = "")}>
        {NAV.map((one, index) => (
          <Fragment key={one.path}>
            {one.section && one.section !== NAV[index - 1]?.section && <p class="nav-section">{one.section}</p>}
            <a href={link(one.path)} aria-current={one === item ? "page" : undefined}>
              <Icon name={one.icon} />
              <span>{one.title}</span>
            </a>
          </Fragment>
        ))}
        <p class="nav-section">Help</p>
        <a href="/docs">
          <Icon name="book" />
          <span>Documentation</span>
        </a>
      </nav>
      {overlay.value === "nav" && <div class="veil" onClick={() => (overlay.value = "")} />}
      <Anew />
      <main id="content" class="content" tabIndex={-1}>
        <Ignored path={here} />
        <CurrentPage key={`${here} ${environment.value}`} path={here} />
      </main>
      <Toasts />
      {overlay.value === "palette" && <Palette onClose={() => (overlay.value = "")} />}
      {overlay.value === "actions" && <ActionsMenu onClose={() => (overlay.value = "")} />}
      {overlay.value === "help" && <Help onClose={() => (overlay.value = "")} />}
      {overlay.value === "environment" && <EnvironmentMenu onClose={() => (overlay.value = "")} />}
    </div>
  );
}

/** Over what is shown while it is fetched again, and that takes a moment. */
function Anew() {
  return anew.value > 0 ? <div class="anew" role="progressbar" aria-label="What is shown is fetched again" /> : null;
}

function Header() {
  const item = navItemAt(path.value);
  return (
    <header class="top">
      <button type="button" class="quiet icon-only only-narrow" aria-label="Pages" onClick={() => (overlay.value = overlay.value === "nav" ? "" : "nav")}>
        <Icon name="menu" />
      </button>
      <a class="brand" href={link("/")}>
        <Mark />
        Ironflow
      </a>
      <button type="button" class="chip env" onClick={() => (overlay.value = "environment")} title="Change the environment">
        <span class="muted">env</span> {environment.value}
      </button>
      <ol class="crumbs" aria-label="Where you are">
        {item && (
          <li>
            <a href={link(item.path)}>{item.title}</a>
          </li>
        )}
        {crumb.value && <li>{crumb.value}</li>}
      </ol>
      <span class="grow" />
      <button type="button" class="search-button" onClick={() => (overlay.value = "palette")}>
        <Icon name="search" />
        <span>Search or jump</span>
        <Keys keys="Mod+k" />
      </button>
      <RangeChip />
      <LiveChip />
      <button type="button" class="quiet icon-only" aria-label={dark.value ? "Light theme" : "Dark theme"} onClick={toggleTheme}>
        <Icon name={dark.value ? "sun" : "moon"} />
      </button>
      <button type="button" class="quiet icon-only" aria-label="Keys and help" onClick={() => (overlay.value = "help")}>
        <Icon name="help" />
      </button>
      {me.value?.user && (
        <button type="button" class="chip who" title={`${me.value.user.email}: sign out`} onClick={() => void signOut()}>
          <Icon name="leave" class="only-narrow" />
          <span>
            {me.value.user.name || me.value.user.email} <span class="muted">sign out</span>
          </span>
        </button>
      )}
    </header>
  );
}

/** The time that all pages keep to, and the way out of it. */
function RangeChip() {
  const chosen = rangeOf(timeRange.value);
  if (!chosen) return null;
  const at = (instant: number): string => shown(instant, 0, clock.value === "utc" ? "utc" : "local").slice(0, 16);
  const [from, to, today] = [at(ms(chosen.since)), at(ms(chosen.until)), at(now.value).slice(0, 10)];
  const short = (text: string, day: string): string => (text.startsWith(day) ? text.slice(11) : text);
  return (
    <button type="button" class="chip range" onClick={() => choose({ range: null })} title={`Runs, events, failures and history of ${chosen.since} to ${chosen.until}: show any time again`}>
      <span class="visually-hidden">Show any time again, not only </span>
      <Icon name="hourglass" />
      <span class="mono">
        {short(from, today)} – {short(to, from.slice(0, 10))}
      </span>
      <Icon name="cross" size={12} />
    </button>
  );
}

function LiveChip() {
  if (paused.value) {
    return (
      <button type="button" class="chip live" onClick={() => setPaused(false)} title="Go on live (L)">
        <Icon name="pause" class="warn" /> Paused{unseen.value > 0 && ` · ${unseen.value} new`}
      </button>
    );
  }
  if (connection.value === "live") {
    return (
      <button type="button" class="chip live" onClick={() => setPaused(true)} title="Pause (L)">
        <Icon name="dot" class="ok" /> Live
      </button>
    );
  }
  if (connection.value === "polling") {
    return (
      <button type="button" class="chip live" onClick={() => setPaused(true)} title="No WebSocket comes about here: something between you and the server may not let it through. The page looks by itself instead. Pause (L)">
        <Icon name="circle" class="warn" /> Every {POLL_MS / 1_000} s
      </button>
    );
  }
  const wait = Math.max(0, Math.ceil((retryAt.value - now.value) / 1_000));
  return (
    <button type="button" class="chip live" onClick={retryNow} title="Try now">
      <Icon name="circle" class="warn" /> {connection.value === "connecting" ? "Connecting" : `Reconnecting${wait > 1 ? ` · ${wait} s` : ""}`}
    </button>
  );
}

function CurrentPage({ path }: { path: string }) {
  const found = pageAt(path);
  const Loaded = useLoaded(found?.page);
  const missing = found === null;
  useEffect(() => {
    crumb.value = missing ? "Not found" : "";
  }, [path]);
  if (!found) return <NoPage path={path} />;
  if (Loaded === "failed") {
    return (
      <Empty icon="warning" title="This page could not be loaded">
        <p>The server may have been updated since you opened it.</p>
        <button type="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </Empty>
    );
  }
  return Loaded ? <Loaded id={found.id} /> : null;
}

/** What the address says beyond what the list that is shown reads: it is not filtered by that. */
function Ignored({ path }: { path: string }) {
  const { query } = place.value;
  const names = ignored(path, query);
  if (names.length === 0) return null;
  return (
    <div class="chips ignored" role="status">
      {names.map((name) => (
        <button key={name} type="button" class="chip" aria-label={`Remove ${name}`} onClick={() => choose({ [name]: null })}>
          <Icon name="warning" class="warn" />
          <span class="cut">
            {name}={query.get(name)}
          </span>
          <Icon name="cross" size={12} />
        </button>
      ))}
      <span class="muted small">{names.length === 1 ? "is" : "are"} not understood here: the list is not narrowed by {names.length === 1 ? "it" : "them"}</span>
    </div>
  );
}

function NoPage({ path }: { path: string }) {
  return (
    <div class="page">
      <PageHead title="There is no such page" />
      <div class="card section">
        <p>
          Nothing is at <span class="mono broken">{path}</span>.
        </p>
        <p>
          <Keys keys="Mod+k" /> finds pages, actions, and whatever an id or a word finds.
        </p>
        <p class="buttons">
          <a class="button" href={link("/")}>
            To the first page
          </a>
          <a class="button" href="/docs">
            Documentation
          </a>
        </p>
      </div>
    </div>
  );
}

const loaded = new Map<PlaceOf, FunctionComponent<{ id: string }>>();

function useLoaded(page: PlaceOf | undefined): FunctionComponent<{ id: string }> | "failed" | null {
  const [, setCount] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    if (!page || loaded.has(page)) return;
    let gone = false;
    page.load().then(
      (module) => {
        loaded.set(page, module.default);
        if (!gone) setCount((count) => count + 1);
      },
      () => !gone && setFailed(true),
    );
    return () => {
      gone = true;
    };
  }, [page]);
  if (failed) return "failed";
  return (page && loaded.get(page)) ?? null;
}

function Mark() {
  return (
    <svg class="mark" width="20" height="20" viewBox="0 0 16 16" aria-hidden="true">
      <rect width="16" height="16" rx="4" fill="var(--accent)" />
      <path d="M4 5h8M4 8h5M4 11h7" stroke="var(--on-accent)" stroke-width="1.6" stroke-linecap="round" />
    </svg>
  );
}
