import { pauseMs } from "../pauses.ts";
import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { sleep } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import type { Log } from "../../telemetry/log.ts";
import { inTimers } from "../check-request.ts";
import { CALL_DEADLINE_MS, type CallOptions, type Entry, type Revision, type Session, type Store } from "../store.ts";
import { decodeMember, encodeMember, type MemberHealth, type MemberInfo } from "./member.ts";
import type { RecipePlace } from "./place.ts";

/** How a member is listed. */
export interface RegisterOptions {
  /** Ends the waiting until it is listed first; nothing after that. */
  readonly signal: AbortSignal;
  /** Of its sessions: so long after its process has died it is still listed. */
  readonly ttlMs?: number;
  /** Default: unknown. */
  readonly health?: MemberHealth;
}

/** A member that is kept listed until it is disposed. */
export interface Registration extends AsyncDisposable {
  readonly info: MemberInfo;
  /** Whether it is listed now, as far as this process knows. */
  readonly isListed: boolean;
  /**
   * Tells how it does. Nothing is written when that is as before: that the member lives, its
   * session says. Resolves once the store has it, or something newer. What it throws at its
   * deadline (`STORE_UNREACHABLE`) is not forgotten: it is written once that can be done.
   */
  heartbeat(health: MemberHealth, options: CallOptions): Promise<void>;
  /** Takes it off the list, if the store can be reached; else its session's end does. */
  deregister(): Promise<void>;
}

/** How often a listed member looks whether it still is. */
const LOOK_MS = 30_000;

interface MemberPlace extends RecipePlace {
  readonly key: string;
  readonly log?: Log | undefined;
}

export async function openRegistration(
  place: MemberPlace,
  info: MemberInfo,
  options: RegisterOptions,
): Promise<Registration> {
  const registration = new OpenRegistration(place, info, options);
  await registration.listed(options.signal);
  return registration;
}

/** While it cannot be listed, one line of the log in this time. */
const QUIET_MS = 60_000;

/** One loop writes; all others say what they want, and wake it. */
class OpenRegistration implements Registration {
  readonly info: MemberInfo;
  readonly #store: Store;
  readonly #key: string;
  readonly #env: MemberPlace;
  readonly #ttlMs: number | undefined;
  readonly #incarnation = randomUUID();
  readonly #registeredAtMs: number;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #wanted: MemberHealth;
  /** What the store has under the entry below. */
  #written: MemberHealth | undefined;
  #created: Revision | undefined;
  #wasListed = false;
  /** Why it can never be listed. */
  #refused: Error | undefined;
  #wake = new AbortController();
  readonly #waiting = new Set<() => void>();

  constructor(place: MemberPlace, info: MemberInfo, options: RegisterOptions) {
    this.info = info;
    this.#store = place.store;
    this.#key = place.key;
    this.#env = place;
    this.#ttlMs = options.ttlMs;
    this.#wanted = options.health ?? { state: "unknown" };
    this.#registeredAtMs = place.clock.wallMs();
    this.#valueNow(); // fails here rather than in the loop
    this.#ended = this.#run();
  }

  get isListed(): boolean {
    return this.#created !== undefined;
  }

  /** Resolves once it is listed; if that is not to be, the loop ends. */
  async listed(signal: AbortSignal): Promise<void> {
    try {
      await this.#until(() => this.isListed, signal);
    } catch (cause) {
      await this.deregister();
      throw cause;
    }
  }

  async heartbeat(health: MemberHealth, options: CallOptions): Promise<void> {
    this.#valueWith(health); // fails here rather than in the loop
    this.#wanted = health;
    if (isDeepStrictEqual(this.#written, health)) return;
    this.#wakeUp();
    const { signal, deadlineMs = CALL_DEADLINE_MS } = inTimers(options);
    const late = new AbortController();
    const cancel = this.#env.clock.after(deadlineMs, () => late.abort(notYet(this.info.id, deadlineMs)));
    const isWritten = (): boolean => this.#written !== undefined && isDeepStrictEqual(this.#written, this.#wanted);
    try {
      await this.#until(isWritten, AbortSignal.any([signal, late.signal]));
    } finally {
      cancel();
    }
  }

  async deregister(): Promise<void> {
    this.#closing.abort(new RouterError("SHUTDOWN", `member ${this.info.id} was deregistered`));
    await this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.deregister();
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        const ttl = this.#ttlMs === undefined ? {} : { ttlMs: this.#ttlMs };
        const session = await this.#store.openSession({ ...ttl, signal });
        try {
          attempt = 0;
          await this.#serve(session, AbortSignal.any([signal, session.lost]));
        } finally {
          this.#forget();
          await session.close(); // and the entry with it
        }
      } catch (cause) {
        this.#tell(cause);
        if (this.#refused !== undefined) break;
      }
      await this.#pause(attempt, signal);
    }
    this.#notify();
  }

  /** Lists it under this session, and keeps it so until the signal; fails when the store does. */
  async #serve(session: Session, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#created = await this.#claim(session, signal);
      this.#env.log?.debug("member listed", { id: this.info.id, key: this.#key, session: session.id });
      this.#notify();
      await this.#keepListed(session, signal);
      this.#forget();
    }
  }

  /** Until the signal, or until the entry is gone. */
  async #keepListed(session: Session, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        if (!(await this.#stays(session, signal))) return;
        attempt = 0;
      } catch (cause) {
        this.#tell(cause);
        await this.#pause(attempt, signal);
      }
    }
  }

  /** Makes the entry. While another process has it under the same id, waits until that is gone. */
  async #claim(session: Session, signal: AbortSignal): Promise<Revision> {
    const key = this.#key;
    for (let attempt = 0; ; attempt++) {
      const health = this.#wanted;
      const value = this.#valueNow();
      const put = { kind: "put", key, value, session: session.id } as const;
      const outcome = await this.#store.txn({ if: [{ kind: "absent", key }], then: [put], else: [key] }, { signal });
      if (outcome.done) {
        this.#written = health;
        this.#wasListed = true;
        return outcome.revision;
      }
      const [there] = outcome.entries;
      if (there === undefined) continue;
      if (this.#isOurs(there)) await this.#remove(there, signal);
      else await this.#wait(there, attempt, signal);
    }
  }

  /** Of a session of ours that the store has not ended yet. */
  async #remove(entry: Entry, signal: AbortSignal): Promise<void> {
    const { key, modified: revision } = entry;
    await this.#store.txn({ if: [{ kind: "modified", key, revision }], then: [{ kind: "delete", key }] }, { signal });
  }

  async #wait(there: Entry, attempt: number, signal: AbortSignal): Promise<void> {
    const read = decodeMember(there);
    if (attempt === 0) {
      this.#env.log?.warn("another member is registered with this id: waiting until it is gone", {
        kind: "member",
        id: this.info.id,
        address: read.ok ? read.value.address : undefined,
        hint: "give each its own id; one that has died is gone when its session ends",
      });
    }
    await sleep(this.#env.clock, this.#backoff(attempt), signal);
  }

  /** Writes what is wanted, or waits for something to do. False: the entry is gone. */
  async #stays(session: Session, signal: AbortSignal): Promise<boolean> {
    const health = this.#wanted;
    if (!isDeepStrictEqual(this.#written, health)) return this.#write(session, health, signal);
    this.#wake = new AbortController();
    const woken = AbortSignal.any([signal, this.#wake.signal]);
    await sleep(this.#env.clock, LOOK_MS, woken).catch(() => undefined);
    if (woken.aborted) return true;
    const entry = await this.#store.get(this.#key, { signal });
    return entry !== undefined && entry.session === session.id && this.#isOurs(entry);
  }

  async #write(session: Session, health: MemberHealth, signal: AbortSignal): Promise<boolean> {
    const { info } = this;
    const [key, revision] = [this.#key, this.#created ?? 0n];
    const value = this.#valueNow();
    const put = { kind: "put", key, value, session: session.id } as const;
    const outcome = await this.#store.txn({ if: [{ kind: "created", key, revision }], then: [put] }, { signal });
    if (!outcome.done) {
      this.#env.log?.warn("member was taken off the list by somebody else: listed again", {
        kind: "member",
        id: info.id,
      });
      return false;
    }
    this.#written = health;
    this.#notify();
    return true;
  }

  #isOurs(entry: Entry): boolean {
    const read = decodeMember(entry);
    return read.ok && read.value.incarnation === this.#incarnation;
  }

  #valueNow(): Uint8Array {
    return this.#valueWith(this.#wanted);
  }

  #valueWith(health: MemberHealth): Uint8Array {
    const [info, registeredAtMs, incarnation] = [this.info, this.#registeredAtMs, this.#incarnation];
    return encodeMember({ info, health, registeredAtMs, incarnation });
  }

  #forget(): void {
    this.#created = undefined;
    this.#written = undefined;
  }

  #wakeUp(): void {
    this.#wake.abort();
  }

  #notify(): void {
    for (const check of this.#waiting) check();
  }

  /** Until something is so; fails with the signal, or when the loop has ended without it. */
  #until(isSo: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        const ended = this.#refused ?? (this.#closing.signal.aborted ? this.#closing.signal.reason : undefined);
        if (isSo()) finish(resolve);
        else if (ended !== undefined) finish(() => reject(ended));
        else if (signal.aborted) finish(() => reject(signal.reason));
      };
      const finish = (then: () => void): void => {
        this.#waiting.delete(check);
        signal.removeEventListener("abort", check);
        then();
      };
      this.#waiting.add(check);
      signal.addEventListener("abort", check, { once: true });
      check();
    });
  }

  #tell(cause: unknown): void {
    if (this.#closing.signal.aborted) return;
    if (cause instanceof RouterError && this.#isFinal(cause)) this.#refused ??= cause;
    if (this.#refused !== undefined) return;
    this.#env.log?.limited(`unlisted ${this.info.id}`, QUIET_MS)?.warn("member is not listed now: it is tried again", {
      kind: "member",
      id: this.info.id,
      reason: reasonOf(cause),
    });
  }

  /** With the store's end; and where it can never have been, its refusal. */
  #isFinal({ code }: RouterError): boolean {
    return code === "SHUTDOWN" || (code === "STORE_REFUSED" && !this.#wasListed);
  }

  async #pause(attempt: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#env.clock, this.#backoff(attempt), signal).catch(() => undefined);
  }

  #backoff(attempt: number): number {
    return pauseMs("member", attempt, this.#env.random);
  }
}

function notYet(id: string, deadlineMs: number): RouterError {
  return new RouterError("STORE_UNREACHABLE", `how member ${id} does was not written within ${deadlineMs} ms`, {
    hint: "it is written once the member is listed and the store can be reached",
  });
}
