/** Topics: what was published, and who follows. A message is recorded and delivered, and starts no function. */
import { useState } from "preact/hooks";
import { get, request, segment } from "../../api/client";
import { may } from "../../api/session";
import { useResource } from "../../live/resource";
import { counted } from "../../model/counted";
import { print, readable } from "../../model/json";
import { Skeleton, Time } from "../../ui/basics";
import { Act, Field, lacks } from "../../ui/acting";
import { Ask } from "../../ui/ask";
import { Browse } from "../../ui/browse";
import { EntryLink, Facts, Side } from "../../ui/side";
import { Command, Empty, Failed } from "../../ui/states";

interface Topic {
  name: string;
  message_count: number;
  consumer_count: number;
  first_message_at: string;
  last_message_at: string;
}

interface TopicStats {
  message_count: number;
  consumer_count: number;
  lag: number;
  first_seq: number;
  last_seq: number;
}

const EVERY_MS = 4_000;
const PUBLISH = "topics:publish";

export function Topics() {
  const topics = useResource("topics", (signal) => get<{ topics: Topic[] }>("/topics", {}, signal), { every: EVERY_MS });
  const [publishing, setPublishing] = useState<string | null>(null);
  return (
    <>
      <p class="buttons">
        <Act allowed={may(PUBLISH)} permission={PUBLISH} label="Publish a message…" onClick={() => setPublishing("")} />
      </p>
      <Browse
        label="Topics"
        noun="topic"
        param="topic"
        resource={topics}
        items={topics.data?.topics}
        id={(one) => one.name}
        copies="Name"
        keys={[{ keys: "p", label: "Publish a message", barred: lacks(PUBLISH), run: () => setPublishing("") }]}
        columns={[
          { name: "Topic", width: "minmax(140px, 1.6fr)", show: (one) => one.name },
          { name: "Messages", width: "100px", show: (one) => <span class="tabular">{one.message_count.toLocaleString("en")}</span> },
          { name: "Followed by", width: "110px", show: (one) => <span class="tabular">{one.consumer_count}</span>, wide: true },
          { name: "Last", width: "110px", show: (one) => <Time at={one.last_message_at} />, wide: true },
        ]}
        empty={
          <Empty icon="groups" title="Nothing was published here yet">
            <p class="muted">A message on a topic goes to whoever follows it, and starts no function. What should start one is an event.</p>
            <Command text={`ironflow topic publish orders.priced -d '{"order": 42}'`} />
          </Empty>
        }
        side={(one, close) => <TopicSide key={one.name} of={one} onClose={close} onPublish={() => setPublishing(one.name)} />}
      />
      {publishing !== null && <PublishMessage topic={publishing} onClose={() => setPublishing(null)} onDone={topics.reload} />}
    </>
  );
}

function TopicSide({ of, onClose, onPublish }: { of: Topic; onClose: () => void; onPublish: () => void }) {
  const stats = useResource(`topic ${of.name}`, (signal) => get<TopicStats>(`/topics/${segment(of.name)}`, {}, signal), { every: EVERY_MS });
  const told = stats.data;
  return (
    <Side title={of.name} under={<span class="muted">{counted(of.message_count, "message")}</span>} onClose={onClose}>
      <p class="buttons pad-x">
        <Act allowed={may(PUBLISH)} permission={PUBLISH} label="Publish a message…" onClick={onPublish} />
      </p>
      {stats.error && <Failed error={stats.error} onRetry={stats.reload} />}
      {!told && !stats.error && <Skeleton rows={4} of={stats} />}
      {told && (
        <Facts
          wide
          of={[
            ["Followed by", `${told.consumer_count} on this node`],
            told.consumer_count > 0 && ["Behind", `${told.lag.toLocaleString("en")} messages, the slowest of them`],
            ["First", <Message at={of.first_message_at} position={told.first_seq} />],
            ["Last", <Message at={of.last_message_at} position={told.last_seq} />],
          ]}
        />
      )}
    </Side>
  );
}

function Message({ at, position }: { at: string; position: number }) {
  return (
    <>
      <Time at={at} /> {position > 0 && <EntryLink position={position} />}
    </>
  );
}

function PublishMessage({ topic: first, onClose, onDone }: { topic: string; onClose: () => void; onDone: () => void }) {
  const [topic, setTopic] = useState(first);
  const [text, setText] = useState("{}");
  const read = readable(text);
  const wrong = typeof read === "string" ? read : "";
  const json = (key: string): string => (typeof read === "string" ? "" : `{"data":${print(read.value)}${key && `,"idempotency_key":"${key}"`}}`);
  return (
    <Ask title="Publish a message" verb="Publish" done="Published" wrong={wrong} run={(_reason, _version, key) => request("POST", `/topics/${segment(topic)}/messages`, { json: json(key) })} onClose={onClose} onDone={onDone}>
      <Field label="Topic" value={topic} onValue={setTopic} required placeholder="orders.priced" />
      <Field label="Data" note="JSON" value={text} onValue={setText} rows={8} wrong={wrong !== ""} />
    </Ask>
  );
}
