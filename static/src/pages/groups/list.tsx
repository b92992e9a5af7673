/** The groups, and one of them: where it is, who is in it, its dead letters, and beginning again elsewhere. */
import { useEffect, useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import type { GroupLag, GroupShape } from "../../api/admin";
import { type Resource, useResource } from "../../live/resource";
import { seenOf } from "../../model/seen";
import { duration } from "../../model/time";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { Skeleton, Status, TabPanel, Tabs, Time } from "../../ui/basics";
import { Act, Field, hold, lacks, said } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { Icon } from "../../ui/icon";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";
import { DeadLetters } from "./letters";
import { Next } from "./next";
import { Members } from "./subscriptions";

const EVERY_MS = 2_000;
const MANAGE = "groups:manage";
const PREVIEW_AFTER_MS = 300;
const NEW = "what is recorded from now on";
const ALL = "all that is recorded";
const SEEN = ["status", "pattern", "filter", "ack_mode", "backpressure", "max_inflight", "max_redeliveries", "redeliver_delay_ms", "ack_wait_ms", "generation", "start"] as const;

export function GroupList() {
  const groups = useResource("groups", (signal) => get<{ groups: GroupShape[] }>("/groups", { progress: "true" }, signal), { every: EVERY_MS });
  const [making, setMaking] = useState(false);
  return (
    <>
      <p class="buttons">
        <Act allowed={may(MANAGE)} permission={MANAGE} label="New group…" onClick={() => setMaking(true)} />
      </p>
      <Groups groups={groups} onNew={() => setMaking(true)} />
      {making && <NewGroup onClose={() => setMaking(false)} onDone={groups.reload} />}
    </>
  );
}

function NewGroup({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const [name, setName] = useState("");
  const [pattern, setPattern] = useState("");
  const [filter, setFilter] = useState("");
  const [from, setFrom] = useState(NEW);
  const body = { name, pattern, filter, ...(from === NEW ? {} : { after: 0 }) };
  return (
    <Ask title="New consumer group" verb="Make it" done={`Made ${name}`} run={() => request("POST", "/groups", { body })} onClose={onClose} onDone={onDone}>
      <Field label="Name" value={name} onValue={setName} required placeholder="billing" />
      <Field label="Gets" note="names of events, * for a part, > for all that follow" value={pattern} onValue={setPattern} required placeholder="order.>" />
      <Field label="Only" note="CEL over data, name, metadata; empty: all of them" value={filter} onValue={setFilter} placeholder="data.total > 100" />
      <Field label="Begins with" value={from} onValue={setFrom} list={[NEW, ALL]} />
    </Ask>
  );
}

function Groups({ groups, onNew }: { groups: Resource<{ groups: GroupShape[] }>; onNew: () => void }) {
  return (
    <Browse
      label="Groups"
      noun="group"
      sideKeys={{ P: "Pause or resume" }}
      param="group"
      resource={groups}
      items={groups.data?.groups}
      id={(one) => one.name}
      copies="Name"
      keys={[{ keys: "n", label: "New group", barred: lacks(MANAGE), run: onNew }]}
      columns={[
        { name: "Group", width: "minmax(110px, 1.2fr)", show: (one) => one.name },
        { name: "Status", width: "100px", show: (one) => <Status status={one.status} /> },
        { name: "Gets", width: "minmax(80px, 1.2fr)", show: (one) => <span class="mono">{one.pattern}</span>, wide: true },
        { name: "Only", width: "minmax(80px, 1fr)", show: (one) => <span class="mono">{one.filter}</span>, wide: true, alone: true },
        { name: "Members", width: "64px", show: (one) => <span class="tabular">{one.member_count}</span>, wide: true, alone: true },
        { name: "Behind", width: "64px", show: (one) => <Count of={one.progress?.lag} /> },
        { name: "Waiting", width: "64px", show: (one) => <Count of={one.progress?.pending} />, wide: true, alone: true },
        { name: "Unacked", width: "64px", show: (one) => <Count of={one.progress?.inflight} />, wide: true },
        { name: "Redelivered", width: "80px", show: (one) => <Count of={one.progress?.redelivered} />, wide: true, alone: true },
        { name: "Dead letters", width: "80px", show: (one) => <Count of={one.progress?.dead_letters} trouble />, wide: true },
      ]}
      empty={
        <Empty icon="groups" title="No consumer group is here">
          <p class="muted">Members of a group share what fits its pattern; each message goes to one of them.</p>
          <Command text="ironflow group create billing 'order.>'" />
        </Empty>
      }
      side={(one, close) => <Group key={one.name} of={one} onClose={close} onChange={groups.reload} />}
    />
  );
}

/** A number that is only known while NATS is there. */
function Count({ of, trouble = false }: { of: number | undefined; trouble?: boolean }) {
  if (of === undefined) return <span class="muted" title="NATS does not tell now">–</span>;
  return (
    <span class="tabular">
      {trouble && of > 0 && <Icon name="warning" class="fail" />} {of.toLocaleString("en")}
    </span>
  );
}

const TABS = [
  { id: "where", label: "Where it is" },
  { id: "next", label: "Next messages" },
  { id: "members", label: "Members" },
  { id: "dead", label: "Dead letters" },
];

function Group({ of, onClose, onChange }: { of: GroupShape; onClose: () => void; onChange: () => void }) {
  const path = `/groups/${segment(of.name)}`;
  const open = TABS.find((tab) => tab.id === chosen("show"))?.id ?? TABS[0].id;
  const [asking, setAsking] = useState<"" | "reset" | "delete">("");
  const allowed = may(MANAGE);
  const paused = of.status === "paused";
  const steer = (): void =>
    hold({
      held: paused,
      revision: of.revision,
      turn: (off, reason, ifMatch) => request("POST", `${path}/${off ? "pause" : "resume"}`, { body: off ? { reason } : {}, ifMatch }),
      done: (off) => (off ? "Paused: nothing is delivered, and nothing is lost" : "It is delivered to again"),
      then: onChange,
    });
  useKeys("Group", [{ keys: "P", label: paused ? "Resume" : "Pause", barred: lacks(MANAGE), run: steer }]);
  return (
    <Side title={of.name} under={<Status status={of.status} note={`${of.member_count} ${of.member_count === 1 ? "member" : "members"}`} />} onClose={onClose}>
      <p class="buttons pad-x">
        <Act allowed={allowed} permission={MANAGE} label={paused ? "Resume" : "Pause"} onClick={steer} />
        <Act allowed={allowed} permission={MANAGE} label="Begin elsewhere…" onClick={() => setAsking("reset")} />
        <Act allowed={allowed} permission={MANAGE} label="Delete…" onClick={() => setAsking("delete")} />
      </p>
      <Tabs label="group" items={TABS} open={open} onOpen={(id) => choose({ show: id === TABS[0].id ? null : id })} />
      <TabPanel label="group" open={open}>
        {open === "where" && <Where of={of} path={path} />}
        {open === "next" && <Next of={of} path={path} />}
        {open === "members" && <Members of={of.name} />}
        {open === "dead" && <DeadLetters of={of} path={path} allowed={allowed} />}
      </TabPanel>
      {asking === "reset" && <Reset of={of} path={path} onClose={() => setAsking("")} onDone={onChange} />}
      {asking === "delete" && (
        <Ask title={`Delete ${of.name}`} verb="Delete" done="Deleted" danger typed={of.name} seen={seenOf(of, SEEN)} look={onChange} run={(_reason, ifMatch) => request("DELETE", path, { ifMatch })} onClose={() => setAsking("")} onDone={onChange}>
          <p>Its members are let go, and where it was is forgotten.</p>
        </Ask>
      )}
    </Side>
  );
}

function Where({ of, path }: { of: GroupShape; path: string }) {
  const lag = useResource(`lag ${of.name}`, (signal) => get<GroupLag>(`${path}/lag`, {}, signal), { every: EVERY_MS });
  const told = lag.data;
  return (
    <>
      {lag.error && <Failed error={lag.error} onRetry={lag.reload} />}
      {!told && !lag.error && <Skeleton rows={4} of={lag} />}
      {told && (
        <Facts
          wide
          of={[
            ["Behind", <span class="tabular">{told.lag.toLocaleString("en")} positions</span>],
            ["Position", <EntryLink position={told.position} />],
            ["Waiting", <span class="tabular">{told.pending.toLocaleString("en")}</span>],
            ["Unacknowledged", <span class="tabular">{told.inflight} of {of.max_inflight}</span>],
            ["Redelivered", <span class="tabular">{told.redelivered.toLocaleString("en")}</span>],
            ["Dead letters", <span class="tabular">{told.dead_letters.toLocaleString("en")}</span>],
          ]}
        />
      )}
      <h3 class="pad-x">Settings</h3>
      <Facts
        wide
        of={[
          ["Gets", <span class="mono">{of.pattern}</span>],
          of.filter && ["Only", <code>{of.filter}</code>],
          ["Acknowledged", of.ack_mode === "auto" ? "by itself" : "by its members"],
          ["When slow", of.backpressure],
          ["Tries", `${of.max_redeliveries + 1}, ${duration(of.redeliver_delay_ms)} apart`],
          ["Ack within", duration(of.ack_wait_ms)],
          ["Generation", of.generation],
          ["Changed", <Time at={of.updated_at} />],
        ]}
      />
    </>
  );
}

interface ResetTold {
  position: number;
  redelivered: number;
  skipped: number;
  exact: boolean;
}

/** Says beforehand how many messages are delivered again, or never. */
function Reset({ of, path, onClose, onDone }: { of: GroupShape; path: string; onClose: () => void; onDone: () => void }) {
  const [where, setWhere] = useState("0");
  const [told, setTold] = useState<ResetTold | null>(null);
  const [problem, setProblem] = useState("");
  const body = (preview: boolean, reason = ""): object => ({ ...(/^\d+$/.test(where) ? { after: Number(where) } : { at: where }), preview, ...(reason ? { reason } : {}) });
  useEffect(() => {
    let gone = false;
    setTold(null);
    const timer = setTimeout(() => {
      request<ResetTold>("POST", `${path}/reset`, { body: body(true) }).then(
        (answer) => {
          if (gone) return;
          setTold(answer);
          setProblem("");
        },
        (error: unknown) => !gone && setProblem(said(error)),
      );
    }, PREVIEW_AFTER_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [where]);
  return (
    <Ask title={`Begin elsewhere with ${of.name}`} verb="Begin there" done="It begins there" danger reasoned wrong={problem} seen={seenOf(of, SEEN)} look={onDone} run={(reason, ifMatch) => request("POST", `${path}/reset`, { body: body(false, reason), ifMatch })} onClose={onClose} onDone={onDone}>
      <Field label="After" note="a position, or a time such as 2h ago; 0 is the beginning" value={where} onValue={setWhere} required />
      {!told && !problem && <Skeleton rows={1} />}
      {told && (
        <p role="status">
          From position {told.position}: {told.exact ? "" : "about "}
          <b class="tabular">{told.redelivered.toLocaleString("en")}</b> messages are delivered again, <b class="tabular">{told.skipped.toLocaleString("en")}</b> are never delivered.
        </p>
      )}
    </Ask>
  );
}
