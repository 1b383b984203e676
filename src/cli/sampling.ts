import type { Values } from "../config/values.ts";
import { adminCommand, changeCommand } from "./admin-client/command.ts";
import { FILE_OPTION, queryOf, readBodyOr } from "./admin-client/options.ts";
import type { Args, Command, CommandGroup, OptionSpecs } from "./command.ts";
import { command as explain, explainWith } from "./explain/command.ts";
import { samplingExplanationText } from "./explain/text.ts";
import { samplingText, triedText } from "./sampling-text.ts";

const SETTINGS: OptionSpecs = {
  file: FILE_OPTION,
  target: { value: "number", help: "target_qps of the one strategy adaptive." },
  budget: { value: "number", help: "budget_per_hour of the one strategy cost_based." },
  rate: { value: "share", help: "global.sampling_rate: of what no rule takes." },
  "dry-run": {
    value: "on|off",
    choices: ["on", "off"],
    help: "Whether all that is decided is only counted: global.sampling.dry_run.",
  },
};

const TRIED = { names: ["target", "budget", "rate", "dry-run"], make: settingsIn };
const CHANGED = { ...TRIED, none: "sampling set needs -f, or a setting such as --target" };

const get = adminCommand({
  name: "sampling get",
  summary: "Show what is kept of each class, why, and how strategies do.",
  usage: ["sampling get", "sampling get --fleet"],
  details: `What comes and is kept a second is what the asked node sees; strategies are the whole fleet's. Without a strategy whose
rate follows the load nothing is counted by class. --fleet tells besides what comes to each region, and is kept of it. Below stand services
whose trace ids are not random at their end, so that rates do not hold for them.`,
  options: { fleet: { flag: true, help: "Also what comes to each region of the fleet." } },
  call: ({ args }) => ({ method: "GET", path: ["sampling"], query: queryOf(args, "fleet") }),
  text: samplingText,
});

const set = changeCommand({
  name: "sampling set",
  summary: "Change the target, the budget or other settings of sampling in the config.",
  usage: ["sampling set --target 2000", "sampling set --budget 12.5 --dry-run off", "sampling set -f <file>"],
  details: `A file has settings of global as the config has them: { sampling_rate: 0.1, sampling_strategies: [...] }. In a fleet the
change is published for all nodes. What it would do now, sampling dry-run tells before.`,
  options: SETTINGS,
  call: async (given) => ({ method: "PATCH", path: ["sampling"], body: await readBodyOr(given, CHANGED) }),
  done: () => "sampling set",
});

const dryRun = adminCommand({
  name: "sampling dry-run",
  summary: "Tell what settings would keep of what is received now; nothing changes.",
  usage: ["sampling dry-run", "sampling dry-run --target 500", "sampling dry-run -f <file>"],
  details: `Takes what sampling set takes, and says which command makes it so. Without options: what the settings of now keep once they have
settled. Nothing is counted, and so nothing can be told, where no strategy follows what comes (adaptive, cost_based).`,
  options: SETTINGS,
  call: async (given) => ({ method: "POST", path: ["sampling", "dry-run"], body: await readBodyOr(given, TRIED) }),
  text: triedText,
});

/** Of `explain` the part that is about sampling. */
const explainSampling: Command = {
  ...explain,
  name: "sampling explain",
  summary: "Tell of data whether it is kept: its class, threshold, randomness, and why.",
  usage: ["sampling explain --service checkout --trace-id <hex>", "sampling explain <file> --config <file>"],
  details: "Takes what explain takes, and tells of sampling alone.",
  run: explainWith(samplingExplanationText),
};

export const group: CommandGroup = {
  name: "sampling",
  summary: "Look at what is kept of what comes, and change it.",
  details: "",
  commands: [get, set, dryRun, explainSampling],
};

function settingsIn(args: Args): Values {
  const isDry = args.text("dry-run");
  return {
    target_qps: args.number("target", 0),
    budget_per_hour: args.number("budget", 0),
    sampling_rate: args.number("rate", 0),
    sampling: isDry === undefined ? undefined : { dry_run: isDry === "on" },
  };
}
