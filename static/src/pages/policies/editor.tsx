/** Writing a policy: the server says as one types whether it could be saved, and which decisions it would turn. */
import cel from "apart:../../editor/cel.ts";
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, request, segment } from "../../api/client";
import type { PolicyFields, PolicyShape } from "../../api/admin";
import { type Json, of as json, print } from "../../model/json";
import { Field, said } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Actor } from "../../ui/actor";
import { CodeEditor } from "../../ui/code_editor";
import { Conflict } from "../../ui/conflict";

const CHECKED_AFTER_MS = 350;
const DECISIONS = 1_000;
const SHARE = /^([1-9]\d?|100)$/;

export interface Draft {
  name: string;
  actions: string;
  resources: string;
  condition: string;
  mode: string;
  share: string;
  roles: string;
  description: string;
}

export function draftOf(of?: PolicyFields): Draft {
  return {
    name: of?.name ?? "",
    actions: of?.actions.join(", ") ?? "",
    resources: of?.resources.join(", ") ?? "*",
    condition: of?.condition ?? "",
    mode: of?.mode ?? "monitor",
    share: String(of?.enforce_percent ?? 100),
    roles: of?.roles.join(", ") ?? "",
    description: of?.description ?? "",
  };
}

/** The body of a policy: what a draft does not show stays as it was. */
export function bodyOf(draft: Draft, of?: PolicyFields): Record<string, unknown> {
  const list = (text: string): string[] => text.split(",").map((one) => one.trim()).filter(Boolean);
  const kept = of ? { org_id: of.org_id, environments: of.environments, valid_from: of.valid_from ?? "", valid_until: of.valid_until ?? "" } : {};
  const { share, ...fields } = draft;
  return { ...kept, ...fields, enforce_percent: Number(share), actions: list(draft.actions), resources: list(draft.resources), roles: list(draft.roles) };
}

/** A policy as its editor has it: what two of its versions are compared by. */
export function shownOf(of: PolicyFields): Json {
  return json(bodyOf(draftOf(of), of));
}

export interface Replayed {
  decisions: number;
  skipped: number;
  flips: { actor: string; roles: string[]; action: string; resource: string; before: string; after: string; decided_at: string }[];
}

interface Checked {
  problem: string;
  replayed: Replayed | null;
}

/** What the server says of a draft; null while it has not, or nobody wants it to. */
export function useChecked(draft: Draft, { of, wanted = true }: { of?: PolicyFields; wanted?: boolean } = {}): Checked | null {
  const text = JSON.stringify(bodyOf(draft, of));
  const [told, setTold] = useState<{ text: string } & Checked>({ text: "", problem: "", replayed: null });
  const whole = wanted && draft.name !== "" && draft.actions !== "" && SHARE.test(draft.share);
  useEffect(() => {
    if (!whole) return;
    let gone = false;
    const timer = setTimeout(() => void check(), CHECKED_AFTER_MS);
    async function check(): Promise<void> {
      let checked: Checked;
      try {
        const policy: unknown = JSON.parse(text);
        await request("POST", "/policies/validate", { body: policy });
        checked = { problem: "", replayed: await request<Replayed>("POST", "/policies/replay", { body: { policy, limit: DECISIONS } }) };
      } catch (error) {
        checked = { problem: said(error), replayed: null };
      }
      if (!gone) setTold({ text, ...checked });
    }
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [text, whole]);
  if (!SHARE.test(draft.share)) return { problem: "Of how many of 100 callers is a whole number, 1 to 100", replayed: null };
  return told.text === text ? told : null;
}

export function Editor({ of: shown, onClose, onDone }: { of?: PolicyShape; onClose: () => void; onDone: () => void }) {
  const [of] = useState(shown); // as it was when the form opened: a later version is not written over
  /** As it is by now, once somebody was faster. */
  const [now, setNow] = useState(shown);
  const [draft, setDraft] = useState(() => draftOf(of));
  const checked = useChecked(draft, { of });
  async function run(reason: string): Promise<void> {
    const body = { ...bodyOf(draft, now), ...(reason ? { reason } : {}) };
    if (!of || !now) return void (await request("POST", "/policies", { body }));
    const path = `/policies/${segment(of.id)}`;
    try {
      await request("PUT", path, { body, ifMatch: now.version });
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) setNow(await get<PolicyShape>(path));
      throw error;
    }
  }
  return (
    <Ask title={of ? `Edit ${of.name}` : "New policy"} verb="Save" done="Saved, as a new version" wide reasoned wrong={checked?.problem ?? ""} run={run} onClose={onClose} onDone={onDone}>
      {of && now && now.version !== of.version && (
        <Conflict
          base={shownOf(of)}
          theirs={shownOf(now)}
          ours={json(bodyOf(draft, of))}
          what={`Somebody saved version ${now.version} meanwhile.`}
          onTake={(value) => setDraft(draftOf(JSON.parse(print(value)) as PolicyFields))}
        />
      )}
      <DraftFields draft={draft} named={of !== undefined} onDraft={setDraft} />
      <Turned replayed={checked?.replayed ?? null} />
    </Ask>
  );
}

const CONDITION_NAMES = [
  ...["id", "kind", "roles", "permissions", "environment", "org"].map((name) => `subject.${name}`),
  ...["action", "resource", "method", "address"].map((name) => `request.${name}`),
  ...["type", "id", "environment", "org"].map((name) => `resource.${name}`),
  "environment",
  "now",
];

/** CEL has an editor of its own: what completes expressions would be in the one for JSON too. */
const loadCel = (): Promise<typeof import("../../editor/cel")> => import(cel);

export function DraftFields({ draft, named, onDraft }: { draft: Draft; named: boolean; onDraft: (draft: Draft) => void }) {
  const set = (name: keyof Draft) => (value: string) => onDraft({ ...draft, [name]: value });
  return (
    <>
      {!named && <Field label="Name" note="for good" value={draft.name} onValue={set("name")} required placeholder="no-production-secrets" />}
      <div class="two-up">
        <Field label="Actions" note="with commas" value={draft.actions} onValue={set("actions")} required placeholder="secrets:read, runs:*" />
        <Field label="Resources" note="with commas" value={draft.resources} onValue={set("resources")} required placeholder="secret/stripe-*" />
      </div>
      <CodeEditor
        load={loadCel}
        label="Where"
        note="CEL over subject, request, resource, environment, now; empty: always"
        rows={4}
        value={draft.condition}
        placeholder={'!("oncall" in subject.roles)'}
        names={CONDITION_NAMES}
        onValue={set("condition")}
      />
      <div class="two-up">
        <Field label="Mode" note="monitor only tells what it would deny" value={draft.mode} onValue={set("mode")} list={["monitor", "enforce"]} />
        <Field label="For roles" note="with commas; empty: for everybody" value={draft.roles} onValue={set("roles")} />
      </div>
      {draft.mode === "enforce" && (
        <Field label="Of how many of 100 callers" note="always the same ones; of the rest it only tells" value={draft.share} onValue={set("share")} wrong={!SHARE.test(draft.share)} />
      )}
      {!named || draft.description ? <Field label="What it is for" value={draft.description} onValue={set("description")} /> : null}
    </>
  );
}

const FLIPS_SHOWN = 20;

export function Turned({ replayed }: { replayed: Replayed | null }) {
  if (!replayed) return null;
  const { flips, decisions, skipped } = replayed;
  return (
    <div role="status">
      <p>
        Of the last <b class="tabular">{decisions.toLocaleString("en")}</b> decisions it would turn <b class="tabular">{flips.length.toLocaleString("en")}</b>
        {skipped > 0 && <span class="muted"> ({skipped} cannot be told: what it reads was not recorded)</span>}.
      </p>
      <ul>
        {flips.slice(0, FLIPS_SHOWN).map((one, index) => (
          <li key={index} class="line">
            <span class="mono cut grow">
              {one.action} {one.resource}
            </span>
            <span class="muted cut"><Actor id={one.actor} none={one.roles.join(", ") || undefined} /></span>
            <span>
              {one.before} → <b>{one.after}</b>
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}
