/** Our own icons: 16 px, drawn with the colour of the text around them. Glyphs of fonts are not there on every machine. */
const PATHS = {
  check: "M3.5 8.5 6.5 11.5 12.5 5",
  cross: "M4.5 4.5 11.5 11.5M11.5 4.5 4.5 11.5",
  dot: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6Z",
  circle: "M8 4.2a3.8 3.8 0 1 1 0 7.6 3.8 3.8 0 0 1 0-7.6Z",
  slash: "M8 3.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM5 11 11 5",
  hourglass: "M4.5 2.5h7M4.5 13.5h7M5.5 2.5v2.2L8 8l2.5-3.3V2.5M5.5 13.5v-2.2L8 8l2.5 3.3v2.2",
  pause: "M6 4v8M10 4v8",
  play: "M5.5 3.5v9l7-4.5Z",
  diamond: "M8 2.8 13.2 8 8 13.2 2.8 8Z",
  fork: "M4.5 2.5v11M4.5 9.5c4 0 7-.5 7-4.5M11.5 5V2.5M9.5 4.5l2-2 2 2",
  book: "M8 4.2C6.5 3.2 4.7 3 2.8 3.2v9c1.9-.2 3.7 0 5.2 1 1.5-1 3.3-1.2 5.2-1v-9C11.3 3 9.5 3.2 8 4.2ZM8 4.2v9",
  undo: "M6 3 3 6l3 3M3.2 6H10a3 3 0 0 1 0 6H7",
  bolt: "M9 2 4 9h3.5L7 14l5-7H8.5Z",
  search: "M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM10 10l3.5 3.5",
  back: "M10 3.5 5.5 8l4.5 4.5",
  forward: "M6 3.5 10.5 8 6 12.5",
  down: "M3.5 6 8 10.5 12.5 6",
  up: "M3.5 10 8 5.5 12.5 10",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8Z",
  sun: "M8 5.2a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M12.8 9.6A5.2 5.2 0 0 1 6.4 3.2a5.2 5.2 0 1 0 6.4 6.4Z",
  help: "M6 6a2 2 0 1 1 2.8 1.8c-.5.3-.8.7-.8 1.3v.4M8 12v.3M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8Z",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  overview: "M2.5 2.5h4.5v6H2.5ZM9 2.5h4.5v3.5H9ZM9 8h4.5v5.5H9ZM2.5 10.5h4.5v3H2.5Z",
  events: "M2.5 8h2.6l1.7-4.6 2.5 9.2 1.8-4.6h2.4",
  runs: "M2.5 4h6M5 8h8.5M7.5 12h4.5",
  functions: "M5.5 13c2 0 2-10 4.5-10 .9 0 1.5.5 1.5 1.2M4.5 7.5h5",
  workers: "M3 3h10v4H3ZM3 9h10v4H3ZM5.5 5h.1M5.5 11h.1",
  settings: "M3 4.5h6M12 4.5h1M3 11.5h1M7 11.5h6M10.5 3a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3ZM5.5 10a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3Z",
  link: "M6.5 9.5 9.5 6.5M7 4.5 8.6 2.9a3 3 0 0 1 4.3 4.3L11.3 8.8M9 11.5l-1.6 1.6a3 3 0 0 1-4.3-4.3L4.7 7.2",
  warning: "M8 2.5 14 13H2ZM8 6.5v3M8 11.4v.2",
  refresh: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
  start: "M4 3.5v9M12 3.5 6.5 8l5.5 4.5Z",
  end: "M12 3.5v9M4 3.5 9.5 8 4 12.5Z",
  projections: "M2.5 12.5V9M6 12.5V6M9.5 12.5V8M13 12.5V3",
  streams: "M3 4h10M3 8h10M3 12h6M12 10.5v3M10.5 12h3",
  values: "M2.8 4.5c0-1.1 2.3-2 5.2-2s5.2.9 5.2 2-2.3 2-5.2 2-5.2-.9-5.2-2ZM2.8 4.5v7c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2v-7M2.8 8c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2",
  groups: "M2.5 3h11v3h-11ZM2.5 9.5h4v4h-4ZM9.5 9.5h4v4h-4ZM4.5 6v3.5M11.5 6v3.5",
  webhooks: "M2.5 8h7M6.5 5l3 3-3 3M9.5 3h4v10h-4",
  audit: "M4 2.5h8v11H4ZM6 5.5h4M6 8h4M6 10.5h2",
  policies: "M8 2 13 4v4c0 3-2.2 5-5 6-2.8-1-5-3-5-6V4ZM6 8l1.5 1.5L10.5 6.5",
  access: "M5.5 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8.5 8H14M12 8v2.5",
  system: "M2.5 3h11v7.5h-11ZM6 13.5h4M8 10.5v3M4.5 7h2l1-2 1.5 3.5 1-1.5h1.5",
  leave: "M6.5 13h-4V3h4M6.5 8h7M10.5 5l3 3-3 3",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
} as const;

export type IconName = keyof typeof PATHS;

const FILLED = new Set<IconName>(["dot", "play", "bolt"]);

export function Icon({ name, size = 16, class: more = "" }: { name: IconName; size?: number; class?: string }) {
  const filled = FILLED.has(name);
  return (
    <svg class={`icon ${more}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill={filled ? "currentColor" : "none"}
        stroke="currentColor"
        stroke-width={name === "more" ? 2.4 : 1.5}
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
