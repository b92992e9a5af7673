/** What a page shows when there is nothing, or when something went wrong: the cause, and the next step. */
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api/client";
import { address } from "../shell/route";
import { Icon, type IconName } from "./icon";
import { copy } from "./toast";

export function Empty({ icon = "circle", title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} size={24} class="faint" />
      <h2>{title}</h2>
      {children}
    </div>
  );
}

export function Command({ text }: { text: string }) {
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="quiet icon-only" aria-label="Copy the command" onClick={() => copy(text, "Command")}>
        <Icon name="copy" />
      </button>
    </div>
  );
}

export function Failed({ error, onRetry }: { error: ApiError; onRetry?: () => void }) {
  const told = `${error.where}\n${answered(error)} ${error.code}: ${error.message}\nrequest ${error.requestId || "–"}\n${address()}`;
  return (
    <div class="failed" role="alert">
      <Icon name="warning" size={20} class="fail" />
      <div>
        <h2>{headline(error)}</h2>
        <p>{error.message}</p>
        {error.hint && <p class="muted">{error.hint}</p>}
        <p class="faint small mono">
          {error.where} · {answered(error)} {error.code}
          {error.requestId && ` · request ${error.requestId}`}
        </p>
        <p class="buttons">
          {onRetry && (
            <button type="button" onClick={onRetry}>
              Try again
            </button>
          )}
          <button type="button" class="quiet" onClick={() => copy(told, "Diagnostics")}>
            Copy diagnostics
          </button>
          {error.status > 0 && error.code && <a href={`/docs/reference/errors#:~:text=${error.code}`}>What {error.code} means</a>}
        </p>
      </div>
    </div>
  );
}

function answered(error: ApiError): string {
  return error.status > 0 ? String(error.status) : "no answer";
}

function headline(error: ApiError): string {
  if (error.code === "GIVEN_UP") return "You did not wait for this";
  if (error.status === 0) return "The server does not answer";
  if (error.status === 403) return "You may not see this";
  if (error.status === 404) return "This is not there";
  if (error.status >= 500) return "The server failed";
  return "This could not be shown";
}
