/** The bar above a list: what is filtered is text that can be typed, chips that can be taken away, and the URL. */
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type Offer, type Parsed, type Token, withoutToken } from "../model/filter";
import { Icon } from "./icon";

interface Props {
  text: string;
  parsed: Parsed;
  offers: readonly Offer[];
  placeholder: string;
  onText: (text: string) => void;
  field: RefObject<HTMLInputElement | null>;
}

export function TokenFilter({ text, parsed, offers, placeholder, onText, field: input }: Props) {
  const [draft, setDraft] = useState(text);
  const [offering, setOffering] = useState(false);
  useEffect(() => setDraft(text), [text]);
  const chips: Token[] = parsed.tokens;
  return (
    <div class="filter">
      <form
        class="filter-bar"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          input.current?.blur(); // so that keys move in the list now
          onText(draft.trim());
        }}
      >
        <Icon name="search" class="faint" />
        <input
          ref={input}
          type="search"
          value={draft}
          placeholder={placeholder}
          aria-label="Filter"
          aria-describedby={parsed.problems.length > 0 ? "filter-problem" : undefined}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => setDraft(event.currentTarget.value)}
          onFocus={() => setOffering(true)}
          onBlur={() => setOffering(false)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setDraft(text);
            event.currentTarget.blur();
          }}
        />
        {text !== "" && (
          <button type="button" class="quiet icon-only" aria-label="Clear the filter" onClick={() => onText("")}>
            <Icon name="cross" />
          </button>
        )}
      </form>
      {offering && (
        <div class="filter-offers" aria-hidden="true">
          {offers.map(({ key, hint }) => (
            <div
              key={key}
              class="filter-offer"
              onMouseDown={(event) => {
                event.preventDefault();
                setDraft(`${draft.trim()} ${key}:`.trimStart());
                input.current?.focus();
              }}
            >
              <code>{key}:</code> <span class="muted">{hint}</span>
            </div>
          ))}
        </div>
      )}
      {(chips.length > 0 || parsed.problems.length > 0) && (
        <div class="chips">
          {chips.map((token) => (
            <button key={token.text} type="button" class="chip" aria-label={`Remove ${token.text}`} onClick={() => onText(withoutToken(text, token))}>
              {token.text}
              <Icon name="cross" size={12} />
            </button>
          ))}
          {parsed.problems.map((problem) => (
            <span key={problem} id="filter-problem" class="problem" role="alert">
              <Icon name="warning" class="fail" /> {problem}
            </span>
          ))}
        </div>
      )}
    </div>
  );
}
