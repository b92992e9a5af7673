/** Building a projection anew: all of it, or the partition that is shown; how many events that is, is said before. An
 * external one can be given the events between two positions again. */
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { ProjectionSummary, RebuildJob } from "../../api/data";
import { useResource } from "../../live/resource";
import { between } from "../../model/progress";
import { chosen } from "../../shell/route";
import { Field } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { decidedOn } from "./decided";

export function RebuildDialog({ of, path, onClose, onDone }: { of: ProjectionSummary; path: string; onClose: () => void; onDone: () => void }) {
  const external = of.mode === "external";
  const partition = of.partition_key && of.mode !== "sql" && !external ? chosen("partition") : "";
  const [only, setOnly] = useState(false);
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const bounds = between(from, to, of.last_event_seq + of.lag);
  const asked = "wrong" in bounds ? {} : bounds;
  const dry = useResource(`${path} rebuild dry ${JSON.stringify(asked)}`, (signal) => request<RebuildJob>("POST", `${path}/rebuild`, { body: { dryRun: true, ...asked }, signal }));
  const partly = from !== "" || to !== "";
  return (
    <Ask
      title={`Rebuild ${of.name}`}
      verb="Rebuild"
      done="It is being built"
      reasoned
      wrong={"wrong" in bounds ? bounds.wrong : ""}
      seen={decidedOn(of)}
      look={onDone}
      run={(reason, ifMatch) => request("POST", `${path}/rebuild`, { body: { reason, partition: only ? partition : "", ...asked }, ifMatch })}
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        {dry.data ? <b class="tabular">{dry.data.totalEvents.toLocaleString("en")} events</b> : "Every event"} {dry.data?.totalEvents === 1 ? "is" : "are"}{" "}
        {external
          ? `given to its handler again${partly ? "" : ", from the beginning"}; then it goes on where it is.`
          : `${only ? "gone through" : "folded again"}, from the beginning, into a new generation. The present one serves until that has caught up.`}
        {(of.parked > 0 || of.skipped > 0) && " What was skipped or is parked stays left out."}
      </p>
      {!external && <p class="muted small">A state is the fold of all its events: it cannot begin anywhere else. What it was at a position is told by the slider.</p>}
      {external && (
        <div class="two-up">
          <Field label="From position" note="the first, if left out" value={from} onValue={setFrom} />
          <Field label="To position" note="where it is, if left out" value={to} onValue={setTo} />
        </div>
      )}
      {partition && (
        <label class="check">
          <input type="checkbox" checked={only} onChange={(event) => setOnly(event.currentTarget.checked)} />
          <span>
            Only the partition <code>{partition}</code>; the others stay as they are
          </span>
        </label>
      )}
    </Ask>
  );
}
