/** Which columns the list of runs shows in this browser. */
import { RUN_ALWAYS, RUN_COLUMNS, RUN_COLUMN_NAMES, RUN_FIRST, runColumnToggled, runColumnsShown } from "../../model/run_columns";
import { remembered } from "../../shell/settings";
import { Dialog } from "../../ui/dialog";

export const runColumns = remembered<readonly string[]>("run-columns", RUN_FIRST);

export function ColumnsDialog({ onClose }: { onClose: () => void }) {
  const shown = runColumnsShown(runColumns.value);
  return (
    <Dialog title="Columns" onClose={onClose}>
      <fieldset class="columns-shown">
        <legend>Shown in this browser</legend>
        {RUN_COLUMNS.filter((one) => !RUN_ALWAYS.includes(one)).map((one) => (
          <label key={one} class="check">
            <input type="checkbox" checked={shown.includes(one)} onChange={() => (runColumns.value = runColumnToggled(runColumns.value, one))} /> {RUN_COLUMN_NAMES[one]}
          </label>
        ))}
      </fieldset>
      <p class="muted small">Where not all of them fit, what matters least is left out: what started a run first.</p>
      <div class="buttons end">
        <button type="button" disabled={shown.length === RUN_FIRST.length && RUN_FIRST.every((one) => shown.includes(one))} onClick={() => (runColumns.value = RUN_FIRST)}>
          As at first
        </button>
        <button type="button" class="primary" onClick={onClose}>
          Done
        </button>
      </div>
    </Dialog>
  );
}
