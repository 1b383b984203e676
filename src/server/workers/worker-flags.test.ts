import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { inheritedEnv, inheritedFlags, WORKER_FLAGS } from "./worker-flags.ts";

/** Holds more than any nursery has room for, while it makes garbage. */
const GROWS = `
  const held = [];
  for (let i = 0; i < 300_000; i++) held[i % 60_000] = { i, list: [i], bytes: new Uint8Array(64) };
  const { getHeapSpaceStatistics } = process.getBuiltinModule("node:v8");
  console.log(getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space").space_size);
`;

test("worker flags: the nursery of a worker stays small, whatever outlives it", () => {
  const nursery = (flags: readonly string[]): number =>
    Number(execFileSync(process.execPath, [...flags, "-e", GROWS], { encoding: "utf8" }));
  assert.ok(nursery(WORKER_FLAGS) < 18_000_000, `${nursery(WORKER_FLAGS)} bytes`);
  assert.ok(nursery([]) > 18_000_000, "without flags it grows: the test sees that");
});

test("worker flags: sizes of the heap and what TLS trusts and speaks are as the main process was told, nothing else is", () => {
  const heap = ["--max-old-space-size=4096", "--max_old_space_size=1", "--max-semi-space-size=32", "--max-heap-size=9"];
  const trust = ["--use-openssl-ca", "--use-bundled-ca", "--use-system-ca", "--no-use-system-ca", "--use_openssl_ca"];
  const library = ["--openssl-config=/etc/a.cnf", "--openssl-config", "/etc/b.cnf", "--openssl-legacy-provider"];
  const tls = ["--force-fips", "--tls-min-v1.3", "--tls-cipher-list=A:B", "--tls-cipher-list", "C"];
  const others = ["--inspect-port=127.0.0.1:9229", "--test-concurrency=2", "--max-http-header-size=1", "-e"];
  const inherited = [...heap, ...trust, ...library, ...tls];
  assert.deepEqual(inheritedFlags([...others, ...inherited, ...others]), inherited);
});

test("worker flags: what Node and TLS read of the environment reaches a worker, whatever the config's is", () => {
  const env = { NODE_EXTRA_CA_CERTS: "/ca.pem", SSL_CERT_FILE: "/all.pem", HOME: "/root", SECRET: "s" };
  assert.deepEqual(inheritedEnv(env), { NODE_EXTRA_CA_CERTS: "/ca.pem", SSL_CERT_FILE: "/all.pem" });
});

test("optimise: V8 makes its best code of what runs often only while it is to", () => {
  const script = `
    const { optimise } = await import(${JSON.stringify(new URL("../../core/optimise.ts", import.meta.url))});
    for (const whether of [false, true]) {
      optimise(whether);
      console.log("from here on");
      const sum = (n) => { let all = 0; for (let i = 0; i < n; i++) all += i % 7; return all; };
      for (let i = 0; i < 5_000; i++) sum(1_000);
    }`;
  const args = ["--trace-opt", "--no-concurrent-recompilation", "--input-type=module", "-e", script];
  const [, off = "", on = ""] = execFileSync(process.execPath, args, { encoding: "utf8" }).split("from here on");
  assert.doesNotMatch(off, /completed compiling .*TURBOFAN/u);
  assert.match(on, /completed compiling .*TURBOFAN/u);
});
