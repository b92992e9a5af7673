/** Every key that answers now. */
import { Dialog } from "../ui/dialog";
import { Keys } from "../ui/basics";
import { active } from "./keys";
import { singleKeys } from "./settings";

export function Help({ onClose }: { onClose: () => void }) {
  const layers = [...active()].reverse().filter((layer) => layer.bindings.some((one) => !one.quiet));
  return (
    <Dialog title="Keys" onClose={onClose} class="wide">
      <div class="help">
        {layers.map((layer) => (
          <section key={layer.title}>
            <h3>{layer.title}</h3>
            <dl>
              {layer.bindings
                .filter((one) => !one.quiet)
                .map((one) => (
                  <div key={one.keys}>
                    <dt>
                      <Keys keys={one.keys} />
                    </dt>
                    <dd>{one.label}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={singleKeys.value === "on"}
          onChange={(event) => (singleKeys.value = event.currentTarget.checked ? "on" : "off")}
        />
        Single keys, without Ctrl or ⌘, do what is listed
      </label>
    </Dialog>
  );
}
