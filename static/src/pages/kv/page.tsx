/** The buckets of key-values: how full each is, and what it keeps. */
import { useState } from "preact/hooks";
import { get, request } from "../../api/client";
import { may } from "../../api/session";
import type { BucketShape } from "../../api/data";
import { useResource } from "../../live/resource";
import { duration } from "../../model/time";
import { PageHead } from "../../shell/head";
import { link, navigate } from "../../shell/route";
import { Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { size } from "../../ui/json_view";
import { Command, Empty } from "../../ui/states";

const EVERY_MS = 5_000;
const WRITE = "kv:write";

export default function Buckets() {
  const buckets = useResource("buckets", (signal) => get<{ buckets: BucketShape[] }>("/kv/buckets", {}, signal), { every: EVERY_MS });
  const [making, setMaking] = useState(false);
  const items = buckets.data?.buckets;
  return (
    <div class="page full">
      <PageHead title="Key-values" actions={<Act allowed={may(WRITE)} permission={WRITE} label="New bucket…" onClick={() => setMaking(true)} />}>
        <span class="muted tabular">{items?.length ? `${items.length} ${items.length === 1 ? "bucket" : "buckets"}` : ""}</span>
      </PageHead>
      <Browse
        label="Buckets"
        noun="bucket"
        param="bucket"
        resource={buckets}
        items={items}
        id={(one) => one.name}
        copies="Name"
        onOpen={(one) => navigate(link(`/kv/${encodeURIComponent(one.name)}`))}
        keys={[{ keys: "n", label: "New bucket", barred: lacks(WRITE), run: () => setMaking(true) }]}
        columns={[
          { name: "Bucket", width: "minmax(140px, 1fr)", show: (one) => one.name },
          { name: "Keys", width: "80px", show: (one) => <span class="tabular">{one.values.toLocaleString("en")}</span> },
          { name: "Size", width: "140px", show: (one) => `${size(one.bytes)}${one.max_bytes ? ` of ${size(one.max_bytes)}` : ""}` },
          { name: "Keeps", width: "110px", show: (one) => (one.ttl_seconds ? duration(one.ttl_seconds * 1_000) : <span class="muted">for good</span>), wide: true },
          { name: "Revisions", width: "90px", show: (one) => <span class="tabular">{one.history}</span>, wide: true },
          { name: "What it is for", width: "minmax(140px, 1.6fr)", show: (one) => one.description ?? "", wide: true },
          { name: "Made", width: "100px", show: (one) => <Time at={one.created_at} />, wide: true },
        ]}
        empty={
          <Empty icon="values" title="No bucket is here">
            <p class="muted">Values that functions share live in buckets, with every revision that they ever had.</p>
            <Command text="ironflow kv bucket create carts --ttl 1h" />
          </Empty>
        }
      />
      {making && <NewBucket onClose={() => setMaking(false)} onDone={buckets.reload} />}
    </div>
  );
}

function NewBucket({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [about, setAbout] = useState("");
  const [ttl, setTtl] = useState("");
  const wrong = ttl !== "" && !/^[1-9]\d{0,9}$/.test(ttl) ? "How long a value stays is a number of seconds" : "";
  const body = { name, ...(about ? { description: about } : {}), ...(ttl ? { ttl_seconds: Number(ttl) } : {}) };
  return (
    <Ask title="New bucket" verb="Make it" done={`Made ${name}`} wrong={wrong} run={() => request("POST", "/kv/buckets", { body })} onClose={onClose} onDone={onDone}>
      <Field label="Name" value={name} onValue={setName} required placeholder="carts" />
      <Field label="What it is for" value={about} onValue={setAbout} />
      <Field label="How long a value stays" note="in seconds; empty: for good" value={ttl} onValue={setTtl} wrong={wrong !== ""} />
    </Ask>
  );
}
