/** Signing in and out. A link signs in by what stands behind its #, which browsers send to nobody. */
import { ApiError, get, request } from "./client";
import { type Me, csrfToken, me, session } from "./session";

const LINK = /^#token=(.+)$/;

/** Ask the server who we are; with a link, be signed in by it first. */
export async function begin(): Promise<void> {
  const token = LINK.exec(location.hash)?.[1];
  if (token) {
    history.replaceState(null, "", "/");
    dispatchEvent(new PopStateEvent("popstate"));
    await signIn("/auth/exchange", { token: decodeURIComponent(token) }).catch(ignoreRefusal);
  } else await recognised();
}

/** Raises ApiError. */
export function signInBy(email: string, password: string): Promise<void> {
  return signIn("/auth/login", { email, password });
}

export async function signOut(): Promise<void> {
  await request("POST", "/auth/logout");
  session.value = "signed-out";
}

async function signIn(path: string, body: unknown): Promise<void> {
  try {
    csrfToken.value = (await request<{ csrf_token: string }>("POST", path, { body })).csrf_token;
  } catch (error) {
    session.value = "signed-out";
    throw error;
  }
  await recognised();
}

async function recognised(): Promise<void> {
  try {
    const known = await get<Me>("/auth/me");
    me.value = known;
    csrfToken.value = known.csrf_token;
    session.value = "open";
  } catch (error) {
    // Only a refusal asks for a password: when the server is away, pages say so and try again.
    session.value = error instanceof ApiError && error.status === 401 ? "signed-out" : "open";
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof ApiError)) throw error; // the form is there, and says that the link is over
}
