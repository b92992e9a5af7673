/** The lines of a file of settings, as shells and dotenv read them alike. Pure. */

const PLAIN = /^[\w.:/@%+,-]*$/;

export function envLines(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${PLAIN.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`}\n`)
    .join("");
}
