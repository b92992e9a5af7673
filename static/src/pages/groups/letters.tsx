/** What a group could not deliver, and what becomes of it: one, those that are chosen, or all that fit. */
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, request } from "../../api/client";
import type { DeadLetter, GroupShape, Settled } from "../../api/admin";
import { usePaged } from "../../live/paged";
import { TYPED_FROM } from "../../model/bulk";
import { counted } from "../../model/counted";
import { chosen, eventLink } from "../../shell/route";
import { Skeleton, Time, short } from "../../ui/basics";
import { Act, said } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Filters } from "../../ui/filters";
import { ShowMore } from "../../ui/more";
import { Failed } from "../../ui/states";

const EVERY_MS = 2_000;
const LIMIT = 100;
const MANAGE = "groups:manage";
const CAUSES = ["", "redelivered", "terminated", "unreadable"];

type Verb = "requeue" | "discard";

interface Doing {
  verb: Verb;
  /** Those that are named; all that fit the filter without. */
  positions?: number[];
}

export function DeadLetters({ of, path, allowed }: { of: GroupShape; path: string; allowed: boolean }) {
  const filter = { cause: chosen("cause"), search: chosen("find") };
  const filtered = filter.cause !== "" || filter.search !== "";
  const letters = usePaged(
    `dead ${of.name} ${filter.cause} ${filter.search}`,
    async (cursor, signal) => {
      const page = await get<{ dead_letters: DeadLetter[]; next_cursor?: string }>(`${path}/dead-letters`, { limit: LIMIT, cursor, ...filter }, signal);
      return { items: page.dead_letters, next: page.next_cursor ?? "" };
    },
    { every: EVERY_MS },
  );
  const [picked, setPicked] = useState<ReadonlySet<number>>(new Set());
  const [doing, setDoing] = useState<Doing | null>(null);
  const there = letters.items ?? [];
  const those = there.filter((one) => picked.has(one.position)).map((one) => one.position);
  const done = (): void => {
    setPicked(new Set());
    letters.reload();
  };
  const toggle = (position: number): void => {
    const next = new Set(picked);
    if (!next.delete(position)) next.add(position);
    setPicked(next);
  };
  return (
    <>
      <div class="pad">
        <Filters
          fields={[
            { name: "cause", label: "Died of", list: CAUSES },
            { name: "find", label: "With", placeholder: "topic, event or reason" },
          ]}
        />
      </div>
      {letters.error && <Failed error={letters.error} onRetry={letters.reload} />}
      {!letters.items && !letters.error && <Skeleton rows={4} of={letters} />}
      {letters.items && there.length === 0 && (
        <p class="muted pad">{letters.more ? "None fits among those that were looked at." : filtered ? "No dead letter fits the filter." : "Everything could be delivered."}</p>
      )}
      {there.length > 0 && (
        <>
          <p class="buttons pad-x">
            <label class="check small">
              <input
                type="checkbox"
                checked={those.length === there.length}
                onChange={(event) => setPicked(new Set(event.currentTarget.checked ? there.map((one) => one.position) : []))}
              />{" "}
              {those.length > 0 ? `${those.length} of the ${there.length} shown` : `All ${there.length} shown`}
            </label>
          </p>
          <p class="buttons pad-x">
            <Act allowed={allowed} permission={MANAGE} label={`Deliver ${those.length || (filtered ? "all that fit" : "all")} once more…`} onClick={() => setDoing({ verb: "requeue", ...(those.length > 0 ? { positions: those } : {}) })} />
            <Act allowed={allowed} permission={MANAGE} label={`Discard ${those.length || (filtered ? "all that fit" : "all")}…`} onClick={() => setDoing({ verb: "discard", ...(those.length > 0 ? { positions: those } : {}) })} />
          </p>
        </>
      )}
      <ul class="pad-x">
        {there.map((one) => (
          <li key={one.position} class="letter">
            <div class="buttons">
              <input type="checkbox" aria-label={`Choose the dead letter ${one.position}`} checked={picked.has(one.position)} onChange={() => toggle(one.position)} />
              <span>
                <a href={eventLink(one.event_id)}>{one.topic}</a> <span class="muted small">{short(one.event_id)}</span>
              </span>
            </div>
            <p class="small">
              {one.cause}
              {one.reason && `: ${one.reason}`}
            </p>
            <p class="small muted">
              {counted(one.deliveries, "delivery", "deliveries")}, dead <Time at={one.dead_at} />
            </p>
            <p class="buttons">
              <Act allowed={allowed} permission={MANAGE} label="Deliver once more…" onClick={() => setDoing({ verb: "requeue", positions: [one.position] })} />
              <Act allowed={allowed} permission={MANAGE} label="Discard…" onClick={() => setDoing({ verb: "discard", positions: [one.position] })} />
            </p>
          </li>
        ))}
      </ul>
      <ShowMore of={letters} label="Show more dead letters" />
      {doing && <Settle of={of} path={path} doing={doing} filter={filter} onClose={() => setDoing(null)} onDone={done} />}
    </>
  );
}

interface SettleProps {
  of: GroupShape;
  path: string;
  doing: Doing;
  filter: { cause: string; search: string };
  onClose: () => void;
  onDone: () => void;
}

/** Says beforehand how many they are, as the server counts them. */
function Settle({ of, path, doing, filter, onClose, onDone }: SettleProps) {
  const [told, setTold] = useState<Settled | null>(null);
  const [problem, setProblem] = useState("");
  const which = doing.positions ? { positions: doing.positions } : { all: true, ...filter };
  const discards = doing.verb === "discard";
  const asked = (more: object): Promise<Settled> => request<Settled>("POST", `${path}/dead-letters/${doing.verb}`, { body: { ...which, ...more } });
  useEffect(() => {
    asked({ preview: true }).then(setTold, (error: unknown) => {
      if (error instanceof ApiError) setProblem(said(error));
      else throw error;
    });
  }, []);
  const count = told?.matched ?? 0;
  const many = `${count.toLocaleString("en")}${told?.exact === false ? " and more" : ""}`;
  return (
    <Ask
      title={discards ? `Discard dead letters of ${of.name}` : `Deliver dead letters of ${of.name} once more`}
      verb={discards ? "Discard" : "Deliver once more"}
      done={(settled: Settled) => outcome(settled, discards)}
      danger={discards}
      typed={count > TYPED_FROM ? of.name : undefined}
      reasoned
      waiting={told === null}
      wrong={problem || (told && count === 0 ? "None of them is a dead letter any more" : "")}
      run={(reason) => asked({ reason })}
      onClose={onClose}
      onDone={onDone}
    >
      {!told && !problem && <Skeleton rows={2} />}
      {told && (
        <>
          <p>
            <b class="tabular">{many}</b> {count === 1 ? "message is" : "messages are"} {discards ? `never delivered to ${of.name}. The events stay in history.` : `delivered to ${of.name} once more, counting from one.`}
          </p>
          {told.exact === false && <p class="small">So many are settled at once: ask again for the others.</p>}
          <ul class="small">
            {told.sample.map((one) => (
              <li key={one.position}>
                {one.topic} <span class="muted">{one.reason || one.cause}</span>
              </li>
            ))}
            {count > told.sample.length && <li class="muted">and {(count - told.sample.length).toLocaleString("en")} others</li>}
          </ul>
        </>
      )}
    </Ask>
  );
}

function outcome(told: Settled, discards: boolean): string {
  const count = told.positions.length;
  const gone = told.gone.length > 0 ? `; ${told.gone.length} ${told.gone.length === 1 ? "was" : "were"} settled already` : "";
  const more = told.exact ? "" : "; there are more";
  return `${count.toLocaleString("en")} ${discards ? "discarded" : count === 1 ? "is delivered once more" : "are delivered once more"}${gone}${more}`;
}
