/** What is asked of this node, how that goes, and what it refuses. */
import { Fragment } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { SystemFigures } from "../../api/admin";
import { perSecond } from "../../model/rate";
import { type Look, atMost, between } from "../../model/traffic";
import { Time } from "../../ui/basics";

export function Requests({ of }: { of: SystemFigures }) {
  const before = useRef<Look | null>(null);
  const [pace, setPace] = useState<ReturnType<typeof between>>(null);
  useEffect(() => {
    setPace(between(before.current, of));
    before.current = of;
  }, [of]);
  const { requests, refusals } = of;
  return (
    <div class="card section">
      <h2>Requests</h2>
      <p class="muted">
        <b class="tabular">{requests.total.toLocaleString("en")}</b> on this node since <Time at={of.started_at} />
        {pace && (
          <>
            , <b class="tabular">{perSecond(pace.perSecond)}</b> a second
          </>
        )}
        ; <b class="tabular">{requests.failed.toLocaleString("en")}</b> failed.
      </p>
      <div class="requests" role="region" aria-label="Requests by route">
        <table class="plain" role="table">
          <thead role="rowgroup">
            <tr role="row">
              {["Route", "Count", "Half", "95 %", "99 %"].map((head) => (
                <th key={head} scope="col" role="columnheader">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody role="rowgroup">
            {requests.routes.map((one) => (
              <tr key={one.route} role="row">
                <td class="mono route" role="cell">
                  {one.route.split("/").map((part, index) => (
                    <Fragment key={index}>
                      {index > 0 && (
                        <>
                          <wbr />/
                        </>
                      )}
                      {part}
                    </Fragment>
                  ))}
                </td>
                <td class="tabular" role="cell">{one.count.toLocaleString("en")}</td>
                {[one.p50_ms, one.p95_ms, one.p99_ms].map((bound, index) => (
                  <td key={index} class="tabular" role="cell">
                    {atMost(bound)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <h3>Refused, by code</h3>
      {refusals.length === 0 && <p class="muted">Nothing was refused.</p>}
      <ul>
        {refusals.map((one) => (
          <li key={one.code} class="line">
            <a class="mono grow" href={`/docs/reference/errors#:~:text=${one.code}`}>
              {one.code}
            </a>
            <span class="tabular">{one.count.toLocaleString("en")}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
