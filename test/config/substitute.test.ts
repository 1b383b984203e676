import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText } from "./load-text.ts";

const values = [
  { name: "a variable", text: "${env:INGEST_TOKEN}", want: "ingest-secret" },
  { name: "inside a text", text: "Bearer ${env:INGEST_TOKEN}!", want: "Bearer ingest-secret!" },
  { name: "a file, without its last line break", text: "${file:/etc/signalbox/admin-token}", want: "admin-secret" },
  { name: "two of them", text: "${env:INGEST_TOKEN}${env:INGEST_TOKEN}", want: "ingest-secretingest-secret" },
  { name: "a default", text: "${env:MISSING:-fall:back}", want: "fall:back" },
  { name: "a default for what is empty", text: "${env:EMPTY:-x}", want: "x" },
  { name: "an empty value", text: "x${env:EMPTY}", want: "x" },
  { name: "what is put in is not YAML", text: "${env:MARKUP}", want: "a: [1" },
  { name: "what is put in is not looked at again", text: "${env:NESTED}", want: "${env:INGEST_TOKEN}" },
  { name: "escaped", text: "$${env:INGEST_TOKEN}", want: "${env:INGEST_TOKEN}" },
  { name: "a dollar by itself", text: "5$ $HOME {}", want: "5$ $HOME {}" },
];
for (const { name, text, want } of values) {
  test(`substitute: ${name}`, () => {
    const { config, problems } = loadText(
      `targets: [{ id: a, endpoint: "http://a:1" }]\nglobal: { metadata: { x: '${text}' } }`,
    );
    assert.deepEqual(problems, []);
    assert.equal(config?.global.metadata["x"], want);
  });
}

const faults = [
  { name: "a variable that is not set", text: "${env:MISSING}", message: /MISSING is not set/u },
  { name: "a file that is not there", text: "${file:/nowhere}", message: /\/nowhere: there is no such file/u },
  { name: "another kind", text: "${vault:x}", message: /not a substitution/u },
  { name: "a name that is none", text: "${env:a-b}", message: /not a substitution/u },
  { name: "no end", text: "${env:X", message: /has no "\}"/u },
  { name: "a name of every object", text: "${env:constructor}", message: /is not set/u },
];
for (const { name, text, message } of faults) {
  test(`substitute: ${name} is one problem, at that value`, () => {
    const { config, problems } = loadText(`targets:\n  - id: a\n    endpoint: '${text}'\n`);
    assert.equal(config, undefined);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.deepEqual([problems[0]?.path, problems[0]?.position], ["targets[0].endpoint", { line: 3, column: 15 }]);
    assert.match(problems[0]?.message ?? "", message);
  });
}

test("substitute: keys are taken as they stand", () => {
  const { config } = loadText(
    `targets: [{ id: a, endpoint: "http://a:1" }]\nglobal: { metadata: { "\${env:MISSING}": x } }`,
  );
  assert.deepEqual(Object.keys(config?.global.metadata ?? {}), ["${env:MISSING}"]);
});

test("substitute: what is quoted of the text is one line, whatever stands there", () => {
  const { problems } = loadText('global: { metadata: { x: "${env:a\\nb\\e\\x85}" } }');
  const message = '"${env:a\\nb\\u001b\\u0085}" is not a substitution';
  assert.equal(problems.find(({ path }) => path === "global.metadata.x")?.message, message);
});
