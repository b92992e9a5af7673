/** The runs that fit a filter as lines of JSON: as the API tells each, newest first. */
import { exact } from "../../api/client";
import { at, print } from "../../model/json";
import { lines } from "../../ui/download";
import { toast } from "../../ui/toast";

const PAGE = 500;
const RUNS_MAX = 20_000;

/** At most RUNS_MAX; says so if there are more. */
export async function runLines(query: Record<string, string>): Promise<Blob> {
  const found: string[] = [];
  for (let cursor: string | undefined = ""; cursor !== undefined; ) {
    const page = await exact("/runs", { ...query, limit: PAGE, cursor });
    const runs = at(page, "runs");
    if (Array.isArray(runs)) found.push(...runs.map((run) => print(run)));
    const next = at(page, "next_cursor");
    cursor = typeof next === "string" && next !== "" ? next : undefined;
    if (cursor !== undefined && found.length >= RUNS_MAX) {
      toast(`The file has the newest ${found.length.toLocaleString("en")}: narrow the filter for the others`, true);
      break;
    }
  }
  return lines(found);
}
