import { hideValuesOf } from "../../config/taint.ts";
import type { Config, ConfigInput } from "../../config/schema/config.ts";
import { type Clock, systemClock } from "../../core/clock.ts";
import { type Random, systemRandom } from "../../core/random.ts";
import type { Strategies } from "../../data/balance/strategies.ts";
import { type EmbeddedDataPlane, openEmbedded } from "../../data/embedded.ts";
import { compile } from "../../plan/compile.ts";
import type { Env } from "../../telemetry/env.ts";
import { createLedger } from "../../telemetry/ledger.ts";
import { createLog, type RootLog } from "../../telemetry/log.ts";
import { createMetrics } from "../../telemetry/metrics.ts";
import { tellUnusableProxies } from "../proxies.ts";
import { listenOptions } from "../listen-options.ts";
import { RouterError } from "../../core/errors.ts";
import { formatProblem } from "../../core/problem.ts";
import { type ConfigSource, textSource } from "../config-source.ts";

export interface EmbedOptions extends DocumentOptions {
  /**
   * `run`: targets are asked whether they work, as their `health_check` says; so does openTargets.
   * `off`: only what is sent to them tells, and nothing is connected before; so does createRouter.
   */
  readonly checks?: "run" | "off";
  /** The machine's own time and chance without. */
  readonly clock?: Clock;
  readonly random?: Random;
  /**
   * Gets changes of health and of the config; its level and format follow the config. Nothing is
   * written without.
   */
  readonly log?: RootLog;
  /** For `strategy: { type: plugin, name, options }`. */
  readonly strategies?: Strategies;
}

/** What an embedded router consists of. */
interface EmbedParts {
  readonly embedded: EmbeddedDataPlane;
  readonly env: Env;
  readonly log: RootLog;
}

/** Opens the data plane of a config, without its listeners. */
export async function openParts(
  { config, source }: { readonly config: Config; readonly source: ConfigSource },
  options: EmbedOptions,
): Promise<EmbedParts> {
  const { clock = systemClock, random = systemRandom, checks = "off", strategies } = options;
  const log =
    options.log ?? createLog({ clock, write: () => undefined, level: "error", format: "json", colour: false });
  log.level = config.node.log.level;
  log.format = config.node.log.format;
  log.hide = hideValuesOf(config);
  const env = { clock, random, log, metrics: createMetrics(), ledger: createLedger() };
  tellUnusableProxies(log, source.place.env);
  const plan = compile(config, config.node, { version: 1, text: source.text });
  const { limits } = listenOptions(config.node);
  return {
    embedded: await openEmbedded(plan, limits, env, { checks, strategies, secrets: { env: source.place.env } }),
    env,
    log,
  };
}

/** What is only read may be constant. */
export type Written<Value> = Value extends readonly (infer Entry)[]
  ? readonly Written<Entry>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: Written<Value[Key]> }
    : Value;

/** A config as text (YAML or JSON), or as what it says. */
export type ConfigDocument = string | Written<ConfigInput>;

export interface DocumentOptions {
  /** Where paths in the config start; the working directory without. */
  readonly folder?: string;
  /** What `${env:NAME}` stands for; nothing without. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** Reads a config. Throws CONFIG_INVALID that names all its errors. */
export function readDocument(
  document: ConfigDocument,
  { folder = ".", env = {} }: DocumentOptions,
): { readonly config: Config; readonly source: ConfigSource } {
  const text = typeof document === "string" ? document : JSON.stringify(document, undefined, 2);
  const source = textSource(text, { name: "config", folder, file: undefined }, env);
  const { config, problems } = source.load(text);
  if (config === undefined) {
    const errors = problems.filter(({ severity }) => severity === "error");
    throw new RouterError("CONFIG_INVALID", errors.map(formatProblem).join("\n"));
  }
  return { config, source };
}
