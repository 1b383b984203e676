import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { reasonOf } from "../../core/errors.ts";
import { parseDuration } from "../../core/units.ts";
import type { TlsClientOptions } from "../../http2/port.ts";
import { SIGNALS, type Signal } from "../../otlp/signal.ts";
import { usage } from "../args.ts";
import type { Args, Io, OptionSpec } from "../command.ts";
import { OUTPUT_OPTION } from "../print.ts";

export const PROTOCOLS = ["grpc", "http", "http/json"] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** What to send, where, how fast and how long. */
export interface SendOptions {
  readonly url: string;
  readonly protocol: Protocol;
  readonly signals: readonly Signal[];
  /** 0: as fast as answers come. */
  readonly itemsPerSecond: number;
  /** Infinity: until the count is reached or it is stopped. */
  readonly durationMs: number;
  readonly maxItems: number;
  readonly itemsPerRequest: number;
  readonly services: readonly string[];
  /** Requests under way at the same time, at most. */
  readonly concurrency: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly compression: "none" | "gzip";
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Tries after the first. */
  readonly retries: number;
  readonly tls: TlsClientOptions;
}

export const SEND_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  protocol: { type: "string", short: "p", value: PROTOCOLS.join("|"), default: "grpc", help: "How to send." },
  signals: { type: "string", short: "s", value: "list", default: SIGNALS.join(","), help: "What to send, in turn." },
  rate: { type: "string", short: "r", value: "items/s", default: "1000", help: "0: as fast as answers come." },
  duration: {
    type: "string",
    short: "d",
    value: "time",
    help: "How long; 0: until stopped. Default 10s without --count.",
  },
  count: { type: "string", short: "n", value: "items", help: "How many items in all." },
  "items-per-request": { type: "string", value: "items", default: "100", help: "Spans, metrics or log records each." },
  services: { type: "string", value: "list", default: "checkout,payment,search", help: "Values of service.name." },
  concurrency: { type: "string", short: "c", value: "requests", default: "16", help: "Under way at most." },
  header: { type: "string", short: "H", value: "name=value", multiple: true, help: "Sent with every request." },
  compression: { type: "string", value: "none|gzip", default: "none", help: "Of the requests." },
  timeout: { type: "string", value: "time", default: "10s", help: "Of one attempt." },
  retries: { type: "string", value: "tries", default: "3", help: "After the first, where OTLP allows it." },
  ca: { type: "string", value: "file", help: "PEM of the authorities to trust." },
  cert: { type: "string", value: "file", help: "PEM of the client's certificate." },
  key: { type: "string", value: "file", help: "PEM of its key." },
  insecure: { type: "boolean", help: "Take any certificate of the server." },
  output: OUTPUT_OPTION,
};

/** Fails with USAGE, naming the option. */
export function sendOptions(args: Args, io: Io): SendOptions {
  const protocol = oneOf("protocol", PROTOCOLS, args.required("protocol"));
  const tls = tlsOptions(args, io);
  if (args.positionals.length > 1) throw usage("send takes one address");
  const maxItems = whole(args, "count", 1) ?? Number.POSITIVE_INFINITY;
  return {
    url: addressOf(args.positionals[0], protocol, Object.keys(tls).length > 0),
    protocol,
    signals: listOf(args, "signals").map((signal) => oneOf("signals", SIGNALS, signal)),
    itemsPerSecond: args.number("rate", 0) ?? 0,
    durationMs:
      duration(args, "duration") ?? (maxItems === Number.POSITIVE_INFINITY ? 10_000 : Number.POSITIVE_INFINITY),
    maxItems,
    itemsPerRequest: atMost("items-per-request", whole(args, "items-per-request", 1) ?? 1, 100_000),
    services: listOf(args, "services"),
    concurrency: atMost("concurrency", whole(args, "concurrency", 1) ?? 1, 1_000),
    headers: Object.fromEntries(args.list("header").map(headerOf)),
    compression: oneOf("compression", ["none", "gzip"] as const, args.required("compression")),
    timeoutMs: duration(args, "timeout") ?? 10_000,
    retries: whole(args, "retries", 0) ?? 0,
    tls,
  };
}

function addressOf(given: string | undefined, protocol: Protocol, withTls: boolean): string {
  if (given === undefined) return `${withTls ? "https" : "http"}://127.0.0.1:${protocol === "grpc" ? 4_317 : 4_318}`;
  const address = given.includes("://") ? given : `${withTls ? "https" : "http"}://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return address;
  throw usage(`"${given}" is not an address`, "write host:port, http://host:port or https://host:port");
}

/** An empty object without any TLS option. */
function tlsOptions(args: Args, io: Io): TlsClientOptions {
  const options: { ca?: string; cert?: string; key?: string; insecureSkipVerify?: boolean } = {};
  for (const name of ["ca", "cert", "key"] as const) {
    const file = args.text(name);
    if (file !== undefined) options[name] = readPem(name, resolve(io.cwd, file));
  }
  if (args.flag("insecure")) options.insecureSkipVerify = true;
  return options;
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw usage(`--${name}: ${reasonOf(cause)}`);
  }
}

function listOf(args: Args, name: string): string[] {
  const list = args
    .required(name)
    .split(",")
    .map((entry) => entry.trim());
  if (list.includes("")) throw usage(`--${name} takes names with commas between them`);
  return list;
}

function headerOf(text: string): [name: string, value: string] {
  const at = text.indexOf("=");
  const name = text.slice(0, at).trim().toLowerCase();
  if (at < 1 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/u.test(name)) throw usage(`--header takes name=value; got "${text}"`);
  return [name, text.slice(at + 1)];
}

/** `0` is endless. */
function duration(args: Args, name: string): number | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  if (text === "0") return Number.POSITIVE_INFINITY;
  const ms = parseDuration(text);
  if (ms === undefined || ms <= 0) throw usage(`--${name} takes a time such as 500ms, 10s or 1m30s; got "${text}"`);
  return ms;
}

function whole(args: Args, name: string, min: number): number | undefined {
  const value = args.number(name, min);
  if (value !== undefined && !Number.isInteger(value)) throw usage(`--${name} must be a whole number; got "${value}"`);
  return value;
}

function atMost(name: string, value: number, max: number): number {
  if (value > max) throw usage(`--${name} must be ${max} or less; got "${value}"`);
  return value;
}

function oneOf<T extends string>(name: string, known: readonly T[], text: string): T {
  const found = known.find((each) => each === text);
  if (found === undefined) throw usage(`--${name} takes ${known.join(", ")}; got "${text}"`);
  return found;
}
