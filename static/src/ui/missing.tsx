/** That what a link chooses is not there. */
import type { ComponentChildren } from "preact";

export function Missing({ children, label, onClose }: { children: ComponentChildren; label: string; onClose: () => void }) {
  return (
    <p class="missing muted" role="status">
      <span>{children}</span>
      <button type="button" class="small" onClick={onClose}>
        {label}
      </button>
    </p>
  );
}
