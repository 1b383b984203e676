import type { Cancel, Clock } from "../../core/clock.ts";
import { reasonOf, RouterError } from "../../core/errors.ts";
import { FLEET_BOUNDS } from "../../control/fleet/bounds.ts";
import type { ControllerCalls, ControllerMethod } from "../../control/fleet/controller-calls.ts";
import { METHOD_NAMES, METHODS, readRequest, writeMessage } from "../../control/fleet/methods.ts";
import type { UnaryCall, UnaryExchange, UnaryHandler, UnaryReply } from "../../http2/port.ts";
import type { FleetAuth } from "./fleet-auth.ts";
import { FLEET_STATUS } from "./fleet-status.ts";

/** How a call of a controller ended. A closed list: label of a metric. */
const SERVED_OUTCOMES = ["ok", "not_leader", "refused", "fault", "cancelled"] as const;
type ServedOutcome = (typeof SERVED_OUTCOMES)[number];

interface FleetHandlerOptions {
  readonly calls: ControllerCalls;
  readonly auth: FleetAuth;
  readonly clock: Clock;
  readonly observer: ServedObserver;
}

/** Told of each call, for metrics and the log. */
export interface ServedObserver {
  began(method: ControllerMethod): void;
  ended(method: ControllerMethod, outcome: ServedOutcome): void;
  /** A caller that is none of the fleet, or says that it is another. */
  refused(peer: string, reason: string): void;
  failed(method: ControllerMethod, cause: unknown): void;
}

/** Longer no call waits here, whatever its caller says: Await is held for half a minute. */
const LONGEST_MS = 60_000;

/** What many get is one object, which is written once. Others are another one each time. */
const SHARED: ReadonlySet<ControllerMethod> = new Set(["await", "discover", "fetch"]);
type WrittenReplies = WeakMap<object, Uint8Array>;

/** The service of controllers, as a handler of unary calls. */
export function createFleetHandler(options: FleetHandlerOptions): UnaryHandler {
  const written: WrittenReplies = new WeakMap();
  return (call) => {
    const method = METHOD_OF_PATH.get(call.path);
    if (method === undefined) return refuse(call, FLEET_STATUS.UNIMPLEMENTED, `there is no method ${call.path}`);
    if (!options.auth.isMember(call)) {
      options.observer.refused(call.peer, "it has no token of this fleet, or another one");
      return refuse(call, FLEET_STATUS.UNAUTHENTICATED, "send the fleet's token: node.fleet.token");
    }
    if (call.encoding !== "identity") {
      return refuse(call, FLEET_STATUS.UNIMPLEMENTED, `grpc-encoding "${call.encoding}" is not taken here`);
    }
    return new ServedCall(call, method, options, written);
  };
}

const METHOD_OF_PATH: ReadonlyMap<string, ControllerMethod> = new Map(
  METHOD_NAMES.map((name) => [METHODS[name].path, name]),
);

function refuse(call: UnaryCall, status: number, text: string): undefined {
  call.reply({ status, text });
}

class ServedCall implements UnaryExchange {
  readonly maxMessageBytes = FLEET_BOUNDS.messageBytes;
  readonly #call: UnaryCall;
  readonly #method: ControllerMethod;
  readonly #options: FleetHandlerOptions;
  readonly #written: WrittenReplies;
  readonly #over = new AbortController();
  #cancelTimer: Cancel | undefined;
  #isEnded = false;

  constructor(call: UnaryCall, method: ControllerMethod, options: FleetHandlerOptions, written: WrittenReplies) {
    this.#call = call;
    this.#method = method;
    this.#options = options;
    this.#written = written;
    options.observer.began(method);
  }

  length(): undefined {}

  message(bytes: Uint8Array, _compressed: boolean, body: { release(): void }): void {
    const read = readRequest(this.#method, bytes);
    body.release();
    if (!read.ok) {
      return this.#end("refused", { status: FLEET_STATUS.INVALID_ARGUMENT, text: `the request: ${read.reason}` });
    }
    const request = read.value;
    const { auth, observer } = this.#options;
    if (METHODS[this.#method].isOfCaller && "id" in request && !auth.isNode(this.#call, request.id)) {
      const text = `the certificate is not that of the node ${request.id}: its SAN has to name it`;
      observer.refused(this.#call.peer, text);
      return this.#end("refused", { status: FLEET_STATUS.PERMISSION_DENIED, text });
    }
    void this.#serve(request);
  }

  cancelled(): void {
    this.#finish("cancelled");
    this.#over.abort(new RouterError("INTERRUPTED", "whoever called has gone away"));
  }

  async #serve(request: object): Promise<void> {
    const { calls, clock, observer } = this.#options;
    const { peer, timeoutMs = LONGEST_MS } = this.#call;
    this.#cancelTimer = clock.after(Math.min(timeoutMs, LONGEST_MS), () => {
      this.#over.abort(new RouterError("TIMED_OUT", "the deadline of the call is over"));
      this.#end("refused", { status: FLEET_STATUS.DEADLINE_EXCEEDED, text: "the deadline is over" });
    });
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema of the method has made the request
      const serve = calls[this.#method].bind(calls) as unknown as (
        request: object,
        called: { readonly signal: AbortSignal; readonly peer: string },
      ) => Promise<object>;
      this.#reply(await serve(request, { signal: this.#over.signal, peer }));
    } catch (cause) {
      if (!this.#isEnded) observer.failed(this.#method, cause);
      this.#end("fault", { status: FLEET_STATUS.INTERNAL, text: reasonOf(cause) });
    }
  }

  #reply(reply: object): void {
    const message = this.#write(reply);
    const { maxReplyBytes } = METHODS[this.#method];
    if (message.length > maxReplyBytes) {
      const text = `the answer has ${message.length} bytes, the limit is ${maxReplyBytes}`;
      return this.#end("refused", { status: FLEET_STATUS.RESOURCE_EXHAUSTED, text });
    }
    this.#end("not_leader" in reply ? "not_leader" : "ok", { status: FLEET_STATUS.OK, text: "", message });
  }

  #write(reply: object): Uint8Array {
    if (!SHARED.has(this.#method)) return writeMessage(reply);
    const known = this.#written.get(reply);
    if (known !== undefined) return known;
    const message = writeMessage(reply);
    this.#written.set(reply, message);
    return message;
  }

  #end(outcome: ServedOutcome, reply: UnaryReply): void {
    if (this.#finish(outcome)) this.#call.reply(reply);
  }

  /** False: it had ended before. */
  #finish(outcome: ServedOutcome): boolean {
    if (this.#isEnded) return false;
    this.#isEnded = true;
    this.#cancelTimer?.();
    this.#options.observer.ended(this.#method, outcome);
    return true;
  }
}
