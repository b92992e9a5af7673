/** Choosing the environment: it is part of the URL, so that a link shows the same to whoever gets it. */
import { useState } from "preact/hooks";
import { Dialog } from "../ui/dialog";
import { environment, navigate, place } from "./route";

export function EnvironmentMenu({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState(environment.value);
  return (
    <Dialog title="Environment" onClose={onClose} class="narrow">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const wanted = name.trim() || "default";
          const base = `/${place.value.path.split("/")[1] ?? ""}`;
          onClose();
          navigate(wanted === "default" ? base : `${base}?env=${encodeURIComponent(wanted)}`);
        }}
      >
        <label class="field">
          Show what happens in
          <input value={name} onInput={(event) => setName(event.currentTarget.value)} spellcheck={false} autocomplete="off" />
        </label>
        <p class="muted small">Events, runs and values of one environment are never seen in another.</p>
        <div class="buttons end">
          <button type="submit" class="primary">
            Show
          </button>
        </div>
      </form>
    </Dialog>
  );
}
