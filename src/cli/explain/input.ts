import { resolve } from "node:path";
import { checkAgainst } from "../../config/check-schema.ts";
import { formatPath } from "../../config/finding.ts";
import { type ExplainInput, readExplainInput, simpleRequest } from "../../plan/explain-input.ts";
import { type SimpleItem, SimpleItemSchema } from "../../plan/simple-item.ts";
import { usage } from "../args.ts";
import type { Args, Io, OptionSpecs } from "../command.ts";
import { readNamed } from "../files.ts";

/** Options that describe an item, or what a single item stands in. */
export const INPUT_OPTIONS: OptionSpecs = {
  signal: { value: "traces|metrics|logs", help: "Where it cannot be seen." },
  service: { value: "name", help: "The resource's attribute service.name." },
  "span-name": { value: "name", help: "The span's name." },
  "span-kind": { value: "kind", help: "The span's kind, such as server." },
  "span-status": { value: "status", help: "unset, ok or error." },
  severity: { value: "level", help: "Of a log record: TRACE to FATAL4, or 1 to 24." },
  "metric-name": { value: "name", help: "The metric's name." },
  "scope-name": { value: "name", help: "The name of the instrumentation scope." },
  attribute: {
    short: "a",
    multiple: true,
    value: "key=value",
    help: 'Of the item. 503 and true are no texts; "503" in double quotes is.',
  },
  resource: { short: "r", multiple: true, value: "key=value", help: "Attribute of the resource." },
  "trace-id": { value: "hex", help: "32 hex digits." },
  header: { multiple: true, value: "name=value", help: "Of the request that it comes in; the name in any case." },
  region: { value: "name", help: "Of the listener that it comes in by; else that of the node." },
};

export type ReadInput = Extract<ExplainInput, { ok: true }> & Pick<SimpleItem, "region" | "headers">;

/** What says nothing of the item itself. */
const AROUND: ReadonlySet<string> = new Set(["region", "headers", "signal"]);

/**
 * The item that options describe, or what the file or standard input has. Fails with USAGE, or
 * CONFIG_UNREADABLE for a file.
 */
export async function readInput(args: Args, io: Io): Promise<ReadInput> {
  const [file, ...more] = args.positionals;
  if (more.length > 0) throw usage("explain takes one file");
  const item = itemOf(args);
  if (file === undefined && Object.keys(item).every((key) => AROUND.has(key))) {
    throw usage("explain needs a file, - for standard input, or options that describe an item such as --service");
  }
  const beside = file === undefined ? [] : OF_ITEMS.filter((name) => args.list(name).length > 0);
  if (beside.length > 0) {
    const hint = "a file has its items; --service, --resource and --scope-name are what a single one stands in";
    throw usage(`${beside.map((name) => `--${name}`).join(", ")} cannot stand beside a file`, hint);
  }
  const input = file === undefined ? simpleRequest(item) : readExplainInput(await readAll(file, io), item.signal, item);
  if (!input.ok) throw usage(`${file ?? "the item"}: ${input.message}`);
  return { ...input, region: item.region, headers: item.headers };
}

/** Options that say what an item is. */
const OF_ITEMS = ["span-name", "span-kind", "span-status", "severity", "metric-name", "attribute", "trace-id"] as const;
/** An export request has 64 MiB at most. */
const MAX_BYTES = 64 * 1_024 * 1_024;

async function readAll(file: string, io: Io): Promise<Uint8Array> {
  return file === "-" ? io.readStdinBytes() : readNamed(resolve(io.cwd, file), file, MAX_BYTES);
}

function itemOf(args: Args): SimpleItem {
  const texts = Object.entries(INPUT_OPTIONS).filter(([, { multiple }]) => multiple !== true);
  const severity = args.text("severity");
  const written = {
    ...Object.fromEntries(texts.map(([name]) => [name.replaceAll("-", "_"), args.text(name)])),
    severity: severity !== undefined && /^\d+$/u.test(severity) ? Number(severity) : severity,
    attributes: pairsOf(args, "attribute", readValue),
    resource: pairsOf(args, "resource", readValue),
    headers: pairsOf(args, "header", String),
  };
  const given = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
  const { document, findings } = checkAgainst(SimpleItemSchema, given);
  const [first] = findings;
  if (document !== undefined) return document;
  throw usage(`--${formatPath(first?.path ?? []).replaceAll("_", "-")}: ${first?.message ?? ""}`, first?.hint);
}

function pairsOf<Value>(
  args: Args,
  option: string,
  valueOf: (text: string) => Value,
): Record<string, Value> | undefined {
  const pairs = args.list(option).map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), valueOf(text.slice(at + 1))] as const;
    // Headers may be secrets: none is repeated.
    throw usage(option === "header" ? "--header takes name=value" : `--${option} takes key=value; got "${text}"`);
  });
  return pairs.length === 0 ? undefined : Object.fromEntries(pairs);
}

/** A number, a boolean or a quoted text as JSON has them; any other text as it is. */
function readValue(text: string): unknown {
  if (!/^(?:true|false|-?\d.*|".*")$/u.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
