import type { Command } from "../command.ts";
import { command as explain, explainWith } from "../explain/command.ts";
import { limitsExplanationText } from "./text.ts";

/** Of `explain` the part that is about limits. */
export const limitsExplain: Command = {
  ...explain,
  name: "limits explain",
  summary: "Tell of a request which limits it counts against, what is left of each, and whether it would be let in.",
  usage: ["limits explain --service checkout", "limits explain <file> --config <file>"],
  details: `Takes what explain takes, and tells of global.rate_limiting alone. SET BY is what in it makes the limit. LEFT is what the process
that is asked may let in now; below zero: so many items are to be paid back first. With --config nothing is used yet.`,
  run: explainWith(limitsExplanationText),
};
