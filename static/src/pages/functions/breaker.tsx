/** Whether the endpoint of a push function is called, or left alone for now after it failed again and again. */
import { request, segment } from "../../api/client";
import { may } from "../../api/session";
import { Act, act } from "../../ui/acting";
import { Again } from "../../ui/basics";
import { Icon } from "../../ui/icon";

export interface BreakerState {
  key: string;
  function_id: string;
  state: string;
  consecutive_fails: number;
  last_error?: string;
  retry_at?: string;
}

const MANAGE = "breakers:manage";

export function Breaker({ of: found, onReset }: { of: BreakerState; onReset: () => void }) {
  if (found.state === "closed") return null;
  return (
    <div class="pad-x">
      <p class="problem" role="status">
        <Icon name="warning" class="fail" />
        <span>
          Its endpoint is left alone after {found.consecutive_fails === 1 ? "a failure" : `${found.consecutive_fails} failures`}{found.last_error && `: ${found.last_error}`}
          {found.retry_at && (
            <>
              ; <Again at={found.retry_at} />
            </>
          )}
        </span>
      </p>
      <Act allowed={may(MANAGE)} permission={MANAGE} label="Call it again now" onClick={() => void act(request("POST", `/circuit-breakers/${segment(found.key)}/reset`, { body: {} }), "It is called again").then(onReset)} />
    </div>
  );
}
