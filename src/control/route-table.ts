import { valueAt } from "../config/values.ts";
import type { Problem } from "../core/problem.ts";
import type { ConfigStatus, ConfigWalk, Proposal } from "./apply.ts";
import type { ChangeOutcome, ChangeRefused } from "./apply-outcome.ts";
import type { DocumentDiff } from "./document/compare.ts";
import type { DocumentService } from "./document/document-service.ts";
import { type Edit, elementOf, elementsOf, type Section } from "./document/element.ts";
import type { DocumentPlace, Preparation, Wanted } from "./document/prepare.ts";
import { redactElement, redactRoot } from "./document/secrets.ts";
import type { VersionInfo } from "./history/entry.ts";
import type { ConfigHistory } from "./history/history.ts";
import type { PublishTerms } from "./truth/config-truth.ts";
import { type FleetVersions, neverRan } from "./truth/fleet-versions.ts";

/**
 * A version that a change is meant for: with another one running, it is refused. undefined: with
 * whatever runs.
 */
export type Guard = readonly number[] | undefined;

/** A version with its document, secrets redacted. */
export interface VersionView {
  readonly info: VersionInfo;
  /** As written, without defaults. */
  readonly config: unknown;
}

export interface Element {
  readonly id: string;
  /** As written in the document, secrets redacted. */
  readonly value: unknown;
}

interface RouteTableParts {
  readonly walk: ConfigWalk;
  readonly history: ConfigHistory;
  readonly documents: DocumentService;
  readonly place: DocumentPlace;
  /** Of a node of a fleet. */
  readonly shared?: FleetVersions | undefined;
}

/** For which version a change is meant, and how. */
interface ChangeTerms {
  readonly guard: Guard;
  readonly force: boolean;
  readonly publish: PublishTerms | undefined;
}

/**
 * The route table: what runs, what ran, and every way to change it. What its methods give is
 * without secrets; what they take may refer to what the running document refers to, and to what
 * `node.secrets` allows, and cannot change that or `node.plugins`.
 */
export class RouteTable {
  readonly #parts: RouteTableParts;
  #root: { readonly text: string; readonly root: Promise<unknown> } | undefined;

  constructor(parts: RouteTableParts) {
    this.#parts = parts;
  }

  /** What runs. Its text and config may hold secrets. */
  get status(): ConfigStatus {
    return this.#parts.walk.status;
  }

  /**
   * Newest first; of a fleet, as its store has them, those that were only tried among them, or else
   * those that this node had.
   */
  async versions(): Promise<readonly VersionInfo[]> {
    return (await this.#parts.shared?.list()) ?? this.#parts.history.versions;
  }

  async elements(section: Section): Promise<readonly Element[]> {
    const elements = elementsOf(await this.#runningRoot(), section);
    return elements.map(({ id, value }) => ({ id, value: redactElement(section, value) }));
  }

  async element(section: Section, id: string): Promise<Element | undefined> {
    const value = elementOf(await this.#runningRoot(), section, id);
    return value === undefined ? undefined : { id, value: redactElement(section, value) };
  }

  /** What stands at a place of the running document, as written; undefined: nothing. */
  async written(...at: readonly string[]): Promise<unknown> {
    return valueAt(redactRoot(await this.#runningRoot()), ...at);
  }

  /** The running document as written. */
  text(): Promise<string> {
    return this.#parts.documents.redactText(this.status.text);
  }

  /** Refused as `unrouted` when items that have a way now would have none, unless it is forced. */
  edit(edit: Edit, guard: Guard, force = false, publish?: PublishTerms): Promise<ChangeOutcome> {
    const { documents, place } = this.#parts;
    const prepare = async ({ text: running }: ConfigStatus): Promise<Preparation> =>
      documents.prepareEdit(edit, { running, follow: "allowed" }, place);
    return this.#change({ guard, force, publish }, prepare);
  }

  replace(wanted: Wanted, guard: Guard, publish?: PublishTerms): Promise<ChangeOutcome> {
    const { documents, place } = this.#parts;
    const prepare = async ({ text: running }: ConfigStatus): Promise<Preparation> =>
      documents.prepareWanted(wanted, { running, follow: "allowed" }, place);
    return this.#change({ guard, force: true, publish }, prepare);
  }

  /** The document of an older version as a new one. */
  rollback(to: number, guard: Guard, publish?: PublishTerms): Promise<ChangeOutcome> {
    const { walk, documents, place } = this.#parts;
    return walk.change(async (running) => {
      const conflict = checkGuard(guard, running);
      if (conflict !== undefined) return conflict;
      const text = await this.#textOf(to);
      if (text === undefined) return { kind: "unknown", id: String(to) };
      const ran = (await this.#parts.shared?.list())?.some(
        ({ version, state }) => version === to && state === undefined,
      );
      if (ran === false) return { kind: "conflict", ...neverRan(to) };
      const prepared = await documents.prepareAgain(text, running.text, place);
      const summary = `back to version ${to}`;
      return {
        kind: "proposal",
        prepared,
        by: "rollback",
        summary,
        publish: { note: summary, ...publish, again: true },
      };
    });
  }

  /**
   * What is wrong with a document; nothing changes. `none`: for somebody who may not know what is
   * in this machine's environment and files, not even whether it is right; default: as for a
   * change.
   */
  async validate(
    wanted: Wanted,
    follow: "allowed" | "none" = "allowed",
  ): Promise<{ readonly valid: boolean; readonly problems: readonly Problem[] }> {
    const { documents, place } = this.#parts;
    const made = await documents.prepareWanted(wanted, { running: this.status.text, follow }, place);
    if (made.kind === "prepared") {
      const { problems } = made.prepared;
      return { valid: problems.every(({ severity }) => severity === "warning"), problems };
    }
    if (made.kind === "malformed") return { valid: false, problems: made.problems };
    return { valid: false, problems: [{ severity: "error", path: "", message: UNWRITABLE }] };
  }

  /**
   * What would be wrong with the running document after an edit, of all of it; nothing changes.
   * `follow`: as for `validate`. Nothing is said where only somebody's hand could make the edit.
   */
  async validateEdit(edit: Edit, follow: "allowed" | "none" = "allowed"): Promise<readonly Problem[]> {
    const { documents, place } = this.#parts;
    const made = await documents.prepareEdit(edit, { running: this.status.text, follow }, place);
    if (made.kind === "prepared") return made.prepared.problems;
    return made.kind === "malformed" ? made.problems : [];
  }

  async version(version: number): Promise<VersionView | undefined> {
    const info = (await this.versions()).find((known) => known.version === version);
    const text = await this.#textOf(version);
    if (info === undefined || text === undefined) return undefined;
    return { info, config: redactRoot(await this.#parts.documents.rootOf(text)) };
  }

  /** The document of a version as written. */
  async versionText(version: number): Promise<string | undefined> {
    const text = await this.#textOf(version);
    return text === undefined ? undefined : this.#parts.documents.redactText(text);
  }

  /** undefined when one of them is not kept. */
  async diff(from: number, to: number): Promise<DocumentDiff | undefined> {
    const { documents } = this.#parts;
    const [before, after] = await Promise.all([this.#textOf(from), this.#textOf(to)]);
    if (before === undefined || after === undefined) return undefined;
    return documents.compareDocuments(
      { name: `version ${from}`, text: before },
      { name: `version ${to}`, text: after },
    );
  }

  /** Of a fleet, its store is asked first: numbers begin anew where that was wiped. */
  async #textOf(version: number): Promise<string | undefined> {
    return (await this.#parts.shared?.text(version)) ?? this.#parts.history.text(version);
  }

  #change(
    { guard, force, publish }: ChangeTerms,
    prepare: (running: ConfigStatus) => Promise<Preparation>,
  ): Promise<ChangeOutcome> {
    return this.#parts.walk.change(async (running) => {
      const made = checkGuard(guard, running) ?? proposalOf(await prepare(running), publish);
      if (force || made.kind !== "proposal" || made.prepared.unrouted.length === 0) return made;
      return { kind: "unrouted", problems: made.prepared.unrouted };
    });
  }

  /** The values of the running document: read once for each version. */
  #runningRoot(): Promise<unknown> {
    const { text } = this.status;
    if (this.#root?.text !== text) this.#root = { text, root: this.#parts.documents.rootOf(text) };
    return this.#root.root;
  }
}

const UNWRITABLE = "the document has anchors (&name), merges or keys behind `?` in this place: edit it by hand";

function checkGuard(guard: Guard, { version }: ConfigStatus): ChangeRefused | undefined {
  if (guard === undefined || guard.includes(version)) return undefined;
  const reason = `version ${version} runs, and the change is meant for version ${guard.join(" or ")}`;
  return { kind: "conflict", reason, hint: "read again, look whether the change is still right, and repeat it" };
}

function proposalOf(made: Preparation, publish: PublishTerms | undefined): Proposal | ChangeRefused {
  if (made.kind === "prepared") return { kind: "proposal", prepared: made.prepared, by: "api", publish };
  return made.kind === "unwritable" ? { kind: "unwritable", reason: UNWRITABLE } : made;
}
