/** A line in which one types what is looked for, says how often it is there, and goes from one to the next. */
import { useEffect, useRef } from "preact/hooks";
import { HITS_MAX } from "../model/finding";
import { Icon } from "./icon";

interface Props {
  label: string;
  words: string;
  onWords: (words: string) => void;
  found: number;
  /** Which of them is shown. */
  at: number;
  onAt: (at: number) => void;
  onClose: () => void;
}

export function Finder({ label, words, onWords, found, at, onAt, onClose }: Props) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const go = (step: number): void => {
    if (found > 0) onAt((at + step + found) % found);
  };
  return (
    <div class="finder" role="search" aria-label={label}>
      <input
        ref={field}
        aria-label={label}
        value={words}
        spellcheck={false}
        autocomplete="off"
        placeholder="a name or a value"
        onInput={(event) => onWords(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape") onClose();
          else return;
          event.preventDefault(); // neither the form nor the page around it
          event.stopPropagation();
        }}
      />
      <span class="faint small tabular" role="status">
        {words !== "" && (found === 0 ? "nothing" : `${at + 1} of ${found}${found === HITS_MAX ? "+" : ""}`)}
      </span>
      <button type="button" class="quiet icon-only small" aria-label="Previous match" title="Previous match (Shift and Enter)" disabled={found === 0} onClick={() => go(-1)}>
        <Icon name="up" size={12} />
      </button>
      <button type="button" class="quiet icon-only small" aria-label="Next match" title="Next match (Enter)" disabled={found === 0} onClick={() => go(1)}>
        <Icon name="down" size={12} />
      </button>
      <button type="button" class="quiet icon-only small" aria-label="Stop looking" title="Stop looking (Esc)" onClick={onClose}>
        <Icon name="cross" size={12} />
      </button>
    </div>
  );
}
