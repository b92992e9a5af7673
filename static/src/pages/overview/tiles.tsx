/** Figures, each with the error of its own: what one could not tell hides no other. */
import type { ComponentChildren } from "preact";
import type { ApiError } from "../../api/client";
import { Icon, type IconName } from "../../ui/icon";

export interface Tile {
  name: string;
  /** Where the tile leads to. */
  to: string;
  value: number | string | undefined;
  /** Why there is none. */
  error: ApiError | null;
  /** That there are more than were counted. */
  more?: boolean;
  icon: IconName;
  role: string;
  note?: ComponentChildren;
}

export function Tiles({ of }: { of: readonly Tile[] }) {
  return (
    <div class="tiles ten">
      {of.map((tile) => (
        <a key={tile.name} class="card tile" href={tile.to}>
          <TileBody {...tile} />
        </a>
      ))}
    </div>
  );
}

function TileBody({ name, value, error, more, icon, role, note }: Tile) {
  const told = typeof value === "number" ? value.toLocaleString("en") : value;
  return (
    <>
      <span class="tile-name">
        <Icon name={icon} class={role} /> {name}
      </span>
      {told === undefined && !error ? (
        <span class="tile-value bone" role="status" aria-label={`${name}: loading`} />
      ) : (
        <b class="tile-value tabular">{told === undefined ? "–" : `${told}${more ? "+" : ""}`}</b>
      )}
      <span class="faint small">
        {error ? (
          <span class="fail" title={error.hint}>
            {error.message}
          </span>
        ) : (
          note
        )}
      </span>
    </>
  );
}
