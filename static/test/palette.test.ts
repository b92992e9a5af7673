/** The colours: readable as text, and told apart by people who see colours differently (Machado 2009, CIEDE2000). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { contrast, distance, seen } from "./colour";

const css = readFileSync(path.join(import.meta.dirname, "../src/styles/tokens.css"), "utf8");
const [light, dark] = [tokens(css.slice(0, css.indexOf("[data-theme"))), tokens(css.slice(css.indexOf("[data-theme")))];
const ROLES = ["ok", "run", "wait", "warn", "fail", "idle", "edit"];
const SIGHTS = { normal: 17, protan: 11, deutan: 11, tritan: 10 } as const;

function tokens(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/--([a-z-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name, value]));
}

for (const [theme, of] of Object.entries({ light, dark })) {
  test(`${theme}: all text is readable on all that it stands on`, () => {
    for (const ink of ["text", "muted", "faint", "accent", ...ROLES])
      for (const ground of ["bg", "surface"]) assert.ok(contrast(of[ink], of[ground]) >= 4.5, `${ink} on ${ground}: ${contrast(of[ink], of[ground])}`);
    for (const ground of ["selection", "hover", "code", "raised", "added", "removed", "past-tint", "fail-tint"])
      for (const ink of ["text", "muted"]) assert.ok(contrast(of[ink], of[ground]) >= 4.5, `${ink} on ${ground}: ${contrast(of[ink], of[ground])}`);
    assert.ok(contrast(of["on-accent"], of.accent) >= 4.5);
  });

  test(`${theme}: the borders of what can be used stand out`, () => {
    for (const ground of ["bg", "surface"]) assert.ok(contrast(of["border-strong"], of[ground]) >= 3);
  });

  for (const [sight, bound] of Object.entries(SIGHTS))
    test(`${theme}: no two statuses look alike to ${sight} sight`, () => {
      for (const one of ROLES)
        for (const other of ROLES.slice(ROLES.indexOf(one) + 1)) {
          const apart = distance(seen(of[one], sight), seen(of[other], sight));
          assert.ok(apart >= bound, `${one} and ${other}: ${apart.toFixed(1)}`);
        }
      assert.ok(distance(seen(of.added, sight), seen(of.removed, sight)) >= 17);
    });
}
