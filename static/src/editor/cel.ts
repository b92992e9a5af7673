/** CEL for the editor: colours, and what could be written next. */
import { type CompletionContext, type CompletionResult, autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { HighlightStyle, type StreamParser, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { closing } from "./brackets";
import { type Asked, type Mounted, mounted } from "./mounted";

const colours = HighlightStyle.define([
  { tag: [tags.string, tags.special(tags.string)], color: "var(--accent)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--edit)" },
  { tag: [tags.keyword, tags.function(tags.variableName)], color: "var(--run)" },
  { tag: tags.comment, color: "var(--faint)" },
  { tag: [tags.operator, tags.punctuation, tags.separator, tags.bracket], color: "var(--muted)" },
]);

const WORDS = new Set(["true", "false", "null", "in"]);
const FUNCTIONS = ["size", "has", "timestamp", "duration", "string", "int", "double", "type"];
const METHODS = ["all", "exists", "exists_one", "map", "filter", "startsWith", "endsWith", "contains", "matches", "size"];
const NAME = /[A-Za-z_]\w*/;

const parser: StreamParser<null> = {
  name: "cel",
  startState: () => null,
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^\/\/.*/)) return "comment";
    if (stream.match(/^[rRbB]{0,2}("(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)/)) return "string";
    if (stream.match(/^(0x[\da-f]+|\d+(\.\d+)?(e[+-]?\d+)?)u?/i)) return "number";
    const name = stream.match(NAME);
    if (name && typeof name !== "boolean") {
      if (WORDS.has(name[0])) return name[0] === "in" ? "keyword" : "atom";
      return stream.peek() === "(" ? "call" : "variableName";
    }
    stream.next();
    return "operator";
  },
  tokenTable: { call: tags.function(tags.variableName) },
};

const cel = StreamLanguage.define(parser);

/** Names that are known, and functions; after a dot, what is known to be below, such as `request.method`. */
function completing(names: readonly string[]) {
  return (context: CompletionContext): CompletionResult | null => {
    const path = context.matchBefore(/[A-Za-z_][\w.]*/);
    if (!path || (path.from === path.to && !context.explicit)) return null;
    const dot = path.text.lastIndexOf(".");
    const before = path.text.slice(0, dot + 1);
    const known = new Set(names.filter((one) => one.startsWith(before)).map((one) => one.slice(before.length).split(".")[0]));
    return {
      from: path.from + before.length,
      options: [
        ...[...known].map((label) => ({ label, type: dot < 0 ? "variable" : "property" })),
        ...(dot < 0 ? FUNCTIONS : METHODS).map((label) => ({ label, type: "function", apply: `${label}(`, boost: -1 })),
      ],
      validFor: /^\w*$/,
    };
  };
}

const PAIRS = new Map([["{", "}"], ["[", "]"], ["(", ")"], ['"', '"'], ["'", "'"]]);

export function mount(asked: Asked): Mounted {
  return mounted(asked, [cel, syntaxHighlighting(colours), closing(PAIRS), autocompletion({ override: [completing(asked.names)] }), keymap.of(completionKeymap)]);
}
