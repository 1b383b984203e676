import assert from "node:assert/strict";
import { test } from "node:test";
import { versionWarnings } from "./check-file.ts";

test("check: a SQLite whose log could damage the file is warned of, with the version", () => {
  for (const faulty of ["3.43.9", "3.44.5", "3.46.1", "3.50.4", "3.50.6", "3.51.0", "3.51.2", "unknown"]) {
    assert.deepEqual(versionWarnings(faulty).length, 1, faulty);
    assert.match(versionWarnings(faulty)[0]?.message ?? "", new RegExp(RegExp.escape(faulty), "u"));
  }
  for (const mended of ["3.44.6", "3.50.7", "3.51.3", "3.52.0", "3.53.4", "4.0.0"]) {
    assert.deepEqual(versionWarnings(mended), [], mended);
  }
});

test("check: the SQLite that comes with the Node.js of the tests has it mended", () => {
  assert.deepEqual(versionWarnings(process.versions["sqlite"] ?? ""), []);
});
