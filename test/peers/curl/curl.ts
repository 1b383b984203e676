import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { TestFolder } from "../folder.ts";
import { run } from "../program.ts";

/** What curl tells of one request. */
export interface CurlEnd {
  /** 0: there was an answer. */
  readonly code: number | null;
  /** The version of HTTP that was spoken: 1.1 or 2. */
  readonly version: string;
  readonly status: number;
  /** Heads, interim ones, too, and trailers as they came. */
  readonly heads: string;
  /** The same by their names in lower case; of several with one name the last. */
  readonly fields: ReadonlyMap<string, string>;
  readonly body: Buffer;
  readonly error: string;
}

/** Posts the body. */
export async function curl(url: string, body: Uint8Array | string, args: readonly string[]): Promise<CurlEnd> {
  using folder = new TestFolder();
  const headFile = join(folder.path, "head");
  const options = ["--silent", "--show-error", "--max-time", "20", "--data-binary", "@-"];
  const told = ["--dump-header", headFile, "--write-out", "%{stderr}\ncurl: %{http_version} %{http_code}\n"];
  const { code, out, err } = await run("curl", [...options, ...told, ...args, url], body);
  const [, version = "", status = "0"] = /^curl: (\S+) (\d+)$/mu.exec(err) ?? [];
  const heads = existsSync(headFile) ? readFileSync(headFile, "latin1") : "";
  const lines = [...heads.matchAll(/^([\w-]+): ([^\r\n]*)\r?$/gmu)];
  const fields = new Map(lines.map(([, name = "", value = ""]) => [name.toLowerCase(), value]));
  return { code, version, status: Number(status), heads, fields, body: out, error: err };
}
