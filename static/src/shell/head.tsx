/** The heading of a page, and what the page says of itself for the crumbs and the window's title. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";

export const crumb = signal("");

/** Its actions stand to the right. */
export function PageHead({ title, children, actions }: { title: ComponentChildren; children?: ComponentChildren; actions?: ComponentChildren }) {
  return (
    <div class="page-head">
      <h1>{title}</h1>
      {children}
      <span class="grow" />
      {actions}
    </div>
  );
}
