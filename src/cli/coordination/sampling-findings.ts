import { listOf, type Values } from "../../config/values.ts";
import { callAdmin } from "../admin-client/client.ts";
import { fieldsOf } from "../admin-client/fields.ts";
import type { AdminOptions } from "../admin-client/options.ts";
import type { Io } from "../command.ts";
import { counted } from "../print.ts";
import { isMissed, missedLine, skewLine } from "../sampling-text.ts";
import type { Diagnosis } from "./topology-findings.ts";

type SamplingFinding = Diagnosis["findings"][number];

const MEND =
  "set global.sampling.randomness: hash, which goes by the whole trace id, or have its SDK make random ids; a head sampler at the source that keeps small ids looks so, too: let it ask the node (Jaeger remote sampling, which takes hash)";

/**
 * Whether strategies keep what they are to, and whether rates hold for each service: where its
 * trace ids are not random at their end, they do not. Of what a node has seen; no finding where it
 * has seen too little, or does not answer.
 */
export async function samplingFindings(
  options: AdminOptions,
  { clock }: Pick<Io, "clock">,
): Promise<SamplingFinding[]> {
  const answer = await callAdmin({ method: "GET", path: ["sampling"] }, options, clock);
  if (answer.kind !== "ok") return [];
  const { strategies, randomness } = fieldsOf(answer.body);
  return [
    ...strategyFindings(listOf(strategies).map(fieldsOf)),
    ...randomnessFindings(listOf(randomness).map(fieldsOf)),
  ];
}

/** Those that do need no line. */
function strategyFindings(strategies: readonly Values[]): SamplingFinding[] {
  return strategies.filter(isMissed).map((one) => {
    const status = one["state"] === "over_target" ? "warning" : "ok";
    return {
      check: "sampling",
      status,
      message: missedLine(one),
      ...(status === "warning" && { hint: "see signalbox sampling get" }),
    };
  });
}

function randomnessFindings(services: readonly Values[]): SamplingFinding[] {
  const skewed = services.filter(({ verdict }) => verdict === "skewed");
  const even = services.filter(({ verdict }) => verdict === "uniform").length;
  if (skewed.length > 0)
    return skewed.map((one) => ({ ...FINDING, status: "warning", message: skewLine(one), hint: MEND }));
  if (even === 0) return [];
  return [
    {
      ...FINDING,
      status: "ok",
      message: `trace ids of ${counted(even, "service")} that the node looked at are random`,
    },
  ];
}

const FINDING = { check: "randomness" } as const;
