/** JSON for the editor: colours, line by line and without a parser; and a mark where it is none, by the reader that everything
 * else here reads it with. What is wrong there, the form says. */
import { indentService } from "@codemirror/language";
import { EditorState, type Extension, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, MatchDecorator, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { depthOf } from "../model/brackets";
import { NotJson, parse } from "../model/json";
import { closing } from "./brackets";
import { type Asked, type Mounted, mounted } from "./mounted";

/** Names, other strings, other values, and what stands between. A string is on one line. */
const TOKENS = /("(?:[^"\\]|\\.)*")(?=\s*:)|("(?:[^"\\]|\\.)*"?)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b)|[{}[\],:]/g;
const [STRING, VALUE, MARK] = ["string", "value", "mark"].map((name) => Decoration.mark({ class: `cm-${name}` }));

const matcher = new MatchDecorator({ regexp: TOKENS, decoration: ([, name, string, value]) => (name ? null : string ? STRING : value ? VALUE : MARK) });
const colouring = ViewPlugin.define(
  (view) => ({
    decorations: matcher.createDeco(view),
    update(update: ViewUpdate) {
      this.decorations = matcher.updateDeco(update, this.decorations);
    },
  }),
  { decorations: (one) => one.decorations },
);

const colours = EditorView.theme({ ".cm-string": { color: "var(--accent)" }, ".cm-value": { color: "var(--edit)" }, ".cm-mark": { color: "var(--muted)" } });

/** A line is as far in as what it is within; a bracket that closes stands where its line began. */
const indenting = [
  indentService.of((context, at) => Math.max(0, depthOf(context.state.sliceDoc(0, at)) - (/^\s*[}\]]/.test(context.textAfterPos(at)) ? 1 : 0)) * context.unit),
  EditorState.languageData.of(() => [{ indentOnInput: /^\s*[}\]]$/ }]),
];

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

const LANGUAGE: Extension = [colouring, colours, indenting, closing(new Map([["{", "}"], ["[", "]"], ['"', '"']])), marks, looking];

export function mount(asked: Asked): Mounted {
  return mounted(asked, LANGUAGE);
}
