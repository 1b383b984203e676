import assert from "node:assert/strict";
import { test } from "node:test";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema/config.ts";
import type { Log } from "../telemetry/log.ts";
import { regionNotice } from "./region-notice.ts";

test("a region without settings is told of once each time that it becomes so, and not without regions", () => {
  const told: unknown[] = [];
  const log: Pick<Log, "warn"> = { warn: (_, fields) => void told.push(fields?.["region"]) };
  const configOf = (region: string, regions: string): Config => {
    const text = `node: { region: ${region} }\nunmatched: drop\nregions: ${regions}`;
    return loadConfig(text, { file: "c.yaml", env: {}, readFile: () => "" }).config ?? assert.fail("invalid");
  };
  const notice = regionNotice(log, configOf("eu", "{}"));
  const notify = (region: string, regions: string): void => notice(configOf(region, regions));
  notify("eu", "{ eu: {} }");
  assert.deepEqual(told, []);
  notify("eu", "{ us: {} }");
  notify("eu", "{ us: {}, asia: {} }");
  assert.deepEqual(told, ["eu"]);
  notify("us", "{ us: {}, asia: {} }");
  notify("eu", "{ us: {} }");
  notify("mars", "{ us: {} }");
  assert.deepEqual(told, ["eu", "eu", "mars"]);
  regionNotice(log, configOf("mars", "{ us: {} }"));
  assert.equal(told.length, 4);
});
