/** Who did something, by name; the id is at hand: it shows on hover and on focus, and a click copies it. */
import { nameOf, nobody } from "../live/names";
import { called, isActor } from "../model/naming";
import { CopyId, short } from "./basics";

export function Actor({ id, none = nobody() }: { id: string | undefined; none?: string }) {
  if (!id) return <span class="muted">{none}</span>;
  if (!isActor(id)) return <>{id}</>;
  return (
    <CopyId id={id} class="actor" spoken="Copy the id of ">
      <span class="by-name">
        <Name id={id} />
      </span>
      <span class="by-id mono" aria-hidden="true">
        {id}
      </span>
    </CopyId>
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
