/** Runs put together by what they have in common: the server counts, and says how many it has counted. */
import type { RunGroup, RunGroups } from "../../api/types";
import type { Resource } from "../../live/resource";
import { type Grouping, GROUPINGS } from "../../model/filter";
import { link } from "../../shell/route";
import { short } from "../../ui/basics";
import { Counts } from "../../ui/counts";
import { ListCard } from "../../ui/list_card";
import { Empty } from "../../ui/states";

const NONE: Record<Grouping, string> = {
  function: "no function",
  failure: "did not fail",
  parent: "no run started these",
  day: "",
};

interface Props {
  by: Grouping;
  told: Resource<RunGroups>;
  current: RunGroup | undefined;
  onOpen: (group: RunGroup) => void;
  onClear: () => void;
}

export function Groups({ by, told, current, onOpen, onClear }: Props) {
  return (
    <>
      {told.data && <Bound of={told.data} />}
      <ListCard
        label={`Runs by ${GROUPINGS[by]}`}
        noun="group"
        resource={told}
        items={told.data?.groups}
        id={idOf}
        widths="minmax(150px, 2fr) 80px minmax(150px, 1.4fr) minmax(120px, 0.6fr)"
        current={current && idOf(current)}
        columns={[
          {
            name: by === "day" ? "Day, UTC" : capital(GROUPINGS[by]),
            show: (group) => <Name of={group} by={by} onOpen={onOpen} />,
          },
          { name: "Runs", show: (group) => <span class="tabular">{group.runs.toLocaleString("en")}</span> },
          { name: "Of these", show: (group) => <Counts of={group.counts} /> },
          {
            name: "Newest",
            wide: true,
            show: (group) => (
              <a class="mono" href={link(`/runs/${group.newest_run_id}`)}>
                {short(group.newest_run_id)}
              </a>
            ),
          },
        ]}
        empty={
          <Empty icon="search" title="No run fits the filter">
            <p class="muted">So there is nothing to put together.</p>
            <button type="button" onClick={onClear}>
              Clear the filter
            </button>
          </Empty>
        }
      />
    </>
  );
}

/** A group of those that have nothing in common is one, too. */
function idOf(group: RunGroup): string {
  return group.key || "none";
}

function Name({ of, by, onOpen }: { of: RunGroup; by: Grouping; onOpen: (group: RunGroup) => void }) {
  if (!of.key) return <span class="muted">{NONE[by]}</span>;
  return (
    <>
      <button type="button" class="link" title="List these runs" onClick={() => onOpen(of)}>
        {by === "parent" ? `${of.title ?? "a run that is gone"} ${short(of.key)}` : (of.title ?? of.key)}
      </button>
      {by === "failure" && <span class="faint mono small"> {of.key.slice(0, 8)}</span>}
    </>
  );
}

/** What was not counted, or is not shown. */
function Bound({ of }: { of: RunGroups }) {
  const hidden = of.groups_total - of.groups.length;
  if (of.exact && hidden === 0) return null;
  return (
    <p class="muted small pad group-bound" role="note">
      {!of.exact && `Counted are the newest ${of.counted.toLocaleString("en")} runs that fit; there are more, which a filter such as since:7d leaves out. `}
      {hidden > 0 && `Shown are ${of.groups.length} of ${of.groups_total.toLocaleString("en")} groups.`}
    </p>
  );
}

function capital(text: string): string {
  return text[0].toUpperCase() + text.slice(1);
}
