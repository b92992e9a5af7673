/** The audit: administrative acts, changes, and requests that were denied. */
import { file } from "../../api/client";
import type { AuditEvent } from "../../api/admin";
import { useAudit } from "../../live/audit";
import type { Paged } from "../../live/paged";
import { rangeOf } from "../../model/range";
import { triedOf } from "../../model/trial";
import { chosen, link, timeRange } from "../../shell/route";
import { Actor } from "../../ui/actor";
import { Status, Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Download } from "../../ui/download";
import { Filters } from "../../ui/filters";
import { JsonView } from "../../ui/json_view";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Empty } from "../../ui/states";

export function Decisions() {
  const unbound = chosen("since") || chosen("until") ? null : rangeOf(timeRange.value);
  const query = { action: chosen("action"), api_key_id: chosen("actor"), event_type: chosen("type"), from: chosen("since"), to: chosen("until"), ...(unbound && { from: unbound.since, to: unbound.until }) };
  const audit = useAudit("/audit", query);
  return (
    <>
      <Filters
        fields={[
          { name: "type", label: "Type", placeholder: "authz.denied" },
          { name: "action", label: "Action", placeholder: "secrets:read" },
          { name: "actor", label: "By", placeholder: "a key or a user" },
          { name: "since", label: "Since", placeholder: "24h, or a time" },
          { name: "until", label: "Until", placeholder: "a time" },
        ]}
      >
        {(["jsonl", "csv"] as const).map((format) => (
          <Download
            key={format}
            label={format === "csv" ? "CSV" : "JSON lines"}
            title="Keep all that fits as a file"
            name={`audit.${format}`}
            permission="audit:export"
            make={() => file("/audit/export", { ...query, format })}
          />
        ))}
      </Filters>
      <AuditList audit={audit} filtered={Object.values(query).some((value) => value !== "")} />
    </>
  );
}

/** The request that was decided, for the playground of policies. */
function trial(one: AuditEvent): string {
  const { id, at: when, ...asked } = triedOf(one);
  return link("/policies", { tab: "playground", subject: id, when, ...asked });
}

/** What it was done to, and when and by whom. */
function below(one: AuditEvent) {
  return (
    <>
      {one.resource && <span class="mono">{one.resource}</span>}
      <span>
        <Time at={one.created_at} />
        {one.actor && <> by <Actor id={one.actor} /></>}
      </span>
    </>
  );
}

export function AuditList({ audit, filtered }: { audit: Paged<AuditEvent>; filtered: boolean }) {
  return (
    <Browse
      label="Audit"
      noun="decision"
      param="decision"
      resource={audit}
      items={audit.items}
      more={audit}
      id={(one) => one.id}
      columns={[
        { name: "What", width: "minmax(150px, 1.3fr)", show: (one) => one.action ?? one.event_type, below },
        { name: "Decision", width: "116px", show: (one) => (one.decision ? <Status status={one.outcome ? "refused" : one.decision} /> : <span class="muted">done</span>) },
        { name: "To", width: "minmax(120px, 1.2fr)", show: (one) => <span class="mono">{one.resource}</span>, wide: true },
        { name: "By", width: "minmax(90px, 1fr)", show: (one) => <Actor id={one.actor} />, wide: true },
        { name: "From", width: "110px", show: (one) => one.address ?? "", wide: true, alone: true },
        { name: "Times", width: "60px", show: (one) => <span class="tabular">{one.count ?? ""}</span>, wide: true, alone: true },
        { name: "When", width: "96px", show: (one) => <Time at={one.created_at} />, wide: true },
      ]}
      empty={
        <Empty icon="audit" title={filtered ? "Nothing fits the filter" : "Nothing to audit yet"}>
          <p class="muted">Changes, administrative acts and denied requests are kept here, for good.</p>
        </Empty>
      }
      side={(one, close) => (
        <Side title={one.action ?? one.event_type} under={one.decision ? <Status status={one.decision} /> : undefined} onClose={close}>
          <Facts
            of={[
              ["Position", <EntryLink position={Number(one.id)} />],
              ["When", <Time at={one.created_at} />],
              ["By", <Actor id={one.actor} />],
              one.via && ["Through", one.via],
              one.address && ["From", <span class="mono">{one.address}</span>],
              one.method && ["Call", <span class="mono">{one.method}</span>],
              one.resource && ["To", <span class="mono">{one.resource}</span>],
              one.outcome && ["Refused with", <span class="mono">{one.outcome}</span>],
              one.reason && ["Because", one.reason],
              one.policy && ["Policy", <a href={link("/policies", { policy: one.policy })}>{one.policy}{one.policy_version ? `, version ${one.policy_version}` : ""}</a>],
              one.run_id && ["Run", <a href={link(`/runs/${one.run_id}`)}>{one.run_id}</a>],
              one.count !== undefined && ["Times", one.count],
            ]}
          />
          {one.decision && one.action && (
            <p class="pad-x">
              <a class="button small" href={trial(one)}>
                Try it in the playground
              </a>
            </p>
          )}
          <JsonView value={one.payload} label="what was recorded" />
        </Side>
      )}
    />
  );
}
