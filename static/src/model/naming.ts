/** What callers are called: ids that a page shows are gathered for a moment, and asked about together, each but once. */

export interface Named {
  id: string;
  kind: "key" | "user";
  name: string;
  prefix: string;
  email: string;
  deleted: boolean;
}

/** As many as the server takes at once. */
export const ASKED_MAX = 100;

/** Whether it is the id of a key or a user; everything else is called what it is. */
export function isActor(id: string): boolean {
  return /^(ak|usr)_[0-9a-z]{26}$/.test(id);
}

/** As it stands in a line of text: `ada@example.com`, `nightly (ifkey_ab12…)`, and the id where nothing else is known. */
export function called(id: string, named: Named | null | undefined): string {
  if (!named) return id;
  const name = named.email || named.name;
  const more = [named.deleted && "deleted", named.prefix && name && `${named.prefix}…`].filter(Boolean).join(", ");
  return `${name || id}${more && ` (${more})`}`;
}

export interface Asking {
  ask: (ids: readonly string[]) => Promise<readonly Named[]>;
  /** Calls what it is given a little later. */
  soon: (then: () => void) => void;
  /** Is told what is known from now on: null of those whom nobody may tell us of. */
  told: (known: ReadonlyMap<string, Named | null>) => void;
}

/** Notes that a name is wanted: what was asked about, or is known to be unknown, is not asked about again. */
export function namer({ ask, soon, told }: Asking): { want: (id: string) => void; forget: () => void } {
  let known = new Map<string, Named | null>();
  let asked = new Set<string>();
  let waiting = new Set<string>();
  async function about(ids: readonly string[], within: Set<string>): Promise<void> {
    let found: readonly Named[] = [];
    try {
      found = await ask(ids);
    } catch {
      for (const id of ids) within.delete(id); // of a server that is away the page tells itself: who shows them next asks again
      return;
    }
    if (within !== asked) return; // somebody else is signed in by now
    known = new Map([...known, ...ids.map((id) => [id, null] as const), ...found.map((one) => [one.id, one] as const)]);
    told(known);
  }
  function send(): void {
    const ids = [...waiting];
    waiting = new Set();
    for (let first = 0; first < ids.length; first += ASKED_MAX) void about(ids.slice(first, first + ASKED_MAX), asked);
  }
  return {
    want: (id) => {
      if (!isActor(id) || asked.has(id)) return;
      asked.add(id);
      if (waiting.size === 0) soon(send);
      waiting.add(id);
    },
    forget: () => {
      [known, asked, waiting] = [new Map(), new Set(), new Set()];
      told(known);
    },
  };
}
