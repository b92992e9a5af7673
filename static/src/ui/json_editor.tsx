/** A field for JSON. */
import { CodeEditor, type Props } from "./code_editor";

const load = () => import("../editor/json");

export function JsonEditor(props: Omit<Props, "note">) {
  return <CodeEditor load={load} note="JSON" {...props} />;
}
