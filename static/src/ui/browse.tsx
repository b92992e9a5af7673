/** A list with what is known of the row that is chosen beside it. The URL says which one that is. */
import type { ComponentChildren } from "preact";
import type { Resource } from "../live/resource";
import { type Binding, NO_ROW, listKeys, ofNoRow, useKeys } from "../shell/keys";
import { leave } from "../shell/listed";
import { choose, chosen } from "../shell/route";
import { type Column, ListCard } from "./list_card";
import { Missing } from "./missing";
import type { Further } from "./more";
import { copy } from "./toast";

export interface BrowsedColumn<T> extends Column<T> {
  /** Of the grid: `96px`, `minmax(120px, 1fr)`. */
  width: string;
  /** Only while nothing is chosen. */
  alone?: boolean;
}

interface Props<T> {
  label: string;
  /** What people call one of the rows. */
  noun: string;
  /** The parameter of the URL that names the row. */
  param: string;
  resource: Resource<unknown>;
  items: readonly T[] | undefined;
  id: (item: T) => string;
  /** What `id` gives, as people call it: `c` copies it. */
  copies?: string;
  columns: readonly BrowsedColumn<T>[];
  empty: ComponentChildren;
  side?: (item: T, close: () => void) => ComponentChildren;
  /** Goes to a page of its own instead. */
  onOpen?: (item: T) => void;
  /** Which of them do, where some only are shown beside the list; all of them otherwise. */
  opens?: (item: T) => boolean;
  more?: Further;
  keys?: readonly Binding[];
  /** Keys that the side of a row has, and what they do: while no row is chosen they say that one has to be. */
  sideKeys?: Readonly<Record<string, string>>;
}

export function Browse<T>({ label, noun, param, resource, items, id, copies = "Id", columns, empty, side, onOpen, opens = () => true, more, keys = [], sideKeys = {} }: Props<T>) {
  const wanted = chosen(param);
  const at = items?.findIndex((one) => id(one) === wanted) ?? -1;
  const selected = items?.[at];
  // What was chosen within the row is not meant for another one.
  const within = { show: null, revision: null, against: null, cause: null, find: null, as: null };
  const close = (): void => choose({ [param]: null, ...within });
  const select = (one: T | undefined): void => {
    if (one !== undefined) choose({ [param]: id(one), ...within });
  };
  const move = (step: number): void => {
    if (items) select(items[Math.max(0, Math.min(items.length - 1, at + step))]);
  };
  const press = (one: T): void => {
    if (!onOpen || !opens(one)) return select(one);
    leave((items ?? []).map(id));
    onOpen(one);
  };
  const none = selected === undefined ? NO_ROW : "";
  useKeys(label, [
    ...listKeys(noun, move),
    ...(onOpen ? [{ keys: "Enter", label: "Open", barred: none || (selected !== undefined && opens(selected) ? "" : "it is shown beside the list"), run: () => selected !== undefined && press(selected) }] : []),
    { keys: "c", label: `Copy the ${copies.toLowerCase()} of what is chosen`, barred: none, run: () => selected !== undefined && copy(id(selected), copies) },
    { keys: "r", label: "Look again", run: resource.reload },
    { keys: "Escape", label: "Close what is chosen", run: close },
    ...(selected === undefined ? ofNoRow(sideKeys) : []),
    ...keys,
  ]);
  const open = side !== undefined && selected !== undefined;
  const missing = wanted !== "" && side !== undefined && at < 0 && items !== undefined && items.length > 0;
  const shown = columns.filter((column) => !open || !column.alone);
  const linked = shown.map((column, index) =>
    index > 0
      ? column
      : {
          ...column,
          show: (one: T) => (
            <button type="button" class="link" onClick={() => press(one)}>
              {column.show(one)}
            </button>
          ),
        },
  );
  return (
    <div class={`split ${open ? "" : "closed"}`}>
      <div class="browse">
        {missing && (
          <Missing label="Choose none" onClose={close}>
            <span class="mono">{wanted}</span> is not in this list{more?.more ? " so far" : ""}.
          </Missing>
        )}
        <ListCard
          label={label}
          noun={noun}
          resource={resource}
          items={items}
          id={id}
          widths={shown.map((column) => column.width).join(" ")}
          columns={linked}
          current={wanted}
          onSelect={press}
          more={more}
          empty={empty}
        />
      </div>
      {open && side(selected, close)}
    </div>
  );
}
