/** Where no function is registered: one, whole, in the language of whoever reads; and that it came, when it does. */
import { useRef, useState } from "preact/hooks";
import type { FunctionShape } from "../../api/types";
import { TabPanel, Tabs } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Command, Empty } from "../../ui/states";

const PYTHON = `from ironflow import Context, Worker, function

@function("hello", triggers=["user.joined"])
async def hello(ctx: Context):
    return await ctx.step.run("greet", lambda: f"Hello {ctx.event.data['name']}")

Worker([hello], server="${location.origin}").start()`;

const JSON_CALL = `-H 'Authorization: Bearer '"$IRONFLOW_API_KEY" --json`;

const CURL = `# register a function, and a worker that serves it
curl ${location.origin}/ironflow.v1.IronflowService/RegisterFunction ${JSON_CALL} \\
  '{"id": "hello", "triggers": [{"event": "user.joined"}]}'
curl ${location.origin}/api/v1/workers/w1/register ${JSON_CALL} \\
  '{"function_ids": ["hello"], "max_concurrent_jobs": 1}'

# take a job, and say what came of it: with its job_id, execution_seq and lease_token
curl '${location.origin}/api/v1/workers/w1/jobs?available=1&wait=20' -H 'Authorization: Bearer '"$IRONFLOW_API_KEY"
curl -X PUT ${location.origin}/api/v1/workers/w1/jobs/JOB_ID ${JSON_CALL} \\
  '{"status": "completed", "execution_seq": 1, "lease_token": "TOKEN", "output": "Hello Ada"}'`;

const PUSH = `# whatever answers POST with JSON: {"status": "completed", "result": "Hello Ada"}
curl ${location.origin}/ironflow.v1.IronflowService/RegisterFunction ${JSON_CALL} \\
  '{"id": "hello", "triggers": [{"event": "user.joined"}],
    "preferredMode": "EXECUTION_MODE_PUSH", "endpointUrl": "https://example.com/api/ironflow"}'`;

const TABS = [
  { id: "python", label: "Python", text: PYTHON, note: "A worker registers the functions that it serves. This is one, whole:" },
  { id: "curl", label: "curl", text: CURL, note: "Any language can be a worker: it polls for jobs over REST." },
  { id: "push", label: "HTTP push", text: PUSH, note: "Where nothing can hold a connection, the server calls an endpoint of yours." },
];

export function FirstFunction() {
  const [open, setOpen] = useState(TABS[0].id);
  const tab = TABS.find((one) => one.id === open) ?? TABS[0];
  return (
    <Empty icon="functions" title="No function is registered here">
      <div class="first-function">
        <Tabs label="language" items={TABS} open={open} onOpen={setOpen} />
        <TabPanel label="language" open={open}>
          <p class="muted">{tab.note}</p>
          <Command text={tab.text} />
        </TabPanel>
        <p class="muted" role="status">
          <Icon name="hourglass" class="wait" /> Waiting for a registration…
        </p>
      </div>
    </Empty>
  );
}

/** Said of the functions that came while somebody waited for the first. */
export function Came({ items }: { items: readonly FunctionShape[] | undefined }) {
  const waited = useRef(false);
  const [closed, close] = useState(false);
  if (items?.length === 0) waited.current = true;
  if (!waited.current || closed || !items || items.length === 0) return null;
  const [first] = items;
  const event = first.triggers.find((one) => one.event)?.event;
  return (
    <p class="came" role="status">
      <Icon name="check" class="ok" />
      <span class="grow">
        <b>{first.id}</b> is registered{items.length > 1 && `, with ${items.length - 1} more`}
        {event && (
          <>
            : it starts when an event <code>{event}</code> comes
          </>
        )}
      </span>
      <button type="button" class="quiet icon-only" aria-label="Close" onClick={() => close(true)}>
        <Icon name="cross" />
      </button>
    </p>
  );
}
