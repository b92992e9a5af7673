/** What is typed, once it rests: nobody is asked of what is half written. */
import { useEffect, useState } from "preact/hooks";

/** The text as it was when it had not changed for so many ms. */
export function useSettled(text: string, afterMs: number): string {
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), afterMs);
    return () => clearTimeout(timer);
  }, [text, afterMs]);
  return settled;
}
