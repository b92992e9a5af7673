/** The end of an entity, and of what its events said. */
import { useState } from "preact/hooks";
import { request } from "../../api/client";
import type { StreamInfo } from "../../api/data";
import { Ask } from "../../ui/ask";

export function Delete({ of, base, onClose, onDone }: { of: StreamInfo; base: string; onClose: () => void; onDone: () => void }) {
  const [purge, setPurge] = useState(of.deleted === true);
  const query = { type: of.entityType, expected_version: of.version, purge: purge ? "true" : undefined };
  return (
    <Ask
      title={`${of.deleted ? "Purge" : "Delete"} ${of.entityId}`}
      verb={purge ? "Purge" : "Delete"}
      done={purge ? "Purged: what its events said is gone for good" : "Deleted"}
      danger
      typed={of.entityId}
      reasoned
      run={(reason) => request("DELETE", base, { query: { ...query, reason } })}
      onClose={onClose}
      onDone={onDone}
    >
      <p>Nothing can be appended to it any more, for good. Its past can be read{purge ? ", but for what its events said: their data are replaced by placeholders, in history too" : ""}.</p>
      {!of.deleted && (
        <label class="check">
          <input type="checkbox" checked={purge} onChange={(event) => setPurge(event.currentTarget.checked)} />
          Purge what its events said
        </label>
      )}
    </Ask>
  );
}
