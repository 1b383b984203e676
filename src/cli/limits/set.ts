import type { Values } from "../../config/values.ts";
import { changeCommand } from "../admin-client/command.ts";
import { FILE_OPTION, readBodyOr } from "../admin-client/options.ts";
import { usage } from "../args.ts";
import type { Args, Command } from "../command.ts";

/** Options, and the settings that they are. */
const NUMBERS = { "max-qps": "max_qps", burst: "burst_size", "per-key": "per_service_limit" } as const;
/** What takes a setting out. */
const NONE = "none";

export const limitsSet: Command = changeCommand({
  name: "limits set",
  summary: "Change global.rate_limiting in the config: what is named is so from then on.",
  usage: [
    "limits set --max-qps 60000 --burst 10000",
    "limits set --per-key 20000 --limit-of 'payment*=100000' --limit-of debug=none",
    "limits set -f <file>",
  ],
  details: `All are items a second, but for --burst: items at once. none takes a setting out. What was used before counts after it. In a fleet
the change is published for all nodes. A file has settings as the config has them: { max_qps: 60000, keys: { debug: 500 } }.`,
  options: {
    file: FILE_OPTION,
    "max-qps": { value: "number", help: "max_qps: of everything together." },
    burst: { value: "number|none", help: "burst_size: so many at once after a pause." },
    "per-key": { value: "number|none", help: "per_service_limit: of each key that keys does not name." },
    "limit-of": {
      multiple: true,
      value: "key=number",
      help: "Of keys: the limit of one key, by name or glob; key=none takes it out.",
    },
    mixed: { choices: ["refuse", "shed"], help: "What becomes of a request with some keys over." },
  },
  call: async (given) => ({ method: "PATCH", path: ["limits"], body: await readBodyOr(given, CHANGE) }),
  done: () => "limits set",
});

const CHANGE = {
  names: [...Object.keys(NUMBERS), "limit-of", "mixed"],
  none: "limits set needs -f, or a setting such as --max-qps",
  make: changeIn,
};

/** As `PATCH /api/v1/limits` takes it: null takes a setting out. */
function changeIn(args: Args): Values {
  const change: Record<string, unknown> = {};
  for (const [option, setting] of Object.entries(NUMBERS)) {
    const text = args.text(option);
    if (text !== undefined) change[setting] = rateOf(`--${option}`, text);
  }
  const keys = args.list("limit-of").map((text) => {
    const at = text.lastIndexOf("=");
    if (at <= 0) throw usage(`--limit-of takes key=number; got "${text}"`, "such as --limit-of 'payment*=100000'");
    return [text.slice(0, at), rateOf("--limit-of", text.slice(at + 1))] as const;
  });
  if (keys.length > 0) change["keys"] = Object.fromEntries(keys);
  const mixed = args.text("mixed");
  return mixed === undefined ? change : { ...change, mixed };
}

/** Null: it is to be taken out. */
function rateOf(option: string, text: string): number | null {
  if (text === NONE) return null;
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw usage(`${option} takes items a second above 0, or ${NONE}; got "${text}"`);
}
