/** Who did something, by name; the id is at hand: it shows on hover and on focus, and a click copies it. */
import { nameOf, nobody } from "../live/names";
import { called, isActor } from "../model/naming";
import { short } from "./basics";
import { Icon } from "./icon";
import { copy } from "./toast";

export function Actor({ id, none = nobody() }: { id: string | undefined; none?: string }) {
  if (!id) return <span class="muted">{none}</span>;
  if (!isActor(id)) return <>{id}</>;
  return (
    <button
      type="button"
      class="actor"
      title={`Copy ${id}`}
      onClick={(event) => {
        event.stopPropagation();
        event.preventDefault();
        copy(id, "Id");
      }}
    >
      <span class="visually-hidden">Copy the id of </span>
      <span class="by-name">
        <Name id={id} />
      </span>
      <span class="by-id mono" aria-hidden="true">
        {id}
      </span>
      <Icon name="copy" size={12} />
    </button>
  );
}

/** The name alone, where something around it is pressed. */
export function ActorName({ id }: { id: string }) {
  return isActor(id) ? (
    <span title={id}>
      <Name id={id} />
    </span>
  ) : (
    <>{id}</>
  );
}

function Name({ id }: { id: string }) {
  const named = nameOf(id);
  return named ? <>{called(id, named)}</> : <span class="mono">{short(id)}</span>;
}
