/** A call of the API as the command that does the same. */
import type { Call } from "./call";
import { type Json, parse, print } from "./json";
import { quoted } from "./quoted";

/** By method and path, the command. `{name}` is a segment of the path, a member of the body or a parameter; a part in
 * brackets is left out where there is none, said again for each of several, and said without it where it is `true`. The
 * first counts whose values are all there, and which are as it says after `?`. `{body}` is all of the body, `{version}` the
 * one that has to be there; with `-` the body is read. */
export const COMMANDS: readonly (readonly [call: string, command: string])[] = [
  ["POST /runs/:id/resume", "run resume {id} [--reason {reason}]"],
  ["POST /bulk", "bulk start {verb} [--run {run_ids}] --reason {reason}"],
  ["POST /bulk/:id/stop", "bulk stop {id} [--reason {reason}]"],
  ["POST /failures/:id/resolve", "failures resolve {id} --reason {reason}"],
  ["POST /failures/:id/reopen", "failures reopen {id} [--reason {reason}]"],
  ["POST /failures/:id/mute", "failures mute {id} [--for {duration}] --reason {reason}"],
  ["POST /failures/:id/assign", "failures assign {id} [--to {assignee}] [--reason {reason}]"],
  ["POST /failures/:id/merge", "failures merge {id} --into {into} [--reason {reason}]"],
  ["POST /failures/:id/split", "failures split {id} [{fingerprints}] [--reason {reason}]"],
  ["POST /failures/:id/apply", "failures apply {id} --from {from_run} [--run {run_ids}] --reason {reason}"],
  ["POST /functions/:id/pin", "function pin {id} [{version_no}] [--reason {reason}]"],
  ["POST /functions/:id/rollback", "function rollback {id} {version_no} [--reason {reason}]"],
  ["POST /workers/:id/drain", "worker drain {id} [--reason {reason}]"],
  ["POST /workers/:id/disconnect", "worker disconnect {id} [--reason {reason}]"],
  ["POST /projections/:id/resume", "projection resume {id} [--reason {reason}]"],
  ["POST /projections/:id/skip", "projection skip {id} --event {event_id} --reason {reason}"],
  ["POST /projections/:id/park", "projection park {id} --event {event_id} --reason {reason}"],
  ["POST /projections/:id/parked/retry", "projection retry-parked {id} [{event_ids}] --reason {reason}"],
  ["POST /projections/:id/parked/discard", "projection discard-parked {id} [{event_ids}] --reason {reason}"],
  ["DELETE /projections/:id", "projection delete {id} [--reason {reason}]"],
  [
    "POST /projections/:id/rebuild",
    "projection rebuild {id} [--partition {partition}] [--from-event {fromEventId}] [--to-event {toEventId}] [--from-position {fromPosition}] [--to-position {toPosition}] [--reason {reason}]",
  ],
  ["POST /streams/:id/events", "stream append {entityType}/{id} {name} --data {data} [--expect {expectedVersion}]"],
  ["DELETE /streams/:id", "stream delete {type}/{id} [--expect {expected_version}] [--reason {reason}] [--purge{purge}] --yes"],
  ["PUT /streams/:id/snapshot", "stream snapshot {entityType}/{id} --version {version_no} --data {state}"],
  ["POST /kv/buckets", "kv bucket create {name} [--ttl {ttl_seconds}s] [--description {description}]"],
  ["DELETE /kv/buckets/:id", "kv bucket delete {id} --yes"],
  ["PUT /kv/buckets/:id/keys/*", "kv cas {id} {key} {body} --revision {version} [--ttl {ttl}]"],
  ["PUT /kv/buckets/:id/keys/*", "kv create {id} {key} {body} [--ttl {ttl}]"],
  ["DELETE /kv/buckets/:id/keys/*", "kv delete {id} {key} [--revision {version}]"],
  ["POST /config/:id", "config set {id} {body} [--revision {version}]"],
  ["PATCH /config/:id", "config patch {id} {body} [--revision {version}]"],
  ["POST /config/:id/restore", "config restore {id} {revision}"],
  ["DELETE /config/:id", "config delete {id} [--revision {version}] --yes"],
  ["POST /secrets", "secret set {name} [--description {description}]"],
  ["PUT /secrets/:id", "secret set {id} [--description {description}]"],
  ["DELETE /secrets/:id", "secret delete {id} --yes"],
  ["POST /groups", "group create {name} {pattern} [--filter {filter}] [--after {after}]"],
  ["DELETE /groups/:id", "group delete {id}"],
  ["POST /groups/:id/reset", "group reset {id} [--after {after}] [--at {at}] [--reason {reason}]"],
  ["POST /groups/:id/dead-letters/requeue", "dlq requeue {id} [{positions}] [--all{all}] [--cause {cause}] [--search {search}] [--reason {reason}]"],
  ["POST /groups/:id/dead-letters/discard", "dlq discard {id} [{positions}] [--all{all}] [--cause {cause}] [--search {search}] [--reason {reason}]"],
  ["DELETE /groups/:id/dead-letters/:position", "dlq discard {id} {position} [--reason {reason}]"],
  ["POST /topics/:id/messages", "topic publish {id} --data {data}"],
  ["POST /webhook-sources", "webhook create {name} [--provider {provider}] [--prefix {event_prefix}]"],
  ["PUT /webhook-sources/:id/secret", "webhook rotate {id} [--grace {grace_seconds}s]"],
  ["POST /webhook-sources/:id/token", "webhook rotate {id} --token"],
  ["POST /webhook-sources/:id/test", "webhook test {id} --deliver"],
  ["DELETE /webhook-sources/:id", "webhook delete {id} --yes"],
  ["POST /webhook-deliveries/:id/replay", "webhook replay {id}"],
  ["POST /policies/:id/versions/:revision/rollback", "policy rollback {id} {revision} [--reason {reason}]"],
  ["POST /policies", "policy apply - [--reason {reason}]"],
  ["PUT /policies/:id", "policy apply - [--reason {reason}]"],
  ["PATCH /policies/:id?mode=enforce", "policy enforce {id} --percent {enforce_percent} [--reason {reason}]"],
  ["PATCH /policies/:id?mode=monitor", "policy monitor {id} [--reason {reason}]"],
  ["DELETE /policies/:id", "policy delete {id} [--reason {reason}] --yes"],
  ["POST /apikeys", "apikey create {name} [--role {role_ids}] [--bind {env_id}] [--expires {expires_in}]"],
  ["POST /apikeys/:id/rotate", "apikey rotate {id} [--overlap {overlap_seconds}]"],
  ["PUT /apikeys/:id/roles", "apikey roles {id} [{role_ids}]"],
  ["DELETE /apikeys/:id", "apikey delete {id} [--reason {reason}] --yes"],
  ["POST /users", "user create {email} [--name {name}] [--role {roles}]"],
  ["PATCH /users/:id", "user roles {email} {roles}"],
  ["PATCH /users/:id?is_active=true", "user enable {email}"],
  ["PATCH /users/:id?is_active=false", "user disable {email}"],
  ["DELETE /users/:id", "user delete {email} --yes"],
  ["POST /users/:id/link", "login --link {email}"],
];

/** The command that does the same; "" where none does. `known` are values that the call does not have. */
export function commandOf(call: Call, environment: string, known: Record<string, string> = {}): string {
  const values = { ...valuesOf(call), ...known };
  for (const [asked, command] of COMMANDS) {
    const [at, condition] = asked.split("?");
    if (condition && !holds(condition, values)) continue;
    const found = pathOf(at, call);
    const words = found && wordsOf(command, { ...values, ...found });
    if (!words) continue;
    const read = words.includes("-") ? [`printf %s ${quoted(call.body ?? "")} |`] : [];
    return [...read, "ironflow", ...words, ...(environment === "default" ? [] : ["--env", word(environment)])].join(" ");
  }
  return "";
}

function holds(condition: string, values: Record<string, Json | undefined>): boolean {
  const [name, wanted] = condition.split("=");
  const value = values[name];
  return value !== undefined && shown(value) === wanted;
}

function valuesOf(call: Call): Record<string, Json | undefined> {
  const values: Record<string, Json | undefined> = {};
  const text = call.body;
  const body = call.bytes || !text ? undefined : parse(text);
  if (body instanceof Map) for (const [name, value] of body as Map<string, Json>) values[name === "version" ? "version_no" : name] = value;
  for (const [name, value] of Object.entries(call.query ?? {})) if (value !== undefined) values[name] = value === "true" || String(value);
  if (text !== undefined && text !== "-" && !text.startsWith("@")) values.body = text;
  if (values.expectedVersion !== undefined && shown(values.expectedVersion as Json) === "-1") delete values.expectedVersion; // any
  if (typeof call.version === "number") values.version = String(call.version);
  return values;
}

function pathOf(asked: string, { method, path }: Call): Record<string, string> | null {
  const [verb, template] = asked.split(" ");
  const [wanted, given] = [template.split("/"), path.split("/")];
  if (verb !== method || (wanted.at(-1) !== "*" && wanted.length !== given.length)) return null;
  const found: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    if (part === "*") found.key = given.slice(index).map(decodeURIComponent).join("/");
    else if (given[index] === undefined) return null;
    else if (part.startsWith(":")) found[part.slice(1)] = decodeURIComponent(given[index]);
    else if (part !== given[index]) return null;
  }
  return found;
}

/** Null where a value is missing that has to be there. */
function wordsOf(command: string, values: Record<string, Json | undefined>): string[] | null {
  const words: string[] = [];
  for (const [, optional, needed] of command.matchAll(/\[([^\]]+)\]|(\S+)/g)) {
    if (optional !== undefined) for (const one of optionally(optional, values)) words.push(...one);
    else {
      const several = /^\{(\w+)\}$/.exec(needed);
      const list = several && values[several[1]];
      if (Array.isArray(list)) {
        if (list.length === 0) return null;
        words.push(...list.map((one) => word(shown(one))));
        continue;
      }
      const told = filled(needed, (name) => values[name]);
      if (told === null) return null;
      words.push(word(told));
    }
  }
  return words;
}

function optionally(part: string, values: Record<string, Json | undefined>): string[][] {
  const name = /\{(\w+)\}/.exec(part)?.[1] ?? "";
  const value = values[name];
  if (value === true) return [[part.replace(/\{\w+\}/, "")]];
  const all = Array.isArray(value) ? value : [value];
  return all.flatMap((one) => {
    const told = part.split(" ").map((token) => filled(token, () => one));
    return told.includes(null) ? [] : [told.map((token) => word(token as string))];
  });
}

function filled(token: string, of: (name: string) => Json | undefined): string | null {
  let whole = true;
  const told = token.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = of(name);
    if (value === undefined || value === null || value === "" || value === false) whole = false;
    return value === undefined ? "" : shown(value);
  });
  return whole ? told : null;
}

function shown(value: Json): string {
  return typeof value === "string" ? value : print(value);
}

/** A word of a command: as it is where a shell leaves it so. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quoted(text);
}
