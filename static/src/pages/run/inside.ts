/** The runs that steps of a run started, where somebody looks into them: the URL names them, and what happens in them is
 * followed as what happens in the run itself. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { arranged } from "../../model/arrangement";
import { type Rec, merged } from "../../model/records";
import { type Row, apart, waterfall } from "../../model/waterfall";
import { choose, chosen } from "../../shell/route";
import { toast } from "../../ui/toast";
import { recordsAfter } from "./store";

const SEPARATOR = ",";
/** So many are looked into at once; another one takes the place of the first. */
const MAX = 20;
const AS_IT_RAN = { words: "", failed: false, by: "" } as const;

export function isInside(childRunId: string): boolean {
  return chosen("inside").split(SEPARATOR).includes(childRunId);
}

/** Look into the run that a step started, or no more. */
export function lookInside(childRunId: string): void {
  const open = chosen("inside").split(SEPARATOR).filter(Boolean);
  choose({ inside: (open.includes(childRunId) ? open.filter((one) => one !== childRunId) : [...open, childRunId].slice(-MAX)).join(SEPARATOR) });
}

/** The tree of rows of each of them, as far as it has come. */
export function useInside(): ReadonlyMap<string, Row> {
  const wanted = chosen("inside");
  const [known, setKnown] = useState<ReadonlyMap<string, readonly Rec[]>>(new Map());
  /** Of each the last position that came: who looks into another one asks for nothing twice. */
  const last = useRef(new Map<string, number>()).current;
  useEffect(() => {
    const took = (id: string, more: readonly Rec[]): void => {
      last.set(id, more.at(-1)?.position ?? last.get(id) ?? 0);
      setKnown((before) => new Map(before).set(id, merged(before.get(id) ?? [], more)));
    };
    const ids = wanted.split(SEPARATOR).filter(Boolean).slice(-MAX);
    const told = ids.map((id) =>
      recordsAfter(
        id,
        last.get(id) ?? 0,
        (more) => took(id, more),
        (error, again) => again || toast(`What ${id} did: ${error.message}`, true),
      ),
    );
    return () => told.forEach(({ end }) => end());
  }, [wanted]);
  return useMemo(() => {
    const ids = wanted.split(SEPARATOR);
    return new Map([...known].filter(([id]) => ids.includes(id)).map(([id, records]) => [id, apart(arranged(waterfall(records, id), AS_IT_RAN).root, id)]));
  }, [wanted, known]);
}
