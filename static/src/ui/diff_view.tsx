/** Two JSON values, the one beneath the other where they differ. Blue and orange with signs, not green and red. */
import { diff, folded } from "../model/diff";
import type { Json } from "../model/json";

export function DiffView({ before, after, label }: { before: Json | undefined; after: Json | undefined; label: string }) {
  const lines = diff(before, after);
  const changed = lines.filter((line) => line.op !== " ").length;
  if (changed === 0) return <p class="muted pad">No difference.</p>;
  return (
    <div class="diff" tabIndex={0} role="region" aria-label={label}>
      {folded(lines).map((line, index) =>
        line === null ? (
          <div key={index} class="diff-cut">
            ⋯
          </div>
        ) : (
          <div key={index} class={line.op === "+" ? "diff-added" : line.op === "-" ? "diff-removed" : ""}>
            <span class="diff-sign">{line.op === "-" ? "−" : line.op}</span>
            {"  ".repeat(line.depth)}
            {line.text}
          </div>
        ),
      )}
    </div>
  );
}
