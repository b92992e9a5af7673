/** Whether there are entities in other environments, of those that whoever looks may see. */
import { ApiError, exactly, get } from "../../api/client";
import { useResource } from "../../live/resource";
import { Num, at } from "../../model/json";
import { environment, link } from "../../shell/route";

/** So many others are looked into. */
const ENVIRONMENTS_MAX = 10;

interface Found {
  name: string;
  streams: number;
}

export function Elsewhere() {
  const here = environment.value;
  const found = useResource(`streams but in ${here}`, (signal) => others(here, signal));
  if (!found.data) return null;
  const some = found.data.filter((one) => one.streams > 0);
  if (some.length === 0) return found.data.length > 0 ? <p class="muted small">There are none in {found.data.map((one) => one.name).join(", ")} either.</p> : null;
  return (
    <p class="buttons" role="status">
      <span class="muted">There are some in</span>
      {some.map((one) => (
        <a key={one.name} class="button small" href={link("/streams", { env: one.name })}>
          {one.name}: {one.streams.toLocaleString("en")}
        </a>
      ))}
    </p>
  );
}

/** Those that may not be seen are not told of. */
async function others(here: string, signal: AbortSignal): Promise<Found[]> {
  const made = await get<{ name: string }[]>("/environments", {}, signal).catch(unseen([]));
  const names = [...new Set(["default", ...made.map((one) => one.name)])].filter((name) => name !== here).slice(0, ENVIRONMENTS_MAX);
  const asked = names.map(async (name) => {
    const total = at(await exactly("GET", "/streams", { query: { limit: 1 }, environment: name, signal }), "total");
    return [{ name, streams: total instanceof Num ? Number(total.text) : 0 }];
  });
  return (await Promise.all(asked.map((one) => one.catch(unseen<Found[]>([]))))).flat();
}

/** In place of what is refused, or is not there. */
function unseen<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof ApiError && [403, 404].includes(error.status)) return instead;
    throw error;
  };
}
