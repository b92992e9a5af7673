/** The figures of /metrics, as Prometheus reads them. */
import { ApiError } from "./client";

export type Metrics = ReadonlyMap<string, number>;

/** Figures by their names with labels; histograms' buckets are left out. */
export function parseMetrics(text: string): Metrics {
  const found = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const cut = line.lastIndexOf(" ");
    const name = line.slice(0, cut);
    if (!name.includes("_bucket{")) found.set(name, Number(line.slice(cut + 1)));
  }
  return found;
}

export async function metrics(signal: AbortSignal): Promise<Metrics> {
  const where = "GET /metrics";
  let answer: Response;
  try {
    answer = await fetch("/metrics", { signal, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "UNREACHABLE", "the server cannot be reached", "is it running? The page tries again", "", where);
  }
  if (!answer.ok) throw new ApiError(answer.status, "", `the metrics are not told: ${answer.statusText}`, "", "", where);
  return parseMetrics(await answer.text());
}
