import { setImmediate } from "node:timers/promises";
import { Client, type ClientOptions, connectivityState, Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { Clock } from "../../core/clock.ts";
import { reasonOf } from "../../core/errors.ts";
import type { StoreTls } from "../store.ts";
import { credentialsOf, nameOptions } from "./credentials.ts";
import type { EtcdAnswer, EtcdFault } from "./fault.ts";
import type { EtcdMethod } from "./methods.ts";

/** How long one call of one endpoint may take. */
export interface CallLimits {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

interface EtcdStreamHandlers<T> {
  message(message: T): void;
  /** Once, and last; never after `cancel`. */
  ended(fault: EtcdFault): void;
}

export interface OpenStream {
  /** Another message, for as long as it is open. */
  send(message: Buffer): void;
  /** Nothing is told afterwards. */
  cancel(): void;
}

/**
 * A connection to one endpoint, made when it is first needed and again when it was lost. By etcd's
 * own settings pings that are closer than 5 s, and all of those while nothing is asked, end it
 * ("too_many_pings"): a call that finds a connection quiet begins with a ping. Connections are not
 * shared with others of the process: what hangs on one then says nothing of the others.
 */
const OPTIONS: ClientOptions = {
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5_000,
  "grpc.keepalive_permit_without_calls": 0,
  "grpc.max_receive_message_length": -1,
  "grpc.max_send_message_length": -1,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
};

export class EtcdConnection implements Disposable {
  readonly endpoint: string;
  readonly #client: Client;
  readonly #clock: Clock;
  #heardMs: number;
  readonly #active = new Set<(fault: EtcdFault) => void>();

  constructor(endpoint: string, tls: StoreTls | undefined, clock: Clock) {
    this.endpoint = endpoint;
    this.#clock = clock;
    this.#heardMs = clock.nowMs();
    const url = new URL(endpoint);
    const address = `${url.hostname}:${url.port === "" ? "2379" : url.port}`;
    this.#client = new Client(address, credentialsOf(url, tls), { ...OPTIONS, ...nameOptions(url, tls) });
  }

  /** Since its server was last heard, or since it was made. */
  get quietMs(): number {
    return this.#clock.nowMs() - this.#heardMs;
  }

  /**
   * Throws the signal's reason alone. A write is sent only once there is a connection, so that
   * when there is none it is certain that nothing was sent.
   */
  async unary<T>(method: EtcdMethod<T>, request: Buffer, token: string, limits: CallLimits): Promise<EtcdAnswer<T>> {
    const { clock, deadlineMs } = limits;
    const untilMs = clock.nowMs() + deadlineMs;
    if (method.isWrite === true) {
      const isDecided = await this.#isConnectedOrFailed(limits);
      if (!isDecided) return { ok: false, fault: this.#silent(deadlineMs, false) };
    }
    return this.#bounded({ ...limits, deadlineMs: untilMs - clock.nowMs() }, (resolve) => {
      const call = this.#client.makeUnaryRequest(
        method.path,
        (bytes: Buffer) => bytes,
        (bytes) => this.#heard(method, bytes),
        request,
        metadataOf(token),
        (error, value) => {
          if (error === null)
            resolve({ ok: true, value: value as T }); // oxlint-disable-line typescript/no-unsafe-type-assertion -- there is one when there is no error
          else resolve({ ok: false, fault: this.#fault(error) });
        },
      );
      return () => call.cancel();
    });
  }

  /**
   * One message there and one back, over a stream of their own: in order, and with its own token.
   */
  exchange<T>(method: EtcdMethod<T>, request: Buffer, token: string, limits: CallLimits): Promise<EtcdAnswer<T>> {
    return this.#bounded(limits, (resolve) => {
      const stream = this.stream(method, request, token, {
        message: (value) => {
          stream.cancel();
          resolve({ ok: true, value });
        },
        ended: (fault) => resolve({ ok: false, fault }),
      });
      return () => stream.cancel();
    });
  }

  stream<T>(method: EtcdMethod<T>, first: Buffer, token: string, handlers: EtcdStreamHandlers<T>): OpenStream {
    const call = this.#client.makeBidiStreamRequest(
      method.path,
      (bytes: Buffer) => bytes,
      (bytes) => this.#heard(method, bytes),
      metadataOf(token),
    );
    let isOpen = true;
    const end = (fault: EtcdFault): void => {
      if (!isOpen) return;
      isOpen = false;
      this.#active.delete(end);
      call.cancel();
      handlers.ended(fault);
    };
    this.#active.add(end);
    call.on("error", () => undefined); // also long after a cancel; what there is to know comes as the status
    call.on("status", (told: StatusObject) => end(this.#fault(told)));
    call.on("data", (message: T) => {
      if (!isOpen) return;
      try {
        handlers.message(message);
      } catch (cause) {
        end({ code: status.INTERNAL, details: reasonOf(cause), endpoint: this.endpoint, wasSent: true });
      }
    });
    call.write(first);
    return {
      send: (message) => {
        if (isOpen) call.write(message);
      },
      cancel: () => {
        isOpen = false;
        this.#active.delete(end);
        call.cancel();
      },
    };
  }

  [Symbol.dispose](): void {
    const fault = { code: status.UNAVAILABLE, details: "it was closed here", endpoint: this.endpoint, wasSent: true };
    for (const end of this.#active) end(fault);
    this.retire();
  }

  /** Calls that are under way come to their ends; there are to be no others. */
  retire(): void {
    this.#client.close();
  }

  /** `start` gives back how to give it up. */
  #bounded<T>(
    { clock, deadlineMs, signal }: CallLimits,
    start: (resolve: (answer: EtcdAnswer<T>) => void) => () => void,
  ): Promise<EtcdAnswer<T>> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const finish = (answer: EtcdAnswer<T> | undefined): void => {
        cancelTimer();
        signal.removeEventListener("abort", abort);
        this.#active.delete(dispose);
        if (answer !== undefined) resolve(answer);
      };
      const dispose = (fault: EtcdFault): void => {
        finish({ ok: false, fault });
        giveUp();
      };
      const abort = (): void => {
        finish(undefined);
        giveUp();
        reject(errorOf(signal));
      };
      const cancelTimer = clock.after(Math.max(0, deadlineMs), () => dispose(this.#silent(deadlineMs, true)));
      signal.addEventListener("abort", abort, { once: true });
      this.#active.add(dispose);
      let giveUp = NOTHING_TO_GIVE_UP;
      try {
        giveUp = start(finish);
      } catch (cause) {
        // grpc-js throws when it was closed meanwhile.
        finish({
          ok: false,
          fault: this.#fault({
            code: status.UNAVAILABLE,
            details: `No connection established. Last error: ${reasonOf(cause)}`,
          }),
        });
      }
    });
  }

  /**
   * False: it is still being tried at the deadline. That a connection was reset while the loop did
   * other things is known a few turns later.
   */
  async #isConnectedOrFailed(limits: CallLimits): Promise<boolean> {
    const channel = this.#client.getChannel();
    for (let turns = 0; turns < TURNS; turns++) await setImmediate();
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state !== connectivityState.IDLE && state !== connectivityState.CONNECTING) return true;
      const changed = await this.#bounded<boolean>(limits, (resolve) => {
        channel.watchConnectivityState(state, Number.POSITIVE_INFINITY, () => resolve({ ok: true, value: true }));
        return NOTHING_TO_GIVE_UP;
      });
      if (!changed.ok) return false;
    }
  }

  #heard<T>(method: EtcdMethod<T>, bytes: Buffer): T {
    this.#heardMs = this.#clock.nowMs();
    return method.decode(bytes);
  }

  #fault({ code, details }: { readonly code: status; readonly details: string }): EtcdFault {
    const wasSent = !/^(?:No connection established|Name resolution failed|Channel closed before)/u.test(details);
    return { code, details, endpoint: this.endpoint, wasSent };
  }

  #silent(deadlineMs: number, wasSent: boolean): EtcdFault {
    const details = `no answer within ${Math.round(deadlineMs)} ms`;
    return { code: status.DEADLINE_EXCEEDED, details, endpoint: this.endpoint, wasSent };
  }
}

/** Of the loop: with two, calls were seen to go to connections that had been reset before. */
const TURNS = 4;

const NOTHING_TO_GIVE_UP = (): void => undefined;

/** A member that sees no leader says so at once, instead of keeping quiet or waiting for one. */
function metadataOf(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  if (token !== "") metadata.set("token", token);
  return metadata;
}

function errorOf({ reason }: AbortSignal): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
