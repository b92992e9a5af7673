/** The keys of one bucket, and what each has and had. */
import { useEffect, useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { BucketShape } from "../../api/data";
import { usePaged } from "../../live/paged";
import { useResource } from "../../live/resource";
import { duration } from "../../model/time";
import { PageHead, crumb } from "../../shell/head";
import { chosen, choose, link, navigate } from "../../shell/route";
import { Act, Ask, needs } from "../../ui/acting";
import { Browse } from "../../ui/browse";
import { Filters } from "../../ui/filters";
import { size } from "../../ui/json_view";
import { Empty, Failed } from "../../ui/states";
import { KeySide, PutValue } from "./key";

const EVERY_MS = 3_000;
const LIMIT = 200;
export const WRITE = "kv:write";

export default function BucketPage({ id: name }: { id: string }) {
  const base = `/kv/buckets/${segment(name)}`;
  const filter = chosen("filter");
  const [asking, setAsking] = useState<"" | "put" | "delete">("");
  useEffect(() => void (crumb.value = name), [name]);
  const bucket = useResource(`bucket ${name}`, (signal) => get<BucketShape>(base, {}, signal), { every: EVERY_MS });
  const keys = usePaged(
    `keys ${name} ${filter}`,
    async (cursor, signal) => {
      const page = await get<{ keys: string[]; next_cursor?: string }>(`${base}/keys`, { filter, limit: LIMIT, cursor }, signal);
      return { items: page.keys, next: page.next_cursor ?? "" };
    },
    { every: EVERY_MS },
  );
  if (bucket.error && !bucket.data) {
    if (bucket.error.status !== 404) return <Failed error={bucket.error} onRetry={bucket.reload} />;
    return (
      <Empty icon="search" title="There is no such bucket here">
        <p>
          <a href={link("/kv")}>See the buckets there are</a>
        </p>
      </Empty>
    );
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
        <span class="muted tabular">{of ? `${of.values.toLocaleString("en")} ${of.values === 1 ? "key" : "keys"} · ${size(of.bytes)}${of.ttl_seconds ? ` · values stay ${duration(of.ttl_seconds * 1_000)}` : ""}` : ""}</span>
      </PageHead>
      <Filters fields={[{ name: "filter", label: "Keys that fit", placeholder: "user.*" }]} />
      <Browse
        label="Keys"
        param="key"
        resource={keys}
        items={keys.items}
        more={keys}
        id={(key) => key}
        copies="Key"
        keys={[{ keys: "n", label: "Put a value", run: () => (allowed ? setAsking("put") : needs(WRITE)) }]}
        columns={[{ name: "Key", width: "minmax(0, 1fr)", show: (key) => <span class="mono">{key}</span> }]}
        empty={
          filter ? (
            <Empty icon="search" title="No key fits">
              <button type="button" onClick={() => choose({ filter: null })}>
                Show all
              </button>
            </Empty>
          ) : (
            <Empty icon="values" title="The bucket is empty">
              <p class="muted">What a function puts into it shows here.</p>
            </Empty>
          )
        }
        side={(key, close) => <KeySide key={key} base={base} bucket={name} of={key} onClose={close} onChange={keys.reload} />}
      />
      {asking === "put" && <PutValue base={base} onClose={() => setAsking("")} onDone={keys.reload} />}
      {asking === "delete" && (
        <Ask title={`Delete ${name}`} verb="Delete" done="Deleted" danger typed={name} run={() => request("DELETE", base)} onClose={() => setAsking("")} onDone={() => navigate(link("/kv"))}>
          <p>Its keys go with it. History keeps what was done.</p>
        </Ask>
      )}
    </div>
  );
}
