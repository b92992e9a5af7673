/** Whom a group of failures hits, and whether it still does. */
import type { FailureGroup } from "../api/types";
import { counted } from "./counted";
import { ms, relative } from "./time";

/** A group that has not failed for so long is calm. */
const CALM_AFTER_MS = 24 * 3_600_000;

/** `v2`, `v1–v3`: the versions of the function that failed so, and how many they are in between. */
export function versionsText({ versions, first_version: first, last_version: last }: FailureGroup["affected"]): string {
  if (versions === 0) return "";
  return first === last ? `v${first}` : `v${first}–v${last}`;
}

/** `v1–v3 · 12 entities`; no entities where its events are of none. */
export function affectedText(affected: FailureGroup["affected"]): string {
  const { entities } = affected;
  const of = entities === 0 ? "" : counted(entities, "entity", "entities");
  return [versionsText(affected), of].filter(Boolean).join(" · ");
}

/** `last failure 3 d ago`, of a group that has calmed down; empty of one that has not. */
export function calmText(of: Pick<FailureGroup, "last_seen">, now: number): string {
  const last = ms(of.last_seen);
  return now - last > CALM_AFTER_MS ? `last failure ${relative(last, now)}` : "";
}
