import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../../config/load.ts";
import { boundPlan } from "../../../test/support/bound-plan.ts";
import { demoConfig, RULES, STANDARD_ADDRESSES, TARGETS } from "./cast.ts";

const TEXT = demoConfig(
  STANDARD_ADDRESSES,
  TARGETS.map(({ port }) => port),
);
const readFile = (): string => assert.fail("the demo's config names no files");

test("the demo's config has no problems", () => {
  assert.deepEqual(loadConfig(TEXT, { file: "demo", env: {}, readFile }).problems, []);
});

test("the demo's config says what the cast says", () => {
  const { config } = loadConfig(TEXT, { file: "demo", env: {}, readFile });
  assert.ok(config !== undefined);
  assert.deepEqual(
    config.targets.map(({ id, protocol, endpoint, weight }) => ({ id, protocol, endpoint, weight })),
    TARGETS.map(({ id, protocol, port, weight }) => ({ id, protocol, endpoint: `http://127.0.0.1:${port}`, weight })),
  );
  const { routes } = boundPlan(config);
  const told = [...routes.traces.rules, ...routes.logs.rules].map(({ id, pool }) => `${id} ${pool}`);
  assert.deepEqual(new Set(told), new Set(RULES.map(({ id, pool }) => `${id} ${pool}`)));
});
