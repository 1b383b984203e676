import assert from "node:assert/strict";
import { test } from "node:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createAuthority, type Identity } from "../../support/certs.ts";
import { startTestNode, type TestNode } from "../../support/node.ts";
import { findProgram } from "../../set-up/programs.ts";
import { TestFolder } from "../folder.ts";
import { assertNoFaults } from "../items.ts";
import { needs } from "../needs.ts";
import { run } from "../program.ts";

const OPENSSL = needs("openssl");

/** A node with TLS, and what a client of it needs. */
class Stage implements AsyncDisposable {
  readonly folder = new TestFolder();
  readonly node: TestNode;
  readonly authority: Awaited<ReturnType<typeof createAuthority>>;

  private constructor(node: TestNode, authority: Awaited<ReturnType<typeof createAuthority>>) {
    this.node = node;
    this.authority = authority;
    this.folder.write("ca.pem", authority.ca);
  }

  static async open({ mutual = false } = {}): Promise<Stage> {
    const authority = await createAuthority();
    const tls = { ...(await authority.server()), ...(mutual && { client_ca: authority.ca }) };
    return new Stage(await startTestNode({ node: { listen: { otlp_grpc: { tls } } } }), authority);
  }

  /** Arguments of s_client for a connection to the node. */
  clientArgs(more: readonly string[]): string[] {
    return ["s_client", "-connect", this.node.grpc, "-CAfile", `${this.folder.path}/ca.pem`, ...more];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node[Symbol.asyncDispose]();
    this.folder[Symbol.dispose]();
  }
}

/** What s_client tells of a handshake, after which it leaves. */
async function handshake(stage: Stage, args: readonly string[]): Promise<string> {
  const { out, err } = await run("openssl", stage.clientArgs(args));
  return `${out.toString("utf8")}${err}`;
}

for (const [version, name] of [
  ["-tls1_3", "TLSv1.3"],
  ["-tls1_2", "TLSv1.2"],
] as const) {
  test(`openssl: ${name} with ALPN h2 is agreed on, and our certificate holds`, OPENSSL, async () => {
    await using stage = await Stage.open();
    const told = await handshake(stage, [version, "-alpn", "http/1.1,h2", "-verify_return_error"]);
    assert.match(told, new RegExp(`^New, ${name}, Cipher is `, "mu"));
    assert.match(told, /^ALPN protocol: h2$/mu);
    assert.match(told, /Verify return code: 0 \(ok\)/u);
  });
}

const REFUSED = [
  { name: "ALPN without h2", args: ["-alpn", "http/1.1"], alert: /alert no application protocol/u },
  {
    name: "TLS 1.1",
    args: ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "h2"],
    alert: /alert protocol version/u,
  },
  {
    name: "TLS 1.0",
    args: ["-tls1", "-cipher", "DEFAULT@SECLEVEL=0", "-alpn", "h2"],
    alert: /alert protocol version/u,
  },
] as const;
for (const { name, args, alert } of REFUSED) {
  test(`openssl: ${name} is refused in the handshake`, OPENSSL, async () => {
    await using stage = await Stage.open();
    const told = await handshake(stage, args);
    assert.match(told, alert);
    assert.match(told, /^New, \(NONE\), Cipher is \(NONE\)$/mu);
  });
}

test("openssl: without ALPN no HTTP/2 is spoken, and the connection is closed", OPENSSL, async () => {
  await using stage = await Stage.open();
  assert.ok(!isSettings(await talk(stage, [])));
  await assertNoFaults(stage.node);
});

test("openssl: SETTINGS come as soon as the handshake is over", OPENSSL, async () => {
  await using stage = await Stage.open();
  assert.ok(isSettings(await talk(stage, ["-alpn", "h2"])));
});

test(
  "openssl: with client_ca, a certificate of that authority is let in; another, and none, are not",
  OPENSSL,
  async () => {
    await using stage = await Stage.open({ mutual: true });
    const other = await createAuthority("another authority");
    for (const version of ["-tls1_3", "-tls1_2"]) {
      const how = [version, "-alpn", "h2"];
      const good = certificate(stage.folder, await stage.authority.client());
      assert.ok(isSettings(await talk(stage, [...how, ...good])));
      assert.deepEqual(
        await talk(stage, [...how, ...certificate(stage.folder, await other.client())]),
        Buffer.alloc(0),
      );
      assert.deepEqual(await talk(stage, how), Buffer.alloc(0));
    }
    await assertNoFaults(stage.node);
  },
);

function certificate(folder: TestFolder, { cert, key }: Identity): string[] {
  return ["-cert", folder.write("cert.pem", cert), "-key", folder.write("key.pem", key)];
}

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0";

/**
 * Begins to speak HTTP/2, and tells the first bytes that come back; none when the connection was
 * closed instead.
 */
async function talk(stage: Stage, args: readonly string[]): Promise<Buffer> {
  const child = spawn(findProgram("openssl") ?? "openssl", stage.clientArgs(["-quiet", ...args]), {
    stdio: ["pipe", "pipe", "ignore"],
    timeout: 20_000,
  });
  child.stdin.on("error", () => undefined); // it has left already
  child.stdin.write(PREFACE);
  const received: Buffer[] = [];
  child.stdout.on("data", (bytes: Buffer) => {
    received.push(bytes);
    child.kill("SIGTERM");
  });
  await once(child, "close");
  return Buffer.concat(received);
}

/** Whether it begins with a frame on stream 0 of type 4 that is no acknowledgement. */
function isSettings(received: Buffer): boolean {
  return received.subarray(3, 9).equals(Buffer.from([4, 0, 0, 0, 0, 0]));
}
