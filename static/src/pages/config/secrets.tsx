/** Secrets: which there are, and since when. Values go in and never come out. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { SecretShape } from "../../api/data";
import { useResource } from "../../live/resource";
import { Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { Facts, Side } from "../../ui/side";
import { Command, Empty } from "../../ui/states";
import { Kinds } from "./kinds";
import { SecretReaders } from "./readers";

const EVERY_MS = 5_000;
const MANAGE = "secrets:manage";

type Asking = "" | "new" | "rotate" | "delete";

export function Secrets() {
  const [asking, setAsking] = useState<Asking>("");
  const secrets = useResource("secrets", (signal) => get<SecretShape[]>("/secrets", {}, signal), { every: EVERY_MS });
  const allowed = may(MANAGE);
  return (
    <>
      <p class="buttons">
        <Act allowed={allowed} permission={MANAGE} label="New secret…" onClick={() => setAsking("new")} />
      </p>
      <Browse
        label="Secrets"
        noun="secret"
        param="name"
        resource={secrets}
        items={secrets.data}
        id={(one) => one.name}
        copies="Name"
        keys={[{ keys: "n", label: "New secret", barred: lacks(MANAGE), run: () => setAsking("new") }]}
        columns={[
          { name: "Secret", width: "minmax(140px, 1.4fr)", show: (one) => <span class="mono">{one.name}</span> },
          { name: "Values so far", width: "110px", show: (one) => <span class="tabular">{one.revision}</span> },
          { name: "Used by", width: "minmax(100px, 1fr)", show: (one) => users(one), wide: true },
          { name: "What it is for", width: "minmax(120px, 1.6fr)", show: (one) => one.description ?? "", wide: true },
          { name: "Changed", width: "110px", show: (one) => <Time at={one.updated_at} /> },
        ]}
        empty={
          <Empty icon="access" title="No secret is here">
            <p class="muted">A secret is encrypted as it comes in. Functions get it; no page and no call shows it again.</p>
            <Kinds />
            <Command text="ironflow secret set stripe-key" />
          </Empty>
        }
        side={(one, close) => (
          <Side title={one.name} under={<span class="muted">its value is never shown</span>} onClose={close}>
            <Facts
              of={[
                ["Value", one.revision === 1 ? "the first" : `number ${one.revision}`],
                ["Since", <Time at={one.updated_at} />],
                ["Made", <Time at={one.created_at} />],
                one.description && ["For", one.description],
              ]}
            />
            <p class="buttons pad-x">
              <Act allowed={allowed} permission={MANAGE} label="New value…" onClick={() => setAsking("rotate")} />
              <Act allowed={allowed} permission={MANAGE} label="Delete…" onClick={() => setAsking("delete")} />
            </p>
            <SecretReaders of={one} />
            {asking === "rotate" && <Value of={one} onClose={() => setAsking("")} onDone={secrets.reload} />}
            {asking === "delete" && (
              <Ask title={`Delete ${one.name}`} verb="Delete" done="Deleted, and its value destroyed" danger typed={one.name} run={() => request("DELETE", `/secrets/${segment(one.name)}`)} onClose={() => setAsking("")} onDone={secrets.reload}>
                <p>Its value is destroyed. Steps that ask for it fail from then on.</p>
              </Ask>
            )}
          </Side>
        )}
      />
      {asking === "new" && <Value onClose={() => setAsking("")} onDone={secrets.reload} />}
    </>
  );
}

function users(of: SecretShape): string {
  const [first, ...others] = of.used_by;
  return first === undefined ? "no function" : others.length > 0 ? `${first} and ${others.length} more` : first;
}

function Value({ of, onClose, onDone }: { of?: SecretShape; onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const [about, setAbout] = useState(of?.description ?? "");
  const [seen, setSeen] = useState(false);
  const run = (): Promise<unknown> =>
    of
      ? request("PUT", `/secrets/${segment(of.name)}`, { body: { value, description: about } })
      : request("POST", "/secrets", { body: { name, value, description: about } });
  return (
    <Ask title={of ? `New value for ${of.name}` : "New secret"} verb="Keep it" done="Kept" typed={of?.name} run={run} onClose={onClose} onDone={onDone}>
      {!of && <Field label="Name" value={name} onValue={setName} required placeholder="stripe-key" />}
      <Field label="Value" note="is not shown again" value={value} onValue={setValue} required secret={!seen} />
      <label class="check small">
        <input type="checkbox" checked={seen} onChange={(event) => setSeen(event.currentTarget.checked)} /> show it while I type
      </label>
      <Field label="What it is for" value={about} onValue={setAbout} />
    </Ask>
  );
}
