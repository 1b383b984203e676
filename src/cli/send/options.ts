import { parseDuration } from "../../core/units.ts";
import type { TlsClientOptions } from "../../http2/port.ts";
import { SIGNALS } from "../../otlp/signal.ts";
import { VERSION } from "../../core/version.ts";
import { namesIn, oneOf, usage } from "../args.ts";
import type { Args, Io, OptionSpecs } from "../command.ts";
import { readPem } from "../files.ts";
import { OUTPUT_OPTION } from "../print.ts";
import type { SendPlan } from "./run-send.ts";
import { type Endpoint, type Protocol, PROTOCOLS } from "./sender.ts";

/** What to send, where, how fast and how long. */
export interface SendCommandOptions extends Endpoint, SendPlan {}

const COMPRESSIONS = ["none", "gzip"] as const;

export const SEND_OPTIONS: OptionSpecs = {
  protocol: { short: "p", choices: PROTOCOLS, default: "grpc", help: "How to send." },
  signals: { short: "s", value: "list", default: SIGNALS.join(","), help: "What to send, in turn." },
  rate: { short: "r", value: "items/s", default: "1000", help: "0: as fast as answers come." },
  duration: { short: "d", value: "time", help: "How long; 0: until stopped. Default 10s without --count." },
  count: { short: "n", value: "items", help: "How many items in all." },
  "items-per-request": { value: "items", default: "100", help: "Spans, metrics of three data points, or log records." },
  services: { value: "list", default: "checkout,payment,search", help: "Values of service.name." },
  concurrency: { short: "c", value: "requests", default: "16", help: "Under way at most." },
  header: { short: "H", value: "name=value", multiple: true, help: "Sent with every request." },
  compression: { choices: COMPRESSIONS, default: "none", help: "Of the requests." },
  timeout: { value: "time", default: "10s", help: "Of one attempt." },
  retries: { value: "tries", default: "3", help: "After the first, where OTLP allows it." },
  ca: { value: "file", help: "PEM of the authorities to trust." },
  cert: { value: "file", help: "PEM of the client's certificate." },
  key: { value: "file", help: "PEM of its key." },
  insecure: { flag: true, help: "Take any certificate of the server." },
  output: OUTPUT_OPTION,
};

/** Fails with USAGE, naming the option. */
export function sendOptions(args: Args, io: Io): SendCommandOptions {
  const protocol = oneOf("protocol", PROTOCOLS, args.required("protocol"));
  const tls = tlsOptions(args, io);
  if (args.positionals.length > 1) throw usage("send takes one address");
  const maxItems = whole(args, "count", 1) ?? Infinity;
  return {
    url: addressOf(args.positionals[0], protocol, Object.values(tls).some(Boolean)),
    protocol,
    signals: namesIn(args, "signals").map((signal) => oneOf("signals", SIGNALS, signal)),
    itemsPerSecond: args.number("rate", 0) ?? 0,
    durationMs: duration(args, "duration") ?? (maxItems === Infinity ? 10_000 : Infinity),
    maxItems,
    itemsPerRequest: atMost("items-per-request", whole(args, "items-per-request", 1) ?? 1, 100_000),
    services: namesIn(args, "services"),
    concurrency: atMost("concurrency", whole(args, "concurrency", 1) ?? 1, 1_000),
    headers: Object.fromEntries(args.list("header").map(headerOf)),
    compression: oneOf("compression", COMPRESSIONS, args.required("compression")),
    timeoutMs: duration(args, "timeout") ?? 10_000,
    retries: whole(args, "retries", 0) ?? 0,
    tls,
    userAgent: `signalbox-send/${VERSION}`,
  };
}

function addressOf(given: string | undefined, protocol: Protocol, withTls: boolean): string {
  if (given === undefined) return `${withTls ? "https" : "http"}://127.0.0.1:${protocol === "grpc" ? 4_317 : 4_318}`;
  const address = given.includes("://") ? given : `${withTls ? "https" : "http"}://${given}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return address;
  throw usage(`"${given}" is not an address`, "write host:port, http://host:port or https://host:port");
}

function tlsOptions(args: Args, io: Io): TlsClientOptions {
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => readPem(name, args, io));
  return { ca, cert, key, insecureSkipVerify: args.flag("insecure") || undefined };
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
  if (text === "0") return Infinity;
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
