/** The pages there are: where they are, how they are called, and the code of each, loaded when it is first opened. */
import type { FunctionComponent } from "preact";
import type { IconName } from "../ui/icon";

export interface Page {
  default: FunctionComponent<{ id: string }>;
}

export interface PlaceOf {
  /** The path; a last `:id` stands for one segment. */
  path: string;
  title: string;
  load: () => Promise<Page>;
}

export interface NavItem extends PlaceOf {
  icon: IconName;
  /** The letter after `g`. */
  key: string;
  section: string;
}

export const NAV: readonly NavItem[] = [
  { path: "/overview", title: "Overview", icon: "overview", key: "o", section: "", load: () => import("../pages/overview/page") },
  { path: "/events", title: "Events", icon: "events", key: "e", section: "Activity", load: () => import("../pages/events/page") },
  { path: "/runs", title: "Runs", icon: "runs", key: "r", section: "Activity", load: () => import("../pages/runs/page") },
  { path: "/failures", title: "Failures", icon: "warning", key: "f", section: "Activity", load: () => import("../pages/failures/page") },
  { path: "/functions", title: "Functions", icon: "functions", key: "n", section: "Code", load: () => import("../pages/functions/page") },
  { path: "/workers", title: "Workers", icon: "workers", key: "w", section: "Code", load: () => import("../pages/workers/page") },
  { path: "/projections", title: "Projections", icon: "projections", key: "p", section: "Data", load: () => import("../pages/projections/page") },
  { path: "/streams", title: "Entity streams", icon: "streams", key: "s", section: "Data", load: () => import("../pages/streams/page") },
  { path: "/kv", title: "Key-values", icon: "values", key: "k", section: "Data", load: () => import("../pages/kv/page") },
  { path: "/config", title: "Configuration", icon: "settings", key: "c", section: "Data", load: () => import("../pages/config/page") },
  { path: "/groups", title: "Subscriptions", icon: "groups", key: "g", section: "Messaging", load: () => import("../pages/groups/page") },
  { path: "/webhooks", title: "Webhooks", icon: "webhooks", key: "h", section: "Messaging", load: () => import("../pages/webhooks/page") },
  { path: "/audit", title: "Audit and history", icon: "audit", key: "a", section: "Administration", load: () => import("../pages/audit/page") },
  { path: "/access", title: "Keys and users", icon: "access", key: "u", section: "Administration", load: () => import("../pages/access/page") },
  { path: "/policies", title: "Policies", icon: "policies", key: "y", section: "Administration", load: () => import("../pages/policies/page") },
  { path: "/system", title: "System", icon: "system", key: "t", section: "Administration", load: () => import("../pages/system/page") },
];

/** What `/` shows. */
const HOME = "/overview";

export const DETAILS: readonly PlaceOf[] = [
  { path: "/runs/:id", title: "Run", load: () => import("../pages/run/page") },
  { path: "/projections/:id", title: "Projection", load: () => import("../pages/projection/page") },
  { path: "/streams/:id", title: "Entity", load: () => import("../pages/stream/page") },
  { path: "/kv/:id", title: "Bucket", load: () => import("../pages/bucket/page") },
];

/** The page at a path, and the id in it. */
export function pageAt(path: string): { page: PlaceOf; id: string } | null {
  const wanted = path === "/" || path === "/login" ? HOME : path;
  for (const page of [...NAV, ...DETAILS]) {
    if (page.path === wanted) return { page, id: "" };
    const [base, id] = [page.path.replace(/:id$/, ""), page.path.endsWith("/:id")];
    if (!id || !wanted.startsWith(base) || wanted.length === base.length) continue;
    const given = decoded(wanted.slice(base.length));
    return given === null ? null : { page, id: given };
  }
  return null;
}

/** The text of a part of a path; null where a browser sent what is none. */
function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

export function navItemAt(path: string): NavItem | undefined {
  return NAV.find((item) => path === item.path || path.startsWith(`${item.path}/`)) ?? (path === "/" ? NAV.find((item) => item.path === HOME) : undefined);
}
