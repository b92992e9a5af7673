/** Ctrl-K: pages, what can be done here, and whatever an id or a word finds. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, segment } from "../api/client";
import type { StreamInfo } from "../api/data";
import { may } from "../api/session";
import type { Found } from "../api/types";
import { score } from "../model/fuzzy";
import { Keys, short } from "../ui/basics";
import { Icon, type IconName } from "../ui/icon";
import { active, take as press, useKeys } from "./keys";
import { NAV } from "./places";
import { eventLink, link, navigate } from "./route";
import { recent } from "./settings";

interface Choice {
  id: string;
  label: string;
  note: string;
  icon: IconName;
  keys?: string;
  run: () => void;
}

const CHOICES_MAX = 12;
const FOUND_EACH = 6;
const ENTITIES = 3;
const SEARCH_AFTER_MS = 150;

export function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [cursor, setCursor] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const found = useFound(text);
  const own = useMemo(commands, []);
  useKeys("Search", [], { modal: true });
  useLayoutEffect(() => dialog.current?.showModal(), []); // before the next key comes
  const ranked = own
    .map((choice) => ({ choice, points: score(text, `${choice.label} ${choice.note}`) }))
    .filter((one) => one.points >= 0)
    .sort((a, b) => b.points - a.points)
    .map((one) => one.choice);
  const choices = [...found, ...ranked].slice(0, CHOICES_MAX);
  const at = Math.min(cursor, choices.length - 1);
  const take = (choice: Choice | undefined): void => {
    if (!choice) return;
    onClose();
    choice.run();
  };
  return (
    <dialog
      ref={dialog}
      class="dialog palette"
      aria-label="Search or jump"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div class="palette-input">
        <Icon name="search" class="faint" />
        <input
          autofocus
          role="combobox"
          aria-label="Search or jump"
          aria-expanded="true"
          aria-controls="palette-choices"
          aria-activedescendant={choices.length > 0 ? `choice-${at}` : undefined}
          placeholder="A page, an action, or the id of a run, an event or an entity"
          value={text}
          spellcheck={false}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCursor(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") setCursor(Math.min(at + 1, choices.length - 1));
            else if (event.key === "ArrowUp") setCursor(Math.max(at - 1, 0));
            else if (event.key === "Enter") take(choices[at]);
            else return;
            event.preventDefault();
          }}
        />
      </div>
      <ul id="palette-choices" role="listbox" aria-label="Choices">
        {choices.map((choice, index) => (
          <li key={choice.id} id={`choice-${index}`} role="option" aria-selected={index === at} onMouseMove={() => setCursor(index)} onClick={() => take(choice)}>
            <Icon name={choice.icon} />
            <span class="palette-label">{choice.label}</span>
            <span class="muted small">{choice.note}</span>
            {choice.keys && <Keys keys={choice.keys} />}
          </li>
        ))}
      </ul>
      {choices.length === 0 && <p class="muted pad">Nothing is called like that.</p>}
    </dialog>
  );
}

function commands(): Choice[] {
  const pages = NAV.map(
    (item): Choice => ({ id: item.path, label: item.title, note: "page", icon: item.icon, keys: `g ${item.key}`, run: () => navigate(link(item.path)) }),
  );
  const actions = active().flatMap((layer) =>
    layer.bindings
      .filter((one) => !one.quiet && !one.keys.startsWith("g ") && one.keys !== "Mod+k")
      .map((one): Choice => ({ id: `${layer.title} ${one.keys}`, label: one.label, note: one.barred || layer.title, icon: "bolt", keys: one.keys, run: () => press(one) })),
  );
  const before = recent.value.map(
    (id): Choice => ({ id: `recent ${id}`, label: short(id), note: `recent ${id}`, icon: "runs", run: () => navigate(link(`/runs/${id}`)) }),
  );
  return [...pages, ...before.slice(0, 4), ...actions];
}

/** What an id or a word finds, a moment after the typing stops. */
function useFound(text: string): Choice[] {
  const [found, setFound] = useState<Choice[]>([]);
  useEffect(() => {
    const words = text.trim();
    if (words.length < 3) {
      setFound([]);
      return;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      void Promise.all([searched(words, abort.signal), entities(words, abort.signal)]).then((told) => setFound(told.flat()));
    }, SEARCH_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  return found;
}

/** Events, runs, functions and failures; nothing where one may not look, or the server is away. */
function searched(words: string, signal: AbortSignal): Promise<Choice[]> {
  return get<{ items: Found[] }>("/search", { q: words, limit: FOUND_EACH }, signal).then(
    (told) => told.items.flatMap((one) => choiceOf(one)),
    () => [],
  );
}

function entities(words: string, signal: AbortSignal): Promise<Choice[]> {
  if (!may("streams:read")) return Promise.resolve([]);
  return get<{ streams: StreamInfo[] }>("/streams", { search: words, limit: ENTITIES }, signal).then(
    (told) =>
      told.streams.map(
        ({ entityType, entityId, version }): Choice => ({
          id: `entity ${entityType}/${entityId}`,
          label: `${entityType}/${entityId}`,
          note: `entity · version ${version}`,
          icon: "streams",
          run: () => navigate(link(`/streams/${segment(entityType)}/${segment(entityId)}`)),
        }),
      ),
    () => [],
  );
}

/** Where what was found is shown; nothing for what has no page yet. */
function choiceOf({ kind, id, title, status }: Found): Choice[] {
  const places: Record<string, [IconName, string]> = {
    run: ["runs", link(`/runs/${id}`)],
    event: ["events", eventLink(id)],
    function: ["functions", link("/functions", { function: id })],
    failure: ["warning", link("/failures", { failure: id })],
  };
  const place = places[kind];
  if (!place) return [];
  const [icon, to] = place;
  // Of runs and events there are many with the same title.
  const note = [kind, status?.replace(/_/g, " "), (kind === "run" || kind === "event") && short(id)].filter(Boolean).join(" · ");
  return [{ id: `${kind} ${id}`, label: title, note, icon, run: () => navigate(to) }];
}
