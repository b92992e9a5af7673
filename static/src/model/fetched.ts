/** What is fetched once, when somebody first asks: those who ask meanwhile share the answer, and a failure is not kept. */
export interface Fetched<T> {
  /** What is there already. */
  kept: () => T | undefined;
  get: () => Promise<T>;
}

export function fetchedOnce<T>(load: () => Promise<T>): Fetched<T> {
  let kept: T | undefined;
  let coming: Promise<T> | undefined;
  const fresh = async (): Promise<T> => {
    try {
      return (kept = await load());
    } finally {
      coming = undefined;
    }
  };
  return {
    kept: () => kept,
    get: () => (kept === undefined ? (coming ??= fresh()) : Promise.resolve(kept)),
  };
}
