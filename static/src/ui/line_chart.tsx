/** One line over time, with what it is where the pointer is; the same as a table for who cannot see it. */
import { useState } from "preact/hooks";
import { type Point, areaOf, lineOf, nearest, peak } from "../model/line";
import { shown } from "../model/time";
import { clock } from "../shell/settings";
import { AsTable } from "./as_table";
import { Time } from "./basics";

const [WIDTH, HEIGHT] = [600, 72];
/** So many of the newest points stand in the table. */
const ROWS = 40;

export function LineChart({ points, label, told }: { points: readonly Point[]; label: string; told: (value: number) => string }) {
  const [hover, setHover] = useState(-1);
  const most = peak(points);
  const [first, last] = [points[0], points[points.length - 1]];
  const one = points[hover];
  const share = one ? (one.at - first.at) / Math.max(1, last.at - first.at) : 0;
  return (
    <figure class="line-chart" aria-label={`${label}: ${told(last.value)} now, at most ${told(Math.max(0, ...points.map((each) => each.value)))}`}>
      <div
        class="line-chart-box"
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          setHover(nearest(points, (event.clientX - box.left) / box.width));
        }}
        onPointerLeave={() => setHover(-1)}
      >
        <svg width="100%" height={HEIGHT} viewBox={`0 -2 ${WIDTH} ${HEIGHT + 4}`} preserveAspectRatio="none" aria-hidden="true">
          <path class="line-chart-area" d={areaOf(points, WIDTH, HEIGHT)} />
          <path class="line-chart-line" d={lineOf(points, WIDTH, HEIGHT)} vector-effect="non-scaling-stroke" />
          {one && <line class="line-chart-hair" x1={share * WIDTH} x2={share * WIDTH} y1={0} y2={HEIGHT} vector-effect="non-scaling-stroke" />}
        </svg>
        {one && (
          <div class={`histogram-told ${share > 0.5 ? "left" : ""}`} style={{ left: `${share * 100}%` }}>
            <b>{told(one.value)}</b> <span class="mono">{shown(one.at, one.at, clock.value === "utc" ? "utc" : "local")}</span>
          </div>
        )}
      </div>
      <figcaption>
        <span class="faint small">
          <Time at={first.at} /> until <Time at={last.at} />
        </span>
        <span class="grow" />
        <span class="faint small tabular">{points.some((each) => each.value > 0) ? `at most ${told(most)}` : "none all the while"}</span>
      </figcaption>
      <AsTable label={label} heads={["Seen", label]}>
        {points
          .slice(-ROWS)
          .reverse()
          .map((each) => (
            <tr key={each.at}>
              <td>
                <Time at={each.at} />
              </td>
              <td class="tabular">{told(each.value)}</td>
            </tr>
          ))}
      </AsTable>
    </figure>
  );
}
