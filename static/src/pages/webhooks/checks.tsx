/** What was looked at to prove a delivery, step by step. */
import { Icon } from "../../ui/icon";

export function Checks({ of }: { of: readonly { name: string; passed: boolean; detail: string }[] }) {
  return (
    <ol class="pad-x">
      {of.map((check) => (
        <li key={check.name}>
          <Icon name={check.passed ? "check" : "cross"} class={check.passed ? "ok" : "fail"} /> <span class="visually-hidden">{check.passed ? "passed: " : "failed: "}</span>
          {check.name.replace(/_/g, " ")} <span class="muted small">{check.detail}</span>
        </li>
      ))}
    </ol>
  );
}
