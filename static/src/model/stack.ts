/** Stacks as Python writes them. */

/** The frame of a stack that is of somebody's own code and nearest to where it failed: `orders.py:23, in charge`; "" for
 * none. */
export function ownFrame(stack: string): string {
  const frames = [...stack.matchAll(/File "([^"]+)", line (\d+)(?:, in (.+))?/g)];
  const found = frames.findLast(([, file]) => !/site-packages|dist-packages|\/lib\/python\d|^<|\/ironflow\//.test(file));
  if (!found) return "";
  const [, file, line, name] = found;
  return `${file.split(/[/\\]/).at(-1)}:${line}${name ? `, in ${name.trim()}` : ""}`;
}
