/** What a fresh server shows: the way to the first run. */
import { may } from "../../api/session";
import type { FunctionShape } from "../../api/types";
import type { Resource } from "../../live/resource";
import { link, navigate } from "../../shell/route";
import { Act } from "../../ui/acting";
import { Icon } from "../../ui/icon";
import { Command, Empty } from "../../ui/states";
import { type DemoTold, LoadDemo } from "./demo";

const EMIT = "events:emit";

const DEMO = { name: "demo.order.placed", data: `{"order": "o_1", "email": "ana@example.com"}` };

/** An event that starts something of what is registered, or of the demo. */
function sampleOf(functions: readonly FunctionShape[]): { name: string; data: string } {
  const names = functions.flatMap((one) => one.triggers.flatMap((trigger) => trigger.event ?? []));
  const [first] = names;
  if (first === undefined || names.includes(DEMO.name)) return DEMO;
  return { name: first.replace(/[*>]/g, "any"), data: `{"id": 1}` };
}

export function FirstSteps({ connected, functions, demo }: { connected: boolean; functions: readonly FunctionShape[]; demo: Resource<DemoTold | null> }) {
  const sample = sampleOf(functions);
  return (
    <section class="card">
      <Empty icon="play" title="Welcome. Three steps to the first run">
        <ol class="steps">
          <li>
            <Icon name={connected ? "check" : "circle"} class={connected ? "ok" : "idle"} />{" "}
            {connected ? (
              "A worker is connected"
            ) : (
              <>
                Start a worker, or load the demo's data, which are made by a worker of their own: retries, a saga, an approval
                <LoadDemo of={demo} />
                <Command text="ironflow demo" />
                <a href={link("/functions")}>A worker of your own, whole</a>
              </>
            )}
          </li>
          <li>
            <Icon name="circle" class="idle" /> Emit an event that a function waits for
            <Command text={`ironflow emit ${sample.name} -d '${sample.data}'`} />
            <Act class="" primary icon="bolt" label="Publish it here…" allowed={may(EMIT)} permission={EMIT} onClick={() => navigate(link("/events", { publish: sample.name, data: sample.data }))} />
          </li>
          <li>
            <Icon name="circle" class="idle" /> Open the run: it shows here, live
          </li>
        </ol>
      </Empty>
    </section>
  );
}
