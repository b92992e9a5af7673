/** Building a projection anew: all of it, or the partition that is shown; how many events that is, is said before. */
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { ProjectionSummary, RebuildJob } from "../../api/data";
import { useResource } from "../../live/resource";
import { chosen } from "../../shell/route";
import { Ask } from "../../ui/acting";

export function RebuildDialog({ of, path, onClose, onDone }: { of: ProjectionSummary; path: string; onClose: () => void; onDone: () => void }) {
  const partition = of.partition_key && of.mode !== "sql" && of.mode !== "external" ? chosen("partition") : "";
  const [only, setOnly] = useState(false);
  const dry = useResource(`${path} rebuild dry`, (signal) => request<RebuildJob>("POST", `${path}/rebuild`, { body: { dryRun: true }, signal }));
  return (
    <Ask
      title={`Rebuild ${of.name}`}
      verb="Rebuild"
      done="It is being built"
      reasoned
      run={(reason) => request("POST", `${path}/rebuild`, { body: { reason, partition: only ? partition : "" } })}
      onClose={onClose}
      onDone={onDone}
    >
      <p>
        {dry.data ? <b class="tabular">{dry.data.totalEvents.toLocaleString("en")} events</b> : "Every event"} {dry.data?.totalEvents === 1 ? "is" : "are"} {only ? "gone through" : "folded again"}, from the beginning, into a new generation. The present one serves until that has caught up.
        {(of.parked > 0 || of.skipped > 0) && " What was skipped or is parked stays left out."}
      </p>
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
