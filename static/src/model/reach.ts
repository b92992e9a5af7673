/** What a tab is to do where its WebSocket does not come about: some proxies let every call through but that one. */

export type Reach = "reconnecting" | "polling";

/** So many attempts in a row may fail for other reasons. */
const FAILED_MIN = 2;

/** `failures` in a row to open it; `answers`: whether the server answers calls meanwhile. */
export function reachAfter(failures: number, answers: boolean): Reach {
  return answers && failures >= FAILED_MIN ? "polling" : "reconnecting";
}
