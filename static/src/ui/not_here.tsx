/** What a page says of what is not there: that it was deleted, in which other environment it is, or that it never was. */
import { get } from "../api/client";
import { useResource } from "../live/resource";
import { environment, link, path } from "../shell/route";
import { Time } from "./basics";
import { Empty } from "./states";

type Kind = "run" | "function" | "projection" | "bucket" | "entity";

interface Whereabouts {
  here: boolean;
  deleted_at?: string;
  environments: string[];
}

interface Props {
  kind: Kind;
  /** What the server knows it by; an entity by its type and id. */
  id: string;
  /** The list of what there is. */
  list: string;
  children: string;
}

export function NotHere({ kind, id, list, children }: Props) {
  return (
    <Empty icon="search" title={`There is no such ${kind} here`}>
      <p class="muted">
        <span class="mono">{id}</span> is not in {environment.value}. <Elsewhere kind={kind} id={id} />
      </p>
      <p>
        <a href={link(list)}>{children}</a>
      </p>
    </Empty>
  );
}

/** Where it is instead, as far as one may see; nothing while nobody knows. */
export function Elsewhere({ kind, id, query = {} }: { kind: Kind; id: string; query?: Record<string, string> }) {
  const { data } = useResource(`where ${kind} ${id}`, (signal) => get<Whereabouts>("/whereabouts", { kind, id }, signal));
  if (!data || data.here) return null;
  const { deleted_at: gone, environments } = data;
  return (
    <>
      {gone && (
        <>
          It was deleted <Time at={gone} />.{" "}
        </>
      )}
      {environments.map((one) => (
        <a key={one} class="button small" href={link(path.value, { ...query, env: one })}>
          Show the one in {one}
        </a>
      ))}
      {!gone && environments.length === 0 && "It never was in any environment that you may see: what is recorded is never dropped."}
    </>
  );
}
