/** What a form asks for, done once however often it is tried. */
import { useRef } from "preact/hooks";
import { ApiError, freshKey, underKey } from "../api/client";
import { isRefused } from "../model/attempt";

/** Calls what it is given under one key, which is told to it too, until our server has said what came of that. */
export function useAttempt(): <T>(run: (key: string) => Promise<T>) => Promise<T> {
  const key = useRef("");
  return async (run) => {
    key.current ||= freshKey();
    try {
      const told = await underKey(key.current, () => run(key.current));
      key.current = "";
      return told;
    } catch (error) {
      if (error instanceof ApiError && isRefused(error)) key.current = "";
      throw error;
    }
  };
}
