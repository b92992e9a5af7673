/** A row of fields that narrow a list. What is chosen stands in the URL, so that a link shows the same. */
import type { ComponentChildren } from "preact";
import { choose, chosen } from "../shell/route";

export interface FilterField {
  /** Of the parameter in the URL. */
  name: string;
  label: string;
  placeholder?: string;
  /** One of these, instead of any text; "" is any. */
  list?: readonly string[];
}

export function Filters({ fields, children }: { fields: readonly FilterField[]; children?: ComponentChildren }) {
  return (
    <div class="filters" role="search">
      {fields.map((field) => (
        <label key={field.name} class="field">
          {field.label}
          {field.list ? (
            <select value={chosen(field.name)} onChange={(event) => choose({ [field.name]: event.currentTarget.value })}>
              {field.list.map((one) => (
                <option key={one} value={one}>
                  {one || "any"}
                </option>
              ))}
            </select>
          ) : (
            <input
              type="text"
              value={chosen(field.name)}
              placeholder={field.placeholder}
              spellcheck={false}
              autocomplete="off"
              onChange={(event) => choose({ [field.name]: event.currentTarget.value.trim() })}
            />
          )}
        </label>
      ))}
      {children}
    </div>
  );
}
