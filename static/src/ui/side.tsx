/** What is known of the row that is chosen: beside the list, or over it on a narrow screen. */
import type { ComponentChildren } from "preact";
import { link } from "../shell/route";
import { Edge } from "./edge";
import { Icon } from "./icon";

export function Side({ title, under, onClose, children }: { title: string; under?: ComponentChildren; onClose: () => void; children: ComponentChildren }) {
  return (
    <aside class="card inspector asked" aria-label={title}>
      <Edge />
      <header class="inspector-head">
        <div>
          <h2 class="cut" title={title}>
            {title}
          </h2>
          {under}
        </div>
        <button type="button" class="quiet icon-only" aria-label="Close" onClick={onClose}>
          <Icon name="cross" />
        </button>
      </header>
      <div class="panel">{children}</div>
    </aside>
  );
}

export type Fact = readonly [name: string, value: ComponentChildren] | false | undefined | null | "";

/** Names and what stands for them; false ones are left out. */
/** `wide`: names are long words, values short. */
export function Facts({ of, wide }: { of: readonly Fact[]; wide?: boolean }) {
  const known = of.filter((fact) => Boolean(fact)) as [string, ComponentChildren][];
  return (
    <dl class={`facts ${wide ? "of-words" : ""}`}>
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A place in history, and the way to what stands there. */
export function EntryLink({ position }: { position: number }) {
  return (
    <a class="entry-link mono" href={link("/audit", { tab: "history", entry: position })}>
      {position}
    </a>
  );
}
