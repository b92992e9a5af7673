/** A value as JSON, as text, or byte for byte. */
import { type Mode, dump, modesOf, read, written } from "../../model/bytes";
import { choose, chosen } from "../../shell/route";
import { save } from "../../ui/download";
import { JsonView } from "../../ui/json_view";

const TEXT_SHOWN = 65_536;
export const NAMES: Record<Mode, string> = { json: "JSON", text: "Text", hex: "Hex" };

export function ValueView({ bytes, label }: { bytes: Uint8Array<ArrayBuffer>; label: string }) {
  const modes = modesOf(bytes);
  const mode = modes.find((one) => one === chosen("as")) ?? modes[0];
  const text = mode === "hex" ? dump(bytes) : (written(bytes, mode) ?? "");
  return (
    <>
      <p class="buttons pad-x">
        <Modes of={modes} mode={mode} onMode={(one) => choose({ as: one === modes[0] ? null : one })} />
        <button type="button" class="small" onClick={() => save(new Blob([bytes]), label.replace(/[^\w.-]+/g, "-"))}>
          Download
        </button>
      </p>
      {mode === "json" ? (
        <JsonView value={read(bytes).value} label={label} />
      ) : (
        <pre class={`stack of-value ${mode === "hex" ? "unbroken" : ""}`} tabIndex={0} role="region" aria-label={label}>
          {text.slice(0, TEXT_SHOWN)}
          {text.length > TEXT_SHOWN && "\n… download it to see the rest"}
        </pre>
      )}
    </>
  );
}

export function Modes({ of, mode, onMode }: { of: readonly Mode[]; mode: Mode; onMode: (mode: Mode) => void }) {
  return (
    <span class="buttons choice" role="group" aria-label="Shown as">
      {of.map((one) => (
        <button key={one} type="button" class="small" aria-pressed={one === mode} onClick={() => onMode(one)}>
          {NAMES[one]}
        </button>
      ))}
    </span>
  );
}
