/** What belongs where: the three kinds of values side by side, for who has none yet. */

const KINDS = ["Document", "Key-value", "Secret"];
const ROWS: readonly (readonly [string, ...string[]])[] = [
  ["Is for", "what people decide: limits, switches, texts", "what functions know: carts, counters, locks", "what nobody may see: keys, passwords"],
  ["Is set by", "people, now and then", "functions, all the time", "people, seldom"],
  ["Is read by", "whoever may read configuration", "whoever may read key-values", "functions that declare it"],
  ["Can be read back", "yes", "yes", "no"],
  ["History", "each revision, with who and what changed", "each revision, restored as a new one", "when it changed, never to what"],
  ["Ends", "when it is deleted", "by itself, if its bucket says so", "when it is deleted; its value is destroyed"],
  ["First one", "ironflow config set", "ironflow kv put", "ironflow secret set"],
];

export function Kinds() {
  return (
    <div class="kinds" tabIndex={0} role="region" aria-label="What belongs where">
      <table class="plain">
        <thead>
          <tr>
            <td />
            {KINDS.map((kind) => (
              <th key={kind} scope="col">
                {kind}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {ROWS.map(([name, ...cells]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {cells.map((cell) => (
                <td key={cell}>{name === "First one" ? <code>{cell}</code> : cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
