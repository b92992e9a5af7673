/** How many runs have each status: an icon that says which, and the number. */
import { RUN_STATUSES, look } from "../model/status";
import { Icon } from "./icon";

interface Props {
  of: Readonly<Record<string, number>>;
  /** Where those of one status are listed. */
  href?: (status: string) => string;
}

export function Counts({ of, href }: Props) {
  return (
    <span class="counts tabular">
      {RUN_STATUSES.filter((status) => of[status]).map((status) => {
        const { icon, role, label } = look(status);
        const told = (
          <>
            <Icon name={icon} class={role} />
            <span class="visually-hidden">{label}</span> {of[status].toLocaleString("en")}
          </>
        );
        return href ? (
          <a key={status} class="chip tiny" title={label} href={href(status)} onClick={(event) => event.stopPropagation()}>
            {told}
          </a>
        ) : (
          <span key={status} title={label}>
            {told}
          </span>
        );
      })}
    </span>
  );
}
