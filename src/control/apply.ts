import { hideValuesOf } from "../config/taint.ts";
import type { Config } from "../config/schema/config.ts";
import { isInterrupted, reasonOf } from "../core/errors.ts";
import type { DataPlane, DataPlaneEvent } from "../plan/data-plane.ts";
import type { PlanData } from "../plan/plan-data.ts";
import type { Env } from "../telemetry/env.ts";
import type { ApplyOutcome, ChangeRefused, ChangeOutcome } from "./apply-outcome.ts";
import type { Prepared } from "./document/prepare.ts";
import type { Origin } from "./history/entry.ts";
import { restartPaths } from "./restart-paths.ts";
import type { ConfigHistory } from "./history/history.ts";
import { reportOutcome } from "./report-outcome.ts";
import {
  type ConfigTruth,
  NO_FLEET_TO_STAGE,
  type ProposeOutcome,
  type PublishTerms,
  type TruthProposal,
} from "./truth/config-truth.ts";

/** A document that somebody made of the running one. */
export interface Proposal {
  readonly kind: "proposal";
  readonly prepared: Prepared;
  readonly by: Origin;
  /** One line for people; without it, what changed. */
  readonly summary?: string;
  /** Of a document that is to be a fleet's. */
  readonly publish?: PublishTerms | undefined;
  /** As the fleet counts it; undefined: the next one. */
  readonly version?: number;
}

/** A version of the fleet's config, as whoever published it said. */
export interface FleetVersion {
  readonly version: number;
  readonly text: string;
  /** Who, and from where. */
  readonly author: string;
  readonly note: string;
}

/**
 * What the walk needs. The steps are arguments: what they read (files, environment) is their
 * giver's business.
 */
interface WalkParts extends Pick<Env, "clock" | "log" | "metrics"> {
  /** Parses and validates; the config is there when no problem is an error. */
  readonly prepare: (text: string, running: string) => Promise<Prepared>;
  /** Reads a document that may never be walked, where that takes little; undefined: it does not. */
  readonly readAhead?: (text: string, running: string) => Config | undefined;
  /**
   * Fails only for what a valid config may still lack, such as a certificate that cannot be read.
   */
  readonly compile: (config: Config, version: number, text: string) => PlanData;
  readonly dataPlane: DataPlane;
  /** Told after the swap; for what takes effect outside of the data plane. Must not throw. */
  readonly onApplied: (config: Config) => void;
  /** Where changes are written to; undefined: nowhere, they end with the process. */
  readonly truth: Pick<ConfigTruth, "propose" | "stage"> | undefined;
  /** `fleet`: versions are counted by the truth, which many share. */
  readonly counts: "node" | "fleet";
  readonly history: ConfigHistory;
}

export interface ConfigStatus {
  readonly version: number;
  readonly digest: string;
  readonly running: Config;
  /** The document that runs. It may hold secrets. */
  readonly text: string;
  /** Clock.wallMs() of when it was applied. */
  readonly appliedMs: number;
  readonly restartRequired: readonly string[];
  /** Of the newest config that was read; undefined while that is the one the node started with. */
  readonly last: ApplyOutcome | undefined;
}

/** How what runs is to be read from now on, if it can be applied so. */
interface OtherReading {
  readonly prepare: (text: string) => Promise<Prepared>;
  /** Told before anything else is walked. */
  readonly applied: () => void;
}

/** What a node was started with. */
interface StartedConfig {
  readonly config: Config;
  /** The document. */
  readonly text: string;
  readonly version: number;
  readonly digest: string;
}

const STOPPING: ChangeRefused = { kind: "stopping" };

/** The config walk of a running node, from the config and the document that it was started with. */
export class ConfigWalk {
  /** No more than this of a config that may be large, and not run any more. */
  readonly #started: Pick<Config, "node">;
  readonly #parts: WalkParts;
  #status: ConfigStatus;
  #closed = false;
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ config, text, version, digest }: StartedConfig, parts: WalkParts) {
    this.#started = { node: config.node };
    this.#parts = parts;
    const appliedMs = parts.clock.wallMs();
    this.#status = { version, digest, running: config, text, appliedMs, restartRequired: [], last: undefined };
    parts.metrics.configVersion.with().read(() => this.#status.version);
    parts.metrics.configLastApplyFailed
      .with()
      .read(() => ((this.#status.last?.kind ?? "applied") === "applied" ? 0 : 1));
  }

  get status(): ConfigStatus {
    return this.#status;
  }

  /**
   * From here on nothing is applied: the node stops. What is under way is refused by the data
   * plane.
   */
  close(): void {
    this.#closed = true;
  }

  /** Walks a document to the data plane. Calls wait for one another. Never rejects. */
  apply(text: string): Promise<ApplyOutcome> {
    return this.#inTurn(async () => {
      const outcome = await this.#walk(async () => {
        const prepared = await this.#parts.prepare(text, this.#status.text);
        // A thread gives a copy of the text: one is enough.
        return { kind: "proposal", prepared: { ...prepared, text }, by: "file" };
      }, undefined);
      return this.#concludeAny(outcome);
    });
  }

  /**
   * For a document that may come soon: what walking it would begin with is done, and given up. What
   * is made of a document is remembered where it is made, by what it was made of, so that walking
   * this one takes less; nothing else follows, and nothing is told. Never throws.
   */
  readAhead(text: string): void {
    const { version, text: running } = this.#status;
    if (this.#closed || text === running) return;
    try {
      const config = this.#parts.readAhead?.(text, running);
      if (config !== undefined) this.#parts.compile(config, version + 1, text);
    } catch {
      // Whoever applies it is told.
    }
  }

  /**
   * Walks what runs once more: what it refers to has changed, or the node's own file, which is then
   * read another way. In a fleet it stays the same version. Never rejects.
   */
  again(otherwise?: OtherReading): Promise<ApplyOutcome> {
    return this.#inTurn(async () => {
      const { version, text } = this.#status;
      const same = this.#parts.counts === "fleet" ? { version } : {};
      const make = async (): Promise<Proposal> => {
        const prepared = await (otherwise?.prepare(text) ?? this.#parts.prepare(text, text));
        return { kind: "proposal", prepared: { ...prepared, text }, by: "file", ...same };
      };
      const outcome = await this.#walk(make, undefined);
      if (outcome.kind === "applied") otherwise?.applied();
      return this.#concludeAny(outcome);
    });
  }

  /** Walks a version of the fleet, unless that runs. Never rejects. */
  follow({ version, text, author, note }: FleetVersion): Promise<ApplyOutcome> {
    return this.#inTurn(async () => {
      const { version: runs, text: running, digest, last, restartRequired } = this.#status;
      if (runs === version && running === text && (last?.kind ?? "applied") === "applied") {
        return { kind: "applied", version, digest, warnings: [], restartRequired, changed: [], leaving: [] };
      }
      const make = async (): Promise<Proposal> => {
        const prepared = { ...(await this.#parts.prepare(text, running)), text };
        const publish = { author, ...(note !== "" && { note }) };
        return { kind: "proposal", prepared, by: "store", version, publish, ...(note !== "" && { summary: note }) };
      };
      return this.#concludeAny(await this.#walk(make, undefined));
    });
  }

  /**
   * Walks what `make` makes of the document that runs, and writes it where the truth lives. Waits
   * for its turn; nothing else changes the config while `make` works. Never rejects.
   */
  change(make: (running: ConfigStatus) => Promise<Proposal | ChangeRefused>): Promise<ChangeOutcome> {
    return this.#inTurn(async () => {
      const outcome = await this.#walk(() => make(this.#status), this.#parts.truth);
      if (outcome.kind === "applied") this.#conclude(outcome);
      else if (outcome.kind !== "unchanged" && outcome.kind !== "staged")
        this.#parts.log.info("config change refused", { why: outcome.kind });
      return outcome;
    });
  }

  /**
   * The data plane could not run what was applied, and runs what it ran before: so it is told,
   * and the next change is one of that. Never rejects.
   */
  takenBack({ version, runs }: DataPlaneEvent): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#status.version !== version) return;
      const before = await this.#earlier(runs);
      this.#status = before;
      this.#parts.onApplied(before.running);
      this.#conclude({ kind: "failed", reason: `all workers ended with version ${version}: ${runs} runs again` });
    });
  }

  /** For a document that could not even be read. */
  unreadable(reason: string): void {
    this.#conclude({ kind: "unreadable", reason });
  }

  /**
   * A version of before the last change, as the history has it: it may be large, and is held by
   * nobody else.
   */
  async #earlier(version: number): Promise<ConfigStatus> {
    const { history, prepare } = this.#parts;
    const { text: newest, running } = this.#status;
    const text = await history.text(version);
    const config =
      text === undefined
        ? undefined
        : await prepare(text, newest).then(
            (made) => made.config,
            () => undefined,
          );
    const info = history.versions.find((one) => one.version === version);
    return {
      ...this.#status,
      ...(info && { digest: info.digest, appliedMs: info.appliedMs }),
      version,
      text: text ?? newest,
      running: config ?? running,
      restartRequired: restartPaths(this.#started, config ?? running),
    };
  }

  /** Asked anew after each wait. */
  #stops(): boolean {
    return this.#closed;
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result;
    return result;
  }

  /**
   * make, compile, write, swap: whatever fails on the way leaves the running config and the truth
   * as they were.
   */
  async #walk(make: () => Promise<Proposal | ChangeRefused>, truth: WalkParts["truth"]): Promise<ChangeOutcome> {
    let hide = hideValuesOf(this.#status.running);
    try {
      const made = this.#stops() ? STOPPING : await make();
      if (made.kind !== "proposal") return made;
      if (this.#stops()) return STOPPING;
      const { config, problems, text } = made.prepared;
      if (config === undefined) return { kind: "invalid", problems };
      hide = hideValuesOf(config); // what fails from here on fails over what it says
      const { version, digest, text: before } = this.#status;
      const unchanged = { kind: "unchanged", version, digest, warnings: problems } as const;
      // A fleet's store may have lost it: it is asked.
      if (made.by === "api" && text === before && this.#parts.counts === "node") return unchanged;
      // What was taken back keeps its number.
      const next = made.version ?? Math.max(version, this.#parts.history.lastVersion) + 1;
      const compile = (number: number): PlanData => this.#parts.compile(config, number, text);
      const rewrite = { expected: { version, text: before }, text, publish: made.publish, truth };
      const took = await this.#take(compile(next), compile, rewrite);
      if (took.kind === "took") return await this.#applied(made, config, took);
      return took.kind === "same" ? unchanged : took;
    } catch (cause) {
      const reason = hide(reasonOf(cause));
      return { kind: "failed", reason, ...(isInterrupted(cause) && { passing: true }) };
    }
  }

  /**
   * What can fail fails before the truth is touched; and the truth says what runs, whatever
   * happens.
   */
  async #take(
    first: PlanData,
    compile: (version: number) => PlanData,
    change: Rewrite,
  ): Promise<Took | ProposalRefusal> {
    const { truth, ...proposal } = change;
    let plan = first;
    await using begun = new AsyncDisposableStack();
    begun.use(truth?.stage?.(proposal.text)); // while the workers prepare it
    let prepared = await this.#parts.dataPlane.prepare(plan);
    const isWithoutFleet = truth === undefined && proposal.publish?.staged === true;
    const proposed = isWithoutFleet ? NO_FLEET_TO_STAGE : await truth?.propose(proposal);
    const isSame = proposed?.kind === "same" && proposed.version === proposal.expected.version;
    if (proposed !== undefined && proposed.kind !== "taken" && (proposed.kind !== "same" || isSame)) {
      await prepared.discard();
      return proposed.kind === "changed" ? editedByHand(this.#status.last) : proposed;
    }
    try {
      const version = proposed?.version ?? plan.version;
      if (version !== plan.version) {
        await prepared.discard();
        plan = compile(version);
        prepared = await this.#parts.dataPlane.prepare(plan);
      }
      await prepared.commit();
    } catch (cause) {
      if (proposed?.kind === "taken") await proposed.withdraw();
      throw cause;
    }
    return { kind: "took", plan, safe: proposed?.kind === "taken" ? proposed.safe : undefined };
  }

  async #applied({ prepared, by, summary, publish }: Proposal, config: Config, took: Took): Promise<ChangeOutcome> {
    const { onApplied, clock, history } = this.#parts;
    const { text, changed, problems } = prepared;
    const { version, digest } = took.plan;
    const restartRequired = restartPaths(this.#started, config);
    const appliedMs = clock.wallMs();
    this.#status = { ...this.#status, version, digest, running: config, text, appliedMs, restartRequired };
    const told = summary ?? publish?.note ?? summarise(changed);
    const asked = this.#parts.dataPlane.leaving();
    const kept = history.add({ version, digest, appliedMs, by, summary: told, author: publish?.author }, text);
    const leaving = await asked;
    onApplied(config);
    await Promise.all([kept, took.safe]); // side by side with one another, and before anybody is told
    return { kind: "applied", version, digest, warnings: problems, restartRequired, changed, leaving };
  }

  #concludeAny(outcome: ChangeOutcome): ApplyOutcome {
    return this.#conclude(isApplied(outcome) ? outcome : { kind: "failed", reason: outcome.kind });
  }

  #conclude(outcome: ApplyOutcome): ApplyOutcome {
    this.#status = { ...this.#status, last: outcome };
    this.#parts.metrics.configApplies.with(outcome.kind).add(1);
    reportOutcome(this.#parts.log, outcome);
    return outcome;
  }
}

/** Worth another try with the same text. */
export function isToRepeat(outcome: ApplyOutcome): boolean {
  return outcome.kind === "failed" && outcome.passing === true;
}

function isApplied(outcome: ChangeOutcome): outcome is Exclude<ApplyOutcome, { readonly kind: "unreadable" }> {
  return outcome.kind === "applied" || outcome.kind === "invalid" || outcome.kind === "failed";
}

/** A change of what the truth says. */
interface Rewrite extends TruthProposal {
  /** undefined: it says so already, or there is none. */
  readonly truth: WalkParts["truth"];
}

type ProposalRefusal = Exclude<ProposeOutcome, { readonly kind: "taken" | "changed" }>;

interface Took {
  readonly kind: "took";
  readonly plan: PlanData;
  /** Ends when what the truth says now is safe. */
  readonly safe: Promise<void> | undefined;
}

/** The file does not hold what runs. */
function editedByHand(last: ApplyOutcome | undefined): ChangeRefused {
  const isWrong = last !== undefined && last.kind !== "applied";
  const hint = isWrong
    ? "what it holds could not be applied: see last_problems of /api/v1/node, mend the file, and repeat"
    : "the edit is applied in a moment: read again, and repeat";
  return { kind: "conflict", reason: "the config file was edited by hand, and does not hold what runs", hint };
}

const SUMMARY_PATHS = 3;

function summarise(changed: readonly string[]): string {
  if (changed.length === 0) return "read again, nothing in the document changed";
  const more = changed.length > SUMMARY_PATHS ? ` and ${changed.length - SUMMARY_PATHS} more` : "";
  return `changed ${changed.slice(0, SUMMARY_PATHS).join(", ")}${more}`;
}
