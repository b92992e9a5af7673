/** What needs somebody, beside runs and projections: what a person would otherwise find out when it is too late. */
import { ApiError, get, segment } from "../../api/client";
import { may } from "../../api/session";
import type { ApiKeyShape, Delivery, UndeliveredItem } from "../../api/admin";
import { duration } from "../../model/time";
import { link } from "../../shell/route";
import type { IconName } from "../../ui/icon";

/** What can be done about it: a call, or a page where it is done. */
export type Remedy = { label: string; path: string; permission: string; done: string } | { label: string; to: string };

export interface Concern {
  id: string;
  icon: IconName;
  role: string;
  to: string;
  title: string;
  note: string;
  remedy?: Remedy;
}

const DAY_MS = 86_400_000;
const KEY_ENDS_WITHIN_MS = 7 * DAY_MS;
const REFUSED_SINCE_MS = DAY_MS;
const SHOWN_MAX = 3;

/** All of them, as far as one may know; `now` in ms. What one may not see is not asked for: it is others who look after
 * it, and each refusal would stand in the audit. */
export async function concerns(now: number, signal: AbortSignal): Promise<Concern[]> {
  const asked = [
    may("functions:read") && breakers(signal),
    may("webhooks:read") && refused(now, signal),
    may("apikeys:read") && keys(now, signal),
  ];
  return (await Promise.all(asked.map(known))).flat();
}

/** Nothing where a policy does not let one look. */
async function known(asked: Promise<Concern[]> | false): Promise<Concern[]> {
  try {
    return (await asked) || [];
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

async function breakers(signal: AbortSignal): Promise<Concern[]> {
  const all = await get<{ key: string; function_id: string; state: string; last_error?: string }[]>("/circuit-breakers", {}, signal);
  return all
    .filter((one) => one.state === "open")
    .slice(0, SHOWN_MAX)
    .map((one) => ({
      id: `breaker ${one.key}`,
      icon: "warning",
      role: "fail",
      to: link("/functions", { function: one.function_id }),
      title: `the endpoint of ${one.function_id} is left alone`,
      note: one.last_error ?? "it failed again and again",
      remedy: { label: "Call it again", path: `/circuit-breakers/${segment(one.key)}/reset`, permission: "breakers:manage", done: "It is called again" },
    }));
}

/** So many are counted; where there are as many, there may be more. */
export const LETTERS_MAX = 100;

/** What could not be delivered; null for whom it is not shown. */
export async function undelivered(signal: AbortSignal): Promise<readonly UndeliveredItem[] | null> {
  if (!may("groups:read")) return null;
  try {
    return (await get<{ items: UndeliveredItem[] }>("/outbox/dead-letter", { limit: LETTERS_MAX }, signal)).items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return null;
    throw error;
  }
}

export function deadLetters(items: readonly UndeliveredItem[]): Concern[] {
  const [first] = items;
  if (!first) return [];
  const title = items.length === 1 ? "a message could not be delivered" : `${items.length < LETTERS_MAX ? "" : "at least "}${items.length.toLocaleString("en")} messages could not be delivered`;
  return [{ id: "dead", icon: "groups", role: "fail", to: link("/groups", { tab: "dead" }), title, note: `${first.topic}: ${first.last_error}` }];
}

async function refused(now: number, signal: AbortSignal): Promise<Concern[]> {
  const { deliveries } = await get<{ deliveries: Delivery[] }>("/webhook-deliveries", { status: "rejected", limit: 1 }, signal);
  const [last] = deliveries;
  if (!last || now - Date.parse(last.created_at) > REFUSED_SINCE_MS) return [];
  return [{ id: "refused", icon: "webhooks", role: "warn", to: link("/webhooks", { tab: "deliveries", status: "rejected" }), title: "a webhook's delivery was refused", note: last.error ?? "", remedy: { label: "See why", to: link("/webhooks", { tab: "deliveries", status: "rejected" }) } }];
}

async function keys(now: number, signal: AbortSignal): Promise<Concern[]> {
  const all = await get<ApiKeyShape[]>("/apikeys", {}, signal);
  return all
    .map((key) => ({ key, left: key.expires_at ? Date.parse(key.expires_at) - now : Infinity }))
    .filter(({ left }) => left > 0 && left < KEY_ENDS_WITHIN_MS)
    .slice(0, SHOWN_MAX)
    .map(({ key, left }) => ({ id: `key ${key.id}`, icon: "access", role: "warn", to: link("/access", { one: key.id }), title: `the key ${key.name} ends soon`, note: `in ${duration(left)}`, remedy: { label: "Renew it", to: link("/access", { one: key.id }) } }));
}
