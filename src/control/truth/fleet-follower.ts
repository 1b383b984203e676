import type { FleetMemory } from "../../store/recipes/fleet-memory.ts";
import { sha256Of } from "../../core/sha256.ts";
import type { Env } from "../../telemetry/env.ts";
import { type ConfigWalk, type FleetVersion, isToRepeat } from "../apply.ts";
import type { ApplyOutcome } from "../apply-outcome.ts";
import { type ConfigTruth, TROUBLE_KINDS, type TruthNews, type TruthTrouble } from "./config-truth.ts";
import { type FleetStart, unusable } from "./fleet-start.ts";
import type { LastGoodFile } from "./last-good.ts";

/** What a node says of the fleet's config: in its reports, its API and its readiness. */
export interface FleetConfigStatus {
  /** Where what runs is from; `store` as soon as a version of the fleet was applied. */
  readonly from: FleetStart["from"];
  /** Why what runs may not be what the fleet runs; undefined: it is. */
  readonly trouble: TruthTrouble | undefined;
  /** What came of the newest version that this node was told of. */
  readonly acknowledged: ConfigAcknowledgement | undefined;
}

interface ConfigAcknowledgement {
  readonly version: number;
  /** SHA-256 of the document in hex. */
  readonly digest: string;
  readonly result: "applied" | "invalid" | "failed";
  /** For people; empty when it was applied. */
  readonly reason: string;
}

/** A version as the pointer names it. */
type VersionPointer = Omit<FleetVersion, "text"> & {
  readonly sha256: string;
  /** It is not what the pointer names: it is tried in the place of this version. */
  readonly triedFor?: number | undefined;
};

interface FleetFollowerParts extends Pick<Env, "log" | "metrics"> {
  readonly prefix: string;
  readonly walk: Pick<ConfigWalk, "follow" | "status">;
  readonly memory: Pick<FleetMemory, "identity">;
  readonly lastGood: LastGoodFile;
  /** The node knows now whose it is, and runs what it ran before: that did not know it. */
  readonly learnt: () => void;
}

/**
 * Applies what the fleet runs, however it comes here: by the store's watch, or by a directive of
 * the controller. What was applied is kept on disk; what is only tried never is, so that a start
 * without the store is one with what all ran.
 */
export class FleetFollower {
  readonly #parts: FleetFollowerParts;
  #status: FleetConfigStatus;
  #keptVersion = "";
  #keeping = Promise.resolve();
  /** What the fleet runs, as it was applied here last: what is tried ends with it. */
  #good: (Pick<VersionPointer, "sha256" | "version"> & { readonly text: string }) | undefined;
  /** The version that the fleet runs, as far as this node was told. */
  #runs: number | undefined;
  #tries = false;
  /** Of what runs. */
  #fleet: string | undefined;
  #tellRefusal: () => void = () => {};

  constructor(start: FleetStart, parts: FleetFollowerParts) {
    this.#parts = parts;
    this.#fleet = parts.memory.identity?.id;
    this.#status = { from: start.from, trouble: undefined, acknowledged: undefined };
    for (const kind of TROUBLE_KINDS) {
      parts.metrics.fleetConfigTrouble.with(kind).read(() => (this.#status.trouble?.kind === kind ? 1 : 0));
    }
    if (start.trouble !== undefined) this.#told(start.trouble);
  }

  get status(): FleetConfigStatus {
    return this.#status;
  }

  /** Is called for each version that this node could not take over, so that it is told at once. */
  whenRefused(tell: () => void): void {
    this.#tellRefusal = tell;
  }

  /** Why the node cannot take anything, as long as it never had a config; empty: it can. */
  notReady(): readonly string[] {
    const { from, trouble } = this.#status;
    if (from !== "nothing") return [];
    const { reason, hint } = trouble ?? { reason: "it has none yet", hint: "" };
    const where = `no config of the fleet under ${this.#parts.prefix}`;
    const init = hint.includes("config apply") ? hint : `${hint}; the first config: signalbox config apply --init`;
    return [`${where}: ${reason}; ${init}`];
  }

  /** Whether what runs here is only tried. */
  get tries(): boolean {
    return this.#tries;
  }

  /** The version that the fleet runs, as far as is known here. */
  get fleetRuns(): number | undefined {
    return this.#runs;
  }

  /** A document that is here already, by its digest: nobody has to be asked to go back to it. */
  textOf(digest: string): string | undefined {
    if (this.#good?.sha256 === digest) return this.#good.text;
    const { text } = this.#parts.walk.status;
    return sha256Of(text) === digest ? text : undefined;
  }

  /** What the node was started with runs, and is the fleet's: it is kept, too. */
  async started(start: FleetStart): Promise<void> {
    const { version, author, note, prepared } = start;
    if (start.from !== "store" && start.from !== "disk") return;
    this.#runs = version;
    this.#good = { version, sha256: sha256Of(prepared.text), text: prepared.text };
    if (start.from === "disk") return;
    this.#acknowledge({ version, digest: sha256Of(prepared.text), result: "applied", reason: "" });
    await this.#keep({ version, author, note, text: prepared.text });
  }

  /** Both who watches the store and who is told by a controller come here. Never rejects. */
  async followVersion(pointer: VersionPointer, text: string): Promise<ApplyOutcome> {
    const { sha256: digest, version, author, note, triedFor } = pointer;
    if (triedFor === undefined) this.#runs = version;
    const outcome: ApplyOutcome =
      sha256Of(text) === digest
        ? await this.#parts.walk.follow({ version, text, author, note })
        : { kind: "failed", reason: `version ${version}: its text is not the one that was published` };
    const reason = reasonIn(outcome);
    const result = outcome.kind === "unreadable" ? "failed" : outcome.kind;
    if (result === "failed" && isToRepeat(outcome)) return outcome;
    this.#acknowledge({ version, digest, result, reason });
    if (outcome.kind === "applied") await this.#applied(pointer, text);
    else if (triedFor !== undefined) this.#refused(version, reason);
    else this.#told(outcome.kind === "invalid" ? unusable(version, outcome) : failedHere(version, reason));
    return outcome;
  }

  /** There is nothing to follow at the moment: what runs goes on. */
  trouble(trouble: TruthTrouble): void {
    this.#told(trouble);
  }

  /**
   * It was applied, and then all workers have ended with it: what ran before runs again. It is
   * told as any version that cannot be run here, and is not what a start begins with.
   */
  async takenBack(version: number): Promise<void> {
    const { walk } = this.#parts;
    const { acknowledged } = this.#status;
    const { status } = walk;
    const isOurs = acknowledged?.version === version && acknowledged.result === "applied";
    if (!isOurs || status.version === version) return;
    const reason = status.last === undefined ? "" : reasonIn(status.last);
    const wasTried = this.#tries;
    this.#tries = false;
    if (!wasTried) await this.#goodAgain(status);
    this.#acknowledge({ ...acknowledged, result: "failed", reason });
    if (wasTried) this.#refused(version, reason);
    else this.#told(failedHere(version, reason));
  }

  /** To the end of the signal. Never rejects. */
  async follow(truth: Pick<ConfigTruth, "watch">, signal: AbortSignal): Promise<void> {
    for await (const news of truth.watch({ signal })) await this.#heard(news);
  }

  async #heard(news: TruthNews): Promise<void> {
    if (news.kind === "trouble") return this.#told(news.trouble);
    if (news.kind === "unreadable") return this.#told({ kind: "unreachable", reason: news.reason, hint: "" });
    const { version = 0, text, author = "", note = "" } = news;
    if (this.#isTriedBeside(version, text)) return this.#followed(version);
    const outcome = await this.followVersion({ version, sha256: sha256Of(text), author, note }, text);
    if (isToRepeat(outcome)) news.again();
  }

  /** The store says what it said before, as after an outage: what is tried beside it goes on. */
  #isTriedBeside(version: number, text: string): boolean {
    const good = this.#tries && this.#runs === version ? this.#good : undefined;
    return good?.version === version && good.sha256 === sha256Of(text);
  }

  async #applied({ version, sha256: digest, author, note, triedFor }: VersionPointer, text: string): Promise<void> {
    this.#fleet = this.#parts.memory.identity?.id;
    this.#tries = triedFor !== undefined;
    if (this.#tries) return;
    this.#good = { version, sha256: digest, text };
    await this.#keep({ version, author, note, text });
  }

  #goodAgain({ version, text }: Pick<ConfigWalk["status"], "text" | "version">): Promise<void> {
    this.#good = { version, sha256: sha256Of(text), text };
    return this.#keep({ version, author: "", note: "", text });
  }

  /** Whoever leads the fleet hears it by the Report, and rolls it back: nothing is amiss here. */
  #refused(version: number, reason: string): void {
    const told = { kind: "rollout" as const, version, reason, runs: this.#parts.walk.status.version };
    this.#parts.log.error("a staged config cannot be run here: what runs goes on", told);
  }

  #acknowledge(acknowledged: ConfigAcknowledgement): void {
    this.#status = { ...this.#status, acknowledged };
    if (acknowledged.result === "applied") this.#followed(acknowledged.version);
    else this.#tellRefusal();
  }

  #followed(version: number): void {
    if (this.#status.trouble !== undefined)
      this.#parts.log.info("the config of the fleet is followed", { kind: "config", version });
    this.#status = { ...this.#status, from: "store", trouble: undefined };
  }

  #told(trouble: TruthTrouble): void {
    const { trouble: before } = this.#status;
    this.#status = { ...this.#status, trouble };
    this.#learn();
    if (before?.kind === trouble.kind && before.reason === trouble.reason) return;
    const { kind, reason, hint } = trouble;
    const runs = this.#parts.walk.status.version;
    const told = { kind: "config" as const, why: kind, reason, hint, runs };
    if (kind === "unreachable")
      this.#parts.log.warn("the config of the fleet is not followed: what runs goes on", told);
    else this.#parts.log.error("the config of the fleet is not followed: what runs goes on", told);
  }

  #learn(): void {
    const fleet = this.#parts.memory.identity?.id;
    if (fleet === this.#fleet) return;
    this.#fleet = fleet;
    this.#parts.learnt();
  }

  /** One after the other, so that the newest is what stays. */
  #keep(good: FleetVersion): Promise<void> {
    this.#keeping = this.#keeping.then(() => this.#write(good));
    return this.#keeping;
  }

  /**
   * What cannot be written runs all the same, and is not there at a start without the store. Never
   * rejects.
   */
  async #write(good: FleetVersion): Promise<void> {
    const { memory, lastGood, log } = this.#parts;
    const fleet = memory.identity?.id;
    const what = `${fleet ?? ""} ${good.version} ${sha256Of(good.text)}`;
    if (fleet === undefined || what === this.#keptVersion) return;
    try {
      await lastGood.write({ fleet, ...good });
      this.#keptVersion = what;
    } catch (cause) {
      const hint = "without the store this node starts with an older one, or none: see node.data_dir";
      log.error("the config of the fleet cannot be kept on disk", { kind: "config", reason: String(cause), hint });
    }
  }
}

function reasonIn(outcome: ApplyOutcome): string {
  if (outcome.kind === "applied") return "";
  if (outcome.kind !== "invalid") return outcome.reason;
  return outcome.problems.find(({ severity }) => severity === "error")?.message ?? "";
}

function failedHere(version: number, reason: string): TruthTrouble {
  return { kind: "bad", reason: `version ${version} cannot be run here: ${reason}`, hint: "see the log of this node" };
}
