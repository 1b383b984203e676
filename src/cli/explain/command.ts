import { resolve } from "node:path";
import { hideValuesOf } from "../../config/taint.ts";
import { hideIn } from "../../core/hide.ts";
import type { Explanation } from "../../plan/explanation.ts";
import { openDryRun } from "../../server/open-dry-run.ts";
import { ask } from "../admin-client/command.ts";
import { fieldsOf } from "../admin-client/fields.ts";
import { ADMIN_OPTIONS, jsonBody } from "../admin-client/options.ts";
import { onlyOne, usage } from "../args.ts";
import { type Args, type Command, EXIT, type ExitCode, type Io } from "../command.ts";
import { print } from "../print.ts";
import { loadUsable } from "../validate.ts";
import { INPUT_OPTIONS, type ReadInput, readInput } from "./input.ts";
import { explanationText } from "./text.ts";

export const command: Command = {
  name: "explain",
  summary: "Tell what becomes of data: rule by rule, the pool, its targets, and the pick.",
  usage: [
    "explain [file|-] [--config <file>]",
    "explain --service checkout --span-name 'GET /x' --attribute user.tier=gold",
  ],
  details: `Takes an OTLP export request in JSON or protobuf, or one span, metric or log record in OTLP's JSON, from a file or standard
input, or an item described by options; with a file, --service, --resource and --scope-name are what a single item stands in.
With --config nothing has to run, and all targets count as ready. Without it a running node is asked: what holds there now.
Nothing is carried out either way. Where chance picks, shares are told in place of a pick.

  signalbox explain --config signalbox.yaml --service checkout --span-kind server
  signalbox explain request.json --config signalbox.yaml -o json
  signalbox explain - --url http://127.0.0.1:4320 < request.bin`,
  options: {
    config: { short: "c", value: "file", help: "Explain by this config, without a node." },
    items: { short: "n", value: "count", default: "20", help: "So many items are explained, 1000 at most." },
    ...INPUT_OPTIONS,
    ...ADMIN_OPTIONS,
  },
  run: explainWith(explanationText),
};

const MAX_ITEMS = 1_000;

/** Tells of an explanation what `text` makes of it. */
export function explainWith(text: ExplanationText): Command["run"] {
  return (args, io) => run(args, io, text);
}

type ExplanationText = (explanation: Explanation, width: number) => string;

async function run(args: Args, io: Io, textOf: ExplanationText): Promise<ExitCode> {
  const maxItems = args.number("items", 1) ?? 1;
  if (!Number.isInteger(maxItems) || maxItems > MAX_ITEMS) throw usage(`--items takes 1 to ${MAX_ITEMS}`);
  onlyOne(args, "config");
  const config = args.text("config");
  for (const name of ["url", "token", "ca"]) {
    if (config === undefined || args.text(name) === undefined) continue;
    throw usage(`--config and --${name} exclude each other`, "with --config no node is asked");
  }
  const input = await readInput(args, io);
  if (input.note !== "") io.stderr.write(`left out as malformed: ${input.note}\n`);
  if (config === undefined) return askNode({ ...input, maxItems }, args, io, textOf);
  const { config: loaded, text } = loadUsable(resolve(io.cwd, config), io);
  await using dryRun = await openDryRun(loaded, text);
  const hide = hideValuesOf(loaded);
  const explanation = hideIn(dryRun.explain({ ...input, maxItems }), hide) as Explanation; // oxlint-disable-line typescript/no-unsafe-type-assertion -- only texts in it are others
  print(explanation, args, io, () => textOf(explanation, io.stdout.columns));
  return EXIT.ok;
}

function askNode(
  { signal, bytes, region, headers, maxItems }: ReadInput & { readonly maxItems: number },
  args: Args,
  io: Io,
  textOf: ExplanationText,
): Promise<ExitCode> {
  const protobuf = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  const body = jsonBody({ signal, protobuf, region, headers, max_items: maxItems });
  return ask({ method: "POST", path: ["explain"], body }, args, io, {
    text: (answer) => textOf(explanationIn(answer), io.stdout.columns),
  });
}

/** What a node answers is as the port has it. */
function explanationIn(answer: unknown): Explanation {
  if (!Array.isArray(fieldsOf(answer)["items"])) throw usage("what answers there explains nothing: it may be older");
  return answer as Explanation; // oxlint-disable-line typescript/no-unsafe-type-assertion -- the wire boundary
}
