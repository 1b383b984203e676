import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadConfigFile } from "../../src/config/load.ts";

const folder = mkdtempSync(join(tmpdir(), "signalbox-config-"));
after(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test("load file: paths in a config start at its folder", () => {
  write("token", "secret-token\n");
  const path = write("a.yaml", 'targets: [{ id: a, endpoint: "${env:URL}", headers: { x-token: "${file:token}" } }]');
  const { config, problems } = loadConfigFile(path, { env: { URL: "http://a:1" } });
  assert.deepEqual(problems, []);
  assert.equal(config?.targets[0]?.headers["x-token"]?.reveal(), "secret-token");
  assert.equal(config.targets[0].endpoint, "http://a:1");
});

test("load file: a file that cannot be read is a problem that names it", () => {
  const path = join(folder, "missing.yaml");
  const { config, problems } = loadConfigFile(path, { env: {} });
  assert.equal(config, undefined);
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.file, path);
  assert.match(problems[0].message, /ENOENT/u);
});

test("load file: a file that is larger than 1 MiB is not put into a config", () => {
  write("large", "x".repeat(1_024 * 1_024 + 1));
  const path = write("b.yaml", 'targets: [{ id: a, endpoint: "${file:large}" }]');
  const { problems } = loadConfigFile(path, { env: {} });
  assert.match(problems[0]?.message ?? "", /larger than 1MiB/u);
});
