/** What is there behind the rows that are shown. */

export interface Further {
  more: boolean;
  next: () => void;
}

export function ShowMore({ of, label }: { of: Further; label: string }) {
  if (!of.more) return null;
  return (
    <p class="pad">
      <button type="button" class="small" onClick={of.next}>
        {label}
      </button>
    </p>
  );
}
