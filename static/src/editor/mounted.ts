/** CodeMirror in a shadow root: there it adopts its styles, which the page's policy lets no script write. Each language is a
 * script of its own, with what only it needs. */
import { copyLineDown, copyLineUp, deleteLine, history, historyKeymap, indentLess, indentMore, indentSelection, moveLineDown, moveLineUp, selectLine, standardKeymap } from "@codemirror/commands";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { Compartment, EditorState, type Extension, type Transaction } from "@codemirror/state";
import { EditorView, type KeyBinding, keymap, placeholder } from "@codemirror/view";
import { findable } from "./find";

export interface Asked {
  host: HTMLElement;
  label: string;
  value: string;
  hint: string;
  /** What expressions may name. */
  names: readonly string[];
  onValue: (value: string) => void;
}

export interface Mounted {
  mark: (invalid: boolean) => void;
  focus: () => void;
  end: () => void;
}

const look = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "19px" },
  ".cm-content": { padding: "8px 0", caretColor: "var(--text)" },
  ".cm-line": { padding: "0 10px" },
  ".cm-placeholder": { color: "var(--faint)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selection)", outline: "1px solid var(--border-strong)" },
  ".cm-selectionMatch": { backgroundColor: "var(--selection)" },
  ".cm-tooltip, .cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--border)", font: "13px var(--sans)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--selection)", color: "var(--text)" },
  ".cm-panel input, .cm-panel button": { color: "inherit", background: "var(--surface)", border: "1px solid var(--border-strong)", borderRadius: "4px", font: "inherit" },
  ".cm-wrong": { textDecoration: "underline wavy var(--fail)", backgroundColor: "var(--fail-tint)" },
});

/** Of CodeMirror's keys those that do something here: neither language has comments to toggle or a tree to walk in, there is one
 * cursor, and Enter with Ctrl or ⌘ is for the form around it. */
const KEYS: readonly KeyBinding[] = [
  { key: "Alt-ArrowUp", run: moveLineUp },
  { key: "Shift-Alt-ArrowUp", run: copyLineUp },
  { key: "Alt-ArrowDown", run: moveLineDown },
  { key: "Shift-Alt-ArrowDown", run: copyLineDown },
  { key: "Alt-l", mac: "Ctrl-l", run: selectLine },
  { key: "Mod-[", run: indentLess },
  { key: "Mod-]", run: indentMore },
  { key: "Mod-Alt-\\", run: indentSelection },
  { key: "Shift-Mod-k", run: deleteLine },
  ...standardKeymap,
  ...historyKeymap,
];

/** What is typed over a selection. A browser would keep the look of what it replaces in a style of its own making, which the
 * page's policy refuses and reports. */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection;
    if (event.inputType !== "insertText" || !event.data || main.empty || view.composing) return false;
    const text = event.data;
    const insert = (): Transaction => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type", scrollIntoView: true });
    if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, main.from, main.to, text, insert))) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

export function mounted({ host, label, value, hint, onValue }: Asked, language: Extension): Mounted {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const parent = document.createElement("div");
  root.replaceChildren(parent);
  const attributes = new Compartment();
  const told = (invalid: boolean): Extension => EditorView.contentAttributes.of({ "aria-label": label, "aria-invalid": String(invalid), spellcheck: "false" });
  const view = new EditorView({
    root,
    parent,
    state: EditorState.create({
      doc: value,
      extensions: [
        history(),
        bracketMatching(),
        indentOnInput(),
        findable,
        look,
        EditorView.lineWrapping,
        typedOver,
        EditorState.tabSize.of(2),
        hint ? placeholder(hint) : [],
        language,
        keymap.of(KEYS),
        attributes.of(told(false)),
        EditorView.updateListener.of((update) => update.docChanged && onValue(update.state.doc.toString())),
      ],
    }),
  });
  return {
    mark: (invalid) => view.dispatch({ effects: attributes.reconfigure(told(invalid)) }),
    focus: () => view.focus(),
    end: () => view.destroy(),
  };
}
