/** JSON for the editor: colours, and a mark where it is none, by the reader that everything else here reads it with. What
 * is wrong there, the form says. */
import { type StreamParser, StreamLanguage } from "@codemirror/language";
import { type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { NotJson, parse } from "../model/json";
import { closing } from "./brackets";
import { type Asked, type Mounted, mounted } from "./mounted";

const STRING = /^"(?:[^"\\]|\\.)*"?/;

const parser: StreamParser<{ depth: number }> = {
  name: "json",
  startState: () => ({ depth: 0 }),
  token(stream, state) {
    if (stream.eatSpace()) return null;
    if (stream.match(STRING)) return stream.match(/^\s*:/, false) ? "propertyName" : "string";
    if (stream.match(/^-?\d+(\.\d+)?([eE][+-]?\d+)?/)) return "number";
    if (stream.match(/^(true|false|null)\b/)) return "atom";
    const found = stream.next() ?? "";
    if (!"{}[]".includes(found)) return "punctuation";
    state.depth = Math.max(0, state.depth + ("{[".includes(found) ? 1 : -1));
    return "bracket";
  },
  indent: ({ depth }, textAfter, { unit }) => Math.max(0, depth - (/^\s*[}\]]/.test(textAfter) ? 1 : 0)) * unit,
  languageData: { indentOnInput: /^\s*[}\]]$/ },
};

const json = StreamLanguage.define(parser);

const MARKED_AFTER_MS = 400;
const found = StateEffect.define<NotJson | null>();

const marks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(before, { changes, effects, newDoc }) {
    for (const one of effects) if (one.is(found)) return one.value ? marked(one.value, newDoc.length) : Decoration.none;
    return before.map(changes);
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** The character at which it is no JSON; the last one where it only ends too soon. */
function marked({ at, message }: NotJson, length: number): DecorationSet {
  if (length === 0) return Decoration.none;
  const from = Math.min(at, length - 1);
  return Decoration.set(Decoration.mark({ class: "cm-wrong", attributes: { title: message } }).range(from, from + 1));
}

function wrongIn(text: string): NotJson | null {
  if (text.trim() === "") return null;
  try {
    parse(text);
    return null;
  } catch (error) {
    if (error instanceof NotJson) return error;
    throw error;
  }
}

/** Looks a moment after the last change: what is being typed is not wrong yet. */
const looking = ViewPlugin.fromClass(
  class {
    #timer = 0;

    constructor(private readonly view: EditorView) {
      this.#later();
    }

    update(update: ViewUpdate): void {
      if (update.docChanged) this.#later();
    }

    destroy(): void {
      clearTimeout(this.#timer);
    }

    #later(): void {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.view.dispatch({ effects: found.of(wrongIn(this.view.state.doc.toString())) }), MARKED_AFTER_MS);
    }
  },
);

const LANGUAGE: Extension = [json, closing(new Map([["{", "}"], ["[", "]"], ['"', '"']])), marks, looking];

export function mount(asked: Asked): Mounted {
  return mounted(asked, LANGUAGE);
}
