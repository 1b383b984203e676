import assert from "node:assert/strict";
import { test } from "node:test";
import { filesReadBy } from "./files-read.ts";
import { loadConfig } from "./load.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n";

test("files read: certificates, keys and files of references, each once; no variables, no inline PEM", () => {
  const { config } = loadConfig(
    `
targets:
  - id: a
    endpoint: "https://a:1"
    tls: { ca: ca.pem, cert: /etc/a.pem, key: /etc/a.pem }
    headers: { x: "\${env:X} \${file:token}", y: "\${env:X}" }
  - { id: b, endpoint: "https://b:1", tls: { ca: "${PEM.trim()}" } }
`,
    { file: "c.yaml", env: { X: "x" }, readFile: (path) => (path === "token" ? "t" : PEM) },
  );
  assert.ok(config !== undefined);
  const found = filesReadBy(config, "/srv").map(({ file, text }) => `${file} ${text?.reveal().length ?? "unknown"}`);
  const length = PEM.length;
  assert.deepEqual(found.toSorted(), [`/etc/a.pem ${length}`, `/srv/ca.pem ${length}`, "/srv/token unknown"]);
});
