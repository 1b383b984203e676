import { isLoopbackHost, parseAddress } from "../../config/schema/address.ts";
import type { Clock } from "../../core/clock.ts";
import type { Random } from "../../core/random.ts";
import type { Secret } from "../../core/secret.ts";
import { VERSION } from "../../core/version.ts";
import {
  type ControllerMethod,
  type ControllerReply,
  type ControllerRequest,
  isNotLeader,
} from "../../control/fleet/controller-calls.ts";
import type { CallOutcome, ControllerLink, LinkCallOptions } from "../../control/fleet/controller-link.ts";
import type { ControllerAddress } from "../../control/fleet/messages.ts";
import { METHODS, MOST_REPLY_BYTES, readReply, writeMessage } from "../../control/fleet/methods.ts";
import { openUnaryClient } from "../../http2/own/open.ts";
import type { TlsClientOptions, UnaryClient, UnaryResult } from "../../http2/port.ts";
import { type Moment, momentOf } from "../../store/session/moment.ts";
import { refusedCallOf } from "./fleet-status.ts";

interface Http2LinkOptions {
  /** Asked for each call: it may be renewed. */
  readonly token: () => Secret | undefined;
  /** For controllers that are dialled with TLS. */
  readonly tls: TlsClientOptions;
  readonly clock: Clock;
  readonly random: Random;
}

const CONNECT_MS = 5_000;
/** A controller that was cut off is to be noticed well before its collectors are gone for it. */
const KEEPALIVE = { keepaliveTimeMs: 10_000, keepaliveTimeoutMs: 5_000 } as const;

/**
 * The way to a controller over HTTP/2: one connection, dialled by the first call that finds
 * none. What others say of a controller is not believed: an address that is none is not dialled,
 * and off this machine none without TLS, so that no token goes there in plain text.
 */
export function openHttp2Link(controller: ControllerAddress, options: Http2LinkOptions): ControllerLink {
  const { clock, random, tls } = options;
  const fault = faultOf(controller);
  if (fault !== undefined) return noLink(controller, fault);
  const client = openUnaryClient(
    {
      url: `${controller.tls ? "https" : "http"}://${controller.address}`,
      ...(controller.tls && { tls }),
      connections: 1,
      connectTimeoutMs: CONNECT_MS,
      maxResponseBytes: MOST_REPLY_BYTES,
      ...KEEPALIVE,
      userAgent: `signalbox-fleet/${VERSION}`,
    },
    { clock, random },
  );
  return new Http2Link(controller, client, options);
}

function faultOf({ address, tls }: ControllerAddress): string | undefined {
  const parsed = parseAddress(address);
  if (parsed === undefined) return `"${address}" is no address: see node.fleet.listen and advertise of that controller`;
  if (tls || isLoopbackHost(parsed.host)) return undefined;
  return `${address} is not on this machine, and is to be reached without TLS: set node.fleet.listen.tls there`;
}

/** To a controller that cannot be dialled, or must not be. */
function noLink(controller: ControllerAddress, reason: string): ControllerLink {
  return {
    controller,
    call: async () => ({ kind: "unreachable", reason }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

class Http2Link implements ControllerLink {
  readonly controller: ControllerAddress;
  readonly #client: UnaryClient;
  readonly #clock: Clock;
  readonly #token: Http2LinkOptions["token"];
  #shown: Secret | undefined;
  #metadata: Readonly<Record<string, string>> = {};

  constructor(controller: ControllerAddress, client: UnaryClient, { token, clock }: Http2LinkOptions) {
    this.controller = controller;
    this.#client = client;
    this.#clock = clock;
    this.#token = token;
  }

  async call<Method extends ControllerMethod>(
    method: Method,
    request: ControllerRequest<Method>,
    { signal, timeoutMs }: LinkCallOptions,
  ): Promise<CallOutcome<ControllerReply<Method>>> {
    if (signal.aborted) return { kind: "unreachable", reason: "it was not wanted any more" };
    const message = writeMessage(request);
    const { promise, resolve } = Promise.withResolvers<UnaryResult>();
    const sent = momentOf(this.#clock);
    const metadata = this.#credentials();
    const body = { pieces: [message], messageBytes: message.length, encoding: "identity" } as const;
    const cancel = this.#client.unary({ path: METHODS[method].path, metadata, ...body, timeoutMs }, resolve);
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return outcomeOf(method, await promise, sent);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  /** The same object for the same token, so that what the transport makes of it is made once. */
  #credentials(): Readonly<Record<string, string>> {
    const token = this.#token();
    if (token === this.#shown) return this.#metadata;
    this.#shown = token;
    this.#metadata = token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` };
    return this.#metadata;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.cancelAll();
    await this.#client[Symbol.asyncDispose]();
  }
}

function outcomeOf<Method extends ControllerMethod>(
  method: Method,
  result: UnaryResult,
  sent: Moment,
): CallOutcome<ControllerReply<Method>> {
  if (result.kind === "failed") {
    if (result.reason === "too_large") return { kind: "refused", why: "too_large", reason: result.text };
    return { kind: "unreachable", reason: result.text === "" ? result.reason : result.text };
  }
  if (result.status !== 0) {
    const why = refusedCallOf(result.status);
    const reason = result.text === "" ? `gRPC status ${result.status}` : result.text;
    return why === undefined ? { kind: "unreachable", reason } : { kind: "refused", why, reason };
  }
  if (result.message.length > METHODS[method].maxReplyBytes) {
    return { kind: "refused", why: "too_large", reason: `its answer has ${result.message.length} bytes` };
  }
  const read = readReply(method, result.message);
  if (!read.ok) return { kind: "refused", why: "fault", reason: `its answer: ${read.reason}` };
  return isNotLeader(read.value)
    ? { kind: "not_leader", leader: read.value.leader }
    : { kind: "reply", reply: read.value, sent };
}
