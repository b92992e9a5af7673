/** The figures that the server tells of itself. */
import { type Metrics, parseMetrics } from "../model/metrics";
import { ApiError } from "./client";

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
