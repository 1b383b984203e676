import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { Sender } from "../scenario/fault-sender.ts";
import { createAuthority, type Identity, type TestAuthority } from "../support/certs.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";
import { startWorkers } from "./worker-node.ts";

let authority: TestAuthority;
let server: Identity;
before(async () => {
  authority = await createAuthority();
  server = await authority.server();
});

/** As if this process had been started so; only its children see it. */
class StartedWith implements Disposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "signalbox-trust-"));
  readonly #flags = process.execArgv;
  readonly #before: Readonly<Record<string, string | undefined>>;

  constructor(flags: readonly string[], variables: Readonly<Record<string, string>>) {
    const file = join(this.#directory, "ca.pem");
    writeFileSync(file, authority.ca);
    this.#before = Object.fromEntries(Object.keys(variables).map((name) => [name, process.env[name]]));
    for (const [name, value] of Object.entries(variables)) process.env[name] = value.replace("FILE", file);
    process.execArgv = [...this.#flags, ...flags];
  }

  [Symbol.dispose](): void {
    process.execArgv = this.#flags;
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

const WAYS = [
  { name: "NODE_EXTRA_CA_CERTS", flags: [], variables: { NODE_EXTRA_CA_CERTS: "FILE" } },
  { name: "--use-openssl-ca", flags: ["--use-openssl-ca"], variables: { SSL_CERT_FILE: "FILE" } },
  {
    name: "--use-openssl-ca in NODE_OPTIONS",
    flags: [],
    variables: { SSL_CERT_FILE: "FILE", NODE_OPTIONS: "--use-openssl-ca" },
  },
] as const;
for (const { name, flags, variables } of WAYS) {
  test(`workers: an authority that only ${name} lets be trusted is trusted by them`, async () => {
    using _ = new StartedWith(flags, variables);
    await using a = await openGrpcSink({ tls: server });
    const targets = [{ id: "a", endpoint: a.url, health_check: false }];
    await using node = await startWorkers(1, { targets, default_pool: { targets: ["a"] } }, { a });
    await using sender = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s" });
    assert.equal((await sender.sendOne()).answer.kind, "taken");
  });
}

test("workers: an authority that nothing lets be trusted is not", async () => {
  await using a = await openGrpcSink({ tls: server });
  const targets = [{ id: "a", endpoint: a.url, health_check: false }];
  await using node = await startWorkers(1, { targets, default_pool: { targets: ["a"] } }, { a });
  await using sender = new Sender({ via: "grpc", address: node.grpc, source: 1, service: "s", timeoutMs: 1_000 });
  assert.notEqual((await sender.sendOne()).answer.kind, "taken");
});
