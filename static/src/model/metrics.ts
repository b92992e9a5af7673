/** The figures of /metrics, as Prometheus reads them. */

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
