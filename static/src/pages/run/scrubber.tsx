/** The history of a run on one line: a handle for the moment that is shown, a second one to compare with. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { AROUND } from "../../model/gaps";
import { EDITS, type Rec, isEdit, isFailure, isStep, title } from "../../model/records";
import { type Mode, type Scale, place, timeAt } from "../../model/scale";
import { iso } from "../../model/time";
import { useKeys } from "../../shell/keys";
import { choose, chosen } from "../../shell/route";
import { dark, wallTime } from "../../shell/settings";
import { Icon } from "../../ui/icon";
import { useWidth } from "../../ui/view";
import { type Moment, goTo, goToPosition } from "./moment";
import type { Records } from "./store";

interface Props {
  records: Records;
  moment: Moment;
  compared: number;
  scale: Scale;
  mode: Mode;
}

/** Times as fast as it was; 0 for event by event, however long it took. */
const SPEEDS = [0.5, 1, 4, 16, 0];
const EACH_MS = 600;
const WAIT_MS_MAX = 1_200;
const WAIT_MS_MIN = 40;
const MODES: { id: Mode; label: string }[] = [
  { id: "squeezed", label: "Gaps squeezed" },
  { id: "time", label: "Time" },
  { id: "sequence", label: "Record by record" },
];

const STEPS = ["step.*"];
const SPECIAL = ["step.failed", "run.failed", "run.retrying", ...EDITS];

export function Scrubber({ records: { all: records, gaps, near, seek }, moment, compared, scale, mode }: Props) {
  const [playing, setPlaying] = useState(false);
  const speed = SPEEDS.find((one) => String(one) === chosen("speed")) ?? 1;
  const track = useRef<HTMLDivElement>(null);
  const dragsB = useRef(false);
  const { index } = moment;
  const go = (to: number): void => goTo(records, Math.max(0, Math.min(records.length - 1, to)));
  /** To the next record, or the one before, which may have to be loaded first. */
  const step = async (direction: 1 | -1): Promise<void> => {
    const gap = gaps.find((one) => one.index === (direction === 1 ? index + 1 : index));
    if (!gap) return go(index + direction);
    const page = await near(direction === 1 ? { after: gap.after, limit: AROUND } : { before: gap.before, direction: "backward", limit: AROUND });
    const next = page.at(direction === 1 ? 0 : -1);
    if (next) choose({ at: next.position });
    else setPlaying(false);
  };
  const jump = async (direction: 1 | -1, kinds: readonly string[]): Promise<void> => {
    const found = await seek(index, direction, kinds);
    if (found) goToPosition(records, found);
    else if (found === 0 && direction === 1) go(records.length - 1);
  };
  const setB = (to: number | null): void => choose({ b: to });
  const play = (): void => {
    if (!playing && !moment.past) go(0);
    setPlaying(!playing);
  };

  useKeys("Time travel", [
    { keys: "ArrowLeft", label: "Previous record", run: () => void step(-1) },
    { keys: "ArrowRight", label: "Next record", run: () => void step(1) },
    { keys: "Shift+ArrowLeft", label: "Previous step boundary", run: () => void jump(-1, STEPS) },
    { keys: "Shift+ArrowRight", label: "Next step boundary", run: () => void jump(1, STEPS) },
    { keys: "Mod+ArrowLeft", label: "Previous failure or edit", run: () => void jump(-1, SPECIAL) },
    { keys: "Mod+ArrowRight", label: "Next failure or edit", run: () => void jump(1, SPECIAL) },
    { keys: "Home", label: "First record", run: () => go(0) },
    { keys: "End", label: "Live", run: () => choose({ at: null }) },
    { keys: "P", label: "Play", run: play },
    { keys: "b", label: "Compare with this moment", run: () => setB(records[index]?.position ?? null) },
    { keys: "B", label: "Compare no more", barred: compared < 0 ? "nothing is compared" : "", run: () => setB(null) },
  ]);

  useEffect(() => {
    if (!playing) return;
    const next = records[index + 1];
    if (!next) {
      setPlaying(false);
      return;
    }
    const wait = speed === 0 ? EACH_MS : Math.max(WAIT_MS_MIN, Math.min(WAIT_MS_MAX, (next.at - records[index].at) / speed));
    const timer = setTimeout(() => void step(1), wait);
    return () => clearTimeout(timer);
  }, [playing, index, speed, records.length]);

  const placeOf = (event: PointerEvent): number => {
    const box = (track.current as HTMLDivElement).getBoundingClientRect();
    return (event.clientX - box.left) / box.width;
  };
  const closest = (event: PointerEvent): number => {
    const wanted = placeOf(event);
    let low = 0;
    let high = records.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (place(scale, records[middle].at) < wanted) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && wanted - place(scale, records[low - 1].at) < place(scale, records[low].at) - wanted) return low - 1;
    return low;
  };
  /** Where the pointer was let go, if what happened then is not loaded. */
  const dropped = async (event: PointerEvent): Promise<void> => {
    const at = timeAt(scale, placeOf(event));
    if (!gaps.some((gap) => at > records[gap.index - 1].at && at < records[gap.index].at)) return;
    const last = (await near({ at: iso(at), direction: "backward", limit: AROUND })).at(-1);
    if (last) choose({ [dragsB.current ? "b" : "at"]: last.position });
  };
  const current = records[index];
  const total = records.at(-1)?.version ?? 0;
  const at = current ? place(scale, current.at) * 100 : 100;
  const told = current ? `record ${current.version} of ${total}, ${title(current)}, ${wallTime(current.at)}` : "no records";
  return (
    <section class="card scrubber" aria-label="Time travel">
      <div class="scrub-buttons">
        <button type="button" class="quiet icon-only" aria-label="First record" onClick={() => go(0)}>
          <Icon name="start" />
        </button>
        <button type="button" class="quiet icon-only" aria-label="Previous record" onClick={() => void step(-1)}>
          <Icon name="back" />
        </button>
        <button type="button" class="quiet icon-only" aria-label={playing ? "Stop" : "Play"} aria-pressed={playing} onClick={play}>
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <button type="button" class="quiet icon-only" aria-label="Next record" onClick={() => void step(1)}>
          <Icon name="forward" />
        </button>
        <select class="small quiet" aria-label="Speed" value={String(speed)} onChange={(event) => choose({ speed: event.currentTarget.value === "1" ? null : event.currentTarget.value })}>
          {SPEEDS.map((one) => (
            <option key={one} value={String(one)}>
              {one === 0 ? "by event" : `${one}×`}
            </option>
          ))}
        </select>
      </div>
      <div
        ref={track}
        class="track"
        title="Drag to go through the run; with Shift, or by its handle, to set B"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          dragsB.current = event.shiftKey || (event.target as Element).closest(".handle.b") !== null;
          if (event.shiftKey) setB(records[closest(event)]?.position ?? null);
          else if (!dragsB.current) go(closest(event));
        }}
        onPointerMove={(event) => {
          if (event.buttons !== 1) return;
          if (dragsB.current) setB(records[closest(event)]?.position ?? null);
          else go(closest(event));
        }}
        onPointerUp={(event) => void dropped(event)}
      >
        <Ticks records={records} scale={scale} />
        <span class="track-done" style={{ width: `${at}%` }} />
        {compared >= 0 && (
          <span class="handle b" style={{ left: `${place(scale, records[compared].at) * 100}%` }}>
            B
          </span>
        )}
        <span class="handle a" style={{ left: `${at}%` }} />
        <input
          type="range"
          class="track-range"
          min={0}
          max={Math.max(0, records.length - 1)}
          value={Math.max(0, index)}
          aria-label="Moment"
          aria-valuetext={told}
          onInput={(event) => {
            const by = Number(event.currentTarget.value) - index;
            if (by === 1 || by === -1) void step(by);
            else go(index + by);
          }}
        />
      </div>
      <div class="scrub-told">
        <span class="mono small tabular scrub-count" style={{ minWidth: `${2 * String(total).length + 1}ch` }}>
          {current?.version ?? 0}/{total}
        </span>
        <span class="mono small tabular muted scrub-clock">{current ? wallTime(current.at) : ""}</span>
        <select
          class="small"
          aria-label="Scale of time"
          value={mode}
          onChange={(event) => choose({ scale: event.currentTarget.value === "squeezed" ? null : event.currentTarget.value })}
        >
          {MODES.map((one) => (
            <option key={one.id} value={one.id}>
              {one.label}
            </option>
          ))}
        </select>
        {compared >= 0 ? (
          <button type="button" class="small" onClick={() => setB(null)}>
            A ↔ B <Icon name="cross" size={12} />
          </button>
        ) : (
          <button type="button" class="small quiet" title="Compare with this moment (b)" onClick={() => setB(current?.position ?? null)}>
            Set B
          </button>
        )}
      </div>
    </section>
  );
}

const TRACK_HEIGHT = 32;

const PLAIN = 0;
const STEP = 1;
const FAILED = 2;
const EDITED = 3;

function markOf(record: Rec): number {
  if (isEdit(record)) return EDITED;
  if (isFailure(record)) return FAILED;
  return isStep(record) ? STEP : PLAIN;
}

/** A tick for each record: on a canvas, since there may be a hundred thousand. */
function Ticks({ records, scale }: { records: readonly Rec[]; scale: Scale }) {
  const marks = useMemo(() => Uint8Array.from(records, markOf), [records]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const width = useWidth(canvas);
  useEffect(() => {
    if (width > 0) draw(canvas.current as HTMLCanvasElement, width, records, marks, scale);
  }, [width, records, scale, dark.value]);
  return <canvas ref={canvas} aria-hidden="true" />;
}

function draw(canvas: HTMLCanvasElement, width: number, records: readonly Rec[], marks: Uint8Array, scale: Scale): void {
  const ratio = devicePixelRatio || 1;
  canvas.width = width * ratio;
  canvas.height = TRACK_HEIGHT * ratio;
  const pen = canvas.getContext("2d") as CanvasRenderingContext2D;
  const style = getComputedStyle(canvas);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  pen.scale(ratio, ratio);
  const middle = TRACK_HEIGHT / 2;
  const x = (index: number): number => place(scale, records[index].at) * width;
  pen.fillStyle = colour("border");
  pen.fillRect(0, middle - 1, width, 2);
  for (const gap of scale.gaps) {
    const [from, to] = [place(scale, gap.from) * width, place(scale, gap.to) * width];
    pen.clearRect(from, middle - 1, to - from, 2);
    pen.fillStyle = colour("border-strong");
    for (let at = from + 2; at < to - 2; at += 6) pen.fillRect(at, middle - 1, 2, 2);
  }
  const [plain, failed, edited, step] = [colour("border-strong"), colour("fail"), colour("edit"), colour("muted")];
  let lastX = -1;
  marks.forEach((mark, index) => {
    const at = Math.round(x(index));
    if (at === lastX && mark < FAILED) return;
    lastX = at;
    if (mark === EDITED) {
      pen.fillStyle = edited;
      pen.beginPath();
      pen.moveTo(at, middle - 6);
      pen.lineTo(at + 6, middle);
      pen.lineTo(at, middle + 6);
      pen.lineTo(at - 6, middle);
      pen.fill();
    } else if (mark === FAILED) {
      pen.fillStyle = failed;
      pen.fillRect(at - 1.5, middle - 9, 3, 18);
    } else {
      const tall = mark === STEP ? 10 : 6;
      pen.fillStyle = mark === STEP ? step : plain;
      pen.fillRect(at - 1, middle - tall / 2, 2, tall);
    }
  });
}
