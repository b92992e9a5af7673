/** Expressions over the run, at the moment that is shown, and at the one it is compared with. The URL has them; a person's
 * last ones come back with the next run of the function. */
import { useEffect, useState } from "preact/hooks";
import { exactly } from "../../api/client";
import { useResource } from "../../live/resource";
import { type Json, at, equal, print } from "../../model/json";
import type { Rec } from "../../model/records";
import { choose, chosen } from "../../shell/route";
import { Skeleton } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { JsonView } from "../../ui/json_view";
import { Empty, Failed } from "../../ui/states";
import type { Moment } from "./moment";
import { Watched } from "./watched";

interface Props {
  runId: string;
  functionId: string;
  records: readonly Rec[];
  moment: Moment;
  compared: number;
}

const MAX = 20;
const SEPARATOR = "\n";

export default function Watch({ runId, functionId, records, moment, compared }: Props) {
  const [text, setText] = useState("");
  const given = chosen("watch");
  const expressions = given ? given.split(SEPARATOR) : [];
  const set = (next: readonly string[]): void => {
    remember(functionId, next);
    choose({ watch: next.join(SEPARATOR) });
  };
  useEffect(() => {
    const known = remembered(functionId);
    if (!given && known.length > 0) choose({ watch: known.join(SEPARATOR) });
  }, [functionId]);
  const every = chosen("every") === "record";
  const here = records[moment.index];
  const there = records[compared];
  const moments = [here, ...(there ? [there] : [])];
  const told = useResource(`watch ${runId} ${moments.map((one) => one.position)} ${given}`, (signal) =>
    expressions.length === 0 ? Promise.resolve(null) : exactly("POST", `/runs/${runId}/watch`, { body: { expressions, at: moments.map((one) => String(one.position)) }, signal }),
  );
  const rows = told.data ? (at(told.data, "expressions") as Json[]) : [];

  return (
    <div class="watch" role="region" aria-label="Watch">
      <form
        class="watch-form"
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = text.trim();
          if (!wanted || expressions.includes(wanted) || expressions.length >= MAX) return;
          set([...expressions, wanted]);
          setText("");
        }}
      >
        <input class="mono" aria-label="Expression in CEL" placeholder='state.charge.amount, event.data.total > 100, step.output' autocomplete="off" spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <button type="submit" disabled={expressions.length >= MAX}>
          Watch it
        </button>
      </form>
      {expressions.length === 0 && (
        <Empty title="Nothing is watched">
          <p class="muted">
            Expressions in CEL over <code>state</code> (what steps gave, by their names), <code>step</code>, <code>run</code> and <code>event</code>. They follow the scrubber; with a B set, both moments are shown.
          </p>
          <p class="buttons">
            {suggestions(records).map((one) => (
              <button key={one} type="button" class="small mono" onClick={() => set([one])}>
                {one}
              </button>
            ))}
          </p>
        </Empty>
      )}
      {told.error && <Failed error={told.error} onRetry={told.reload} />}
      {expressions.length > 0 && !told.data && !told.error && <Skeleton rows={expressions.length} />}
      {rows.length > 0 && (
        <table class="watched">
          <thead>
            <tr>
              <th scope="col">Expression</th>
              <th scope="col">
                A <span class="mono">{here.position}</span>
              </th>
              {there && (
                <th scope="col">
                  B <span class="mono">{there.position}</span>
                </th>
              )}
              <th scope="col">
                <span class="visually-hidden">Take out</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const expression = String(at(row, "expression"));
              const values = at(row, "values") as Json[];
              const differs = values.length > 1 && !equal(values[0], values[1]);
              return (
                <tr key={expression}>
                  <th scope="row" class="mono">
                    {expression}
                  </th>
                  {values.map((value, index) => (
                    <td key={index} class={differs ? (index ? "is-b" : "is-a") : ""}>
                      <Value told={value} label={`${expression} at ${index ? "B" : "A"}`} />
                    </td>
                  ))}
                  <td>
                    <button type="button" class="quiet icon-only" aria-label={`Watch ${expression} no more`} onClick={() => set(expressions.filter((one) => one !== expression))}>
                      <Icon name="cross" size={14} />
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
      {rows.length > 0 && (
        <p class="buttons pad">
          <button type="button" class="small" aria-expanded={every} onClick={() => choose({ every: every ? null : "record" })}>
            {every ? "Only this moment" : "At every record"}
          </button>
          {!there && <span class="faint small">Press b at another moment to see both side by side.</span>}
        </p>
      )}
      {rows.length > 0 && every && <Watched runId={runId} expressions={expressions} records={records} moment={moment} />}
    </div>
  );
}

function Value({ told, label }: { told: Json; label: string }) {
  const error = at(told, "error");
  if (typeof error === "string") return <span class="muted small">{error.replace(/^.*?['"]: /, "")}</span>;
  const value = at(told, "value") ?? null;
  if (value instanceof Map || Array.isArray(value)) return <JsonView value={value} label={label} />;
  return <code>{print(value)}</code>;
}

/** What could be looked at: the outputs of the first steps that have a plain name. */
function suggestions(records: readonly Rec[]): string[] {
  const names = new Set(records.filter((one) => one.kind === "step.completed" && one.name).map((one) => one.name));
  const states = [...names].slice(0, 2).map((name) => (/^[a-z_]\w*$/i.test(name) ? `state.${name}` : `state[${JSON.stringify(name)}]`));
  return [...states, "step.output", "event.data"];
}

const KEPT = "ironflow.watch ";

function remembered(functionId: string): string[] {
  return localStorage.getItem(KEPT + functionId)?.split(SEPARATOR) ?? [];
}

function remember(functionId: string, expressions: readonly string[]): void {
  if (expressions.length > 0) localStorage.setItem(KEPT + functionId, expressions.join(SEPARATOR));
  else localStorage.removeItem(KEPT + functionId);
}
