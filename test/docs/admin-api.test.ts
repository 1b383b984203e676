import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { callApi } from "../admin/api-client.ts";
import { startTestNode } from "../support/node.ts";
import { readPage, ROOT } from "./pages.ts";

const page = readPage("docs/admin-api.md", readFileSync(`${ROOT}docs/admin-api.md`, "utf8"));

interface Curl {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** What commands are answered. `sh fleet`: they need a fleet, and the test's node is alone. */
const STATUSES: Readonly<Record<string, number>> = { sh: 200, "sh fleet": 404 };

/** A command as a shell and curl would read it. */
function parseCurl(line: string, readFile: (name: string) => string): Curl {
  const words = [...line.matchAll(/'(?<quoted>[^']*)'|(?<bare>[^\s']+)/gu)].map(
    ({ groups }) => groups?.["quoted"] ?? groups?.["bare"] ?? "",
  );
  const curl = {
    method: "GET",
    path: "",
    headers: {} as Record<string, string>,
    body: undefined as string | undefined,
  };
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "-X") curl.method = words[++i] ?? "";
    else if (word === "-H") {
      const [name = "", value = ""] = (words[++i] ?? "").split(/: (.*)/u);
      curl.headers[name.toLowerCase()] = value;
    } else if (word === "-d") curl.body = words[++i];
    else if (word === "--data-binary") curl.body = readFile((words[++i] ?? "").slice(1));
    else curl.path = word.replace("127.0.0.1:4320", "");
  }
  assert.match(curl.path, /^\//u, line);
  return curl;
}

test("docs/admin-api.md: every command works, one after the other, and every route is among them", async () => {
  const directory = mkdtempSync(join(tmpdir(), "signalbox-docs-"));
  const file = join(directory, "signalbox.yaml");
  try {
    const config = page.fences.find(({ info }) => info === "yaml")?.text ?? "";
    await using node = await startTestNode(config, { file });
    const called = new Set<string>();
    for (const { info, text } of page.fences.filter((fence) => fence.info in STATUSES)) {
      for (const line of text.split("\n").filter((one) => one !== "")) {
        const { method, path, headers, body } = parseCurl(line, () => readFileSync(file, "utf8"));
        const answer = await callApi(node.admin, path, { method, headers, body });
        assert.equal(answer.status, STATUSES[info], `${line}\n${answer.text}`);
        called.add(`${method} ${path.replace(/\?.*$/u, "")}`);
      }
    }
    const { paths } = (await callApi(node.admin, "/openapi.json")).json() as { paths: Record<string, object> };
    for (const [path, methods] of Object.entries(paths)) {
      const shape = new RegExp(`^${path.replaceAll(/\{\w+\}/gu, "[^/]+")}$`, "u");
      for (const method of Object.keys(methods)) {
        const isCalled = [...called].some(
          (call) => call.startsWith(`${method.toUpperCase()} `) && shape.test(call.split(" ")[1] ?? ""),
        );
        assert.ok(isCalled, `${method} ${path} has no command on the page`);
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
