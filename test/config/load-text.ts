import { type LoadResult, loadConfig } from "../../src/config/load.ts";

/** What the examples ask of the machine. */
const ENV = { INGEST_TOKEN: "ingest-secret", EMPTY: "", MARKUP: "a: [1", NESTED: "${env:INGEST_TOKEN}" };
const FILES: Readonly<Record<string, string>> = {
  "/etc/signalbox/admin-token": "admin-secret\n",
  "/etc/signalbox/fleet-token": "fleet-secret\n",
  "cert.pem": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
  "key.pem": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n",
  "not.pem": "hello",
};

/** Loads a config with a few variables and files at hand; no other file can be read. */
export function loadText(text: string, file = "test.yaml"): LoadResult {
  return loadConfig(text, { file, env: ENV, readFile });
}

/** `line error|warning path`, in the order of the problems. */
export function outlineOf({ problems }: LoadResult): string[] {
  return problems.map(({ position, severity, path }) => `${position?.line ?? 0} ${severity} ${path}`);
}

function readFile(path: string): string {
  const content = FILES[path];
  if (content === undefined) throw Object.assign(new Error(`no ${path}`), { code: "ENOENT" });
  return content;
}
