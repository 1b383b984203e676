import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { requestOf } from "../support/items.ts";
import { startTestNode } from "../support/node.ts";
import { OtlpSender } from "../support/otlp-sender.ts";
import { openGrpcSink } from "../support/sinks/grpc-sink.ts";

const SECRET = "a-token-that-nobody-may-see";
/** As a plugin does that was written in a hurry, in two parts, one of them within the secret. */
const TALKATIVE = `
export default ({ registerStrategy }) => {
  const pick = () => {
    process.stderr.write("sends with ${SECRET.slice(0, 9)}");
    setImmediate(() => process.stderr.write("${SECRET.slice(9)} to the first\\nand more\\n"));
    return 0;
  };
  registerStrategy("talkative", () => ({ pick, charge() {}, changed() {} }));
};
`;

test("workers: what one writes to stderr is in the log of the node, by lines, and without its secrets", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-workers-"));
  try {
    writeFileSync(join(directory, "talkative.mjs"), TALKATIVE);
    await using a = await openGrpcSink();
    const config = {
      node: { plugins: [join(directory, "talkative.mjs")], secrets: { env: ["TOKEN"] } },
      targets: [{ id: "a", headers: { authorization: "Bearer ${env:TOKEN}" } }],
      default_pool: { targets: ["a"], strategy: { type: "plugin", name: "talkative" } },
    };
    await using node = await startTestNode(config, { sinks: { a }, env: { TOKEN: SECRET }, workers: 1 });
    await using sender = new OtlpSender(node);
    assert.ok((await sender.send("grpc", "traces", requestOf("traces", [{ name: "s" }]))).ok);
    await node.stop(); // all that it wrote has come by then
    const said = node.lines.filter(({ msg }) => msg === "a worker wrote to stderr");
    assert.deepEqual([said[0]?.["worker"], said[0]?.["level"]], [1, "warn"]);
    assert.match(said.map(({ text }) => String(text)).join("\n"), /^sends with \S+ to the first\nand more$/u);
    assert.ok(!JSON.stringify(node.lines).includes(SECRET));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
