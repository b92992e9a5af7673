/** What a chart draws, as a table, for who cannot see it. */
import type { ComponentChildren } from "preact";

interface Props {
  label: string;
  heads: readonly string[];
  /** The rows, of a cell for each head. */
  children: ComponentChildren;
}

export function AsTable({ label, heads, children }: Props) {
  return (
    <details class="small">
      <summary>As a table</summary>
      <div class="list-scroll" tabIndex={0} role="region" aria-label={label}>
        <table class="plain">
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head}>{head}</th>
              ))}
            </tr>
          </thead>
          <tbody>{children}</tbody>
        </table>
      </div>
    </details>
  );
}
