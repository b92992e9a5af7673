/** Server-sent events. */

/** The data of a frame, its lines put together; empty for a comment. */
export function dataOf(frame: string): string {
  return frame
    .split("\n")
    .filter((line) => line.startsWith("data: "))
    .map((line) => line.slice("data: ".length))
    .join("\n");
}
