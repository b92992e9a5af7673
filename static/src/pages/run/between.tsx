/** What of a long run is not loaded: said once for all of the page, and in a line where it would stand in a list. */
import { counted } from "../../model/counted";
import { type Gap, unloadedText } from "../../model/gaps";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import type { Records } from "./store";

/** Above the tabs, since all of them count and draw what is loaded. */
export function Partly({ records }: { records: Records }) {
  const { all, gaps, filling, fill, stop } = records;
  useKeys("Long run", [{ keys: "v", label: filling ? "Load no more" : "Load the records between", barred: gaps.length === 0 ? "all of its records are loaded" : "", run: () => (filling ? stop() : fill()) }]);
  if (gaps.length === 0) return null;
  const total = all[all.length - 1].version;
  const words = chosen("q");
  return (
    <p class="partly" role="status">
      <span>
        {all.length.toLocaleString("en")} of {counted(total, "record")} are loaded: what is counted and drawn here is of these.
      </span>
      <button type="button" class="small" title="Load the records between (v)" onClick={() => (filling ? stop() : fill())}>
        {filling ? "Load no more" : "Load between"}
      </button>
      {words && (
        <button type="button" class="link" onClick={() => choose({ tab: "history", find: words })}>
          Look for “{words}” in all of them
        </button>
      )}
    </p>
  );
}

export function Unloaded({ gap, filling, fill }: { gap: Gap } & Pick<Records, "filling" | "fill">) {
  return (
    <>
      {unloadedText(gap)}{" "}
      <button type="button" class="link" disabled={filling} onClick={() => fill(gap)}>
        {filling ? "Loading…" : "load between"}
      </button>
    </>
  );
}
