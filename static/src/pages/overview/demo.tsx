/** The demo's runs, loaded by a server for development: a button while nothing has run yet, and how far it is. */
import { useEffect, useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may, me } from "../../api/session";
import { type Resource, useResource } from "../../live/resource";
import { Act, act } from "../../ui/acting";
import { Icon } from "../../ui/icon";
import { toast } from "../../ui/toast";

/** While it goes. */
const EVERY_MS = 1_000;
const FUNCTIONS = "system.function.>";
const MANAGE = "environments:manage";
const READ = "environments:read";

export interface DemoTold {
  state: "idle" | "running" | "done" | "failed";
  /** The last thing that it said. */
  line?: string;
  /** Why it cannot be begun. */
  barred?: string;
}

/** Null where nobody develops, or nothing is to be loaded any more; what was begun is looked after to its end. That somebody
 * else began it is heard of by the functions that it brings. */
export function useDemo(wanted: boolean, onDone: () => void): Resource<DemoTold | null> {
  const [running, setRunning] = useState(false);
  const looked = !me.value?.auth_required && may(READ) && (wanted || running);
  const demo = useResource(`demo ${looked}`, (signal) => (looked ? get<DemoTold>("/demo", {}, signal) : Promise.resolve(null)), looked ? { pattern: FUNCTIONS, every: running ? EVERY_MS : 0, version: Number(running) } : {});
  const state = demo.data?.state;
  useEffect(() => {
    if (running && state === "done") {
      toast("The demo's runs are here");
      onDone();
    }
    // Where some runs are here by then, nothing else would say so.
    if (running && state === "failed") toast(`The demo's data could not be loaded: ${demo.data?.line ?? "it did not say why"}`, true);
    if (state) setRunning(state === "running");
  }, [state]);
  return demo;
}

export function LoadDemo({ of }: { of: Resource<DemoTold | null> }) {
  const told = of.data;
  if (!told) return null;
  return (
    <>
      <Act class="" primary icon="play" label="Load demo data" allowed={may(MANAGE)} permission={MANAGE} barred={told.state === "running" ? "It is being loaded" : told.barred} onClick={() => void act(request("POST", "/demo"), "It is being loaded").then(of.reload)} />
      <HowFar of={told} />
    </>
  );
}

/** What it says while it goes, and why it does not. */
export function HowFar({ of }: { of: DemoTold | null | undefined }) {
  if (of?.state !== "running" && of?.state !== "failed") return null;
  const failed = of.state === "failed";
  return (
    <p class={failed ? "problem" : "muted"} role="status">
      <Icon name={failed ? "warning" : "hourglass"} class={failed ? "fail" : "run"} /> {failed ? "The demo's data could not be loaded" : "Loading the demo's data"}: {of.line}
    </p>
  );
}
