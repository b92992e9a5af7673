/** The one store of what callers are called, for all of the page. */
import { effect, signal } from "@preact/signals";
import { get } from "../api/client";
import { me, session } from "../api/session";
import { called, type Named, namer } from "../model/naming";

const GATHERED_MS = 30;

/** Of those who were asked about. */
export const names = signal<ReadonlyMap<string, Named | null>>(new Map());

const asking = namer({
  ask: async (ids) => (await get<{ actors: Named[] }>("/actors", { ids: ids.join(",") })).actors,
  soon: (then) => setTimeout(then, GATHERED_MS),
  told: (known) => {
    names.value = known;
  },
});

/** What one may know of callers is another's to say once somebody else is signed in. */
let whose = "";
effect(() => {
  const now = `${session.value} ${me.value?.org_id ?? ""} ${me.value?.user?.id ?? ""}`;
  if (now !== whose) asking.forget();
  whose = now;
});

/** What is known of a caller; undefined while nobody has said, null where nobody will. Who shows it is shown anew then. */
export function nameOf(id: string): Named | null | undefined {
  asking.want(id);
  return names.value.get(id);
}

/** A caller's name in a line of text. */
export function who(id: string): string {
  return called(id, nameOf(id));
}

/** What stands where no caller is recorded: where everybody is asked who they are, the server itself did it. */
export function nobody(): string {
  return me.value?.auth_required ? "system" : "nobody known";
}
