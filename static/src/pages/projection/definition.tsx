/** By what the server folds a projection: its rules, or its table and statements. */
import { exact } from "../../api/client";
import type { ProjectionSummary } from "../../api/data";
import { useResource } from "../../live/resource";
import { type Json, at } from "../../model/json";
import { Skeleton } from "../../ui/basics";
import { JsonView } from "../../ui/json_view";
import { Failed } from "../../ui/states";

/** Only of those that have no code elsewhere. */
export function Definition({ of, path }: { of: ProjectionSummary; path: string }) {
  const whole = useResource(`${path} definition ${of.version} ${of.generation}`, (signal) => exact(path, {}, signal));
  const table = at(whole.data, "table_sql");
  return (
    <div class="card section">
      <h2>{of.mode === "sql" ? "What writes its table" : "Its rules"}</h2>
      {whole.error && <Failed error={whole.error} onRetry={whole.reload} />}
      {!whole.data && !whole.error && <Skeleton rows={3} of={whole} />}
      {whole.data && typeof table === "string" && (
        <>
          <pre class="stack" tabIndex={0} aria-label="Its table">
            {table}
          </pre>
          <JsonView value={at(whole.data, "event_handlers") ?? null} label="statements, by event" />
        </>
      )}
      {whole.data && typeof table !== "string" && <JsonView value={rules(whole.data)} label="rules" />}
    </div>
  );
}

function rules(whole: Json): Json {
  return new Map([
    ["initial", at(whole, "initial") ?? null],
    ["rules", at(whole, "rules") ?? null],
  ]);
}
