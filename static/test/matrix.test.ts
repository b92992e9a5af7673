import assert from "node:assert/strict";
import test from "node:test";
import { matrix, principals, searched } from "../src/model/matrix";

const ROLES = [
  { id: "viewer", name: "viewer", permissions: ["runs:read", "kv:read"] },
  { id: "role_1", name: "ci", permissions: ["runs:read", "runs:breakpoints:production"] },
];

test("the matrix has a row for each permission, by noun, and a mark for each role", () => {
  assert.deepEqual(matrix(ROLES), [
    { noun: "kv", rows: [{ permission: "kv:read", given: [true, false] }] },
    {
      noun: "runs",
      rows: [
        { permission: "runs:breakpoints:production", given: [false, true] },
        { permission: "runs:read", given: [true, true] },
      ],
    },
  ]);
});

test("a role that gives everything has every mark", () => {
  const [part] = matrix([ROLES[0], { id: "all", name: "all", permissions: ["*"] }]);
  assert.deepEqual(part.rows, [{ permission: "kv:read", given: [true, true] }]);
});

test("a search keeps the rows that have all of its words", () => {
  assert.deepEqual(
    searched(matrix(ROLES), "Runs read").flatMap((part) => part.rows.map((row) => row.permission)),
    ["runs:read"],
  );
});

test("a principal has what its roles give together, and the policies that are for everybody or for one of them", () => {
  const policies = [
    { name: "for-all", status: "active", roles: [] },
    { name: "for-ci", status: "active", roles: ["ci"] },
    { name: "for-others", status: "active", roles: ["developer"] },
    { name: "off", status: "disabled", roles: [] },
  ];
  const [found, lost] = principals(
    [
      { id: "ak_1", name: "deploy", kind: "key", roles: ["viewer", "role_1"] },
      { id: "usr_1", name: "a@b.c", kind: "user", roles: ["role_gone"] },
    ],
    ROLES,
    policies,
  );
  assert.deepEqual(found, { id: "ak_1", name: "deploy", kind: "key", roles: ["viewer", "ci"], permissions: 3, policies: ["for-all", "for-ci"] });
  assert.deepEqual([lost.roles, lost.permissions, lost.policies], [["role_gone"], 0, ["for-all"]]);
});
