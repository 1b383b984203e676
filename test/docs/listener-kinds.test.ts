import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { LISTENER_KINDS } from "../../src/core/listener-kinds.ts";
import { ROOT } from "./pages.ts";

/** What knows the kinds of listeners by name; all else goes by the list. */
const PLACES = [
  "src/core/listener-kinds.ts", // the list
  "src/config/schema/", // what people write of each
  "src/server/listen-options.ts", // the table that makes the plan's of the config's
  "src/plan/listen-options.ts", // the table of the plan's settings
  "src/data/receive/open-listeners.ts", // the table of those that open them
  "src/data/receive/grpc-listener.ts", // one file for each
  "src/data/receive/http.ts",
  "src/cli/demo/cast.ts", // a config of its own
];

test("a kind of listener is named in its file and in tables that the compiler checks, and nowhere else", () => {
  const names = new RegExp(String.raw`\b(?:${LISTENER_KINDS.join("|")})\b`, "u");
  const found = globSync("src/**/*.ts", { cwd: ROOT }).filter((file) => {
    return !file.endsWith(".test.ts") && names.test(readFileSync(`${ROOT}${file}`, "utf8"));
  });
  assert.deepEqual(
    found.filter((file) => !PLACES.some((place) => file.startsWith(place))),
    [],
  );
  assert.ok(found.length >= PLACES.length);
});
