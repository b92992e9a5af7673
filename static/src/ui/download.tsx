/** Files to keep, made of what the API answers or of what is here. */
import { useState } from "preact/hooks";
import { may } from "../api/session";
import { Act, said } from "./acting";
import { toast } from "./toast";

const REVOKED_AFTER_MS = 60_000;

/** Hand a file to the browser, which asks or knows where to keep it. */
export function save(content: Blob, name: string): void {
  const anchor = document.createElement("a");
  anchor.href = URL.createObjectURL(content);
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), REVOKED_AFTER_MS);
}

/** Lines of JSON, one of each. */
export function lines(texts: readonly string[]): Blob {
  return new Blob([texts.map((text) => `${text}\n`).join("")], { type: "application/x-ndjson" });
}

interface Props {
  label: string;
  title?: string;
  name: string;
  /** What it takes, if not everybody who sees the page may have it. */
  permission?: string;
  make: () => Promise<Blob>;
}

export function Download({ label, title, name, permission = "", make }: Props) {
  const [busy, setBusy] = useState(false);
  async function fetched(): Promise<void> {
    setBusy(true);
    try {
      save(await make(), name);
    } catch (error) {
      toast(said(error), true);
    } finally {
      setBusy(false);
    }
  }
  if (permission && !may(permission)) return <Act allowed={false} permission={permission} label={label} onClick={() => undefined} />;
  return (
    <button type="button" class="small" title={title} aria-busy={busy} disabled={busy} onClick={() => void fetched()}>
      {busy ? "Collecting…" : label}
    </button>
  );
}
