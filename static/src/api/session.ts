/** Who is signed in, as far as a page may know it: the session itself is a cookie that no script can read. */
import { signal } from "@preact/signals";

export interface Me {
  kind: string;
  roles: string[];
  permissions: string[];
  org_id: string;
  environment_id: string;
  auth_required: boolean;
  user: { id: string; email: string; name: string } | null;
  csrf_token: string;
}

/** `unknown` until the server has said who we are. The sign-in form shows over whatever was open. */
export const session = signal<"unknown" | "open" | "signed-out">("unknown");
export const me = signal<Me | null>(null);
export const csrfToken = signal("");

/** Whether the server would let us; where nobody is asked who they are, it lets everybody. */
export function may(permission: string): boolean {
  const known = me.value;
  return !known?.auth_required || known.permissions.includes(permission) || known.permissions.includes("*");
}
