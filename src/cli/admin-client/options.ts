import { resolve } from "node:path";
import type { Values } from "../../config/values.ts";
import { LONGEST_TIMER_MS } from "../../core/clock.ts";
import { parseDuration } from "../../core/units.ts";
import { onlyOne, usage } from "../args.ts";
import type { Args, Io, OptionSpec, OptionSpecs } from "../command.ts";
import { readNamed, readPem } from "../files.ts";
import { OUTPUT_OPTION } from "../print.ts";
import type { AdminRequestBody } from "./client.ts";

/** Where the admin API is, and how to call it. */
export interface AdminOptions {
  /** Without a slash at the end. */
  readonly url: string;
  /** Never printed. */
  readonly token: string | undefined;
  /** PEM of the authorities to trust instead of the system's. */
  readonly ca: string | undefined;
  /** Of one call, to the last byte of its answer. */
  readonly timeoutMs: number;
}

const DEFAULT_URL = "http://127.0.0.1:4320";

/** What a node may ask for before it answers. */
export const ADMIN_TOKEN: OptionSpec = {
  value: "token",
  help: "One of node.admin.tokens: else $SIGNALBOX_TOKEN, else none.",
};

/** Options of every command that asks a running node. */
export const ADMIN_OPTIONS: OptionSpecs = {
  url: { short: "u", value: "url", help: `The node's admin API: else $SIGNALBOX_URL, else ${DEFAULT_URL}.` },
  token: ADMIN_TOKEN,
  ca: { value: "file", help: "PEM of the authorities to trust, for https." },
  timeout: { value: "time", default: "10s", help: "Of the call." },
  output: OUTPUT_OPTION,
};

/** What commands have besides that change the config of a running node. */
export const CHANGE_OPTIONS: OptionSpecs = {
  "if-match": { value: "version", help: "Change nothing when another version runs: exit code 6." },
};

/** What those have besides that change one rule, pool or target. */
export const FORCE_OPTION: OptionSpecs = {
  force: { flag: true, help: "Also when items that have a way now would have none; otherwise exit code 6." },
};

/** Of a command that reads what it sends. */
export const FILE_OPTION: OptionSpec = { short: "f", value: "file", help: "YAML or JSON; - is stdin." };

/** Fails with USAGE, naming the option; a token is never repeated. */
export function adminOptions(args: Args, io: Io): AdminOptions {
  const url = args.text("url") ?? (io.env["SIGNALBOX_URL"] || DEFAULT_URL);
  return adminOptionsOf({ args, url, ca: "ca" }, io);
}

/** Of a command that has its own way to say which node, and another option for its authorities. */
interface GivenAdmin {
  readonly args: Args;
  readonly url: string;
  readonly ca: string;
}

export function adminOptionsOf({ args, url, ca }: GivenAdmin, io: Io): AdminOptions {
  return {
    url: readUrl(url),
    token: readToken(args.text("token") ?? io.env["SIGNALBOX_TOKEN"]),
    ca: readPem(ca, args, io),
    timeoutMs: readTimeout(args),
  };
}

/**
 * The version that must be the running one, as an entity tag; undefined when it was not asked for.
 */
export function readIfMatch(args: Args): string | undefined {
  const version = args.text("if-match");
  if (version === undefined) return undefined;
  const bare = /^(?:W\/)?"?(?<version>\d{1,15}|\*)"?$/u.exec(version)?.groups?.["version"];
  if (bare === undefined) throw usage("--if-match takes a version, such as 7", "signalbox config history lists them");
  return bare === "*" ? bare : `"${bare}"`;
}

/** The number of a version, as `config history` lists them. Fails with USAGE. */
export function readVersion(text: string): string {
  if (!/^[1-9]\d{0,14}$/u.test(text))
    throw usage(`a version is a number; got "${text}"`, "signalbox config history lists them");
  return text;
}

/** A config has 16 MiB at most, and the node says so; this is only what can be held. */
const MAX_FILE_BYTES = 64 * 1_024 * 1_024;

/**
 * What `-f` names, as it is, so that comments survive: JSON is YAML, too. Fails with USAGE without
 * `-f` or with nothing in it, with CONFIG_UNREADABLE for a file that cannot be read.
 */
export async function readBody(args: Args, io: Io): Promise<AdminRequestBody> {
  onlyOne(args, "file");
  const file = args.required("file");
  const text = file === "-" ? await io.readStdin() : readNamed(resolve(io.cwd, file), file, MAX_FILE_BYTES).toString();
  if (text.trim() === "") throw usage(`${file === "-" ? "standard input" : file} is empty`);
  return { type: "application/yaml", text };
}

/**
 * The same, or without `-f` a body of the options that `names` lists: never both. Fails with USAGE,
 * and with `none` where neither is given.
 */
export async function readBodyOr(
  { args, io }: { readonly args: Args; readonly io: Io },
  { names, none, make }: GivenBody,
): Promise<AdminRequestBody> {
  const given = names.filter((name) => args.list(name).length > 0);
  if (args.text("file") === undefined) {
    if (given.length === 0 && none !== undefined) throw usage(none);
    return jsonBody(make(args));
  }
  if (given.length === 0) return readBody(args, io);
  throw usage(`${given.map((name) => `--${name}`).join(", ")} cannot stand beside -f`, "write it into the file");
}

interface GivenBody {
  readonly names: readonly string[];
  /** Undefined: a body without members says something, too. */
  readonly none?: string | undefined;
  readonly make: (args: Args) => Values;
}

/** Options that go into the query as they are; flags that are given as `true`. */
export function queryOf(args: Args, ...names: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(names.map((name) => [name, args.flag(name) ? "true" : args.text(name)]));
}

/** A body of members that were given; what is undefined is left out. */
export function jsonBody(members: Readonly<Record<string, unknown>>): AdminRequestBody {
  return { type: "application/json", text: JSON.stringify(members) };
}

function readUrl(given: string): string {
  const address = given.includes("://") ? given : `http://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw usage("--url takes an address", `write host:port, http://host:port or https://host:port, as ${DEFAULT_URL}`);
  }
  if (url.username !== "" || url.password !== "") throw usage("--url takes no user or password", "use --token");
  return `${url.origin}${url.pathname}`.replace(/\/+$/u, "");
}

function readToken(given: string | undefined): string | undefined {
  const token = given?.trim() ?? "";
  if (token === "") return undefined;
  if (!/^[\x21-\x7e]+$/u.test(token)) throw usage("the token has characters that no token can have");
  return token;
}

/** What `--timeout` says, in milliseconds. Fails with USAGE. */
export function readTimeout(args: Args): number {
  const text = args.required("timeout");
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw usage(`--timeout takes a time such as 500ms or 10s; got "${text}"`);
  if (ms > LONGEST_TIMER_MS) throw usage(`--timeout takes at most 24d; got "${text}"`);
  return ms;
}

/** As the node takes it. */
const SHORTEST_MS = 1_000;

/** What `--for` says, if it is given or has a default. Fails with USAGE. */
export function readFor(args: Args): string | undefined {
  const text = args.text("for");
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined) throw usage(`--for takes a time such as 10m or 1h30m; got "${text}"`);
  if (ms < SHORTEST_MS || ms > LONGEST_TIMER_MS) throw usage(`--for takes 1s to 24d; got "${text}"`);
  return text;
}
