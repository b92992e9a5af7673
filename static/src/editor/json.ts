/** JSON for the editor: colours, and the place where it is none, by the reader that everything else here reads it with. */
import { type StreamParser, StreamLanguage } from "@codemirror/language";
import { type Diagnostic, linter } from "@codemirror/lint";
import { NotJson, parse } from "../model/json";

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
  languageData: { closeBrackets: { brackets: ["{", "[", '"'] }, indentOnInput: /^\s*[}\]]$/ },
};

export const json = StreamLanguage.define(parser);

export const jsonLinter = linter(
  (view): Diagnostic[] => {
    const text = view.state.doc.toString();
    if (text.trim() === "") return [];
    try {
      parse(text);
      return [];
    } catch (error) {
      if (!(error instanceof NotJson)) throw error;
      const from = Math.min(error.at, text.length);
      return [{ from, to: Math.min(from + 1, text.length), severity: "error", message: error.message }];
    }
  },
  { delay: 400 },
);
