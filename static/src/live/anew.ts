/** What is shown while it is fetched again: one line over the page says so, for whatever list or detail of it that is. */
import { signal } from "@preact/signals";

/** What comes sooner needs no word. */
const AFTER_MS = 150;

/** How many answers in sight are being fetched again, and have been for a moment. */
export const anew = signal(0);

/** Says that an answer in sight is fetched again; what comes back says that it is no longer, however often it is called. */
export function fetchedAgain(): () => void {
  let told = false;
  const timer = setTimeout(() => {
    told = true;
    anew.value = anew.peek() + 1;
  }, AFTER_MS);
  return () => {
    clearTimeout(timer);
    if (told) anew.value = anew.peek() - 1;
    told = false;
  };
}
