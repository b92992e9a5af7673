/** What roles give: a row for each permission there is, a column for each role, those of the system first. */
import { useState } from "preact/hooks";
import { get } from "../../api/client";
import type { RoleShape } from "../../api/admin";
import { useResource } from "../../live/resource";
import { matrix, searched } from "../../model/matrix";
import { link } from "../../shell/route";
import { Skeleton } from "../../ui/basics";
import { Icon } from "../../ui/icon";
import { Failed } from "../../ui/states";

export function Matrix() {
  const told = useResource("roles matrix", (signal) => get<RoleShape[]>("/roles", {}, signal));
  const [text, setText] = useState("");
  const [differing, setDiffering] = useState(false);
  if (told.error && !told.data) return <Failed error={told.error} onRetry={told.reload} />;
  if (!told.data) return <Skeleton rows={10} />;
  const roles = told.data;
  const all = matrix(roles);
  const parts = searched(all, text).map((part) => ({ ...part, rows: part.rows.filter((row) => !differing || new Set(row.given).size > 1) }));
  const shown = parts.reduce((sum, part) => sum + part.rows.length, 0);
  return (
    <>
      <p class="buttons">
        <input type="search" aria-label="Permissions with the words" placeholder="runs, secrets:read" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <label class="check">
          <input type="checkbox" checked={differing} onChange={(event) => setDiffering(event.currentTarget.checked)} /> Only what not all give
        </label>
        <span class="muted small" role="status">
          {shown} of {all.reduce((sum, part) => sum + part.rows.length, 0)} permissions
        </span>
      </p>
      <div class="card matrix tall" tabIndex={0} role="region" aria-label="Permissions by role">
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">Permission</th>
              {roles.map((role) => (
                <th key={role.id} scope="col">
                  <a href={link("/access", { tab: "roles", one: role.id })}>{role.name}</a>
                  <span class="faint small"> {role.is_default ? "system" : "yours"}</span>
                </th>
              ))}
            </tr>
          </thead>
          {parts
            .filter((part) => part.rows.length > 0)
            .map((part) => (
              <tbody key={part.noun}>
                <tr class="matrix-noun">
                  <th scope="rowgroup">{part.noun}</th>
                  {roles.map((role, index) => (
                    <td key={role.id} class="muted small tabular">
                      {part.rows.filter((row) => row.given[index]).length} of {part.rows.length}
                    </td>
                  ))}
                </tr>
                {part.rows.map((row) => (
                  <tr key={row.permission}>
                    <th scope="row" class="mono">
                      {row.permission}
                    </th>
                    {row.given.map((given, index) => (
                      <td key={roles[index].id}>{given ? <Mark /> : <span class="faint">–<span class="visually-hidden">no</span></span>}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            ))}
        </table>
        {shown === 0 && <p class="muted pad">No permission fits.</p>}
      </div>
    </>
  );
}

function Mark() {
  return (
    <>
      <Icon name="check" class="ok" />
      <span class="visually-hidden">yes</span>
    </>
  );
}
