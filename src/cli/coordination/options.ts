import { resolve } from "node:path";
import { RouterError } from "../../core/errors.ts";
import type { Coordination } from "../../server/coordination.ts";
import {
  type NamedStore,
  openNamedStore,
  type SettingsProblem,
  storeOfConfig,
  storeOfSettings,
} from "../../server/named-store.ts";
import { readTimeout } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import type { Args, Io, OptionSpecs } from "../command.ts";
import { readNamed, readPem } from "../files.ts";
import { OUTPUT_OPTION } from "../print.ts";
import { loadUsable } from "../validate.ts";

/** Which store, and how to call it: of every command that asks the store itself. */
export const STORE_OPTIONS: OptionSpecs = {
  config: { short: "c", value: "file", help: "A node's config: its store, and what the node remembers." },
  store: { choices: ["embedded", "etcd", "consul"], help: "Without a config: the kind of store." },
  endpoint: { value: "url", multiple: true, help: "Of etcd or Consul." },
  "data-dir": { value: "directory", help: "Of the node whose embedded store it is." },
  prefix: { value: "prefix", help: "Of all keys; default: /signalbox." },
  username: { value: "name", help: "Of a user of etcd." },
  "password-file": { value: "file", help: "The user's password." },
  "token-file": { value: "file", help: "The secret id of a token of Consul." },
  ca: { value: "file", help: "PEM of the authorities to trust, for https." },
  cert: { value: "file", help: "PEM of a client certificate." },
  key: { value: "file", help: "PEM of its key." },
  timeout: { value: "time", default: "10s", help: "Of the whole command." },
  output: OUTPUT_OPTION,
};

/** Those that say which store it is, when no config does. */
const SINGLE = Object.keys(STORE_OPTIONS).filter((name) => !["config", "timeout", "output"].includes(name));

export const WHICH_STORE = `The store is that of a node's config (-c node.yaml), or named by options:
--store etcd --endpoint http://127.0.0.1:2379 --prefix /signalbox. Exits with 7 when it cannot be reached.`;

/** Fails with USAGE, or as reading the config does. */
export function namedStore(args: Args, io: Io): NamedStore {
  const config = args.text("config");
  const single = SINGLE.find((name) => args.list(name).length > 0);
  if (config !== undefined) {
    if (single !== undefined) throw usage(`--${single} is in the config`, "give -c, or options, and not both");
    const path = resolve(io.cwd, config);
    return storeOfConfig(loadUsable(path, io).config, path);
  }
  const type = args.text("store");
  if (type === undefined) {
    throw usage("which store?", "-c node.yaml, or --store etcd --endpoint http://127.0.0.1:2379");
  }
  const dataDir = args.text("data-dir");
  if (type === "embedded" && dataDir === undefined) throw usage("the embedded store is in a directory", "--data-dir");
  const named = storeOfSettings(
    settingsOf(type, args, io),
    dataDir === undefined ? undefined : resolve(io.cwd, dataDir),
  );
  if ("problem" in named) throw wrongOption(named.problem, args);
  return named;
}

/** The options that give what a config has under other names. */
const OPTION_OF: Readonly<Record<string, string>> = {
  endpoints: "endpoint",
  password: "password-file",
  token: "token-file",
};

/** The problem in the words of who wrote options, and has no config to look at. */
function wrongOption({ path, message, hint }: SettingsProblem, args: Args): RouterError {
  const [top = "", below] = path;
  const ofTls = below ?? ["ca", "cert", "key"].find((one) => args.text(one) !== undefined);
  const name = top === "tls" ? String(ofTls) : (OPTION_OF[top] ?? String(top));
  const written = typeof below === "number" ? ` ${args.list(name)[below] ?? ""}` : "";
  const where = path.length === 0 ? "" : `--${name}${written}: `;
  return usage(`${where}${asOptions(message)}`, hint === undefined ? undefined : asOptions(hint));
}

function asOptions(text: string): string {
  return text
    .replace(/^endpoints: \["(.*)"\]$/u, "--endpoint $1")
    .replace(/ needs endpoints$/u, " needs an --endpoint")
    .replace(/leave tls out$/u, "leave it out")
    .replace(/\btype: (\w+)/u, "--store $1")
    .replaceAll(/\bpassword\b/gu, "--password-file")
    .replaceAll(/\busername\b/gu, "--username");
}

function settingsOf(type: string, args: Args, io: Io): Readonly<Record<string, unknown>> {
  const endpoints = args.list("endpoint");
  const secret = (name: string): string | undefined => {
    const file = args.text(name);
    return file === undefined ? undefined : readNamed(resolve(io.cwd, file), file, MAX_SECRET_BYTES).toString().trim();
  };
  const pem = ["ca", "cert", "key"].map((name) => [name, readPem(name, args, io)] as const);
  const tls = Object.fromEntries(pem.filter(([, value]) => value !== undefined));
  return {
    type,
    endpoints: endpoints.length === 0 ? undefined : endpoints,
    prefix: args.text("prefix"),
    username: args.text("username"),
    password: secret("password-file"),
    token: secret("token-file"),
    tls: Object.keys(tls).length === 0 ? undefined : tls,
  };
}

const MAX_SECRET_BYTES = 4_096;

/** Opens the store, runs what a command does with it, and closes it. */
export async function withStore<T>(
  named: NamedStore,
  purpose: "read" | "write",
  { args, io }: { readonly args: Args; readonly io: Io },
  run: (coordination: Coordination, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const cancel = io.clock.after(readTimeout(args), () => {
    late.abort(new RouterError("STORE_UNREACHABLE", `the store did not answer within ${args.required("timeout")}`));
  });
  try {
    await using coordination = await openNamedStore(named, purpose, io);
    return await run(coordination, late.signal);
  } finally {
    cancel();
  }
}
