/** The keys of one bucket, and what each has and had. */
import { useEffect, useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { BucketShape, LevelItem } from "../../api/data";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { isPattern, levelOf, stepsTo } from "../../model/levels";
import { quoted } from "../../model/quoted";
import { duration } from "../../model/time";
import { PageHead, crumb } from "../../shell/head";
import { chosen, choose, link, navigate } from "../../shell/route";
import { Act, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Time } from "../../ui/basics";
import { Browse } from "../../ui/browse";
import { Filters } from "../../ui/filters";
import { Icon } from "../../ui/icon";
import { size } from "../../ui/json_view";
import { Left } from "../../ui/left";
import { Facts, Side } from "../../ui/side";
import { NotHere } from "../../ui/not_here";
import { Command, Empty, Failed } from "../../ui/states";
import { KeySide } from "./key";
import { PutValue } from "./put";

const EVERY_MS = 10_000;
/** What happens to key-values is heard of at once; the rest, such as usage, is asked for now and then. */
export const LIVE = { pattern: "system.kv.>", pace: 1_000, every: EVERY_MS };
const LIMIT = 200;
const SHOWN_MAX = 100;
export const WRITE = "kv:write";

export default function BucketPage({ id: name }: { id: string }) {
  const base = `/kv/buckets/${segment(name)}`;
  const filter = chosen("filter");
  const prefix = filter && !isPattern(filter) ? filter : chosen("under");
  const pattern = isPattern(filter) ? filter : "";
  const [asking, setAsking] = useState<"" | "put" | "delete">("");
  useEffect(() => void (crumb.value = name), [name]);
  const bucket = useResource(`bucket ${name}`, (signal) => get<BucketShape>(base, {}, signal), LIVE);
  const keys = usePaged(
    `keys ${name} ${prefix} ${pattern}`,
    async (cursor, signal) => {
      const asked = pattern ? { filter: pattern } : { prefix };
      const page = await get<{ items: LevelItem[]; next_cursor?: string }>(`${base}/level`, { ...asked, limit: LIMIT, cursor }, signal);
      return { items: page.items, next: page.next_cursor ?? "" };
    },
    LIVE,
  );
  const key = chosen("key");
  const elsewhere = key !== "" && !filter && !chosen("under") && keys.items !== undefined && !keys.items.some((one) => one.name === key);
  // A link to a key opens the level that it is in.
  useEffect(() => {
    if (elsewhere && levelOf(key)) choose({ under: levelOf(key) });
  }, [elsewhere, key]);
  const enter = (under: string): void => navigate(link(`/kv/${segment(name)}`, { under }));
  if (bucket.error && !bucket.data) {
    if (bucket.error.status !== 404) return <Failed error={bucket.error} onRetry={bucket.reload} />;
    return <NotHere kind="bucket" id={name} list="/kv">See the buckets there are</NotHere>;
  }
  const allowed = may(WRITE);
  const of = bucket.data;
  return (
    <div class="page full">
      <PageHead
        title={name}
        actions={
          <span class="buttons">
            <Act allowed={allowed} permission={WRITE} label="Put a value…" onClick={() => setAsking("put")} />
            <Act allowed={allowed} permission={WRITE} label="Delete the bucket…" onClick={() => setAsking("delete")} />
          </span>
        }
      >
        <span class="muted tabular">{of ? about(of) : ""}</span>
      </PageHead>
      <Filters fields={[{ name: "filter", label: "Keys that begin so, or fit a pattern", placeholder: "user. or *.cart" }]} />
      <Way bucket={name} prefix={pattern ? "" : prefix} onEnter={enter} />
      <Browse
        label="Keys"
        noun="key"
        sideKeys={{ e: "Edit the value", D: "Delete the key" }}
        param="key"
        resource={keys}
        items={keys.items}
        more={keys}
        id={(one) => one.name}
        copies="Key"
        onOpen={(one) => enter(one.name)}
        opens={(one) => one.kind === "branch"}
        keys={[
          { keys: "n", label: "Put a value", barred: lacks(WRITE), run: () => setAsking("put") },
          { keys: "Backspace", label: "A level up", barred: prefix ? "" : "this is the uppermost", run: () => enter(stepsTo(prefix).at(-2)?.prefix ?? "") },
        ]}
        columns={[
          { name: "Key", width: "minmax(0, 2fr)", show: (one) => <Named of={one} under={pattern ? "" : prefix} /> },
          { name: "Keys", width: "80px", show: (one) => (one.kind === "branch" ? <span class="tabular">{keysOf(one)}</span> : ""), wide: true },
          { name: "Size", width: "90px", show: (one) => `${size(one.bytes)}${one.exact ? "" : "+"}` },
          { name: "Revision", width: "80px", show: (one) => <span class="tabular">{one.revision ?? ""}</span>, wide: true },
          { name: "Changed", width: "100px", show: (one) => one.updated_at && <Time at={one.updated_at} />, wide: true },
          { name: "Gone in", width: "100px", show: (one) => one.expires_at && <Left until={one.expires_at} />, wide: true },
        ]}
        empty={
          filter || prefix ? (
            <Empty icon="search" title={keys.more ? "No key fits among those that were looked at" : "No key fits"}>
              <button type="button" onClick={() => enter("")}>
                Show all
              </button>
            </Empty>
          ) : (
            <Empty icon="values" title="The bucket is empty">
              <p class="muted">What a function puts into it shows here, or what you put:</p>
              <Command text={`ironflow kv put ${quoted(name)} user.7 '{"items": []}'`} />
            </Empty>
          )
        }
        side={(one, close) =>
          one.kind === "branch" ? (
            <BranchSide of={one} onClose={close} onEnter={() => enter(one.name)} />
          ) : (
            <KeySide key={one.name} base={base} bucket={name} of={one.name} onClose={close} onChange={keys.reload} />
          )
        }
      />
      {asking === "put" && <PutValue base={base} under={pattern ? "" : prefix} onClose={() => setAsking("")} onDone={keys.reload} />}
      {asking === "delete" && (
        <Ask title={`Delete ${name}`} verb="Delete" done="Deleted" danger typed={name} run={() => request("DELETE", base)} onClose={() => setAsking("")} onDone={() => navigate(link("/kv"))}>
          <p>Its keys go with it. History keeps what was done.</p>
        </Ask>
      )}
    </div>
  );
}

/** What a bucket keeps, and how much of it there is. */
function about(of: BucketShape): string {
  return [
    counted(of.values, "key"),
    `${size(of.bytes)}${of.max_bytes ? ` of ${size(of.max_bytes)}` : ""}`,
    `${counted(of.history, "revision")} of a key shown`,
    of.ttl_seconds ? `values stay ${duration(of.ttl_seconds * 1_000)}` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}

function keysOf(of: LevelItem): string {
  return `${of.keys.toLocaleString("en")}${of.exact ? "" : "+"}`;
}

/** Where in the bucket one is, and the way back. */
function Way({ bucket, prefix, onEnter }: { bucket: string; prefix: string; onEnter: (prefix: string) => void }) {
  const steps = stepsTo(prefix);
  if (steps.length === 0) return null;
  return (
    <nav aria-label="Level" class="buttons">
      <button type="button" class="link" onClick={() => onEnter("")}>
        {bucket}
      </button>
      {steps.map((step, index) => (
        <span key={step.prefix} class="buttons">
          <Icon name="forward" size={12} />
          {index < steps.length - 1 ? (
            <button type="button" class="link mono" onClick={() => onEnter(step.prefix)}>
              {step.label}
            </button>
          ) : (
            <span class="mono" aria-current="true">
              {step.label}
            </span>
          )}
        </span>
      ))}
    </nav>
  );
}

/** The name of what is in a level, without what all there have in common. */
function Named({ of, under }: { of: LevelItem; under: string }) {
  const name = of.name.slice(levelOf(under).length) || of.name;
  return (
    <span class="mono" title={of.name}>
      {of.kind === "branch" && <Icon name="forward" size={12} />} {name.slice(0, SHOWN_MAX)}
    </span>
  );
}

function BranchSide({ of, onClose, onEnter }: { of: LevelItem; onClose: () => void; onEnter: () => void }) {
  return (
    <Side title={of.name} under={<span class="muted">keys that begin so</span>} onClose={onClose}>
      <Facts
        of={[
          ["Keys", <span class="tabular">{of.exact ? keysOf(of) : `more than ${of.keys.toLocaleString("en")}`}</span>],
          ["Size", `${of.exact ? "" : "more than "}${size(of.bytes)}`],
        ]}
      />
      <p class="buttons pad-x">
        <button type="button" class="small" onClick={onEnter}>
          Open
        </button>
      </p>
    </Side>
  );
}
