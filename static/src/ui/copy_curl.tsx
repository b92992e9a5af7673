/** A form's call, for a terminal. */
import { url } from "../api/client";
import type { Call } from "../model/call";
import { curlOf } from "../model/curl";
import { environment } from "../shell/route";
import { copy, toast } from "./toast";

interface Props {
  of: () => readonly Call[];
  /** Why there is nothing to copy yet is told elsewhere. */
  barred?: boolean;
  /** The environment that it is asked of, instead of the one that is open. */
  within?: string;
}

export function CopyCurl({ of, barred, within = environment.value }: Props) {
  const take = (): void => {
    const lines = of().map((call) => curlOf(call, `${location.origin}${url(call.path, call.query)}`, within));
    if (lines.length > 0) copy(lines.join("\n"), "curl");
    else toast("No single call does this", true);
  };
  return (
    <button type="button" class="quiet small" disabled={barred} onClick={take}>
      Copy as curl
    </button>
  );
}
