/** Brackets and quotes that close themselves in the editor. Its own package for that comes with completion, which only CEL
 * has. */
import { type Extension, Prec } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { type Pairs, emptyPair, typed } from "../model/brackets";

export function closing(pairs: Pairs): Extension {
  const input = EditorView.inputHandler.of((view, from, to, text) => {
    const { state } = view;
    if (view.composing || state.readOnly || text.length !== 1 || state.selection.ranges.length > 1) return false;
    const done = typed(state.doc.toString(), from, to, text, pairs);
    if (!done) return false;
    view.dispatch({ changes: done.changes, selection: { anchor: done.anchor, head: done.head }, userEvent: "input.type", scrollIntoView: true });
    return true;
  });
  const erase = keymap.of([
    {
      key: "Backspace",
      run: (view) => {
        const { main, ranges } = view.state.selection;
        const pair = main.empty && ranges.length === 1 ? emptyPair(view.state.doc.toString(), main.head, pairs) : null;
        if (pair) view.dispatch({ changes: pair, userEvent: "delete.backward" });
        return pair !== null;
      },
    },
  ]);
  return [input, Prec.high(erase)];
}
