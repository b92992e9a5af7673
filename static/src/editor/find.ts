/** Finding in an editor: Ctrl-F or ⌘-F opens a line for it. Of CodeMirror's own search this is what a form needs, in a
 * fraction of its code. */
import { type Extension, Prec, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, type Panel, keymap, showPanel } from "@codemirror/view";
import { offsetsOf } from "../model/finding";

const opened = StateEffect.define<boolean>();
const wanted = StateEffect.define<string>();
const mark = Decoration.mark({ class: "cm-selectionMatch" });

interface Finding {
  open: boolean;
  words: string;
  at: readonly number[];
  marks: DecorationSet;
}

const none: Finding = { open: false, words: "", at: [], marks: Decoration.none };

function found(text: string, words: string): Finding {
  const at = offsetsOf(text, words);
  return { open: true, words, at, marks: Decoration.set(at.map((from) => mark.range(from, from + words.length))) };
}

const finding = StateField.define<Finding>({
  create: () => none,
  update(before, change) {
    let { open, words } = before;
    for (const effect of change.effects) {
      if (effect.is(opened)) open = effect.value;
      if (effect.is(wanted)) words = effect.value;
    }
    if (!open) return none;
    return open === before.open && words === before.words && !change.docChanged ? before : found(change.newDoc.toString(), words);
  },
  provide: (field) => [EditorView.decorations.from(field, (one) => one.marks), showPanel.from(field, (one) => (one.open ? panel : null))],
});

/** Select the next one after what is selected, or the one before, and round at the ends. */
function go(view: EditorView, step: 1 | -1): boolean {
  const { at, words } = view.state.field(finding);
  if (at.length === 0) return false;
  const { from, to } = view.state.selection.main;
  const next = step > 0 ? (at.find((one) => one >= to) ?? at[0]) : (at.findLast((one) => one < from) ?? at[at.length - 1]);
  view.dispatch({ selection: { anchor: next, head: next + words.length }, scrollIntoView: true });
  return true;
}

function close(view: EditorView): boolean {
  if (!view.state.field(finding).open) return false;
  view.dispatch({ effects: opened.of(false) });
  view.focus();
  return true;
}

function panel(view: EditorView): Panel {
  const dom = document.createElement("div");
  const field = document.createElement("input");
  const told = document.createElement("span");
  field.setAttribute("aria-label", "Find");
  field.placeholder = "Enter goes on, Shift and Enter back, Esc ends it";
  field.style.width = "min(100%, 320px)";
  told.setAttribute("role", "status");
  field.oninput = () => {
    view.dispatch({ effects: wanted.of(field.value) });
    view.dispatch({ selection: { anchor: view.state.selection.main.from } });
    go(view, 1);
  };
  field.onkeydown = (event) => {
    if (event.key === "Enter" && !event.metaKey && !event.ctrlKey) go(view, event.shiftKey ? -1 : 1);
    else if (event.key === "Escape") close(view);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  dom.append(field, " ", told);
  return {
    dom,
    top: true,
    mount: () => field.focus(),
    update: ({ state }) => {
      const { at, words } = state.field(finding);
      const shown = at.indexOf(state.selection.main.from);
      told.textContent = words === "" ? "" : at.length === 0 ? "nothing" : `${shown < 0 ? "–" : shown + 1} of ${at.length}`;
    },
  };
}

/** Escape is the dialog's, unless there is a line to close. */
export const findable: Extension = [
  finding,
  Prec.high(
    keymap.of([
      { key: "Mod-f", run: (view) => (view.dispatch({ effects: opened.of(true) }), true) },
      { key: "Escape", run: close },
    ]),
  ),
];
