/** The time that is left until an instant, second by second. */
import { duration, iso, ms } from "../model/time";
import { now } from "../shell/settings";

export function Left({ until, over = "any moment" }: { until: string | undefined; over?: string }) {
  const instant = ms(until);
  if (Number.isNaN(instant)) return <span class="muted">–</span>;
  const left = instant - now.value;
  return (
    <time class="tabular" dateTime={iso(instant)} title={iso(instant)}>
      {left <= 0 ? over : left < 60_000 ? `${Math.ceil(left / 1_000)} s` : duration(left)}
    </time>
  );
}
