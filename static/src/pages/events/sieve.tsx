/** Which events are listed and followed: a pattern of names, and an expression in CEL. Both stand in the address, and the
 * server applies them; what it cannot read of them is said where it was written. */
import { useEffect, useState } from "preact/hooks";
import { type ApiError, get } from "../../api/client";
import { patternsOf } from "../../model/patterns";
import { Problem, said } from "../../ui/acting";
import { Icon } from "../../ui/icon";

export interface Sieve {
  pattern: string;
  filter: string;
}

/** Whether the error is about what was written here. */
export function ofSieve(error: ApiError | null): boolean {
  return error !== null && (error.field === "pattern" || error.field === "filter");
}

interface Props extends Sieve {
  error: ApiError | null;
  onPattern: (text: string) => void;
  onFilter: (text: string) => void;
}

export function SieveBoxes({ pattern, filter, error, onPattern, onFilter }: Props) {
  const [offers, setOffers] = useState<readonly string[]>([]);
  const offer = (): void => {
    if (offers.length > 0) return;
    get<{ names: { name: string }[] }>("/events/names").then(
      (told) => setOffers(patternsOf(told.names.map((one) => one.name))),
      () => setOffers([]),
    );
  };
  const wrong = (field: string): string => (error?.field === field ? said(error) : "");
  return (
    <div class="sieve">
      <Box label="Pattern" text={pattern} placeholder="order.>" title="Names that fit: * is one part between dots, a last > is all that follows. entity:order.> are events of entities." list="event-patterns" wrong={wrong("pattern")} onFocus={offer} onText={onPattern} />
      <Box label="Where" text={filter} placeholder="data.total > 100" title="Events for which this is true, in CEL over data, event, name, topic, timestamp and metadata" wrong={wrong("filter")} onText={onFilter} />
      <datalist id="event-patterns">
        {offers.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
    </div>
  );
}

interface BoxProps {
  label: string;
  text: string;
  placeholder: string;
  title: string;
  wrong: string;
  list?: string;
  onFocus?: () => void;
  onText: (text: string) => void;
}

function Box({ label, text, placeholder, title, wrong, list, onFocus, onText }: BoxProps) {
  const [draft, setDraft] = useState(text);
  useEffect(() => setDraft(text), [text]);
  return (
    <form
      class="sieve-box"
      onSubmit={(event) => {
        event.preventDefault();
        event.currentTarget.querySelector("input")?.blur();
        onText(draft.trim());
      }}
    >
      <label class={`filter-bar ${wrong ? "wrong" : ""}`} title={title}>
        <span class="muted">{label}</span>
        <input
          value={draft}
          list={list}
          placeholder={placeholder}
          aria-invalid={wrong !== ""}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onFocus={onFocus}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setDraft(text);
            event.currentTarget.blur();
          }}
        />
        {text !== "" && (
          <button type="button" class="quiet icon-only" aria-label={`Clear ${label.toLowerCase()}`} onClick={() => onText("")}>
            <Icon name="cross" />
          </button>
        )}
      </label>
      <Problem text={wrong} />
    </form>
  );
}
