/** Data as a form that their schema describes; members that it does not name stay as they are. */
import { useState } from "preact/hooks";
import type { Json, Obj } from "../../model/json";
import { type SchemaField, readIn, shownIn, withMember } from "../../model/schema_form";

interface Props {
  fields: readonly SchemaField[];
  data: Obj;
  onData: (data: Obj) => void;
  /** What is wrong with what was put in; "" for nothing. */
  onWrong: (problem: string) => void;
}

export function SchemaForm({ fields, data, onData, onWrong }: Props) {
  const [problems, setProblems] = useState<ReadonlyMap<string, string>>(new Map());
  const tell = (field: SchemaField, text: string): void => {
    const read = readIn(field, text);
    const left = new Map(problems);
    if (typeof read === "string") left.set(field.name, read);
    else left.delete(field.name);
    setProblems(left);
    onWrong([...left.values()][0] ?? "");
    if (typeof read !== "string") onData(withMember(data, field.name, read.value));
  };
  return (
    <>
      {fields.map((field) => (
        <Line key={field.name} of={field} value={data.get(field.name)} wrong={problems.has(field.name)} onText={(text) => tell(field, text)} />
      ))}
    </>
  );
}

const NOTES: Record<string, string> = { number: "a number", integer: "a whole number", json: "JSON" };

/** It keeps what was put in, also while that is no value. */
function Line({ of, value, wrong, onText }: { of: SchemaField; value: Json | undefined; wrong: boolean; onText: (text: string) => void }) {
  const [text, setText] = useState(shownIn(of, value) ?? "");
  const change = (next: string): void => {
    setText(next);
    onText(next);
  };
  const choices = of.kind === "boolean" ? ["true", "false"] : of.choices;
  const note = [of.about, NOTES[of.kind], !of.required && "optional"].filter(Boolean).join(" · ");
  return (
    <label class="field">
      <span>
        <span class="mono">{of.name}</span> {note && <span class="faint">{note}</span>}
      </span>
      {choices.length > 0 ? (
        <select value={text} aria-required={of.required} onChange={(event) => change(event.currentTarget.value)}>
          <option value="">{of.required ? "choose" : "none"}</option>
          {choices.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      ) : (
        <input value={text} autocomplete="off" spellcheck={false} aria-required={of.required} aria-invalid={wrong} inputMode={of.kind === "number" || of.kind === "integer" ? "decimal" : undefined} onInput={(event) => change(event.currentTarget.value)} />
      )}
    </label>
  );
}
